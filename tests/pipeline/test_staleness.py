"""Exactly those jobs run again whose result could differ, and a dry run says why."""

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fashion.data.dataset import FILES
from fashion.study.definition import resolve
from fashion.study.run_folder import RECORDS
from helpers.runs import FakeRun

MODELS = ["vgg8", "vgg8_wide", "vgg12", "resnet18", "resnet18_narrow", "resnet18_dilated"]
MODELS += ["vit", "vit_depthwise", "vit_patchfree"]
OF_ALL_RUNS = {"tables", "claims", "overviews", "curves"}
FIGURES = {"samples", "diagrams", "curves", "overviews"}
VGGS, RESNETS, VITS = ([model for model in MODELS if model.startswith(family)] for family in ("vgg", "resnet", "vit"))
# Enough where families are compared.
FEW = ["vgg8", "vgg12", "resnet18", "vit"]
RUNS = "results/tiny/runs"


def trained(*models: str) -> set[str]:
    """The jobs that train models anew, and those that follow."""
    return {f"train {model} both 0" for model in models} | OF_ALL_RUNS


@pytest.fixture
def study(whole, tmp_path):
    """A copy of the finished study, and of the checkout in its folder."""
    return whole.study.copy(tmp_path / "study")


def plan(study, *arguments: str) -> set[str]:
    """The jobs of a dry run; its status must agree with them."""
    jobs, status = study.dry_run(*arguments)
    trainings = sum(job.startswith("train ") for job in jobs)
    trainings -= sum(": trained, to evaluate: " in line for line in status)
    assert f" runs, {trainings or 'none'} to train" in "\n".join(status)
    return jobs


def set_config(*path_and_value) -> Callable:
    """An edit of config.yaml: the value at a path of keys."""

    def edit(study) -> None:
        *path, key, value = path_and_value
        config = entry = study.config
        for part in path:
            entry = entry.setdefault(part, {})
        entry[key] = value
        study.configure(config)

    return edit


def replace(file: str, old: str, new: str) -> Callable:
    """An edit of a file of the checkout: the first place where it says `old`."""

    def edit(study) -> None:
        path = study.checkout / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new, 1))

    return edit


def append(file: str, text: str) -> Callable:
    def edit(study) -> None:
        with open(study.checkout / file, "a") as opened:
            opened.write(text)

    return edit


def refer_to_the_other_reading(study) -> None:
    """A study with the other reading, and its results among the references."""
    set_config("studies", "other", study.config["studies"]["tiny"] | {"reading": "as_published"})(study)
    tables = study.checkout / "docs/reference/other/tables"
    tables.mkdir(parents=True)
    for name in ("claims", "statements"):
        (tables / f"{name}.csv").write_text("id\n")


def checksums(study) -> dict[str, str]:
    """Those of the dataset that a study's configuration names."""
    folder = Path(study.config["data"]["folder"])
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES.values()}


def delete(file: str) -> Callable:
    return lambda study: (study.folder / file).unlink()


def swap_heads_and_depth(study) -> None:
    config = study.config
    settings = config["models"]["vit"]["settings"]
    settings["heads"], settings["depth"] = settings["depth"], settings["heads"]
    study.configure(config)


def add_a_model(study) -> None:
    config = study.config
    config["models"]["vit_twin"] = config["models"]["vit"]
    study.configure(config)


def remove_a_model(study) -> None:
    config = study.config
    del config["models"]["vgg8"]
    study.configure(config)


def comment_everywhere(study) -> None:
    for path in study.checkout.rglob("*.py"):
        text = path.read_text().replace('"""', '"""Said otherwise. ', 1).replace("\n\n\n", "\n# A comment.\n\n\n\n")
        path.write_text(text)
    # Not in the package: data files there count by their bytes.
    workflow = study.checkout / "workflow"
    for path in [*workflow.rglob("*.smk"), *workflow.rglob("*.yaml"), study.folder / "config.yaml"]:
        path.write_text("# A comment.\n" + path.read_text())


def reformat(study) -> None:
    command = [Path(sys.executable).with_name("ruff"), "format", "--quiet", "--isolated", "--line-length", "60"]
    subprocess.run([*command, study.checkout / "src"], check=True)


def copy_without_dates(study) -> None:
    """As `cp -r` or a zip and back: each file with the date at which it was written, in no order of use."""
    for number, path in enumerate(sorted(study.folder.glob("results/**/*"), reverse=True)):
        os.utime(path, (number, number))


def forget(study) -> None:
    """As whoever copies results alone: nothing of Snakemake's memory."""
    shutil.rmtree(study.folder / ".snakemake")


def forget_and(*edits: Callable) -> Callable:
    def edit(study) -> None:
        for each in (forget, copy_without_dates, *edits):
            each(study)

    return edit


def put_a_record(file: str, **values) -> Callable:
    """An edit of what a run's record says, as a process writes that outlived its Snakemake, or a backup brings back."""

    def edit(study) -> None:
        path = study.folder / RUNS / file
        path.write_text(json.dumps(json.loads(path.read_text()) | values))

    return edit


def put_an_old_record(file: str, **values) -> Callable:
    def edit(study) -> None:
        put_a_record(file, **values)(study)
        os.utime(study.folder / RUNS / file, (0, 0))

    return edit


def touch(study) -> None:
    for path in [*study.checkout.rglob("*"), *study.folder.glob("results/data/*"), study.folder / "config.yaml"]:
        os.utime(path)


def check_out_elsewhere(study) -> None:
    elsewhere = study.folder.with_name("elsewhere")
    shutil.copytree(study.checkout, elsewhere, copy_function=shutil.copy)
    shutil.rmtree(study.checkout)
    study.checkout = elsewhere


def reorder_keys(study) -> None:
    def reverse(value):
        return {key: reverse(value[key]) for key in reversed(value)} if isinstance(value, dict) else value

    study.configure(reverse(study.config))


def move_the_dataset(change: Callable[[bytes], bytes]) -> Callable:
    """An edit of data.folder: another one, with the four files gzipped, and `change` made to the training images."""

    def edit(study) -> None:
        config = study.config
        folder = study.folder / "moved"
        folder.mkdir()
        for path in Path(config["data"]["folder"]).iterdir():
            content = path.read_bytes()
            if path.name.startswith("train-images"):
                content = change(content)
            (folder / f"{path.name}.gz").write_bytes(gzip.compress(content))
        config["data"]["folder"] = str(folder)
        study.configure(config)

    return edit


def add_a_family(study) -> None:
    models = study.checkout / "src/fashion/models"
    shutil.copytree(models / "vit", models / "twin")


# Edits of two families' networks.
DROPOUT = replace("src/fashion/models/vgg/network.py", "dropout: float = 0.2", "dropout: float = 0.3")
POOLING = replace("src/fashion/models/vit/network.py", "mean(dim=1)", "sum(dim=1)")

NOTHING: set[str] = set()
CASES = {
    "a model's training": (set_config("models", "vgg8", "training", {"learning_rate": 0.0005}), trained("vgg8")),
    "a model's settings": (set_config("models", "vgg8", "settings", "hidden", [8]), trained("vgg8") | {"diagrams"}),
    "two values of a model swapped": (swap_heads_and_depth, trained("vit") | {"diagrams"}),
    "early stopping's patience": (set_config("training", "patience", 6), trained(*MODELS)),
    "a family's network": (DROPOUT, trained(*VGGS) | {"diagrams"}),
    "another family's network": (POOLING, trained(*VITS) | {"diagrams"}),
    "a family's diagram": (
        replace("src/fashion/models/vgg/diagram.py", "[*before, module]", "[module, *before]"),
        {"diagrams"},
    ),
    "the words of diagrams": (replace("src/fashion/models/diagram.py", '"window"', '"square"'), {"diagrams"}),
    "a family more": (add_a_family, NOTHING),
    "a helper of two families": (
        replace("src/fashion/models/layers.py", "nn.MaxPool2d(2)", "nn.MaxPool2d(2, 2)"),
        trained(*VGGS, *RESNETS) | {"diagrams"},
    ),
    "a helper deep in the training": (replace("src/fashion/training/seeds.py", ">> 1", ">> 2"), trained(*MODELS)),
    "a local variable renamed": (
        replace("src/fashion/training/seeds.py", "digest = ", "other = "),
        trained(*MODELS),
    ),
    "the arithmetic of RandAugment": (
        replace("src/fashion/data/operations.py", "sums.div(13)", "sums.div(14)"),
        trained(*MODELS) | {"samples"},
    ),
    "the rule of early stopping": (
        replace("src/fashion/study/stopping.py", "if loss < lowest", "if loss <= lowest"),
        trained(*MODELS),
    ),
    "the format of checkpoints": (replace("src/fashion/training/checkpoint.py", '"checksum"', '"crc"'), NOTHING),
    "an attribute set at import": (
        append("src/fashion/training/seeds.py", "torch.backends.cudnn.allow_tf32 = False\n"),
        trained(*MODELS),
    ),
    "an import that does something": (
        replace("src/fashion/models/vit/network.py", "import torch\n", "import torch\nimport fashion.training.seeds\n"),
        trained(*VITS) | {"diagrams"},
    ),
    "a statement in a room's __init__.py": (
        append("src/fashion/training/__init__.py", "import torch\n\ntorch.backends.cudnn.allow_tf32 = False\n"),
        trained(*MODELS),
    ),
    "a definition more in a network's module": (
        append("src/fashion/models/vgg/network.py", "NEW = 1\n"),
        trained(*VGGS) | {"diagrams"},
    ),
    "a word in a training's log": (
        replace("src/fashion/training/loop.py", "resumed at epoch", "going on at epoch"),
        NOTHING,
    ),
    "a word in an error": (
        replace("src/fashion/training/loop.py", "forward does not use it; remove it", "forward ignores it; drop it"),
        NOTHING,
    ),
    "what the provenance records": (
        replace("src/fashion/training/provenance.py", '"commit": ', '"revision": '),
        NOTHING,
    ),
    "an option's help": (replace("src/fashion/training/train.py", "processor threads", "CPU threads"), NOTHING),
    "where log lines go": (replace("src/fashion/stage.py", 'format="%(message)s"', 'format="- %(message)s"'), NOTHING),
    "a unit in Table 2": (
        replace("src/fashion/tables/operations.py", '"bits kept"', '"bits"'),
        {"tables", "overviews"},
    ),
    "a claim's words": (
        replace("workflow/report/claims.yaml", "The best model is VGG8", "The best is VGG8"),
        {"claims"},
    ),
    "an axis's label": (
        replace("src/fashion/figures/time_to_accuracy.py", '"training time (s)"', '"time (s)"'),
        {"overviews"},
    ),
    "a figure's code": (replace("src/fashion/figures/log.py", 'color="0.95"', 'color="0.9"'), {"curves"}),
    "code that curves and overviews share": (
        replace("src/fashion/figures/parts/epochs.py", "FEW_EPOCHS = 10", "FEW_EPOCHS = 11"),
        {"curves", "overviews"},
    ),
    "the figures' style": (append("src/fashion/figures/parts/fashion.mplstyle", "\naxes.titlesize: 9\n"), FIGURES),
    "a rule's command": (
        replace("workflow/rules/figures.smk", "fashion.figures.samples --plan", "fashion.figures.samples  --plan"),
        {"samples"},
    ),
    "reported numbers": (
        replace("workflow/report/reported.yaml", "test_accuracy: 0.918,", "test_accuracy: 0.5,"),
        OF_ALL_RUNS,
    ),
    "a published curve": (replace("workflow/report/curves.csv", "P1,1,0.8033", "P1,1,0.8034"), {"curves"}),
    "how many trainings share a GPU": (set_config("trainings_per_gpu", 2), NOTHING),
    "how a GPU is found": (append("src/fashion/machine/lease.py", "NEW = 1\n"), NOTHING),
    "a caption": (replace("workflow/report/figures.yaml", "As Fig. 3, with", "Like Fig. 3, with"), {"page"}),
    "the report's title": (replace("workflow/report/report.yaml", "Clothing Classification", "Clothes"), {"page"}),
    "what is said of the published runs": (append("workflow/report/networks.md", "More.\n"), {"page"}),
    "the reference of a study with the other reading": (refer_to_the_other_reading, {"page"}),
    "a claim's rule": (
        replace("workflow/report/claims.yaml", "low: 0.90,", "low: 0.91,"),
        {"claims"},
    ),
    "comments and docstrings": (comment_everywhere, NOTHING),
    "reformatting": (reformat, NOTHING),
    "touch": (touch, NOTHING),
    "a fresh checkout": (check_out_elsewhere, NOTHING),
    # Rows and panels are in the configuration's order.
    "keys in another order": (reorder_keys, {"tables", "claims", "curves", "overviews", "page"}),
    "code that fetches verified data": (append("src/fashion/data/download.py", "NEW = 1\n"), NOTHING),
    "the dataset moved": (move_the_dataset(lambda content: content), NOTHING),
    "another dataset": (
        move_the_dataset(lambda content: content[:-1] + b"\x07"),
        # None of the report's, which is said on everything.
        {"dataset", "samples", "diagrams", "class_names"} | trained(*MODELS),
    ),
    "a seed more": (
        set_config("studies", "tiny", "seeds", [0, 1]),
        {f"train {model} both 1" for model in MODELS} | OF_ALL_RUNS,
    ),
    "a model more": (add_a_model, {"train vit_twin both 0"} | OF_ALL_RUNS),
    "a model less": (remove_a_model, OF_ALL_RUNS | {"diagrams"}),
    "a history deleted": (delete(f"{RUNS}/vgg8/both/seed0/history.csv"), trained("vgg8")),
    "metrics deleted": (delete(f"{RUNS}/vgg8/both/seed0/metrics.json"), {"train vgg8 both 0"} | OF_ALL_RUNS),
    "predictions deleted": (
        delete(f"{RUNS}/vgg8/both/seed0/predictions.npz"),
        {"train vgg8 both 0"} | OF_ALL_RUNS,
    ),
    "weights deleted": (delete(f"{RUNS}/vgg8/both/seed0/model.safetensors"), NOTHING),
    "another seed's settings in a run": (put_a_record("vgg8/both/seed0/spec.json", seed=7), trained("vgg8")),
    "weights of another training": (
        put_a_record("vgg8/both/seed0/provenance.json", weights="of a training that outlived its Snakemake"),
        {"train vgg8 both 0"} | OF_ALL_RUNS,
    ),
    "a run on other data": (
        put_a_record("vgg8/both/seed0/provenance.json", dataset={"train-images-idx3-ubyte": "0"}),
        trained("vgg8"),
    ),
    "a damaged record": (
        put_a_record("vgg8/both/seed0/metrics.json", test_accuracy="high"),
        {"train vgg8 both 0"} | OF_ALL_RUNS,
    ),
    "a backup of a run's metrics": (
        put_an_old_record("vgg8/both/seed0/metrics.json", test_loss=0.5),
        OF_ALL_RUNS - {"curves"},
    ),
    "all dates": (copy_without_dates, NOTHING),
    "all of Snakemake's memory": (forget_and(), OF_ALL_RUNS | FIGURES),
    "its memory, a network and settings": (
        forget_and(POOLING, set_config("models", "vgg8", "training", {"learning_rate": 0.0005})),
        trained(*VITS, "vgg8") | FIGURES,
    ),
    "a figure deleted": (delete("results/tiny/figures/fig04_vgg8_curves.svg"), {"curves"}),
}


@pytest.fixture(scope="module")
def plans(whole, tmp_path_factory):
    """What is planned after each edit; dry runs leave a core idle, so that each core has one."""

    def plan_after(edit: Callable) -> set[str]:
        study = whole.study.copy(tmp_path_factory.mktemp("edited") / "study")
        edit(study)
        return plan(study)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {case: pool.submit(plan_after, edit) for case, (edit, _) in CASES.items()}


def followed(jobs: set[str]) -> set[str]:
    """Jobs with the one that follows any other: the page has all tables and figures."""
    return jobs | {"page"} if jobs else jobs


@pytest.mark.parametrize("case", CASES)
def test_what_an_edit_makes_stale(plans, case):
    assert plans[case].result() == followed(CASES[case][1])


def test_nothing_is_planned_for_who_trusts_modification_times(study):
    touch(study)
    replace("src/fashion/training/seeds.py", ">> 1", ">> 2")(study)
    set_config("training", "patience", 6)(study)
    assert plan(study, "--rerun-triggers", "mtime") == NOTHING
    set_config("studies", "tiny", "seeds", [0, 1])(study)
    assert plan(study, "--rerun-triggers", "mtime") == followed(CASES["a seed more"][1])


def test_a_change_known_to_change_no_number_is_accepted_by_touch(study):
    replace("src/fashion/training/seeds.py", ">> 1", ">> 2")(study)
    assert plan(study) == followed(trained(*MODELS))
    assert study.snakemake("--touch").returncode == 0
    assert plan(study) == NOTHING


def test_a_run_whose_evaluation_alone_is_stale_keeps_its_weights(study):
    run, log = study.folder / RUNS / "vgg8/both/seed0", study.folder / "results/tiny/logs/vgg8/both/seed0.log"
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    replace("src/fashion/training/evaluation.py", "if math.isfinite(loss)", "if loss < math.inf")(study)
    _, status = study.dry_run()
    said = "trained, to evaluate: code of fashion.training.evaluation changed"
    assert status[: len(MODELS)] == [f"{model} both seed 0: {said}" for model in sorted(MODELS)]
    assert study.snakemake("--", f"{RUNS}/vgg8/both/seed0/metrics.json").returncode == 0
    after = {path.name: path.read_bytes() for path in run.iterdir()}
    assert {name for name in after if after[name] != before[name]} == {"metrics.json"}, "the digest of the code"
    assert "trained already, evaluated again" in log.read_text()
    assert "vgg8 both seed 0: up to date" in study.dry_run()[1]


def test_a_dataset_made_again_with_the_same_content_makes_nothing_stale(study):
    shutil.rmtree(study.folder / "results/data")
    assert study.snakemake("--", "results/data/fashion_mnist.npz").returncode == 0
    assert plan(study) == NOTHING


def test_the_status_says_of_each_run_what_is_stale_and_why(study):
    set_config("models", {model: study.config["models"][model] for model in FEW})(study)
    DROPOUT(study)
    delete(f"{RUNS}/resnet18/both/seed0/metrics.json")(study)
    mine = study.folder / "mine.yaml"
    mine.write_text("{studies: {tiny: {seeds: [0, 1]}}, models: {vit: {training: {learning_rate: 0.0005}}}}")
    set_config("studies", "other", study.config["studies"]["tiny"])(study)
    set_config("study", "other")(study)
    device = json.loads((study.folder / f"{RUNS}/vit/both/seed0/provenance.json").read_text())["device"]
    _, status = study.dry_run("--configfile", str(study.folder / "config.yaml"), str(mine), "--config", "study=tiny")
    assert [re.sub(r"about \d+ s", "about N s", line) for line in status] == [
        "resnet18 both seed 0: trained, to evaluate: never evaluated",
        "resnet18 both seed 1: never run; about N s",
        "vgg12 both seed 0: code of fashion.models.vgg.network changed; about N s",
        "vgg12 both seed 1: never run; about N s",
        "vgg8 both seed 0: code of fashion.models.vgg.network changed; about N s",
        "vgg8 both seed 1: never run; about N s",
        "vit both seed 0: training.learning_rate 0.001 -> 0.0005; about N s",
        "vit both seed 1: never run; about N s",
        f"study tiny: 8 runs, 7 to train on {device}",
        "then: 1 claims, 1 curves, 1 diagrams, 1 overviews, 1 page, 1 tables",
    ]


@pytest.mark.parametrize("file", ["src/fashion/models/vgg/network.py", "src/fashion/figures/curves.py"])
def test_code_that_does_not_parse_is_refused_in_one_line(study, file):
    (study.checkout / file).write_text("x = 1\ndef f(:\n")
    done = study.snakemake("--dry-run")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == f"error: {study.checkout / file}, line 2: invalid syntax"


def test_every_job_depends_on_the_code_that_it_runs(whole):
    # Left out are what only fetches the dataset, and what reads the command lines of a run's stages.
    computing = {
        "fashion.data.download": "fashion.data.idx",
        "fashion.training.train": "fashion.training.loop",
    }
    records = [json.loads(path.read_text()) for path in (whole.study.folder / ".snakemake/metadata").iterdir()]
    stages = set()
    for record in records:
        for stage in set(re.findall(r"-m (fashion\.[\w.]+)", record["shellcmd"] or "")) - {"fashion.machine.on_gpu"}:
            stages.add(stage)
            assert f'"{computing.get(stage, stage)}":' in " ".join(record["params"]), record["rule"]
    figures = {f"fashion.figures.{kind}" for kind in FIGURES}
    assert stages == {*computing, *figures, "fashion.tables.make", "fashion.answer.make", "fashion.answer.page"}


def test_seeds_added_to_a_study_of_twenty_runs_plan_the_new_runs_alone(make_study):
    study, config = make_study(FEW)
    config["studies"]["tiny"]["seeds"] = [0, 1, 2, 3, 4]
    study.configure(config)
    for spec in resolve(config, "tiny").specs.values():
        FakeRun(spec, study.folder / "results/tiny/runs", provenance={"dataset": checksums(study)}).write()
    # Never made, but taken for finished.
    for paths in re.findall(r"^ +output: (.*)$", study.snakemake("--dry-run", "--printshellcmds").stdout, re.MULTILINE):
        for path in paths.split(", "):
            (study.folder / path).parent.mkdir(parents=True, exist_ok=True)
            if not path.endswith(RECORDS):
                (study.folder / path).touch()
    assert study.snakemake("--touch", "--forceall").returncode == 0
    config["studies"]["tiny"]["seeds"] += [5, 6, 7, 8, 9]
    study.configure(config)
    new = {f"train {model} both {seed}" for model in FEW for seed in range(5, 10)}
    assert plan(study) == followed(new | OF_ALL_RUNS)


def test_two_thousand_runs_would_fit_into_their_commands(make_study):
    study, config = make_study(["vit"])
    entry = {**config["models"]["vit"], "training": {"learning_rate": 0.0005}}
    config["studies"]["tiny"]["seeds"] = [0, 1, 2, 3]

    def longest(models: int) -> int:
        study.configure(
            config | {"models": {f"a_model_whose_name_is_long_{number}": entry for number in range(models)}}
        )
        text = study.snakemake("--dry-run", "--printshellcmds", "--nocolor").stdout
        commands = re.findall(r"^Shell command: (.*)", text, re.MULTILINE)
        assert len(commands) > 4 * models
        return max(map(len, commands))

    few, more = longest(60), longest(120)
    assert few < more
    # The longest argument that Linux passes to a program, such as to a shell, is 128 KB. Lengths grow by equal steps.
    assert more + (500 - 120) / 60 * (more - few) < 128 * 1024
