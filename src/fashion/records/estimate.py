"""Estimates of training times, from the times of similar runs."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import mean
from typing import TYPE_CHECKING, NamedTuple

from fashion.errors import UserError
from fashion.files import canonical_json
from fashion.study.spec import split_sizes

if TYPE_CHECKING:
    from fashion.records.run import Run  # this imports pandas, which most plans do not need

# Early stopping ended the trainings that are known after 9 to 67 epochs.
LIKELY_EPOCHS = 40


def likely_epochs(training: dict, others: Sequence[int], earliest: int | None = None) -> int:
    """Returns the likely epochs of a training: the mean of similar trainings, but no fewer than `earliest`.

    Without similar trainings it returns `earliest`, and `LIKELY_EPOCHS` if that is None.

    Args:
        training: the training settings of the spec.
        others: the epochs of similar trainings that have finished.
        earliest: the first epoch after which a training that runs may be stopped; None before it runs.
    """
    likely = round(mean(others)) if others else LIKELY_EPOCHS if earliest is None else earliest
    return min(training["epochs"], max(likely, earliest or 0))


class Measured(NamedTuple):
    """The time of a run: `seconds` for all its `epochs`, with its `spec`."""

    spec: dict
    seconds: float
    epochs: int


class Estimates:
    """Estimates of training times on a device, from the finished runs that were trained on it.

    Args:
        runs: the runs to learn from; unfinished and damaged ones are left out.
        device: the name of the device in provenance; None for the device of the run that finished last.
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
        """Adds a run on the device."""
        self._alike[_likeness(measured.spec)].append(measured)

    def closest(self, spec: dict) -> list[Measured]:
        """Returns the similar runs that also have the augmentation of `spec`."""
        return [each for each in self._alike[_likeness(spec)] if each.spec["augmentation"] == spec["augmentation"]]

    def seconds(self, spec: dict) -> float | None:
        """Returns the seconds that training `spec` takes; None if no similar run was measured.

        An epoch's time grows with the number of images. The training takes as many epochs as runs with the same
        training settings did; without such runs, `LIKELY_EPOCHS`. Runs with the same augmentation are preferred.
        """
        closest, training = self.closest(spec) or self._alike[_likeness(spec)], spec["training"]
        if not closest:
            return None
        per_image = mean(each.seconds / each.epochs / split_sizes(each.spec["training"])[0] for each in closest)
        epochs = likely_epochs(training, [each.epochs for each in closest if each.spec["training"] == training])
        return per_image * split_sizes(training)[0] * epochs


def _likeness(spec: dict) -> str:
    """Returns a text that is equal for specs with about the same time an image on a device."""
    return canonical_json([spec["model"]["family"], spec["model"]["settings"], spec["training"]["batch_size"]])
