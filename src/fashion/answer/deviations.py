"""Differences between the report, its published code and this pipeline, with their measured effects."""

from collections.abc import Iterable
from itertools import groupby

import pandas as pd

from fashion.answer.evidence import Evidence, examine
from fashion.answer.statements import Statement, expand
from fashion.records.metrics import MEASURES
from fashion.records.run import Runs


def effect(evidence: Iterable[Evidence]) -> str:
    """Returns the measured effects in words, each with its n; one that decides nothing is marked an indication."""
    of_metrics = groupby(evidence, key=lambda one: one.statement.metric)
    return ". ".join(f"{MEASURES[metric].words}, {'; '.join(map(_measured, ones))}" for metric, ones in of_metrics)


def _measured(evidence: Evidence) -> str:
    if not evidence.measured:
        return evidence.why_not  # which names the runs
    counts = f", {evidence.counts}" if evidence.counts else ""
    reservation = " (an indication only)" if evidence.why_not else ""
    return f"{evidence.statement.subject}: {evidence.text}{counts}{reservation}"


def deviations(entries: dict[str, dict], protocol: dict, runs: Runs) -> pd.DataFrame:
    """Returns a row for each deviation, with its measured effect if runs can show it.

    Args:
        entries: the report's deviations.yaml.
        protocol: the training settings that a run needs to decide something.
    """

    models = runs.titles["model"]

    def of_study(statement: Statement) -> bool:
        """Returns whether a statement is about this study's models: each study has networks of its own."""
        return all(side[0] in models for side in (statement.side, statement.other) if side)

    return pd.DataFrame(
        {
            "id": name,
            "subject": entry["subject"],
            "report": entry["report"],
            "here": entry["here"],
            "effect": effect(
                examine(statement, runs, pd.DataFrame(), protocol)
                for one in entry.get("statements", [])
                for statement in filter(of_study, expand(one, runs.titles))
            ),
        }
        for name, entry in entries.items()
    )
