"""The runs that a claim needs for its verdict."""

from pathlib import Path

import pandas as pd

from fashion.answer.claims import read_parts
from fashion.answer.evidence import OPEN
from fashion.answer.outlook import merged, missing_seeds
from fashion.answer.unfinished import finished_part
from fashion.errors import UserError
from fashion.records.run import Runs, finished_runs, grouped_runs
from fashion.study.definition import Study
from fashion.study.outputs import reading_of
from fashion.study.report import Report
from fashion.study.run_folder import ALONE
from fashion.study.spec import Key
from fashion.study.summary import summary


def runs_to_decide(name: str, study: Study, report: Report, results: Path) -> list[Key]:
    """Returns the finished runs that a claim is about, and the planned ones that its open parts lack.

    An open comparison lacks the next seeds of each side, as many as would decide it.

    Args:
        results: the study's folder of results.

    Raises:
        UserError: there is no such claim.
    """
    claims, reading = report.claims["claims"], reading_of(study, report)
    if name not in claims:
        raise UserError(f"config: claim: no claim {name!r}; there are {', '.join(claims)}")
    finished, _ = finished_part(study, results)
    runs = Runs(summary(finished, report), results / "runs", grouped_runs(finished_runs(results, ALONE)))
    claim = read_parts(claims[name][reading], runs, pd.DataFrame(), report.claims["protocols"][reading])
    about = {side for part in claim.parts for one in part.evidence if one.seeds for side in one.statement.sides}
    chosen = [run for run in finished.specs if run[:2] in about]
    still_open = [one for part in claim.parts if part.verdict == OPEN for one in part.evidence]
    for side, seeds in merged(*map(missing_seeds, still_open)).items():
        planned = [run for run in study.specs if run[:2] == side and run not in finished.specs]
        chosen += planned[: int(min(seeds, len(planned)))]
    return chosen
