"""A study under way: when it ends, in a terminal, and as a command."""

import os
import pty
import re
import select
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from fashion.ask.overview import Overview, overview
from fashion.ask.remaining import Remaining, pace, remaining
from fashion.ask.studies import listing
from fashion.ask.watch import render, watch
from fashion.errors import UserError
from fashion.study.config import CONFIG, load_study
from fashion.study.definition import Study, resolve
from helpers.command import fashion
from helpers.results import Results

# Of a terminal whose whole screen was taken.
MAIN_SCREEN = "\x1b[?1049l"
# In winter, at noon where the tests run.
NOW = time.mktime((2026, 1, 15, 12, 0, 0, 0, 0, -1))


@pytest.fixture
def study(config: dict) -> Study:
    """Two models, each with and without augmentation, three seeds; at most 20 epochs, patience 5."""
    config["studies"]["quick"] |= {"models": ["vit", "vgg8"], "seeds": [0, 1, 2], "augmentations": ["none", "both"]}
    config["studies"]["quick"]["training"] = {"epochs": 20, "train_images": 2000}
    return resolve(config, "quick")


@pytest.fixture
def results(study: Study, tmp_path: Path) -> Results:
    return Results(tmp_path / "results/quick", study)


def seen(results: Results) -> Overview:
    found = results.states()
    running = [state.updated for state in found.values() if state.word == "running" and state.updated]
    return overview(results.study, found, max(running, default=NOW))


def lines(results: Results, width: int = 120) -> list[str]:
    console = Console(width=width, height=50, color_system=None)
    with console.capture() as capture:
        console.print(render(seen(results)))
    return [line.rstrip() for line in capture.get().splitlines()]


def left(results: Results) -> Remaining:
    found = results.states()
    return remaining(results.study, found, max(state.updated for state in found.values()))


def test_an_epoch_takes_what_the_last_ones_did(results):
    results.run(("vit", "both", 0), 0.5, 0.4, seconds=3)
    frame = results.states()["vit", "both", 0].history
    assert pace(frame) == 3
    frame.loc[1, "seconds"] = 9
    assert pace(frame) == 6


@pytest.mark.parametrize(
    ("losses", "others", "epochs"),
    [
        ([0.5, 0.4, 0.3], [], 8),  # the best epoch's patience
        ([0.5, 0.3, 0.4], [], 7),
        ([0.5, 0.3, 0.4], [10, 13], 12),  # as others did
        ([0.5, 0.4, 0.3], [4], 8),  # but not before patience is over
        ([0.5, 0.4, 0.3], [90], 20),
        ([*[1.0] * 16, 0.5], [], 20),
        ([float("nan"), float("nan")], [], 6),
    ],
)
def test_a_training_likely_ends_as_others_did_but_not_before_its_patience(results, losses, others, epochs):
    key = ("vit", "both", 0)
    results.run(key, *losses)
    for seed, number in enumerate(others, start=1):
        results.finish(("vit", "both", seed), *[0.5] * number)
    assert left(results).ends[key].likely == pytest.approx((epochs - len(losses)) * 2)


def test_an_end_counts_from_the_last_epoch(results):
    key = ("vit", "both", 0)
    results.run(key, 0.5, 0.4, seconds=10)
    found = results.states()
    for passed, gone in [(0, 0), (4, 4), (1000, 10), (-5, 0)]:
        end = remaining(results.study, found, found[key].updated + passed).ends[key]
        assert end.latest == pytest.approx(18 * 10 - gone)
        assert end.likely == pytest.approx(5 * 10 - gone)


def test_what_is_left_is_told_by_runs_alike(results):
    expected = left(results)
    assert (expected.seconds, expected.likely, expected.unknown) == (0, None, 12)
    results.finish(("vit", "both", 0), *[0.5] * 8)  # 16 seconds
    expected = left(results)
    assert (expected.seconds, expected.likely) == (2 * 16 + 3 * 16, None)  # vit none too: nothing else is known of it
    assert expected.unknown == 6
    results.run(("vit", "both", 1), 0.5, 0.4)  # 8 epochs, as the other
    results.run(("vgg8", "both", 0), 0.5, seconds=10)  # 6 epochs
    expected = left(results)
    assert expected.unknown == 0
    assert expected.seconds == pytest.approx(12 + 16 + 3 * 16 + 50 + 5 * 60, abs=1)
    assert expected.likely == pytest.approx(expected.seconds / 2)


def test_a_stopped_training_has_left_what_it_did_not_do(results):
    results.checkpoint(("vit", "both", 0), 0.5, 0.4, seconds=10, age=1000)
    expected = left(results)
    assert expected.ends == {}
    assert expected.seconds == pytest.approx(5 * 10 + 5 * 70)  # and the other seeds, and those without augmentation


def test_the_end_is_not_before_that_of_what_runs(results):
    for key in results.study.specs:
        results.finish(key)
    (results.folder / "runs/vit/both/seed0/metrics.json").unlink()
    for name in ("provenance.json", "predictions.npz"):
        (results.folder / "runs/vgg8/both/seed0" / name).unlink()
    results.run(("vgg8", "both", 0), 0.5, seconds=10)
    expected = left(results)
    assert expected.likely == pytest.approx(50)
    assert expected.unknown == 0


def test_times_on_another_device_say_nothing(results):
    results.finish(("vit", "both", 0), *[0.5] * 8, device="a GPU")
    results.train(("vit", "both", 1), [0.5] * 10, age=10)
    results.evaluate(("vit", "both", 1), age=5)
    results.run(("vit", "both", 2), 0.5)
    expected = left(results)
    assert expected.ends["vit", "both", 2].likely == pytest.approx((9 - 1) * 2, abs=1)
    assert expected.seconds == pytest.approx((9 - 1) * 2 + 3 * 20, abs=1)


def test_a_terminal_shows_each_run(results):
    specs = results.study.specs
    results.finish(("vit", "none", 0), accuracy=0.8)
    results.finish(("vit", "none", 1), accuracy=0.81)
    results.finish(("vit", "none", 2), diverged={"epoch": 2, "step": 3, "learning_rate": 0.1})
    results.run(("vit", "both", 0), 0.5, 0.4, 0.45, seconds=2)
    results.log(("vit", "both", 1))
    for seed in (0, 2):
        results.log(("vgg8", "both", seed), f"error: vgg8 both seed {seed}, epoch 2: the disk is full")
    results.checkpoint(("vgg8", "both", 1), 0.5, age=1000)
    results.finish(("vgg8", "none", 0))
    results.train(("vgg8", "none", 1))
    results.train(("vgg8", "none", 2))
    results.log(("vgg8", "none", 2))
    shown = lines(results)
    end = time.localtime(results.states()["vit", "both", 0].updated + 4 * 2)
    assert shown[0].startswith(f"quick study, {len(specs)} runs at ")
    assert shown[0].endswith(": 1 waiting, 3 running, 1 stopped, 2 failed, 1 diverged, 3 finished, 1 trained")
    assert shown[1].startswith("likely end ")
    assert shown[1].endswith("3 side by side")
    assert shown[2] == results.study.note
    text = "\n".join(re.sub("  +", "  ", line) for line in shown[3:])
    clock, latest = time.strftime("%H:%M", end), time.localtime(results.states()["vit", "both", 0].updated + 17 * 2)
    ends = rf"(\w+ )?{clock}  (\w+ )?{time.strftime('%H:%M', latest)}"  # with its day, shortly before midnight
    assert re.search(rf"^ViT, MixUp \+ RandAugment, seed 0  4 of 20  80.00 % \(2\)  700  {ends}$", text, re.MULTILINE)
    assert "ViT, MixUp + RandAugment, seed 1  begun\n" in text
    assert "VGG8, none, seed 2  evaluating\n" in text
    assert "ViT, none, seed 2  diverged  in epoch 2, step 3, at learning rate 0.1\n" in text
    assert "VGG8, MixUp + RandAugment, seeds 0, 2  failed  epoch 2: the disk is full\n" in text
    assert "VGG8, MixUp + RandAugment, seed 1  stopped  after 1 epoch\n" in text
    assert text.endswith("ViT  2/3 80.50 %  0/3\nVGG8  1/3 83.00 %, 1 trained  0/3")


def test_a_model_without_an_augmentation_has_an_empty_cell(config, tmp_path):
    config["models"]["vit"]["augmentations"] = ["both"]
    config["studies"]["quick"] |= {"models": ["vgg8", "vit"], "augmentations": ["none", "both"]}
    shown = lines(Results(tmp_path, resolve(config, "quick")))
    assert re.split("  +", shown[-2]) == ["VGG8", "0/1", "0/1"]
    assert re.split("  +", shown[-1]) == ["ViT", "0/1"]
    assert shown[-1].endswith(" 0/1")
    assert shown[-1].rindex("0/1") == shown[-2].rindex("0/1")


@pytest.mark.parametrize("study", ["published", "ablation"])
def test_a_whole_study_fits_a_terminal(config, tmp_path, study):
    results = Results(tmp_path, resolve(config, study))
    keys = list(results.study.specs)
    assert len(keys) >= 115
    for key in keys[:2]:
        results.run(key, 0.5, 0.4)
    for number, key in enumerate(keys[2:]):
        results.log(key, f"error: {number}, " + "which takes a line " * 3)
    for width, most in [(80, 70), (120, 40)]:
        shown = lines(results, width)
        assert len(shown) <= most
        assert max(map(len, shown)) <= width
    assert any(line.startswith(f"and {len(keys) - 10} more") for line in shown)


def test_names_with_brackets_are_shown_as_they_are(config, tmp_path):
    config["models"]["vit"]["title"] = "ViT [ours] [/] :smile: \x1b[31m"
    config["augmentations"]["both"]["title"] = "[bold]both[/bold]"
    config["studies"]["quick"] |= {"models": ["vit"], "augmentations": ["both"], "note": "[red]a note"}
    results = Results(tmp_path, resolve(config, "quick"))
    results.run(("vit", "both", 0), 0.5, 0.4)
    shown = "\n".join(lines(results))
    assert shown.count(r"ViT [ours] [/] :smile: \x1b[31m") == 2
    assert shown.count("[bold]both[/bold]") == 2
    assert "[red]a note" in shown
    assert "\x1b" not in shown


def test_a_failure_with_brackets_is_shown_as_it_is(results):
    results.log(("vit", "both", 0), "error: [Errno 28] No space [bold]left[/bold] [/]")
    assert any("[Errno 28] No space [bold]left[/bold] [/]" in line for line in lines(results))


def test_each_study_is_a_line_with_the_states_of_its_runs(results, study, config, tmp_path):
    results.finish(("vit", "both", 0))
    results.run(("vit", "both", 1), 0.5)
    configure(tmp_path, config)
    lines = [line.split(maxsplit=1) for line in listing(tmp_path / "config.yaml", tmp_path / "results").splitlines()]
    said = dict(lines)
    assert list(said) == list(config["studies"])
    assert said["quick"] == "12 runs: 1 running, 1 finished"
    assert said["report"] == "75 runs: none has begun"


def configure(folder: Path, config: dict) -> None:
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))


def test_configurations_go_on_top_of_each_other_as_in_snakemake(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"^config.yaml: no such file; run this in the folder where you run snakemake"):
        load_study([CONFIG])
    configure(tmp_path, config)
    (tmp_path / "mine.yaml").write_text("study: quick\ntraining: {patience: 7}\nstudies: {quick: {seeds: [5]}}\n")
    assert load_study([CONFIG])[0].name == "report"
    mine, _ = load_study([CONFIG, Path("mine.yaml")])
    assert mine.name == "quick"
    assert {seed for _, _, seed in mine.specs} == {5}
    assert mine.specs["published_vgg8", "both", 5]["training"]["patience"] == 7
    assert mine.training["learning_rate"] == config["training"]["learning_rate"]
    with pytest.raises(UserError, match=r"config.yaml, mine.yaml: no study 'nothing'; known: report, "):
        load_study([CONFIG, Path("mine.yaml")], "nothing")
    (tmp_path / "mine.yaml").write_text("{")
    with pytest.raises(UserError, match=r"^mine.yaml: line 2, column 1: not YAML: [^\n]*$"):
        load_study([CONFIG, Path("mine.yaml")], "quick")
    for content in ("[1]", "studies: 3", "models: {published_vgg8: null}"):
        (tmp_path / "mine.yaml").write_text(content)
        with pytest.raises(UserError, match=r"config.yaml, mine.yaml: not a configuration \(") as caught:
            load_study([CONFIG, Path("mine.yaml")], "quick")
        assert "\n" not in str(caught.value)


def test_without_a_terminal_it_prints_once(config, results, tmp_path):
    configure(tmp_path, config)
    results.run(("vit", "both", 0), 0.5, 0.4)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with fashion("watch", "--study", "quick", folder=tmp_path, **pipes) as process:
        out, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (0, b"")
    assert b"\x1b" not in out
    assert out.startswith(b"quick study, 12 runs at ")


def test_a_width_of_0_is_none(results, monkeypatch, capsys):
    results.run(("vit", "both", 0), 0.5, 0.4)
    monkeypatch.setenv("COLUMNS", "0")
    watch(results.study, results.folder, None)
    assert capsys.readouterr().out.startswith("quick study, 12 runs at ")


def test_in_a_terminal_it_goes_on_until_interrupted(config, results, tmp_path):
    configure(tmp_path, config)
    results.run(("vit", "both", 0), 0.5, 0.4)
    ours, its = pty.openpty()
    shown = ""

    def read_until(text: str) -> None:
        nonlocal shown
        while text not in shown:
            assert select.select([ours], [], [], 60)[0], shown
            shown += os.read(ours, 1 << 16).decode()

    with fashion("watch", "--study", "quick", folder=tmp_path, stdin=its, stdout=its, stderr=its) as process:
        read_until("3 of 20")
        results.run(("vit", "both", 0), 0.5, 0.4, 0.3)
        read_until("4 of 20")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    read_until(MAIN_SCREEN)
    shown = shown.rpartition(MAIN_SCREEN)[2]
    read_until("4 of 20")  # what it showed last stays
    assert "Traceback" not in shown
    for end in (ours, its):
        os.close(end)


def test_it_ends_once_all_have_finished(config, results, tmp_path):
    configure(tmp_path, config)
    for key in results.study.specs:
        results.finish(key)
    ours, its = pty.openpty()
    with fashion("watch", "--study", "quick", "--html", "watch.html", folder=tmp_path, stdout=its) as process:
        assert process.wait(60) == 0
    assert "12 finished" in os.read(ours, 1 << 16).decode()
    assert "12 finished" in (tmp_path / "watch.html").read_text()
    for end in (ours, its):
        os.close(end)
