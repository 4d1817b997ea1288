"""What Snakemake prints about its plan, and what it does at its end."""

import atexit
import csv
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from snakemake.jobs import Job
from snakemake.settings.enums import Quietness

from fashion.machine.gpus import gpu_name, has_gpu, listed, visible_gpus
from fashion.machine.processor import multiply_adds_per_second, processor
from fashion.records.forecast import Forecast, Machine
from fashion.records.state import State, accept, wanted
from fashion.records.status import PlannedRun, describe, summary
from fashion.records.words import duration
from fashion.study.changes import changes
from fashion.study.definition import Study, resolve
from fashion.study.resources import THREADS_OF_LARGE
from fashion.study.run_folder import FOLDER, run_folders, run_path
from fashion.study.spec import Key
from hooks.console import job_name
from hooks.memory import run_of

if TYPE_CHECKING:  # to run this import before others of Snakemake ends in a circle of imports
    from snakemake.workflow import Workflow

FAILURES_LISTED = 10  # at the end of a run; the page has all
# Studies, and targets of the Makefile, that two cores can run in place of a study for a GPU.
INSTEAD = ("quick", "published")


class Session:
    """Prints Snakemake's plan, and ends its run.

    Args:
        config: the whole configuration.
        study: the planned study.
        place: the folder of its tables, figures and page.
        states: the state of each of its runs before anything has run.
    """

    def __init__(self, workflow: "Workflow", config: dict, study: Study, place: str, states: Mapping[Key, State]):
        self.workflow, self.config, self.study, self.place, self.states = workflow, config, study, place, states
        settings = workflow.output_settings
        self.quiet = Quietness.RULES in (settings.quiet or ())
        if settings.dryrun and not (settings.verbose or settings.printshellcmds):
            # As with --quiet: nothing shows Snakemake's description of each job, which takes a quarter more time.
            settings.quiet = {Quietness.RULES, Quietness.PROGRESS}

    def say_start(self) -> None:
        """Prints what is to be trained, and how long that takes; ends a run that would take months without a GPU.

        `--touch` says that no changed code changes a number: then this is recorded instead.
        """
        if self.workflow.touch:
            results = Path("results", self.study.name)
            for key, each in wanted(self.study, results, {}).items():
                accept(results / run_path(FOLDER, key), each)
            return
        runs, _ = self._planned()
        stale = [run.spec for run in runs if run.state.training]
        if not stale:
            return
        forecast, instead = self._forecast(runs)
        print(summary(self.study.name, runs, forecast, instead), file=sys.stderr, flush=True)
        if forecast.needs_gpu(stale) and not self.config.get("insist"):
            time = duration(forecast.seconds(stale))
            sys.exit(
                f"error: no GPU, and without one this takes about {time}: "
                f"run {' or '.join(instead)}, or insist by --config study={self.study.name} insist=True"
            )

    def say_page(self) -> None:
        """Prints which page to open, if this run was to make it; or the verdict on the one claim that it was for."""
        if claim := self.config.get("claim"):
            with Path(self.place, "tables/claims.csv").open(newline="", encoding="utf-8") as file:
                (said,) = (row["sentence"] for row in csv.DictReader(file) if row["id"] == claim)
            print(f"{claim}: {said}", file=sys.stderr, flush=True)
        elif any(job.rule.name == "page" for job in self.workflow.dag.jobs):
            self._say_boxes()
            print(
                f"study {self.study.name}: {self._outcome()}open {self.place}/report.html", file=sys.stderr, flush=True
            )

    def _say_boxes(self) -> None:
        """Prints the characters of names and notes that figures as PNG cannot show, if there are any."""
        said = f"{self.study.note}{self.study.titles}{self.config['data']['classes']}"
        if said.isascii():
            return
        from fashion.figures.parts.sheet import without_glyph  # imports matplotlib, which few names need

        if boxes := without_glyph(said):
            print(
                f"figures as PNG show a box for each of {boxes}, which their font DejaVu Sans lacks; SVG files do not",
                file=sys.stderr,
                flush=True,
            )

    def say_at_exit(self) -> None:
        """Prints a dry run's plan, or the page of a run with nothing to do; Snakemake has no hook for either end."""
        if self.workflow.scheduler is not None and self.workflow.dryrun:
            self._say_plan()
        elif self.workflow.scheduler is not None and not len(self.workflow.dag):
            self.say_page()

    def end_with_partial_results(self) -> None:
        """Makes partial results after failures, and prints the failures and the page at the very end."""
        jobs = self._failed_jobs()
        # Snakemake calls this after Ctrl-C or SIGTERM, too.
        scheduler = self.workflow.scheduler
        if not jobs or scheduler.running or scheduler._user_kill:
            return
        print("making tables, figures and the page of the runs that have finished ...", file=sys.stderr, flush=True)
        page = f"open {self.place}/partial/report.html, of the runs that have finished"
        end = f"study {self.study.name}: {page if self._make_partial_results() else 'no page was made'}"
        # At exit, so that Snakemake prints nothing after it.
        atexit.register(print, *failures(jobs), end, sep="\n", file=sys.stderr)

    def _outcome(self) -> str:
        """Returns how many runs there are, and the most accurate model, for the line that names the page."""
        path = Path(self.place, "tables/comparison.csv")
        if not path.exists():
            return ""
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        if not rows:  # `snakemake --touch` takes an empty file for the table
            return ""
        best = max(rows, key=lambda row: float(row["test_accuracy"]))
        title = self.study.models[best["model"]].get("title", best["model"])
        share = f"{float(best['test_accuracy']):.1%} of {int(best['test_images']):,} test images"
        return f"{len(self.study.specs)} of {len(self.study.planned.specs)} runs; best {title}, {share}; "

    def _say_plan(self) -> None:
        """Prints the state of the runs and, if nothing trains, why tables, figures and page are to be made."""
        runs, others = self._planned()
        if not self.quiet and not any(run.state.training for run in runs):
            for job in others:
                print(f"{job_name(job.rule.name, job.wildcards_dict)}: {self._why(job)}")
        if runs:
            counts = Counter(job.rule.name for job in others)
            print(describe(self.study.name, runs, counts, *self._forecast(runs)), flush=True)

    def _planned(self) -> tuple[list[PlannedRun], list[Job]]:
        """Returns the runs in the plan, and the other jobs to be done."""
        runs, others = [], []
        for job in self.workflow.dag.jobs:
            if job.rule.name == "train":
                run, why = run_of(job.wildcards), self._why(job)
                recorded = self.states[run]
                trained = recorded.training is None and Path(job.output.weights).exists()
                state = State(evaluation=why) if trained else State(training=why)
                runs.append(PlannedRun(self.study.specs[run], replace(state, note=recorded.note)))
            elif self.workflow.dag.needrun(job) and job.rule.name != "all":
                others.append(job)
        return runs, others

    def _why(self, job: Job) -> str | None:
        """Returns why a job is planned, in words; None if it is not."""
        if not self.workflow.dag.needrun(job):
            return None
        reason = self.workflow.dag.reason(job)
        if reason.missing_output and not any(Path(file).exists() for file in job.output):
            # A failed job leaves its log and nothing else.
            return f"not finished, see {job.log[0]}" if Path(job.log[0]).exists() else "never run"
        if job.rule.name == "train" and (recorded := self.states[run_of(job.wildcards)].why):
            return recorded
        words = changes(reason.params_changed.only_old, reason.params_changed.only_new)
        words += [getattr(reason.params_changed, "why", "")]  # what `hooks.memory` says
        words += some(map(os.path.basename, reason.missing_output), "missing")
        words += some(reason.updated_input, "changed")
        words += some(reason.updated_input_run, "to be made again")
        words += ["interrupted"] * bool(reason.incomplete_output)
        words += ["other input files"] * reason.input_changed
        words += ["the rule's command changed"] * reason.code_changed
        words += ["the software environment changed"] * reason.software_stack_changed
        return "; ".join(filter(None, words)) or ", ".join(reason.get_names())

    def _forecast(self, runs: Iterable[PlannedRun]) -> tuple[Forecast, dict[str, list[dict]]]:
        """Returns a forecast of the trainings, and the studies that could be run in their place, by command."""
        stale = any(run.state.training for run in runs)
        names = [name for name in INSTEAD if stale and name in self.config["studies"]]
        others = {f"make {name}": list(resolve(self.config, name).specs.values()) for name in names}
        # No file is read if nothing trains.
        finished = run_folders(*Path("results").glob("*")) if stale else ()
        return Forecast(self._machine(), [folder for _, folder in finished]), others

    def _machine(self) -> Machine:
        """Returns the machine that trainings are to run on."""
        disk_mb = shutil.disk_usage(".").free / 1e6
        workflow, per_gpu = self.workflow, self.config["trainings_per_gpu"]
        if (jobs := workflow.resource_settings.nodes) is not None:  # a cluster: as many cores as its jobs ask for
            cores = jobs * THREADS_OF_LARGE
            return Machine(device=None, cores=cores, places=jobs, memory_mb=None, disk_mb=disk_mb, speed=None)
        listing = listed()
        gpus = visible_gpus(listing, os.environ.get("CUDA_VISIBLE_DEVICES"))
        on_gpu = has_gpu()  # AMD's GPUs are not listed
        places = max(1, len(gpus)) * per_gpu if on_gpu else workflow.cores
        if "gpu" in workflow.global_resources:
            places = min(places, workflow.global_resources["gpu"].value)
        return Machine(
            device=gpu_name(listing, gpus[0]) if gpus else None if on_gpu else processor(),
            cores=workflow.cores,
            places=places,
            memory_mb=psutil.virtual_memory().available / 1e6,
            disk_mb=disk_mb,
            speed=None if on_gpu else multiply_adds_per_second,
        )

    def _failed_jobs(self) -> list[Job]:
        """Returns the jobs that failed; for a group, those whose output is missing."""
        failed = self.workflow.scheduler.failed
        each = [one for job in failed for one in (job.jobs if job.is_group() else [job])]
        return [job for job in each if not all(Path(file).exists() for file in job.output)]

    def _make_partial_results(self) -> bool:
        """Makes partial results, and returns whether that worked.

        The configuration is that of this run's start, whatever config.yaml says by now.
        """
        with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
            json.dump({**self.config, "partial": True}, file)
            file.flush()
            command = [sys.executable, "-m", "snakemake", "--snakefile", self.workflow.main_snakefile]
            command += ["--configfile", file.name, "--replace-workflow-config"]
            command += ["--cores", str(self.workflow.resource_settings.cores or "all")]
            try:
                shell = f"{shlex.join(command)} {self._deployment()}"
                done = subprocess.run(shell, shell=True, capture_output=True, text=True)
            except KeyboardInterrupt:
                return False
        if done.returncode:
            print(done.stderr, file=sys.stderr, flush=True)
        return done.returncode == 0

    def _deployment(self) -> str:
        """Returns this run's options for the software environment of jobs."""
        options = ("deployment_settings.deployment_method", "deployment_settings.conda_prefix")
        return " ".join(map(self.workflow.spawned_job_args_factory.workflow_property_to_arg, options))


def some(files: Iterable[str], what: str) -> list[str]:
    """Returns in words what is with some files: the first file's name, and how many more there are."""
    first, *others = sorted(files) or [None]
    if first is None:
        return []
    return [f"{first} and {len(others)} more are {what}" if others else f"{first} is {what}"]


def failures(jobs: Iterable[Job]) -> list[str]:
    """Returns a line for each failed job, with the last line of its log."""
    from fashion.records.progress import last_line  # imports pandas, which planning does not need

    lines = sorted(
        f"failed: {job_name(job.rule.name, job.wildcards_dict)}: {last_line(Path(job.log[0])) or 'its log is empty'}"
        for job in jobs
    )
    more = len(lines) - FAILURES_LISTED
    return lines[:FAILURES_LISTED] + [f"failed: {more} more"] * (more > 0)
