"""The trained model that comes with the program, and which run answers where none is named."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from fashion.__main__ import parser
from fashion.ask.runs import SHIPPED, best_run
from fashion.ask.ship import LARGEST, ship
from fashion.data.dataset import CHECKSUMS
from fashion.data.download import DEBIAN_FOLDER, read_folder
from fashion.data.idx import parse
from fashion.errors import UserError
from fashion.files import read_json, sha256
from fashion.image import CLASSES, normalise
from fashion.models.build import build
from fashion.records.run import Run
from fashion.study.definition import resolve
from fashion.study.run_folder import METRICS, PROVENANCE, WEIGHTS, read_run_spec, weights_of
from fashion.training.inference import load_model, logits_of
from helpers.checkout import CONFIG
from helpers.results import Results
from helpers.runs import FakeRun, make_history
from helpers.specs import make_spec

CPU = torch.device("cpu")
SEEDS = [("vgg8", "both", seed) for seed in (0, 1)]


@pytest.mark.skipif(not Path(DEBIAN_FOLDER).exists(), reason="needs Debian's package dataset-fashion-mnist")
def test_it_is_as_often_right_as_its_card_says():
    dataset, _ = parse(read_folder(DEBIAN_FOLDER), CHECKSUMS)
    model = load_model(read_run_spec(SHIPPED), weights_of(SHIPPED), CPU)
    images = normalise(torch.tensor(dataset.test_images[:, None]))
    right = logits_of(model, images).argmax(dim=1) == torch.tensor(dataset.test_labels)
    accuracy = Run(SHIPPED).metrics["test_accuracy"]
    assert right.float().mean().item() == pytest.approx(accuracy, abs=0.0005)  # half precision
    assert f"{100 * accuracy:.2f} % of 10,000 test images" in (SHIPPED / "README.md").read_text()


def test_it_is_small_and_of_a_model_that_config_yaml_has():
    assert weights_of(SHIPPED).stat().st_size <= LARGEST
    spec = read_run_spec(SHIPPED)
    study = resolve(CONFIG, spec["study"])
    assert study.specs[spec["model"]["name"], spec["augmentation"]["name"], spec["seed"]] == spec


def test_without_a_named_run_the_one_with_the_best_validation_answers(tmp_path):
    results = Results(tmp_path / "report", resolve(CONFIG, "report"))
    assert best_run(tmp_path) == SHIPPED
    results.finish(SEEDS[0], 0.9, 0.8)  # 60 % of the validation images
    assert best_run(tmp_path) == SHIPPED
    results.finish(SEEDS[1], 0.9, 0.002)
    assert best_run(tmp_path) == tmp_path / "report/runs/vgg8/both/seed1"
    (tmp_path / "report/runs/vgg8/both/seed1/model.safetensors").unlink()
    assert best_run(tmp_path) == SHIPPED


def test_a_photograph_is_answered_where_nothing_was_trained(tmp_path, monkeypatch, capsys):
    image = np.zeros((28, 28), np.uint8)
    image[2:26, 10:18] = 200
    Image.fromarray(image).save(tmp_path / "photograph.png")
    monkeypatch.chdir(tmp_path)
    arguments = parser().parse_args(["predict", "--json", "photograph.png"])
    arguments.command(arguments)
    said = json.loads(capsys.readouterr().out)
    assert said["run"]["folder"] == str(SHIPPED)
    assert said["images"][0]["class"] in CLASSES


def finished_run(folder: Path, settings: dict) -> Run:
    """A finished run with random weights."""
    torch.manual_seed(0)
    spec = make_spec("resnet") | {"model": {"name": "small", "family": "resnet", "settings": settings}}
    history = make_history([0.5], validation_accuracy=0.81)
    run = FakeRun(spec, folder, history=history, provenance={"processor_seconds": 120})
    save_file(build(spec["model"]).state_dict(), weights := run.write() / WEIGHTS)
    run.provenance["weights"] = run.metrics["weights"] = sha256(weights)
    run.write(PROVENANCE, METRICS)
    return run


def test_shipped_weights_are_those_of_the_run_in_half_precision(tmp_path):
    run = finished_run(tmp_path / "run", {"layers": [8, "M", 16, "M"]})
    ship(run, tmp_path / "shipped")
    images = torch.rand(4, 1, 28, 28)
    own, shipped = (load_model(run.spec, weights_of(folder), CPU) for folder in (run.folder, tmp_path / "shipped"))
    with torch.inference_mode():
        torch.testing.assert_close(shipped(images), own(images), rtol=0.01, atol=0.01)
    assert read_json(tmp_path / "shipped/metrics.json") == run.metrics
    card = (tmp_path / "shipped/README.md").read_text()
    assert "in 2 minutes of one processor core" in card
    assert "80.00 % of 60 test images, which selected nothing; 81.00 % of 60 validation images" in card


def test_a_large_model_is_not_shipped(tmp_path):
    run = finished_run(tmp_path / "run", {"layers": [64, 128, 256]})
    with pytest.raises(UserError, match="bytes of weights, more than 1,048,576; ship a smaller model"):
        ship(run, tmp_path / "shipped")
    assert not (tmp_path / "shipped").exists()
