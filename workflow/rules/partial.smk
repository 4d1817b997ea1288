# What a run of Snakemake with failures ends with: partial results, made by another Snakemake, and lines that say so.
import atexit
import json
import subprocess
import tempfile

LISTED = 10  # failures that are listed; the page has all
DEPLOYMENT = ("deployment_settings.deployment_method", "deployment_settings.conda_prefix")


def failed_jobs():
    """The jobs that failed; of a group, those that were not done."""
    each = [one for job in workflow.scheduler.failed for one in (job.jobs if job.is_group() else [job])]
    return [job for job in each if not all(Path(file).exists() for file in job.output)]


def failures(jobs):
    """A line for each job that failed, with its log's last."""
    from fashion.records.progress import last_line  # and pandas with it, which planning does without

    lines = sorted(
        f"failed: {name_of(job.rule.name, job.wildcards_dict)}: {last_line(Path(job.log[0])) or 'its log says nothing'}"
        for job in jobs
    )
    return lines[:LISTED] + [f"failed: {len(lines) - LISTED} more"] * (len(lines) > LISTED)


def make_partial_results(study):
    """Whether a study's partial results were made, as configured when this run began, whatever config.yaml says by now."""
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump({**config, "study": study, "partial": True}, file)
        file.flush()
        command = [sys.executable, "-m", "snakemake", "--snakefile", workflow.main_snakefile]
        command += ["--configfile", file.name, "--replace-workflow-config"]
        command += ["--cores", str(workflow.resource_settings.cores or "all")]
        deployed = map(workflow.spawned_job_args_factory.workflow_property_to_arg, DEPLOYMENT)
        try:
            done = subprocess.run(
                f"{shlex.join(command)} {' '.join(deployed)}", shell=True, capture_output=True, text=True
            )
        except KeyboardInterrupt:
            return False
    if done.returncode:
        print(done.stderr, file=sys.stderr, flush=True)
    return done.returncode == 0


def end_with_partial_results():
    """Once a run has ended with failures, make what the finished runs give, and let the last lines say where it is."""
    jobs = failed_jobs()
    # After Ctrl-C or SIGTERM Snakemake says that there was an error, too.
    interrupted = workflow.scheduler.running or workflow.scheduler._user_kill
    if PARTIAL or interrupted or not jobs or not Path(DATA).exists() or not workflow.is_main_process:
        return
    print("making tables, figures and the page of the runs that have finished ...", file=sys.stderr, flush=True)
    study = jobs[0].wildcards_dict.get("study", config["study"])
    page = f"open results/{study}/partial/report.html, of the runs that have finished"
    end = f"study {study}: {page if make_partial_results(study) else 'no page was made'}"
    # After all that Snakemake says.
    atexit.register(print, *failures(jobs), end, sep="\n", file=sys.stderr)


onerror:
    end_with_partial_results()
