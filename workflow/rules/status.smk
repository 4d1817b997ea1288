# What a dry run ends with: the state of every run in its plan, in words.
import atexit
import json
from collections import Counter

from fashion.records.status import PlannedRun, describe
from fashion.study.changes import changes


def why(job):
    """Why a job is planned, in words; None if it is not."""
    if not workflow.dag.needrun(job):
        return None
    reason = workflow.dag.reason(job)
    if reason.missing_output and not any(Path(file).exists() for file in job.output):
        # A job that fails leaves its log and nothing else.
        return f"not finished, see {job.log[0]}" if Path(job.log[0]).exists() else "never run"
    words = changes(reason.params_changed.only_old, reason.params_changed.only_new)
    words += [f"{Path(file).name} is missing" for file in sorted(reason.missing_output)]
    words += [f"{file} changed" for file in sorted(reason.updated_input)]
    words += [f"{file} is made again" for file in sorted(reason.updated_input_run)]
    words += ["interrupted"] * bool(reason.incomplete_output)
    words += ["other input files"] * reason.input_changed
    words += ["the rule's command changed"] * reason.code_changed
    words += ["the software environment changed"] * reason.software_stack_changed
    return "; ".join(words) or ", ".join(reason.get_names())


def say_status():
    """Print the state of the runs in a dry run's plan, once that is made."""
    if not workflow.dryrun or workflow.scheduler is None:
        return
    trainings, evaluations, others = {}, {}, Counter()
    for job in workflow.dag.jobs:
        if job.rule.name == "train":
            trainings[tuple(job.wildcards)] = job
        elif job.rule.name == "evaluate":
            evaluations[tuple(job.wildcards)] = why(job)
        elif workflow.dag.needrun(job) and job.rule.name != "all":
            others[job.rule.name] += 1
    runs = [
        PlannedRun(
            folder=Path(job.params.folder),
            spec=json.loads(job.params.spec),
            training=why(job),
            evaluation=evaluations.get(run),
        )
        for run, job in trainings.items()
    ]
    if runs:
        print(describe(runs, others), flush=True)


# Snakemake has no hook for the end of a dry run.
if workflow.is_main_process:
    atexit.register(say_status)
