"""A family's three modules agree, and no place but its folder knows of it."""

import inspect

import numpy as np
import pytest

from fashion.errors import UserError
from fashion.figures import diagrams
from fashion.models.build import build
from fashion.models.families import FAMILIES, complete, defaults, part, schema
from fashion.study.resources import training_mb
from helpers.command import python, stage

GNN = {"name": "graph", "family": "gnn", "settings": {}}
REFUSED = "family: 'gnn' is no family of models; known: resnet, vgg, vit"


@pytest.mark.parametrize("family", FAMILIES)
def test_the_settings_and_their_defaults_are_those_of_the_network(family):
    arguments = inspect.signature(part(family, "network").Model).parameters.values()
    assert set(schema(family)["properties"]) == {argument.name for argument in arguments}
    assert set(schema(family)["required"]) == {one.name for one in arguments if one.default is one.empty}
    assert complete(family, {}) == {one.name: one.default for one in arguments if one.default is not one.empty}


def test_a_network_without_its_settings_as_arguments_is_refused(monkeypatch):
    monkeypatch.setitem(part("vgg", "settings").SETTINGS, "width", {})
    defaults.cache_clear()
    with pytest.raises(UserError, match=r"vgg/network.py: nothing has the .* layers, .*, width, which are"):
        complete("vgg", {})


def test_settings_win_over_defaults():
    assert complete("vgg", {"layers": [8], "dropout": 0}) == {
        "layers": [8],
        "separable": False,
        "hidden": (4096, 4096),
        "dropout": 0,
    }


@pytest.mark.parametrize("use", [build, training_mb, lambda entry: diagrams.plot(entry, np.zeros((28, 28), np.uint8))])
def test_an_unknown_family_is_refused_with_those_that_are_known(use):
    with pytest.raises(UserError) as error:
        use(GNN)
    assert str(error.value) == REFUSED


def test_a_stage_says_so_in_one_line(dataset, tmp_path):
    np.savez(tmp_path / "data.npz", **vars(dataset))
    plan = {"note": "", "classes": [], "outputs": {"graph": {"kind": "diagram", "entry": GNN}}}
    done = stage("figures.diagrams", plan, "--data", tmp_path / "data.npz", "--output", tmp_path)
    assert (done.returncode, done.stderr) == (1, f"error: {REFUSED}\n")


def test_a_family_imports_no_other():
    code = (
        "import sys; from fashion.models.build import build; build({'family': 'vit', 'settings': {}});"
        "print(*(name for name in sys.modules if name.startswith('fashion.models.')))"
    )
    imported = {name.split(".")[2] for name in python("-c", code).stdout.split()}
    assert imported & {"vgg", "resnet", "vit"} == {"vit"}
