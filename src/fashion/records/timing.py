"""Whether the times of a run can be compared, or were taken on a busy machine.

On a processor a training was undisturbed if it got at least 90 % of a core while it ran, and if everything else on the
machine left free 90 % of the cores that it may use. Trainings of a study that run side by side, a core each, are
undisturbed by this rule. On a GPU a training was undisturbed if it had the GPU to itself for 90 % of the time. Times of
a training that was disturbed, or that recorded none of this, are shown and decide nothing.
"""

from collections import Counter
from collections.abc import Iterable

from fashion.records.run import Run

SHARE = 0.9
BUSY, SHARED, UNKNOWN = "on a busy machine", "on a shared GPU", "beside a load that is not recorded"


def device_of(provenance: dict) -> str:
    """Returns the device on which a run was timed; for a processor with the number of threads."""
    if provenance["driver"]:
        return provenance["device"]
    threads = provenance["threads"]
    return f"{provenance['device']} with {threads} thread{'s' * (threads > 1)}"


def doubt(provenance: dict) -> str:
    """Returns why the times of a run decide nothing; empty if they do decide."""
    if gpu := provenance.get("gpu"):
        if gpu["shared"] is None:
            return UNKNOWN
        return SHARED if gpu["shared"] > 1 - SHARE else ""
    others = provenance.get("other_processor_seconds")
    if others is None:
        return UNKNOWN
    seconds = provenance["seconds"]
    got_one = provenance["processor_seconds"] >= SHARE * seconds
    were_free = provenance["cores"] - others / seconds >= SHARE * provenance["threads"]
    return "" if got_one and were_free else BUSY


def doubts(runs: Iterable[Run]) -> list[str]:
    """Returns the reasons why times of runs decide nothing, each with its number of runs if not all have it."""
    each = [doubt(run.provenance) for run in runs]
    return [
        f"timed {words}" + (f" ({count} of {len(each)} runs)" if count < len(each) else "")
        for words, count in sorted(Counter(filter(None, each)).items())
    ]
