# What a dry run ends with and a run begins with: the state of the runs in its plan, and what training them takes. And what a
# run ends with: the page to open.
import atexit
import os
import shutil
from collections import Counter

import psutil

from fashion.records.forecast import Forecast, Machine
from fashion.records.status import PlannedRun, describe, summary
from fashion.study.changes import changes
from fashion.study.resources import THREADS_OF_LARGE
from fashion.machine.gpus import gpu_name, listed, visible_gpus
from fashion.machine.processor import multiply_adds_per_second, processor


def some(files, what):
    """That files are something, in words; those of all runs would be a lot of them."""
    first, *others = sorted(files) or [None]
    if first is None:
        return []
    return [f"{first} and {len(others)} more are {what}" if others else f"{first} is {what}"]


def why(job):
    """Why a job is planned, in words; None if it is not."""
    if not workflow.dag.needrun(job):
        return None
    reason = workflow.dag.reason(job)
    if reason.missing_output and not any(Path(file).exists() for file in job.output):
        # A job that fails leaves its log and nothing else.
        return f"not finished, see {job.log[0]}" if Path(job.log[0]).exists() else "never run"
    words = changes(reason.params_changed.only_old, reason.params_changed.only_new)
    words += some(map(os.path.basename, reason.missing_output), "missing")
    words += some(reason.updated_input, "changed")
    words += some(reason.updated_input_run, "to be made again")
    words += ["interrupted"] * bool(reason.incomplete_output)
    words += ["other input files"] * reason.input_changed
    words += ["the rule's command changed"] * reason.code_changed
    words += ["the software environment changed"] * reason.software_stack_changed
    return "; ".join(words) or ", ".join(reason.get_names())


def machine():
    """What trainings are to run on."""
    disk_mb = shutil.disk_usage(".").free / 1e6
    if workflow.resource_settings.nodes is not None:
        jobs = workflow.resource_settings.nodes
        # As many cores as jobs ask for.
        return Machine(
            device=None, cores=jobs * THREADS_OF_LARGE, places=jobs, memory_mb=None, disk_mb=disk_mb, speed=None
        )
    listing = listed()
    gpus = visible_gpus(listing, os.environ.get("CUDA_VISIBLE_DEVICES"))
    on_gpu = has_gpu()  # AMD's have no listing
    cores = workflow.cores
    places = max(1, len(gpus)) * config["trainings_per_gpu"] if on_gpu else cores
    if "gpu" in workflow.global_resources:
        places = min(places, workflow.global_resources["gpu"].value)
    return Machine(
        device=gpu_name(listing, gpus[0]) if gpus else None if on_gpu else processor(),
        cores=cores,
        places=places,
        memory_mb=psutil.virtual_memory().available / 1e6,
        disk_mb=disk_mb,
        speed=None if on_gpu else multiply_adds_per_second,
    )


def forecast(runs):
    """What training the stale of the planned runs takes; without any, no file is read."""
    stale = any(run.training for run in runs)
    return Forecast(machine(), Path().glob("results/*/runs/*/*/seed*") if stale else ())


def planned():
    """The runs in the plan, and the other jobs that are to be done."""
    trainings, evaluations, others = {}, {}, []
    for job in workflow.dag.jobs:
        if job.rule.name == "train":
            trainings[tuple(job.wildcards)] = job
        elif job.rule.name == "evaluate":
            evaluations[tuple(job.wildcards)] = why(job)
        elif workflow.dag.needrun(job) and job.rule.name != "all":
            others.append(job)
    runs = [
        PlannedRun(spec=spec_of(job.wildcards), training=why(job), evaluation=evaluations.get(run))
        for run, job in trainings.items()
    ]
    return runs, others


# What two cores can run in the place of a study that takes a GPU: the Makefile's targets.
INSTEAD = {
    f"make {study}": list(STUDIES[study].specs.values()) for study in ("quick", "published") if study in STUDIES
}


def say_plan():
    """Print why what is made of the runs is to be made again, unless that is a lot, and the state of the runs."""
    runs, others = planned()
    if not QUIET and not any(run.training for run in runs):
        for job in others:
            print(f"{name_of(job.rule.name, job.wildcards_dict)}: {why(job)}")
    if runs:
        counts = Counter(job.rule.name for job in others)
        print(describe(config["study"], runs, counts, forecast(runs), INSTEAD), flush=True)


def say_page():
    """Print which page to open, if it was asked for."""
    if any(job.rule.name == "page" for job in workflow.dag.jobs):
        page = f"{PLACE}/report.html".format(study=config["study"])
        print(f"study {config['study']}: open {page}", file=sys.stderr, flush=True)


def say_at_exit():
    """Snakemake has no hook for the end of a dry run, nor for that of a run with nothing to be done."""
    if workflow.scheduler is not None and workflow.dryrun:
        say_plan()
    elif workflow.scheduler is not None and not len(workflow.dag):
        say_page()


if workflow.is_main_process:
    atexit.register(say_at_exit)


onstart:
    runs, _ = planned()
    if any(run.training for run in runs) and not workflow.touch:
        print(summary(config["study"], runs, forecast(runs), INSTEAD), file=sys.stderr, flush=True)


onsuccess:
    say_page()
