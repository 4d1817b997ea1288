"""Whether a run's times can be compared: not those of a machine that was busy with other things.

On a processor a training was undisturbed if it got at least 90 % of a core for as long as it ran, and if all else on
the machine left 90 % of the cores that it may use. Trainings of a study side by side, a core each, do not disturb each
other by that rule: all of its times are taken so. On a GPU, which does the work, the processor's share says little:
there a training was undisturbed if it had the GPU to itself for 90 % of the time. Of runs that recorded none of this
nothing is known. Times of a training that was disturbed, or of which nothing is known, are shown and decide nothing.
"""

from collections import Counter
from collections.abc import Iterable

from fashion.records.run import Run

SHARE = 0.9
BUSY, SHARED, UNKNOWN = "on a busy machine", "on a shared GPU", "beside a load that is not recorded"


def device_of(provenance: dict) -> str:
    """What a run's times were taken on; of a processor with the number of threads."""
    if provenance["driver"]:
        return provenance["device"]
    threads = provenance["threads"]
    return f"{provenance['device']} with {threads} thread{'s' * (threads > 1)}"


def doubt(provenance: dict) -> str:
    """How a run was timed, in words, if its times decide nothing; empty if they do."""
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
    """Why the times of some runs decide nothing, in words, with the number of runs that it holds for if not for all."""
    each = [doubt(run.provenance) for run in runs]
    return [
        f"timed {words}" + (f" ({count} of {len(each)} runs)" if count < len(each) else "")
        for words, count in sorted(Counter(filter(None, each)).items())
    ]
