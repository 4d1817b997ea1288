"""A family of models is added by its folder, and by nothing else."""

import shutil

import pytest

from fashion.records.run import Run
from helpers.checkout import ROOT

PERCEPTRON = {
    "__init__.py": '"""Perceptrons."""\n',
    "settings.py": """
from fashion.models.families import COUNT
from fashion.models.layer_table import fully_connected

SETTINGS = {"hidden": COUNT, "depth": COUNT}


def conflicts(settings, given):
    if settings["depth"] > settings["hidden"]:
        yield "depth: is deeper than wide"


def sizes(settings):
    return fully_connected(784, *[settings["hidden"]] * settings["depth"], 10)
""",
    "network.py": """
from itertools import pairwise

from torch import nn


class Model(nn.Module):
    def __init__(self, *, hidden, depth=1):
        super().__init__()
        *inner, last = [nn.Linear(*widths) for widths in pairwise([784, *[hidden] * depth, 10])]
        self.layers = nn.Sequential(nn.Flatten(), *(nn.Sequential(one, nn.ReLU()) for one in inner), last)

    def forward(self, images):
        return self.layers(images)
""",
    "diagram.py": """
from fashion.models.diagram import Chain, box


def describe(model, shapes):
    return Chain(boxes=[box(layer, shapes) for layer in model.layers])
""",
}


FIGURES = """
fig03_wide_diagram: { kind: diagram, number: 3, title: layers, models: [wide], caption: A wide layer. }
"""


@pytest.fixture
def study(make_study):
    """A study of a perceptron by a copy of the checkout, in which its folder is the only change."""
    study, config = make_study(["vgg8"])
    study.checkout = study.folder / "checkout"
    for folder in ("src", "workflow", "envs", "profiles"):
        shutil.copytree(ROOT / folder, study.checkout / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Snakefile", study.checkout)
    family = study.checkout / "src/fashion/models/perceptron"
    family.mkdir()
    for name, text in PERCEPTRON.items():
        (family / name).write_text(text)
    settings = {"hidden": 4000}
    config["models"] = {"wide": {"family": "perceptron", "settings": settings}}
    (study.checkout / "workflow/report/figures.yaml").write_text(FIGURES)
    study.configure(config)
    return study


def test_a_new_family_is_checked_sized_trained_and_drawn(study):
    run, diagram = "results/tiny/runs/wide/both/seed0", "results/tiny/figures/fig03_wide_diagram"
    targets = ("--", f"{run}/metrics.json", f"{diagram}.svg")
    plan = study.snakemake("--dry-run", "--printshellcmds", *targets)
    # 784 x 4000 + 4000 x 10 weights of 36 bytes, over what any training takes.
    assert "mem_mb=6114" in plan.stdout, plan.stdout
    done = study.snakemake(*targets)
    assert done.returncode == 0, done.stdout
    finished = Run(study.folder / run)
    spec, history = finished.spec, finished.history
    assert spec["model"] == {"name": "wide", "family": "perceptron", "settings": {"hidden": 4000}}
    assert len(history["epoch"]) == 2
    drawn = (study.folder / f"{diagram}.svg").read_text()
    assert f"Total parameters: {784 * 4000 + 4000 + 4000 * 10 + 10:,}" in drawn
    assert "784 → 4000, ReLU" in drawn
    metadata = "".join(path.read_text() for path in (study.folder / ".snakemake/metadata").iterdir())
    assert "fashion.models.perceptron.network" in metadata
    assert "fashion.models.perceptron.diagram" in metadata
    assert "fashion.models.vgg" not in metadata


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "settings: 'hidden' is a required property"),
        ({"hidden": 0}, "settings.hidden: 0 is less than the minimum of 1"),
        ({"hidden": 8, "wdith": 8}, "settings: unknown key 'wdith' (did you mean 'depth'?); allowed: hidden, depth"),
        ({"hidden": 8, "depth": 9}, "settings.depth: is deeper than wide"),
    ],
)
def test_its_settings_are_checked(study, settings, expected):
    config = study.config
    config["models"]["wide"]["settings"] = settings
    study.configure(config)
    done = study.snakemake("--dry-run")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == f"error: config: models.wide.{expected}"
