"""The `fashion` command, as its user would notice it."""

import argparse
import json
import logging
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import save_file

from fashion.__main__ import parser, run_folder
from fashion.ask.predict import classify, image_files
from fashion.ask.runs import SHIPPED, listing
from fashion.ask.show import card
from fashion.data.dataset import CHECKSUMS
from fashion.data.dataset import load as load_dataset
from fashion.errors import UserError
from fashion.files import atomic, read_json, write_json
from fashion.image import CLASSES, normalise
from fashion.models.build import build
from fashion.stage import exit_on_user_error
from fashion.study.config import CONFIG, load_study
from fashion.study.definition import resolve
from fashion.study.run_folder import read_run_spec, weights_of
from fashion.training.checkpoint import Checkpoint
from fashion.training.evaluation import evaluate
from fashion.training.inference import load_model, logits_of
from helpers.checkout import ROOT
from helpers.command import python
from helpers.permission import denied
from helpers.results import Results
from helpers.runs import FakeRun, make_history
from helpers.specs import MODELS, make_spec
from helpers.training import write_dataset


def make_run(folder: Path, family: str = "vit") -> Path:
    """A run with a spec and random weights."""
    torch.manual_seed(0)
    spec = make_spec(family)
    write_json(folder / "spec.json", spec)
    save_file(build(spec["model"]).state_dict(), folder / "model.safetensors")
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "a run")


def load(run: Path) -> torch.nn.Module:
    return load_model(read_run_spec(run), weights_of(run), torch.device("cpu"))


def save_images(folder: Path, images: Iterable[np.ndarray]) -> list[Path]:
    folder.mkdir()
    files = [folder / f"image {number:02}.png" for number, _ in enumerate(images)]
    for file, image in zip(files, images, strict=True):
        Image.fromarray(image).save(file)
    return files


def fashion(*arguments: str | Path, text: str = "") -> subprocess.CompletedProcess:
    return python("-m", "fashion", *arguments, text=text)


def here(*arguments: str | Path) -> None:
    """The command in this process, which has torch imported."""
    parsed = parser().parse_args(list(map(str, arguments)))
    parsed.command(parsed)


@pytest.mark.parametrize("family", MODELS)
def test_saved_test_images_are_answered_as_they_were_evaluated(family, dataset, tmp_path):
    run = make_run(tmp_path / "run", family)
    data = write_dataset(tmp_path / "data.npz", dataset)
    _, predictions = evaluate(make_spec(family), run / "model.safetensors", load_dataset(data), torch.device("cpu"))
    files = save_images(tmp_path / "images", dataset.test_images)
    confidences = torch.from_numpy(predictions["logits"]).softmax(dim=1).numpy()
    answers = classify(run, files)
    assert [answer["image"] for answer in answers] == list(map(str, files))
    for answer, expected in zip(answers, confidences, strict=True):
        assert answer["class"] == CLASSES[expected.argmax()]
        assert answer["confidence"] == pytest.approx(expected.max(), abs=1e-6)
        best = sorted(range(10), key=lambda label: -expected[label])[:3]
        assert [other["class"] for other in answer["top"]] == [CLASSES[label] for label in best]
        assert [other["confidence"] for other in answer["top"]] == pytest.approx(expected[best].tolist(), abs=1e-6)
        assert answer["seen"] == "dark background"


def test_classes_are_called_what_the_pipeline_called_those_of_its_dataset(dataset, tmp_path):
    run = make_run(tmp_path / "results/quick/runs/vit/both/seed0", "vit")
    files = save_images(tmp_path / "images", dataset.test_images[:1])
    (before,) = classify(run, files)
    (tmp_path / "results/data").mkdir()
    names = [f"digit {label}" for label in range(10)]
    (tmp_path / "results/data/class_names.json").write_text(json.dumps(names))
    (now,) = classify(run, files)
    assert now["class"] == names[CLASSES.index(before["class"])]
    for damaged in ("[]", "{}", "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]", '["a"]', "["):
        (tmp_path / "results/data/class_names.json").write_text(damaged)
        with pytest.raises(UserError, match=r"results/data/class_names\.json: not "):
            classify(run, files)


def test_bad_images_are_named_and_the_others_answered(run, dataset, tmp_path):
    first, second, third = save_images(tmp_path / "images", dataset.test_images[:3])
    second.write_bytes(b"no image")
    (tmp_path / "images/README.txt").write_text("not asked for")
    done = fashion("predict", "--run", run, tmp_path / "images", tmp_path / "missing.png")
    assert done.returncode == 1
    header, titles, *rows = done.stdout.splitlines()
    assert header == "small, augmentation none, seed 0, test study"
    assert titles.split() == ["image", "class", "confidence", "then", "seen", "as"]
    for row, file in zip(rows, (first, third), strict=True):
        (answer,) = classify(run, [file])
        then = ", ".join(f"{other['class']} {other['confidence']:.1%}" for other in answer["top"][1:])
        shown = [str(file), answer["class"], f"{answer['confidence']:.1%}, unsure", then, "dark background"]
        assert re.split("  +", row) == shown
    passed_over, *errors = done.stderr.splitlines()
    assert passed_over == f"{tmp_path}/images: passed over what is no image of a known format: 1 .txt"
    assert [error.split(": ")[:2] for error in errors] == [
        ["error", str(second)],
        ["error", str(tmp_path / "missing.png")],
    ]


def test_paths_come_from_standard_input_too_and_answers_as_json(run, dataset, tmp_path):
    files = save_images(tmp_path / "images", dataset.test_images[:2])
    paths = [files[1], tmp_path / "missing.png", files[0]]
    done = fashion("predict", "--run", run, "--json", "-", text="\n".join(map(str, paths)) + "\n\n")
    assert done.returncode == 1
    said = json.loads(done.stdout)
    assert said["run"] == {"folder": str(run), "model": "small", "augmentation": "none", "seed": 0, "study": "test"}
    assert [answer["image"] for answer in said["images"]] == list(map(str, paths))
    assert said["images"][1] == {"image": str(paths[1]), "error": f"{paths[1]}: no such file"}
    expected = classify(run, files)
    for answer, other in zip((said["images"][2], said["images"][0]), expected, strict=True):
        assert list(answer) == ["image", "class", "confidence", "top", "seen"]
        assert answer["confidence"] == pytest.approx(other["confidence"], abs=1e-6)
        assert answer["class"] == other["class"]
    assert done.stderr == f"error: {paths[1]}: no such file\n"


def test_what_a_folder_has_besides_images_is_counted(dataset, tmp_path, caplog):
    (file,) = save_images(tmp_path / "images", dataset.test_images[:1])
    for name in ("a.HEIC", "b.HEIC", "c.heif", "d.eps", "README", "\x1b[31m.\x1b[32m"):
        (tmp_path / "images" / name).write_text("")
    (tmp_path / "images/more").mkdir()
    assert list(image_files([str(tmp_path / "images")])) == [file]
    (record,) = caplog.records
    for said in ("2 .HEIC", "1 .heif", "1 .eps", "1 without suffix", "1 folder", "1 .\\x1b[32m"):
        assert said in record.getMessage()


@pytest.mark.parametrize("name", ["\x1b[2Jshoe.png", "a\nerror: forged.png", "bell\x07.png", "\u202egnp.png"])
def test_a_name_cannot_control_the_terminal(name, run, dataset, tmp_path, capsys, caplog):
    (file,) = save_images(tmp_path / "images", dataset.test_images[:1])
    hostile = file.rename(file.with_name(name))
    with caplog.at_level(logging.ERROR), pytest.raises(SystemExit, match="1"):
        here("predict", "--run", run, hostile, hostile.with_name(f"missing {name}"))
    said = [capsys.readouterr().out, *(record.getMessage() for record in caplog.records)]
    assert [text.count("\n") for text in said] == [3, 0]
    for text in said:
        assert name.encode("unicode_escape").decode() in text
        assert not set(text) & {"\x1b", "\x07", "\u202e"}


def test_a_diverged_model_answers_nothing(run, dataset, tmp_path):
    weights = {name: (value * torch.nan).contiguous() for name, value in load(run).state_dict().items()}
    save_file(weights, run / "model.safetensors")
    for ask in (
        lambda: classify(run, save_images(tmp_path / "images", dataset.test_images[:2])),
        lambda: import_module("fashion.ask.export").export(run, tmp_path / "model.onnx"),
    ):
        with pytest.raises(UserError, match="its training diverged; choose another run"):
            ask()
    assert not (tmp_path / "model.onnx").exists()


def test_what_one_may_not_read_is_said_to_be_that(run, dataset, tmp_path, caplog):
    files, weights = save_images(tmp_path / "images", dataset.test_images[:1]), run / "model.safetensors"
    with denied(weights):
        with pytest.raises(SystemExit, match="1"):
            exit_on_user_error(lambda: classify(run, files))
        with pytest.raises(PermissionError):
            weights_of(run)
        assert Checkpoint(weights, "a key").load() is None
    last, of_checkpoint, *_ = (record.getMessage() for record in caplog.records)
    assert re.fullmatch(rf"error: {run}/[a-z.]+: permission denied; its owner can allow it by chmod", last)
    assert "Permission denied" in of_checkpoint


def test_weights_can_be_read_by_whoever_the_umask_lets(tmp_path):
    before = os.umask(0o027)
    try:
        write_json(tmp_path / "spec.json", {})
        with atomic(tmp_path / "model.safetensors") as temporary:
            save_file({"weight": torch.zeros(1)}, temporary)
    finally:
        os.umask(before)
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {
        "spec.json": 0o640,
        "model.safetensors": 0o640,
    }


def test_a_folder_without_images_is_named(run, dataset, tmp_path, capsys, caplog):
    (file,) = save_images(tmp_path / "images", dataset.test_images[:1])
    (tmp_path / "empty").mkdir()
    (tmp_path / "images/.hidden.png").write_text("not asked for")
    with caplog.at_level(logging.ERROR), pytest.raises(SystemExit, match="1"):
        here("predict", "--run", run, tmp_path / "empty", tmp_path / "images")
    assert str(file) in capsys.readouterr().out
    assert [record.getMessage().split(";")[0] for record in caplog.records] == [
        f"error: {tmp_path}/empty: a folder without images"
    ]


def test_a_wrong_folder_or_weights_are_refused_in_one_line(run, tmp_path):
    def refusal() -> str:
        with pytest.raises(UserError) as caught:
            load(run)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    weights, spec = run / "model.safetensors", run / "spec.json"
    content = weights.read_bytes()
    save_file(build(make_spec("vgg")["model"]).state_dict(), weights)
    assert refusal().startswith(f"{weights}: not the weights of the model in spec.json: Error(s) in loading")
    weights.write_bytes(content[: len(content) // 2])
    assert refusal().startswith(f"{weights}: not the weights of the model in spec.json: ")
    weights.unlink()
    command = f"python -m fashion.training.train --spec '{run}'/spec.json"
    command += f" --data results/data/fashion_mnist.npz --output '{run}'"
    assert refusal() == f"{weights}: no such weights; train the run: {command}"
    spec.write_text("[]")
    assert refusal().startswith(f"{spec}: not a run's spec: it lacks model")
    spec.unlink()
    assert refusal().startswith(f"{run}: not a run's folder: it has no spec.json; runs are results/<study>/runs/")


@pytest.mark.parametrize("command", ["predict a.png --run", "show", "export --onnx model.onnx"])
def test_a_command_ends_with_one_line_and_status_1_where_there_is_no_run(command, tmp_path):
    done = fashion(*command.split(), tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"error: {tmp_path}: not a run's folder")
    assert done.stderr.count("\n") == 1


def lines_of(run: Path) -> dict[str, str]:
    return {name: value.strip() for name, _, value in (line.partition("  ") for line in card(run).splitlines())}


def test_a_card_says_what_the_runs_files_say(tmp_path):
    spec = make_spec("vgg", seed=3, augmentation={"mixup": {"alpha": 2.0}})
    history = make_history([1.5, 0.5, 0.7], validation_accuracy=[0.41, 0.82, 0.78], seconds=[4, 5, 6])
    provenance = {"device": "a GPU", "driver": "600.1", "threads": 2, "packages": {"torch": "2.15.0", "numpy": "2.4.6"}}
    fake = FakeRun(
        spec,
        tmp_path,
        history=history,
        metrics={"parameters": 12345, "flops_per_image": 67890},
        provenance=provenance,
    )
    run = fake.write("spec.json")
    shown = lines_of(run)
    assert (shown["epochs"], shown["test accuracy"]) == ("not trained yet", "not evaluated yet")

    fake.write()
    # 1.96 * sqrt(0.8 * 0.2 / 60) = 0.1012
    assert lines_of(run) == {
        "run": str(run),
        "model": "small (vgg): dropout 0.5, hidden 32, layers 8 M 16 M",
        "augmentation": "both: mixup alpha 2.0",
        "seed": "3",
        "study": "test",
        "images": "140 training, 60 validation, 60 test",
        "protocol": "batch size 16, epochs 3, learning rate 0.003, loss cross_entropy, min delta 0, optimizer adam, "
        "patience 5, tested weights best, validation clean",
        "parameters": "12,345",
        "FLOPs": "67,890 an image",
        "test accuracy": "80.00% of n = 60 images; 95 % interval 69.58% to 90.42% for this seed",
        "epochs": "3; best 2, with validation loss 0.5000, validation accuracy 82.00%",
        "training time": "15.0 s, 5.00 s an epoch",
        "device": "a GPU; 2 threads, driver 600.1",
        "versions": "python 3.12.3, numpy 2.4.6, torch 2.15.0",
        "platform": "Linux",
        "commit": "c0ffee",
        "finished": "2026-01-02T03:04:05+00:00",
    }
    fake.diverge().write()
    assert lines_of(run)["diverged"] == "in epoch 3, step 7, at learning rate 0.001"


def test_a_card_has_the_reports_numbers_of_that_very_run_beside(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config["studies"]["quick"]["models"] = ["vit"]
    reported = {"parameters": 204810, "test_accuracy": 0.8634, "augmented_test_accuracy": 0.9}
    reported |= {"seconds": 3720.32, "seconds_per_epoch": 50, "epochs": 45}
    (tmp_path / "report").mkdir()
    (tmp_path / "report/reported.yaml").write_text(yaml.safe_dump({"vit": {"both": reported}}))
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config | {"report": "report"}))
    results = Results(tmp_path / "results/quick", load_study([CONFIG], "quick")[0])
    key = ("vit", "both", 0)
    results.finish(key)
    run = results.path(key)
    measured = {"parameters": 204811, "flops_per_image": 5, "test_accuracy": 0.8, "test_images": 60, "test_loss": 0.5}
    write_json(run / "metrics.json", {**measured, "augmented_test_accuracy": 0.7})
    shown = lines_of(run)
    assert shown["note"].startswith("quick study: 4,000 images")
    assert shown["parameters"] == "204,811 (reported 204,810)"
    assert shown["test accuracy"].startswith("80.00% (reported 86.34%) of n = 60 images; 95 % interval ")
    assert shown["the same, augmented"] == "70.00% (reported 90.00%), as the published code tests"
    assert shown["epochs"].startswith("2 (reported 45); best 2, with validation loss 0.3000")
    assert shown["training time"] == "4.0 s (reported 3,720.3 s), 2.00 s an epoch (reported 50.00 s)"
    # Nothing on other data, where it is not what the configuration runs, or where there is none.
    provenance = read_json(run / "provenance.json")
    write_json(run / "provenance.json", provenance | {"dataset": {"train-images-idx3-ubyte": "0"}})
    assert "reported" not in card(run)
    write_json(run / "provenance.json", provenance | {"dataset": CHECKSUMS})
    (tmp_path / "mine.yaml").write_text("studies: {quick: {training: {epochs: 4}}}")
    assert "reported" in card(run)
    assert not re.search("reported|^note", card(run, [Path("mine.yaml")]))
    (tmp_path / "config.yaml").unlink()
    assert not re.search("reported|^note", card(run))


def test_finished_runs_are_listed_with_the_folders_that_other_commands_take(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # Without any run, the one that comes with the program.
    assert [line.split()[0] for line in listing(Path("results"), None).splitlines()] == ["run", "shipped"]
    config["studies"]["quick"] |= {"models": ["vit", "vgg8"], "seeds": [0, 1]}
    for name in ("quick", "second"):
        results = Results(Path("results") / name, resolve(config, "quick"))
        results.finish(("vit", "both", 1), accuracy=0.8123)
        results.train(("vit", "both", 0))
    results.finish(("vgg8", "both", 0))
    header, *rows = (re.split("  +", line.strip()) for line in listing(Path("results"), None).splitlines())
    assert header == ["run", "test accuracy", "epochs", "seconds", "state"]
    numbers = ["81.23 % (n = 1,000)", "2", "4.0", "not in config.yaml"]
    assert rows[:3] == [
        ["quick/vit/both/1", *numbers],
        ["second/vgg8/both/0", "83.00 % (n = 1,000)", "2", "4.0", "not in config.yaml"],
        ["second/vit/both/1", *numbers],
    ]
    assert [row[0] for row in rows[3:]] == ["shipped"]
    folder = run_folder(rows[0][0])
    assert folder == Path("results/quick/runs/vit/both/seed1")
    assert run_folder("shipped") == SHIPPED
    with pytest.raises(argparse.ArgumentTypeError, match=r"no run quick/vti/both/1; did you mean quick/vit/both/1\?"):
        run_folder("quick/vti/both/1")
    assert len(listing(Path("results"), "quick").splitlines()) == 2
    with pytest.raises(UserError, match=r"^results/third: no finished run"):
        listing(Path("results"), "third")
    with pytest.raises(UserError, match=r"^/etc: no finished run; "):
        listing(Path("results"), "/etc")
    write_json(folder / "metrics.json", {"accuracy": 1})
    with pytest.raises(UserError, match=f"^{folder}/metrics.json: top level: 'test_images' is a required property"):
        listing(Path("results"), "quick")


@pytest.mark.parametrize("command", ["predict a.png --run", "show", "export --onnx model.onnx"])
@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("quick/vit/both/0", "results/quick/runs/vit/both/seed0"),
        ("results/quick/runs/vit/both/seed0", "results/quick/runs/vit/both/seed0"),
        ("runs/vit/both/seed0", "runs/vit/both/seed0"),
        ("/a/b/c/0", "/a/b/c/0"),
    ],
)
def test_every_command_takes_a_run_in_the_same_way(command, text, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert parser().parse_args([*command.split(), text]).run == Path(folder)


def test_without_a_command_there_is_help_and_the_version_is_asked_for_by_name(capsys):
    here()
    commands = re.findall(r"^    (\w+)  ", capsys.readouterr().out, re.MULTILINE)
    assert commands == ["predict", "runs", "show", "export", "watch", "track"]
    with pytest.raises(SystemExit, match="0"):
        here("--version")
    assert capsys.readouterr().out == f"fashion {version('fashion')}\n"


def test_without_a_run_the_best_is_shown(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    here("show")
    assert capsys.readouterr().out.split()[:2] == ["run", str(SHIPPED)]


def test_a_card_of_our_own_augmentations_names_their_settings(tmp_path):
    augmentation = {"name": "strong", "flip": True, "shift": 2}
    run = FakeRun({**make_spec(), "augmentation": augmentation}, tmp_path).write()
    assert lines_of(run)["augmentation"] == "strong: flip True; shift 2"


@pytest.mark.parametrize(
    "content", ["", "epoch,loss\n1,2\n", "epoch,validation_loss,seconds"], ids=["empty", "other", "no epoch"]
)
def test_a_damaged_history_is_refused_by_name(content, run):
    (run / "history.csv").write_text(content)
    with pytest.raises(UserError, match="not the history of a run") as caught:
        card(run)
    assert str(run / "history.csv") in str(caught.value)


def test_files_of_another_program_are_refused_by_name(run):
    write_json(run / "metrics.json", {"accuracy": 1})
    with pytest.raises(UserError, match=r"metrics\.json: top level: 'test_images' is a required property") as caught:
        card(run)
    assert str(caught.value).startswith(f"{run}/metrics.json: ")


@pytest.mark.parametrize("family", MODELS)
def test_an_exported_model_answers_as_the_run_does(family, dataset, tmp_path, capsys):
    run, path = make_run(tmp_path / "run", family), tmp_path / "folder/model.onnx"
    here("export", run, "--onnx", path)
    assert capsys.readouterr().out == (
        f"wrote {path}, {path.stat().st_size:,} bytes: small none seed 0, "
        "input images [N, 1, 28, 28] float32 in [-1, 1], output logits [N, 10] float32\n"
    )
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    model = load(run)
    for count in (1, 2, 7):
        images = normalise(torch.from_numpy(dataset.test_images[:count, None]))
        (logits,) = session.run(["logits"], {"images": images.numpy()})
        np.testing.assert_allclose(logits, logits_of(model, images).numpy(), atol=1e-5)
    metadata = session.get_modelmeta().custom_metadata_map
    assert tuple(json.loads(metadata["classes"])) == CLASSES
    assert json.loads(metadata["spec"]) == make_spec(family)
    assert list(path.parent.iterdir()) == [path]


def test_an_export_that_cannot_be_written_is_refused_in_one_line(run, tmp_path):
    (tmp_path / "model.onnx").mkdir()
    with pytest.raises(UserError, match=f"^cannot write {tmp_path}/model.onnx: .*") as caught:
        here("export", run, "--onnx", tmp_path / "model.onnx")
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a run", "model.onnx"]


def test_an_export_without_its_packages_says_how_to_get_them(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(UserError, match=r"no module onnxscript, which ONNX needs: pip install 'fashion\[export\]'"):
        here("export", run, "--onnx", tmp_path / "model.onnx")


def test_help_is_answered_without_imports_of_seconds():
    code = "import sys, fashion.__main__; print({'torch', 'numpy', 'pandas', 'PIL'} & set(sys.modules))"
    done = python("-c", code)
    assert done.stdout == "set()\n", done.stderr
    done = fashion("predict", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "no calibrated probability" in done.stdout


def test_the_console_script_is_the_command():
    script = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]["fashion"]
    module, _, name = script.partition(":")
    assert getattr(import_module(module), name) is import_module("fashion.__main__").main


@pytest.mark.parametrize("command", ["show", "watch", "track --to tensorboard"])
def test_a_configuration_file_that_is_missing_is_one_line(command):
    done = fashion(*command.split(), "--configfile", "absent.yaml")
    assert (done.returncode, done.stderr) == (1, "error: --configfile absent.yaml: no such file\n")
