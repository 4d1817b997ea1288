"""Where report, published code and this pipeline differ, what was chosen, and the measured effect."""

from collections.abc import Iterable
from itertools import groupby

import pandas as pd

from fashion.answer.evidence import Evidence, examine
from fashion.answer.statements import Statement, expand
from fashion.records.metrics import MEASURES
from fashion.records.run import Runs


def effect(evidence: Iterable[Evidence]) -> str:
    """The measured effects in words, each with its n, and why it is no more than an indication, if so."""
    of_metrics = groupby(evidence, key=lambda one: one.statement.metric)
    return ". ".join(f"{MEASURES[metric].words}, {'; '.join(map(_measured, ones))}" for metric, ones in of_metrics)


def _measured(evidence: Evidence) -> str:
    subject = evidence.statement.subject
    if not evidence.measured:
        return f"{subject}: not measured, {evidence.why_not}"
    counts = f", {evidence.counts}" if evidence.counts else ""
    reservation = " (an indication only)" if evidence.why_not else ""
    return f"{subject}: {evidence.text}{counts}{reservation}"


def deviations(entries: dict[str, dict], protocol: dict, runs: Runs) -> pd.DataFrame:
    """A row for each deviation, with the measured effects of those that runs settle.

    Args:
        entries: the report's deviations.yaml.
        protocol: the training settings under which runs decide something.
    """

    titles = runs.summary["titles"]

    def of_study(statement: Statement) -> bool:
        """Whether it is about models of this study: each has networks of its own."""
        return all(side[0] in titles for side in (statement.side, statement.other) if side)

    return pd.DataFrame(
        {
            "id": name,
            "subject": entry["subject"],
            "report": entry["report"],
            "here": entry["here"],
            "effect": effect(
                examine(statement, runs, pd.DataFrame(), protocol)
                for one in entry.get("statements", [])
                for statement in filter(of_study, expand(one, titles))
            ),
        }
        for name, entry in entries.items()
    )
