"""How long a training takes, by what runs like it took."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import mean
from typing import TYPE_CHECKING, NamedTuple

from fashion.errors import UserError
from fashion.files import canonical_json
from fashion.study.spec import split_sizes

if TYPE_CHECKING:
    from fashion.records.run import Run  # and pandas with it, which most plans do without

# Early stopping ended trainings after 9 to 67 epochs, where that is known.
LIKELY_EPOCHS = 40


def likely_epochs(training: dict, others: Sequence[int], earliest: int | None = None) -> int:
    """The epochs that a training will likely use: as many as others like it did, but no fewer than `earliest`.

    Without others as many as `earliest`; if that is not known either, `LIKELY_EPOCHS`.

    Args:
        training: the settings of its spec.
        others: the epochs of the others that have finished.
        earliest: of a training that has begun, the first epoch in which its patience may be over.
    """
    likely = round(mean(others)) if others else LIKELY_EPOCHS if earliest is None else earliest
    return min(training["epochs"], max(likely, earliest or 0))


class Measured(NamedTuple):
    """What a run took: `seconds` for its `epochs`, under its `spec`."""

    spec: dict
    seconds: float
    epochs: int


class Estimates:
    """What trainings take on a device, by the finished runs that were trained on it.

    Args:
        runs: those that have not finished, or whose files are damaged, are left out.
        device: as provenance names it; None for that of the run that finished last.
    """

    def __init__(self, runs: Iterable["Run"], device: str | None = None):
        finished = []
        for run in runs:
            try:
                measured = Measured(run.spec, run.history["seconds"].sum(), len(run.history))
                finished.append((run.provenance["finished"], run.provenance["device"], measured))
            except (UserError, KeyError):
                continue
        _, last, _ = max(finished, key=lambda each: each[0], default=("", None, None))
        self.device = device or last
        self._alike: dict[str, list[Measured]] = defaultdict(list)
        for _, trained_on, measured in finished:
            if trained_on == self.device:
                self.add(measured)

    def add(self, measured: Measured) -> None:
        """Take in one more on the device."""
        self._alike[_likeness(measured.spec)].append(measured)

    def closest(self, spec: dict) -> list[Measured]:
        """The runs like `spec` that have its augmentation too."""
        return [each for each in self._alike[_likeness(spec)] if each.spec["augmentation"] == spec["augmentation"]]

    def seconds(self, spec: dict) -> float | None:
        """Seconds that training `spec` takes; None if no run like it was measured.

        An epoch's time grows with its images. It ends as early as runs with the same training settings did; without
        such runs, after `LIKELY_EPOCHS`. Runs with the same augmentation are preferred.
        """
        closest, training = self.closest(spec) or self._alike[_likeness(spec)], spec["training"]
        if not closest:
            return None
        per_image = mean(each.seconds / each.epochs / split_sizes(each.spec["training"])[0] for each in closest)
        epochs = likely_epochs(training, [each.epochs for each in closest if each.spec["training"] == training])
        return per_image * split_sizes(training)[0] * epochs


def _likeness(spec: dict) -> str:
    """Equal for specs whose time for an image is about the same on one device."""
    return canonical_json([spec["model"]["family"], spec["model"]["settings"], spec["training"]["batch_size"]])
