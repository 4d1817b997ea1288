"""What Snakemake remembers of how files were made: of runs, what their own records say, not its hidden folder.

Snakemake keeps the params of each job in `.snakemake`, and asks there whether they have changed. That folder is not
copied with results, and does not know what a process wrote that outlived it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from snakemake.jobs import Job

from fashion.records.state import State
from fashion.study.spec import Key

if TYPE_CHECKING:  # to run this import before others of Snakemake ends in a circle of imports
    from snakemake.persistence import ParamsChange, PersistenceBase

UNRECORDED = "no record of how it was made"


def run_of(job: Job) -> Key:
    """Returns the run that a training or an evaluation is for."""
    return job.wildcards.model, job.wildcards.augmentation, int(job.wildcards.seed)


def remember(states: Mapping[Key, State]) -> None:
    """Has Snakemake take trainings and evaluations for changed if, and only if, the state of their run says so.

    What is made of the runs, and has no memory, is made again: that takes little.
    """
    from snakemake.persistence import NO_PARAMS_CHANGE, ParamsChange, PersistenceBase

    has_metadata, params_changed = PersistenceBase.has_metadata, PersistenceBase.params_changed

    def changed(self: "PersistenceBase", job: Job, file: str | None = None) -> "bool | ParamsChange":
        if job.rule.name in ("train", "evaluate"):
            state = states[run_of(job)]
            why = state.training if job.rule.name == "train" else state.evaluation
        elif job.rule.name == "dataset" or has_metadata(self, job):
            return params_changed(self, job, file)
        else:
            why = UNRECORDED
        return ParamsChange(only_new={repr(why)}, files=set(job.output)) if why else NO_PARAMS_CHANGE

    PersistenceBase.has_metadata = lambda self, job: True
    PersistenceBase.params_changed = changed
