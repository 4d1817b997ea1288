"""What the terminal shows while Snakemake runs: jobs as they end, and failures with their reasons.

The rest is in Snakemake's log, .snakemake/log.
"""

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from snakemake.logging import ColorizingTextHandler
from snakemake_interface_logger_plugins.common import LogEvent

if TYPE_CHECKING:  # to run this import before others of Snakemake ends in a circle of imports
    from snakemake.workflow import Workflow

LOG_LINES = 8  # shown of a failed job's log
SILENT = {
    LogEvent.WORKFLOW_STARTED,
    LogEvent.RESOURCES_INFO,
    LogEvent.RUN_INFO,
    LogEvent.JOB_INFO,
    LogEvent.JOB_STARTED,
    LogEvent.GROUP_INFO,
    LogEvent.GROUP_ERROR,  # each of its jobs has an error of its own
}
# The beginnings of messages that say nothing about this run, or repeat other lines.
NOISE = (
    "Select jobs",
    "Using shell",
    "Conda environments",
    "Assuming unrestricted",
    "Removing output files of failed job",
    "Cannot restore",  # of a run that was never trained before
    "Restored previous version",
    "Complete log",
    "Elapsed time",
    "Reasons:",
    "Some jobs were triggered",
    "Rules with provenance",
)


class Console(logging.Formatter):
    """Formats Snakemake's log records for a reader; a record that becomes "" is not shown.

    It also filters the handler's records: Snakemake writes a blank line before it formats the start of a job.
    """

    def __init__(self, snakemakes: logging.Formatter | None):
        super().__init__()
        self.snakemakes = snakemakes or logging.Formatter()
        self.names: dict[int, str] = {}  # by job id
        self.ended: list[str] = []
        self.failed: list[str] = []

    def filter(self, record: logging.LogRecord) -> bool:
        event = getattr(record, "event", None)
        if event == LogEvent.JOB_INFO:
            self.names[record.jobid] = job_name(record.rule_name, record.wildcards)
        return event not in SILENT and not record.getMessage().startswith(NOISE)

    def format(self, record: logging.LogRecord) -> str:
        match getattr(record, "event", None):
            case LogEvent.JOB_FINISHED:
                self.ended.append(self.names.get(record.job_id, record.getMessage()))
                return ""
            case LogEvent.PROGRESS:
                names, self.ended = ", ".join(self.ended), []
                return f"{time.strftime('%H:%M:%S')} {record.done} of {record.total}: {names}"
            case LogEvent.JOB_ERROR:
                self.failed.append(name := self.names.get(record.jobid, record.rule_name))
                return failure(name, record)
            case LogEvent.ERROR if "CalledProcessError" in record.getMessage():
                return ""  # names the command; JOB_ERROR has the reason
        if record.getMessage().startswith("Exiting because a job execution failed"):
            return f"{len(self.failed)} failed, see above: {', '.join(self.failed)}"
        return self.snakemakes.format(record)


def job_name(rule: str, wildcards: Mapping[str, str]) -> str:
    """Returns a job's name for a reader: `train vgg both seed 0`."""
    return " ".join([rule, *(f"seed {value}" if key == "seed" else value for key, value in wildcards.items())])


def failure(name: str, record: logging.LogRecord) -> str:
    """Returns lines that name a failed job and show the end of each of its logs."""
    lines = [f"failed: {name}", *filter(None, [record.rule_msg])]
    for path in record.log:
        path = path.partition(" (")[0]
        written = Path(path).read_text(errors="replace").splitlines() if Path(path).is_file() else []
        lines += [f"{path} ends with:", *written[-LOG_LINES:]] if written else [f"{path} is empty"]
    return "\n    ".join(lines)


def tidy(workflow: "Workflow") -> None:
    """Shows a reader's lines on the terminal, unless --verbose or --printshellcmds asks for Snakemake's own."""
    settings = workflow.output_settings
    if settings.verbose or settings.printshellcmds:
        return
    for handler in logging.getLogger("snakemake.logging").handlers:
        if isinstance(handler, ColorizingTextHandler):
            console = Console(handler.formatter)
            handler.setFormatter(console)
            handler.addFilter(console)
