"""The verdict on each claim of the report: holds, fails or undecided, by the rules of the report's folder."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from fashion.answer.evidence import Evidence, examine
from fashion.answer.statements import expand
from fashion.records.run import Runs
from fashion.records.statistics import CONFIDENCE, holm
from fashion.study.definition import OTHER_DATA

HOLDS, FAILS, UNDECIDED = "holds", "fails", "undecided"
LEVEL = 1 - CONFIDENCE
LISTED = 3  # reasons in a sentence; the table of statements has all
# Whole numbers; absent for statements on counted numbers.
COUNTS = {"seeds": "Int64", "test_images": "Int64"}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The verdict on a claim, with its p-value and the statement that decides it."""

    verdict: str
    p_value: float
    deciding: Evidence


def judge(evidence: Sequence[Evidence]) -> Verdict:
    """Returns the verdict on a claim from the evidence for its statements, before any correction for other claims.

    The claim holds if all statements hold at `LEVEL` (an intersection-union test, which needs no correction). It fails
    if any statement fails at `LEVEL` divided by their number; that statement decides. Otherwise the statement decides
    that has a number and is furthest from holding.
    """
    holding, failing = zip(*(one.p_values for one in evidence), strict=True)
    p_holds, p_fails = max(holding), min(1.0, min(failing) * len(evidence))
    if p_fails <= LEVEL:
        return Verdict(verdict=FAILS, p_value=p_fails, deciding=evidence[int(np.argmin(failing))])
    furthest = max(range(len(evidence)), key=lambda index: (evidence[index].measured, holding[index], -index))
    verdict, p_value = (HOLDS, p_holds) if p_holds <= LEVEL else (UNDECIDED, min(p_holds, p_fails))
    return Verdict(verdict=verdict, p_value=p_value, deciding=evidence[furthest])


def decide(evidence: dict[str, list[Evidence]]) -> dict[str, Verdict]:
    """Returns the verdict on each claim, with p-values after Holm's correction for the number of claims.

    A verdict whose corrected p-value is above `LEVEL` becomes undecided.
    """
    verdicts = {name: judge(ones) for name, ones in evidence.items()}
    adjusted = holm([verdict.p_value for verdict in verdicts.values()])
    return {
        name: replace(verdict, verdict=verdict.verdict if p_value <= LEVEL else UNDECIDED, p_value=float(p_value))
        for (name, verdict), p_value in zip(verdicts.items(), adjusted, strict=True)
    }


def sentence(verdict: Verdict, evidence: Sequence[Evidence]) -> str:
    """Returns a sentence with the verdict on a claim and the evidence for it."""
    deciding, statements = verdict.deciding, len(evidence)
    words, region = deciding.statement.words, deciding.statement.region
    if deciding.why_not == OTHER_DATA:
        return f"Does not apply: {OTHER_DATA}."
    counts = f" from {deciding.counts}" if deciding.counts else ""
    text = f"{words} is {deciding.text}{counts}, where the claim needs {region}"
    reasons = list(dict.fromkeys(one.why_not for one in evidence if one.why_not))
    if verdict.verdict == UNDECIDED and reasons:
        more = f"; and {len(reasons) - LISTED} more" * (len(reasons) > LISTED)
        return f"Undecided: {'; '.join(reasons[:LISTED])}{more}." + (f" So far the {text}." if deciding.text else "")
    if verdict.verdict == FAILS:
        return f"Fails: the {text}."
    if verdict.verdict == HOLDS:
        return f"Holds{f' in all {statements} statements; the closest' if statements > 1 else ''}: the {text}."
    if judge([deciding]).verdict == UNDECIDED:
        return f"Undecided at this n: the {text}."
    return f"Undecided after the correction for several statements and claims (p = {verdict.p_value:.2g}): the {text}."


def columns(evidence: Evidence) -> dict:
    """Returns the evidence in words and numbers, as columns of a table."""
    estimate, statement = evidence.estimate, evidence.statement
    low, high = evidence.interval()
    bounds = [bound if math.isfinite(bound) else None for bound in (statement.low, statement.high)]
    return {
        "statement": statement.words,
        "models": " ".join(side[0] for side in (statement.side, statement.other) if side),
        "needs": statement.region,
        "needs_low": bounds[0],
        "needs_high": bounds[1],
        "measured": evidence.value,
        "low": low,
        "high": high,
        "text": evidence.text,
        "seeds": estimate.seeds or None,
        "test_images": estimate.images or None,
    }


def tables(rules: dict, runs: Runs, classes: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Returns the claims in the study's reading, with their deciding statements' numbers; and all statements."""
    reading = runs.summary["reading"]
    titles = runs.summary["titles"]
    evidence = {
        name: [
            examine(statement, runs, classes, rules["protocols"][reading])
            if "other_data" not in runs.summary
            else Evidence(statement=statement, why_not=OTHER_DATA)
            for entry in rule[reading]
            for statement in expand(entry, titles)
        ]
        for name, rule in rules["claims"].items()
    }
    verdicts = decide(evidence)
    claims = pd.DataFrame(
        {
            "id": name,
            "claim": rule["claim"],
            "place": rule["place"],
            "reported": rule["reported"],
            "reading": reading,
            **columns(verdicts[name].deciding),
            "verdict": verdicts[name].verdict,
            "p_value": verdicts[name].p_value,
            "sentence": sentence(verdicts[name], evidence[name]),
        }
        for name, rule in rules["claims"].items()
    )
    statements = pd.DataFrame(
        {
            "claim": name,
            **columns(one),
            "p_holds": one.p_values[0],
            "p_fails": one.p_values[1],
            "verdict": judge([one]).verdict,
            "why_undecided": one.why_not,
        }
        for name, ones in evidence.items()
        for one in ones
    )
    return claims.astype(COUNTS), statements.astype(COUNTS)


def readable(claims: pd.DataFrame) -> pd.DataFrame:
    """Returns the claims for a page."""
    return claims[["id", "claim", "reported", "verdict", "sentence"]]


def readable_statements(statements: pd.DataFrame) -> pd.DataFrame:
    """Returns the statements for a page."""
    shown = statements[["claim", "statement", "needs", "text", "seeds", "test_images", "verdict", "why_undecided"]]
    return shown.astype(object).where(shown.notna(), "")
