"""Benchmarks measure what they say. What they measure is not tested: machines are noisy."""

import pytest
import torch

from fashion.study.definition import resolve
from helpers.checkout import ROOT
from helpers.specs import MODELS


@pytest.fixture(autouse=True)
def _benchmarks_are_found(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")


def test_studies_to_plan_have_as_many_runs_as_they_should():
    import scaling

    assert [len(resolve(scaling.make_config(runs), "large").specs) for runs in scaling.RUNS] == [*scaling.RUNS]


def test_a_training_of_ours_is_timed_in_each_precision(monkeypatch):
    import training

    monkeypatch.setattr(training, "EPOCH_SECONDS", 0)  # as few steps as may be
    entry, device = {"family": "vit", "settings": MODELS["vit"]}, torch.device("cpu")
    for precision in ("float32", "bfloat16"):
        assert training.images_per_second(training.ours, entry, 0.01, device, precision=precision) > 0


def test_the_usual_loops_samples_are_images_with_mixed_targets():
    import training

    image, target = training.PerSampleV2(torch.zeros(4, 1, 28, 28, dtype=torch.uint8), torch.arange(4))[1]
    assert image.shape == (1, 28, 28)
    assert target.sum() == pytest.approx(1)


@pytest.mark.parametrize("benchmark", [path.stem for path in sorted((ROOT / "benchmarks").glob("*.py"))])
def test_a_benchmark_says_how_it_is_used(benchmark, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", [benchmark, "--help"])
    with pytest.raises(SystemExit):
        __import__(benchmark).main()
    assert "usage:" in capsys.readouterr().out
