"""What Snakemake remembers of how files were made: of runs, what their own records say, not its hidden folder.

Snakemake keeps the params of each job in `.snakemake`, and asks there whether they have changed. That folder is not
copied with results, and does not know what a process wrote that outlived it.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snakemake.jobs import Job

from fashion.files import sha256
from fashion.records.state import State
from fashion.study.run_folder import METRICS, PROVENANCE
from fashion.study.spec import Key

if TYPE_CHECKING:  # to run this import before others of Snakemake ends in a circle of imports
    from snakemake.persistence import ParamsChange, PersistenceBase

UNRECORDED = "no record of how it was made"


def run_of(wildcards: Any) -> Key:
    """Returns the run that a training is for."""
    return wildcards.model, wildcards.augmentation, int(wildcards.seed)


def remember(states: Mapping[Key, State]) -> None:
    """Has Snakemake take trainings for changed if, and only if, the state of their run says so.

    What is made of runs is made again if the records of a run have other content than then, whatever their dates, or if
    nothing is remembered of it: that takes little.
    """
    from snakemake.persistence import NO_PARAMS_CHANGE, ParamsChange, PersistenceBase

    has_metadata, params_changed = PersistenceBase.has_metadata, PersistenceBase.params_changed

    def changed(self: "PersistenceBase", job: Job, file: str | None = None) -> "bool | ParamsChange":
        if job.rule.name == "train":
            words = states[run_of(job.wildcards)].why
        elif job.rule.name == "dataset":
            return params_changed(self, job, file)
        elif has_metadata(self, job):
            words = _other_record(self, job)
            if words is None:
                return params_changed(self, job, file)
        else:
            words = UNRECORDED
        if not words:
            return NO_PARAMS_CHANGE
        change = ParamsChange(only_new={repr(words)}, files=set(job.output))
        change.why = words  # for `Session`
        return change

    PersistenceBase.has_metadata = lambda self, job: True
    PersistenceBase.params_changed = changed


def _other_record(memory: "PersistenceBase", job: Job) -> str | None:
    """Returns in words that a run's record has other content than when the job ran, such as that of a backup."""
    for path in job.input:
        if Path(path).name in (METRICS, PROVENANCE) and Path(path).exists():
            then = memory.input_checksums(job, path) - {None}
            if then and {each.rpartition(":")[2] for each in then} != {_checksum(path)}:
                return f"{path} has other content"
    return None


_checksum = cache(sha256)  # several jobs read the same records
