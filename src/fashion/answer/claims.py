"""The verdict on each claim of the report, by the rules of the report's folder and `docs/answer.md`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from fashion.answer.evidence import FAILS, HOLDS, OPEN, Evidence, examine
from fashion.answer.outlook import merged, missing_seeds, outlook
from fashion.answer.statements import expand
from fashion.records.run import Runs
from fashion.records.statistics import holm
from fashion.study.definition import OTHER_DATA

IN_PART = "holds in part"
VERDICTS = (HOLDS, IN_PART, FAILS, OPEN)
# Whole numbers; absent for statements on counted numbers.
COUNTS = {"seeds": "Int64", "other_seeds": "Int64", "test_images": "Int64"}


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a claim: one or more comparisons. The `essence` is what a reader takes away from the claim."""

    name: str
    essence: bool
    evidence: Sequence[Evidence]

    @property
    def verdict(self) -> str:
        """A part holds if all of its comparisons hold, and fails if one fails."""
        verdicts = {one.verdict for one in self.evidence}
        return FAILS if FAILS in verdicts else HOLDS if verdicts == {HOLDS} else OPEN

    @property
    def telling(self) -> Evidence:
        """The comparison that decides the part or, while it is open, is furthest from holding and has a number."""
        if self.verdict == FAILS:
            return min(self.evidence, key=lambda one: one.p_values[1])
        ones = [one for one in self.evidence if one.verdict == self.verdict]
        return max(ones, key=lambda one: (one.measured, one.p_values[0]))

    @property
    def provisional(self) -> bool:
        """Whether further seeds are planned for what decides the part."""
        if self.verdict == FAILS:
            return all(one.provisional for one in self.evidence if one.verdict == FAILS)
        return any(one.provisional for one in self.evidence)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A claim by its parts."""

    parts: Sequence[Part]

    @property
    def verdict(self) -> str:
        """One of `VERDICTS`."""
        essence = {part.verdict for part in self.parts if part.essence}
        if FAILS in essence:
            return FAILS
        if essence != {HOLDS}:
            return OPEN
        return IN_PART if any(part.verdict == FAILS for part in self.parts) else HOLDS

    @property
    def decisive(self) -> list[Part]:
        """The parts that make the verdict, or keep the claim open."""
        if self.verdict == IN_PART:
            return [part for part in self.parts if part.verdict == FAILS]
        return [part for part in self.parts if part.essence and part.verdict == self.verdict]

    @property
    def telling(self) -> Evidence:
        """The comparison whose number is shown with the verdict."""
        ones = [part.telling for part in self.decisive]
        return max(ones, key=lambda one: (one.measured, one.p_values[0]))

    @property
    def provisional(self) -> bool:
        """Whether the verdict rests on fewer seeds than planned."""
        if self.verdict == FAILS:
            return all(part.provisional for part in self.decisive)
        return self.verdict != OPEN and any(
            part.provisional for part in self.parts if part.essence or part in self.decisive
        )

    def sentence(self, runs: Runs) -> str:
        """Returns the verdict in a sentence or two, with the number that tells most and what would decide the rest."""
        one = self.telling
        if one.why_not == OTHER_DATA:
            return f"Does not apply: {OTHER_DATA}."
        number = f"{one.statement.words} is {one.text}" + f" from {one.counts}" * bool(one.counts)
        number = f"the {number}, where {one.statement.region} is needed"
        names = "; ".join(part.name for part in self.decisive)
        essence = "; ".join(part.name for part in self.parts if part.essence)
        waiting = "; ".join(part.name for part in self.parts if part.verdict == OPEN)
        provisional = " (provisional)" * self.provisional
        if self.verdict == HOLDS:
            still = f" Still open: {waiting}." * bool(waiting)
            return f"Holds{provisional}: {essence}. The closest: {number}.{still}"
        if self.verdict == IN_PART:
            return f"Holds in part{provisional}: {essence}. But this does not: {names}: {number}."
        if self.verdict == FAILS:
            return f"Fails{provisional}, since this does not hold: {names}: {number}."
        decided = sum(part.verdict != OPEN for part in self.parts)
        seen = f" So far {number}." * one.measured + f" It decides nothing yet: {one.why_not}." * bool(one.why_not)
        needed = outlook(merged(*(missing_seeds(one) for part in self.decisive for one in part.evidence)), runs)
        to_decide = f" To decide: {needed}." * bool(needed)
        return f"Open: {decided} of {len(self.parts)} parts decided.{seen}{to_decide}"


def read_parts(entries: Sequence[dict], runs: Runs, classes: pd.DataFrame, protocol: dict) -> Claim:
    """Returns a claim with the evidence that runs have for each part.

    Args:
        entries: its parts in claims.yaml, in the reading of the runs.
        classes: as `examine` takes them.
        protocol: as `examine` takes it.
    """

    def look(statement) -> Evidence:
        if "other_data" in runs.summary:
            return Evidence(statement=statement, why_not=OTHER_DATA)
        return examine(statement, runs, classes, protocol)

    return Claim(
        parts=[
            Part(
                name=entry["part"],
                essence=entry.get("essence", False),
                evidence=[look(statement) for statement in expand(entry, runs.titles)],
            )
            for entry in entries
        ]
    )


def columns(evidence: Evidence) -> dict:
    """Returns the evidence in words and numbers, as columns of a table."""
    statement = evidence.statement
    low, high = evidence.interval()
    bounds = [bound if math.isfinite(bound) else None for bound in (statement.low, statement.high)]
    seeds = [*evidence.seeds, None, None]
    return {
        "statement": statement.words,
        "models": " ".join(side[0] for side in statement.sides),
        "needs": statement.region,
        "needs_low": bounds[0],
        "needs_high": bounds[1],
        "measured": evidence.value,
        "low": low,
        "high": high,
        "text": evidence.text,
        "seeds": seeds[0],
        "other_seeds": seeds[1],
        "test_images": evidence.estimate.images or None,
    }


def tables(rules: dict, runs: Runs, classes: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Returns the claims in the study's reading, each with the number that tells most; and all their statements.

    `p_holm` is the statement's p-value after Holm's correction for all statements that are tested. It decides nothing.
    """
    reading = runs.summary["reading"]
    protocol = rules["protocols"][reading]
    judged = {name: read_parts(rule[reading], runs, classes, protocol) for name, rule in rules["claims"].items()}
    claims = pd.DataFrame(
        {
            "id": name,
            "claim": rule["claim"],
            "place": rule["place"],
            "reported": rule["reported"],
            "reading": reading,
            "verdict": judged[name].verdict,
            "provisional": judged[name].provisional,
            "parts": len(judged[name].parts),
            "decided": sum(part.verdict != OPEN for part in judged[name].parts),
            **columns(judged[name].telling),
            "sentence": judged[name].sentence(runs),
        }
        for name, rule in rules["claims"].items()
    )
    statements = pd.DataFrame(
        {
            "claim": name,
            "part": part.name,
            "essence": part.essence,
            "part_verdict": part.verdict,
            **columns(one),
            "verdict": one.verdict,
            "provisional": one.provisional,
            "p_holds": one.p_values[0],
            "p_fails": one.p_values[1],
            "why_open": one.why_not,
            "to_decide": outlook(missing_seeds(one), runs),
        }
        for name, claim in judged.items()
        for part in claim.parts
        for one in part.evidence
    )
    tested = statements["seeds"].notna() & (statements["why_open"] == "")
    p_values = statements.loc[tested, ["p_holds", "p_fails"]].min(axis=1)
    adjusted = pd.Series(holm(p_values), p_values.index, dtype=float)
    return claims.astype(COUNTS), statements.assign(p_holm=adjusted).astype(COUNTS)


def readable(claims: pd.DataFrame) -> pd.DataFrame:
    """Returns the claims for a page."""
    return claims[["id", "claim", "reported", "verdict", "sentence"]]


def readable_statements(statements: pd.DataFrame) -> pd.DataFrame:
    """Returns the statements for a page."""
    counted = statements[["seeds", "other_seeds"]].astype("string").fillna("")
    shown = statements.assign(
        part=statements["part"] + statements["essence"].map({True: " (essence)", False: ""}),
        seeds=counted["seeds"] + (", " + counted["other_seeds"]).where(counted["other_seeds"] != "", ""),
    )[["claim", "part", "statement", "needs", "text", "seeds", "test_images", "verdict", "why_open", "to_decide"]]
    return shown.astype(object).where(shown.notna(), "")
