# What a run of Snakemake with failures ends with: partial results, made by another Snakemake, and lines that say so.
import atexit
import json
import subprocess
import tempfile

LISTED = 10  # failures that are listed; the page has all
DEPLOYMENT = ("deployment_settings.deployment_method", "deployment_settings.conda_prefix")


def last_line(path):
    """The last line of a log that says something; an empty one if there is none."""
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return ""
    return next(filter(None, map(str.strip, reversed(lines))), "")


def failures(jobs):
    """What failed, a line for each job, with its log's last line."""
    each = [one for job in jobs for one in (job.jobs if job.is_group() else [job])]
    # Of a group, some may have been done.
    failed = [job for job in each if not all(Path(file).exists() for file in job.output)]
    lines = sorted(
        f"failed: {' '.join([job.rule.name, *job.wildcards])}: {last_line(job.log[0]) or 'its log says nothing'}"
        for job in failed
    )
    return lines[:LISTED] + [f"failed: {len(lines) - LISTED} more"] * (len(lines) > LISTED)


def make_partial_results(jobs):
    """Make the partial results of the budget that failed jobs belong to; their page's path, None if it was not made."""
    budget = next((job.wildcards.budget for job in jobs if "budget" in job.wildcards.keys()), config["budget"])
    # As configured when this run began, whatever config.yaml says by now.
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump({**config, "budget": budget, "partial": True}, file)
        file.flush()
        command = [sys.executable, "-m", "snakemake", "--snakefile", workflow.main_snakefile]
        command += ["--configfile", file.name, "--replace-workflow-config"]
        command += ["--cores", str(workflow.resource_settings.cores or "all"), "--quiet", "all"]
        deployed = map(workflow.spawned_job_args_factory.workflow_property_to_arg, DEPLOYMENT)
        done = subprocess.run(f"{shlex.join(command)} {' '.join(deployed)}", shell=True, stdout=subprocess.DEVNULL)
    return None if done.returncode else f"results/{budget}/partial/report.html"


def end_with_partial_results():
    """Once a run has ended with failures, make what the finished runs give, and let the last lines say where it is."""
    jobs = workflow.scheduler.failed
    # After Ctrl-C or SIGTERM Snakemake says that there was an error, too.
    interrupted = workflow.scheduler.running or workflow.scheduler._user_kill
    if PARTIAL or interrupted or not jobs or not Path(DATA).exists() or not workflow.is_main_process:
        return
    print("making tables, figures and the page from the runs that have finished ...", file=sys.stderr, flush=True)
    page = make_partial_results(jobs)
    end = f"from the runs that have finished: {page}" if page else "no page was made; see the errors above"
    atexit.register(print, *failures(jobs), end, sep="\n", file=sys.stderr, flush=True)


def say_page():
    """Name the page of partial results, if it was made or is up to date."""
    page, dag = f"results/{config['budget']}/partial/report.html", workflow.dag
    if dag is None or workflow.dryrun:
        return
    if any(page in job.output and (dag.finished(job) or not dag.needrun(job)) for job in dag.jobs):
        print(f"open {page}", flush=True)


if PARTIAL and workflow.is_main_process:
    atexit.register(say_page)


onerror:
    end_with_partial_results()
