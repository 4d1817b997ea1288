# What a terminal shows of a run: a line for each job that has ended, and of one that failed the end of its log. Everything else
# is in Snakemake's log, .snakemake/log; `--verbose` or `--printshellcmds` show it here as well.
import logging
import time

from snakemake.logging import ColorizingTextHandler
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent

TAIL = 8  # lines of a failed job's log
SILENT = {
    LogEvent.WORKFLOW_STARTED,
    LogEvent.RESOURCES_INFO,
    LogEvent.RUN_INFO,
    LogEvent.JOB_INFO,
    LogEvent.JOB_STARTED,
    LogEvent.GROUP_INFO,
    LogEvent.GROUP_ERROR,  # each of its jobs has an error of its own
}
# What begins with these says nothing of this run, or what other lines here say.
NOISE = (
    "Select jobs",
    "Using shell",
    "Conda environments",
    "Assuming unrestricted",
    "Removing output files of failed job",
)
NOISE += ("Complete log", "Elapsed time", "Reasons:", "Some jobs were triggered", "Rules with provenance")


class Console(logging.Formatter):
    """Snakemake's log records as lines for a reader; an empty one is not shown.

    It is the terminal's filter, too: at records of jobs that start, Snakemake writes a blank line before it formats.
    """

    def __init__(self, own):
        super().__init__()
        self.own = own  # Snakemake's formatter
        self.jobs = {}  # names by id
        self.ended, self.failed = [], []

    def filter(self, record):
        event = getattr(record, "event", None)
        if event == LogEvent.JOB_INFO:
            self.jobs[record.jobid] = name_of(record.rule_name, record.wildcards)
        return event not in SILENT and not record.getMessage().startswith(NOISE)

    def format(self, record):
        match getattr(record, "event", None):
            case LogEvent.JOB_FINISHED:
                self.ended.append(self.jobs.get(record.job_id, record.getMessage()))
                return ""
            case LogEvent.PROGRESS:
                names, self.ended = ", ".join(self.ended), []
                return f"{time.strftime('%H:%M:%S')} {record.done} of {record.total}: {names}"
            case LogEvent.JOB_ERROR:
                self.failed.append(name := self.jobs.get(record.jobid, record.rule_name))
                return failure(name, record)
            case LogEvent.ERROR if "CalledProcessError" in record.getMessage():
                return ""  # the command; JOB_ERROR says the reason
        if record.getMessage().startswith("Exiting because a job execution failed"):
            return f"{len(self.failed)} failed, see above: {', '.join(self.failed)}"
        return self.own.format(record)


def name_of(rule, wildcards):
    """A job's name for a reader: what its study's other jobs differ in."""
    values = [f"seed {value}" if key == "seed" else value for key, value in wildcards.items()]
    return " ".join([rule, *(value for key, value in zip(wildcards, values) if key not in ("study", "digest"))])


def failure(name, record):
    """That a job failed, and what its logs end with."""
    lines = [f"failed: {name}", *filter(None, [record.rule_msg])]
    for path in record.log:
        path = path.partition(" (")[0]
        written = Path(path).read_text(errors="replace").splitlines() if Path(path).is_file() else []
        lines += [f"{path} ends with:", *written[-TAIL:]] if written else [f"{path} is empty"]
    return "\n    ".join(lines)


settings = workflow.output_settings
QUIET = Quietness.RULES in (settings.quiet or ())
if workflow.is_main_process and not (settings.verbose or settings.printshellcmds):
    for handler in logging.getLogger("snakemake.logging").handlers:
        if isinstance(handler, ColorizingTextHandler):
            console = Console(handler.formatter)
            handler.setFormatter(console)
            handler.addFilter(console)
    if settings.dryrun:
        # As with --quiet, Snakemake then describes no job: nothing of that would be shown, and it takes a quarter longer.
        settings.quiet = {Quietness.RULES, Quietness.PROGRESS}
