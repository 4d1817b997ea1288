"""Times of a busy machine are told from those of a training that had what it needed."""

import pytest

from fashion.records.timing import BUSY, SHARED, UNKNOWN, doubt, doubts
from helpers.runs import QUIET, FakeRun
from helpers.specs import make_spec

LARGE = QUIET | {"threads": 8, "cores": 16, "processor_seconds": 560.0, "other_processor_seconds": 0.0}


@pytest.mark.parametrize(
    ("provenance", "words"),
    [
        (QUIET, ""),
        (QUIET | {"processor_seconds": 90.0}, ""),
        (QUIET | {"processor_seconds": 89.0}, BUSY),
        # Eight threads never work all the time; what counts is whether they could have.
        (LARGE, ""),
        (LARGE | {"other_processor_seconds": 870.0}, ""),
        (LARGE | {"other_processor_seconds": 890.0}, BUSY),
        (LARGE | {"processor_seconds": 80.0}, BUSY),
        # Where the machine does not say, and in runs of older code.
        (QUIET | {"other_processor_seconds": None}, UNKNOWN),
        ({"device": "a processor", "driver": None, "threads": 1, "seconds": 100.0}, UNKNOWN),
        ({"device": "a GPU", "driver": "1.0", "threads": 1, "seconds": 100.0}, UNKNOWN),
        # On a GPU the processor's share says nothing.
        (QUIET | {"processor_seconds": 10.0, "gpu": {"shared": 0.05}}, ""),
        (QUIET | {"gpu": {"shared": 0.2}}, SHARED),
        (QUIET | {"gpu": {"shared": None}}, UNKNOWN),
    ],
)
def test_the_rule(provenance: dict, words: str) -> None:
    assert doubt(provenance) == words


def test_of_several_runs_it_says_how_many() -> None:
    changes = ({}, {"processor_seconds": 1.0}, {"other_processor_seconds": None})
    quiet, busy, unknown = (FakeRun(make_spec(), provenance=changed) for changed in changes)
    assert doubts([quiet, quiet]) == []
    assert doubts([quiet, busy, unknown]) == [
        "timed beside a load that is not recorded (1 of 3 runs)",
        "timed on a busy machine (1 of 3 runs)",
    ]
    assert doubts([busy]) == ["timed on a busy machine"]
