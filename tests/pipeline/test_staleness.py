"""Exactly those jobs run again whose result could differ, and a dry run says why."""

import gzip
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

ROOT = Path(__file__).parents[2]

CURVES = {
    "vgg8": "curves fig04_vgg8",
    "vgg8_wide": "curves fig06_vgg8_wide",
    "vgg12": "curves ext03_other",
    "resnet18": "curves fig10_resnet18",
    "resnet18_narrow": "curves fig11_resnet18_narrow",
    "resnet18_dilated": "curves fig12_resnet18_dilated_test",
    "vit": "curves fig14_vit",
    "vit_depthwise": "curves fig16_vit_depthwise",
    "vit_patchfree": "curves fig17_vit_patchfree",
}
DIAGRAMS = {
    "vgg8": "diagram fig03_vgg8",
    "vgg8_wide": "diagram fig05_vgg8_wide",
    "vgg12": "diagram fig07_vgg12",
    "resnet18": "diagram fig09_resnet18",
    "vit": "diagram fig13_vit",
    "vit_depthwise": "diagram fig15_vit_depthwise",
}
LOG = "epoch_log fig08_vgg12"
OF_STUDY = {"comparison", "compute", "claims"}
OF_PREDICTIONS = {"per_class", "calibration", "ablation", "ext04_confusion", "ext05_reliability", "ext06_mistakes"}
OF_HISTORIES = {"ext08_gradients", "ext09_time_to_accuracy", "ext10_all_models"}
OF_EVALUATIONS = OF_STUDY | OF_PREDICTIONS | {"ext07_tradeoff"}
OF_ALL_RUNS = OF_EVALUATIONS | OF_HISTORIES
OF_FIRST_SEED = {"ext06_mistakes", "ext08_gradients"}
OVERVIEWS = OF_HISTORIES | {"ext04_confusion", "ext05_reliability", "ext06_mistakes", "ext07_tradeoff"}
SAMPLES = {"fig01_samples", "fig02_mixup", "ext01_randaugment", "ext02_mixup_alpha"}
MODELS = list(CURVES)
VGGS, RESNETS, VITS = ([model for model in MODELS if model.startswith(family)] for family in ("vgg", "resnet", "vit"))
# Enough where families are compared.
FEW = ["vgg8", "vgg12", "resnet18", "vit"]
RUNS = "results/tiny/runs"


def trained(*models: str) -> set[str]:
    """The jobs that train models anew, and those that follow."""
    runs = {f"{rule} {model} both 0" for model in models for rule in ("train", "evaluate")}
    return runs | {CURVES[model] for model in models} | OF_ALL_RUNS | ({LOG} if "vgg12" in models else set())


def drawn(*models: str) -> set[str]:
    return {DIAGRAMS[model] for model in models if model in DIAGRAMS}


@pytest.fixture
def study(whole, tmp_path):
    """A copy of the finished study, and of the checkout in its folder."""
    return whole.study.copy(tmp_path / "study")


def plan(study, *arguments: str) -> set[str]:
    """The jobs of a dry run; its status must agree with them."""
    jobs, status = study.dry_run(*arguments)
    trainings = sum(job.startswith("train ") for job in jobs)
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
    (tables / "claims.csv").write_text("id\n")


def delete(file: str) -> Callable:
    return lambda study: (study.folder / file).unlink()


def swap_heads_and_depth(study) -> None:
    config = study.config
    settings = config["models"]["vit"]["settings"]
    settings["heads"], settings["depth"] = settings["depth"], settings["heads"]
    study.configure(config)


def add_a_model(study) -> None:
    config = study.config
    config["models"]["vit_twin"] = config["models"]["vit"] | {"figures": {"curves": 14}}
    study.configure(config)


def remove_a_model(study) -> None:
    config = study.config
    del config["models"]["vgg8"]
    study.configure(config)


def comment_everywhere(study) -> None:
    for path in study.checkout.rglob("*.py"):
        text = path.read_text().replace('"""', '"""Said otherwise. ', 1).replace("\n\n\n", "\n# A comment.\n\n\n\n")
        path.write_text(text)
    for path in [*study.checkout.rglob("*.smk"), *study.checkout.rglob("*.yaml"), study.folder / "config.yaml"]:
        path.write_text("# A comment.\n" + path.read_text())


def reformat(study) -> None:
    command = [Path(sys.executable).with_name("ruff"), "format", "--quiet", "--isolated", "--line-length", "60"]
    subprocess.run([*command, study.checkout / "src"], check=True)


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
    "a model's training": (
        set_config("models", "vgg8", "training", {"learning_rate": 0.0005}),
        trained("vgg8") | {"table3_hyperparameters"},
    ),
    "a model's settings": (
        set_config("models", "vgg8", "settings", "hidden", [8]),
        trained("vgg8") | drawn("vgg8"),
    ),
    "two values of a model swapped": (swap_heads_and_depth, trained("vit") | drawn("vit")),
    "early stopping's patience": (set_config("training", "patience", 6), trained(*MODELS) | {"table3_hyperparameters"}),
    "a family's network": (DROPOUT, trained(*VGGS) | drawn(*VGGS)),
    "another family's network": (POOLING, trained(*VITS) | drawn(*VITS)),
    "a definition that no model uses": (append("src/fashion/models/vgg/network.py", "NEW = 1\n"), NOTHING),
    "a family's diagram": (
        replace("src/fashion/models/vgg/diagram.py", "[*before, module]", "[module, *before]"),
        drawn(*VGGS),
    ),
    "the words of diagrams": (replace("src/fashion/models/diagram.py", '"window"', '"square"'), drawn(*MODELS)),
    "a family's schema": (
        replace("src/fashion/models/vgg/settings.py", '{"type": "boolean"}', '{"enum": [False, True]}'),
        NOTHING,
    ),
    "a family's size": (replace("src/fashion/models/vit/settings.py", "2 * tokens**2", "3 * tokens**2"), NOTHING),
    "a family more": (add_a_family, NOTHING),
    "a helper of two families": (
        replace("src/fashion/models/layers.py", "nn.MaxPool2d(2)", "nn.MaxPool2d(2, 2)"),
        trained(*VGGS, *RESNETS) | drawn(*VGGS, *RESNETS),
    ),
    "a helper deep in the training": (
        replace("src/fashion/training/seeds.py", ">> 1", ">> 2"),
        trained(*MODELS),
    ),
    "a local variable renamed": (
        replace("src/fashion/training/seeds.py", "digest = ", "other = "),
        trained(*MODELS),
    ),
    "the arithmetic of RandAugment": (
        replace("src/fashion/data/operations.py", "sums.div(13)", "sums.div(14)"),
        trained(*MODELS) | {"fig01_samples", "fig02_mixup", "ext01_randaugment", "ext02_mixup_alpha"},
    ),
    "the rule of early stopping": (
        replace("src/fashion/training/loop.py", "if loss < lowest", "if loss <= lowest"),
        trained(*MODELS),
    ),
    "the format of checkpoints": (
        replace("src/fashion/training/checkpoint.py", '"checksum"', '"crc"'),
        NOTHING,
    ),
    "a definition that nothing uses": (append("src/fashion/training/seeds.py", "NEW = 1\n"), NOTHING),
    "an import that nothing uses": (
        replace("src/fashion/models/vit/network.py", "import torch\n", "import math\nimport torch\n"),
        NOTHING,
    ),
    "a word in a training's log": (
        replace("src/fashion/training/loop.py", "taken up at epoch", "going on at epoch"),
        NOTHING,
    ),
    "a word in an error": (replace("src/fashion/training/loop.py", "may help", "helps"), NOTHING),
    "what the provenance records": (
        replace("src/fashion/training/provenance.py", '"commit": ', '"revision": '),
        NOTHING,
    ),
    "an option's help": (replace("src/fashion/training/train.py", "processor threads", "CPU threads"), NOTHING),
    "where log lines go": (replace("src/fashion/stage.py", 'format="%(message)s"', 'format="- %(message)s"'), NOTHING),
    "a unit in Table 2": (replace("src/fashion/tables/operations.py", '"bits kept"', '"bits"'), {"table2_operations"}),
    "a table's heading": (
        replace("src/fashion/tables/comparison.py", '"MFLOP per image"', '"MFLOP an image"'),
        {"comparison", "ext07_tradeoff"},
    ),
    "a claim's sentence": (
        replace("src/fashion/answer/claims.yaml", "The best model is VGG8", "The best is VGG8"),
        {"claims"},
    ),
    "an axis's label": (
        replace("src/fashion/figures/time_to_accuracy.py", '"training time (s)"', '"time (s)"'),
        {"ext09_time_to_accuracy"},
    ),
    "a table's code": (
        replace("src/fashion/tables/per_class.py", "zero_division=0", "zero_division=1"),
        {"per_class"},
    ),
    "code that a table and a figure share": (
        replace("src/fashion/records/confidence.py", "BINS = 15", "BINS = 10"),
        {"calibration", "ext05_reliability"},
    ),
    "a figure's code": (replace("src/fashion/figures/log.py", 'color="0.95"', 'color="0.9"'), {LOG}),
    "another figure's code": (
        replace("src/fashion/figures/curves.py", "ROW_HEIGHT = 2.2", "ROW_HEIGHT = 2.3"),
        set(CURVES.values()),
    ),
    "code that figures of curves share": (
        replace("src/fashion/figures/parts/epochs.py", "FEW_EPOCHS = 10", "FEW_EPOCHS = 11"),
        {*CURVES.values(), "ext10_all_models"},
    ),
    "the code of a figure of a table": (
        replace("src/fashion/figures/tradeoff.py", '"test accuracy (%)"', '"accuracy (%)"'),
        {"ext07_tradeoff"},
    ),
    "the figures' style": (
        append("src/fashion/figures/parts/fashion.mplstyle", "\naxes.titlesize: 9\n"),
        {LOG, *CURVES.values(), *DIAGRAMS.values(), *SAMPLES, *OVERVIEWS},
    ),
    "a rule's command": (
        replace("workflow/rules/figures.smk", "fashion.figures.log --run", "fashion.figures.log  --run"),
        {LOG},
    ),
    "reported numbers": (
        set_config("models", "vgg8", "reported", "both", "test_accuracy", 0.5),
        OF_STUDY | {CURVES["vgg8"], "ext07_tradeoff", "study"},
    ),
    "how many trainings share a GPU": (set_config("trainings_per_gpu", 2), NOTHING),
    "how a GPU is found": (append("src/fashion/machine/lease.py", "NEW = 1\n"), NOTHING),
    "a caption": (append("workflow/report/curves.rst", "More.\n"), {"page"}),
    "what is said of the published runs": (append("docs/published.md", "More.\n"), {"page"}),
    "the reference of a study with the other reading": (refer_to_the_other_reading, {"page"}),
    "a claim's rule": (replace("src/fashion/answer/claims.yaml", "low: 0.90,", "low: 0.91,"), {"claims"}),
    "comments and docstrings": (comment_everywhere, NOTHING),
    "reformatting": (reformat, NOTHING),
    "touch": (touch, NOTHING),
    "a fresh checkout": (check_out_elsewhere, NOTHING),
    "keys in another order": (reorder_keys, NOTHING),
    "code that fetches verified data": (append("src/fashion/data/download.py", "NEW = 1\n"), NOTHING),
    "the dataset moved": (move_the_dataset(lambda content: content), NOTHING),
    "another dataset": (
        move_the_dataset(lambda content: content[:-1] + b"\x07"),
        # None of the report's, which is said on everything.
        {"dataset", "table1_classes", *SAMPLES, "study", "class_names", "table2_operations", "table3_hyperparameters"}
        | trained(*MODELS)
        | drawn(*MODELS),
    ),
    "a seed more": (
        set_config("studies", "tiny", "seeds", [0, 1]),
        {f"{rule} {model} both 1" for model in MODELS for rule in ("train", "evaluate")}
        | {*CURVES.values()}
        | (OF_ALL_RUNS - OF_FIRST_SEED)
        | {"study"},
    ),
    "a model more": (
        add_a_model,
        {"train vit_twin both 0", "evaluate vit_twin both 0", CURVES["vit"], "study"} | OF_ALL_RUNS,
    ),
    "a model less": (remove_a_model, OF_ALL_RUNS | {"study"}),
    "a history deleted": (delete(f"{RUNS}/vgg8/both/seed0/history.csv"), trained("vgg8")),
    "metrics deleted": (delete(f"{RUNS}/vgg8/both/seed0/metrics.json"), {"evaluate vgg8 both 0"} | OF_EVALUATIONS),
    "predictions deleted": (
        delete(f"{RUNS}/vgg8/both/seed0/predictions.npz"),
        {"evaluate vgg8 both 0"} | OF_EVALUATIONS,
    ),
    "weights deleted": (delete(f"{RUNS}/vgg8/both/seed0/model.safetensors"), NOTHING),
    "a figure deleted": (delete("results/tiny/figures/fig04_vgg8_curves.svg"), {CURVES["vgg8"]}),
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
        "resnet18 both seed 0: trained, to evaluate: metrics.json is missing",
        "resnet18 both seed 1: never run; about N s",
        "vgg12 both seed 0: code of fashion.models.vgg.network changed; about N s",
        "vgg12 both seed 1: never run; about N s",
        "vgg8 both seed 0: code of fashion.models.vgg.network changed; about N s",
        "vgg8 both seed 1: never run; about N s",
        "vit both seed 0: training.learning_rate 0.001 -> 0.0005; about N s",
        "vit both seed 1: never run; about N s",
        f"study tiny: 8 runs, 7 to train on {device}",
        "then: 1 ablation, 1 calibration, 1 claims, 1 comparison, 1 compute, 4 curves, 2 diagram, 1 epoch_log, "
        "1 ext04_confusion, 1 ext05_reliability, 1 ext06_mistakes, 1 ext07_tradeoff, 1 ext08_gradients, "
        "1 ext09_time_to_accuracy, 1 ext10_all_models, 1 page, 1 per_class, 1 study, 1 table3_hyperparameters",
    ]


def test_the_reason_that_snakemake_gives_names_the_module(study):
    POOLING(study)
    replace("src/fashion/training/seeds.py", ">> 1", ">> 2")(study)
    text = study.snakemake("--dry-run", "--printshellcmds").stdout
    reasons = set(re.findall(r"^ +reason: Params have changed .* (before: .*)", text, re.MULTILINE))
    # A set's order varies.
    named = {tuple(sorted(re.findall(r"fashion[\w.]*", reason))) for reason in reasons}
    seeds, vit = ("fashion.training.seeds",) * 2, ("fashion.models.vit.network",) * 2
    # The same before and after, in the family's one param.
    around = ("fashion.image",) * 2 + ("fashion.models.fast_cpu",) * 2
    assert named == {seeds, around + vit, around + vit + seeds}


@pytest.mark.parametrize("file", ["src/fashion/models/vgg/network.py", "src/fashion/figures/curves.py"])
def test_code_that_does_not_parse_is_refused_in_one_line(study, file):
    (study.checkout / file).write_text("x = 1\ndef f(:\n")
    done = study.snakemake("--dry-run")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == f"error: {study.checkout / file}, line 2: invalid syntax"


def test_every_job_depends_on_the_code_that_it_runs(whole):
    # What only fetches the dataset is left out, and what reads it counted: where it is from changes no result.
    records = [json.loads(path.read_text()) for path in (whole.study.folder / ".snakemake/metadata").iterdir()]
    stages = set()
    for record in records:
        for stage in set(re.findall(r"python -m (fashion\.[\w.]+)", record["shellcmd"] or "")):
            if stage == "fashion.machine.lease":
                # On which GPU a command runs changes no result: what changes there makes nothing stale.
                continue
            stages.add(stage)
            module = {"fashion.data.download": "fashion.data.idx"}.get(stage, stage)
            assert re.search(rf"['\s]{module} [0-9a-f]{{12}}", " ".join(record["params"])), record["rule"]
    assert {
        "fashion.data.download",
        "fashion.training.train",
        "fashion.tables.comparison",
        "fashion.figures.log",
    } < stages


def test_seeds_added_to_a_study_of_twenty_runs_plan_the_new_runs_alone(make_study):
    study, config = make_study(FEW)
    config["studies"]["tiny"]["seeds"] = [0, 1, 2, 3, 4]
    study.configure(config)
    # Never run, but taken for finished.
    for paths in re.findall(r"^ +output: (.*)$", study.snakemake("--dry-run", "--printshellcmds").stdout, re.MULTILINE):
        for path in paths.split(", "):
            (study.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (study.folder / path).touch()
    assert study.snakemake("--touch", "--forceall").returncode == 0
    config["studies"]["tiny"]["seeds"] += [5, 6, 7, 8, 9]
    study.configure(config)
    new = {f"{rule} {model} both {seed}" for rule in ("train", "evaluate") for model in FEW for seed in range(5, 10)}
    assert plan(study) == followed(new | (OF_ALL_RUNS - OF_FIRST_SEED) | {CURVES[model] for model in FEW} | {"study"})


def test_two_thousand_runs_fit_into_their_commands(make_study):
    study, config = make_study(["vit"])
    entry = {**config["models"]["vit"], "training": {"learning_rate": 0.0005}}
    del entry["figures"]
    config["models"] = {f"a_model_whose_name_is_long_{number}": entry for number in range(500)}
    config["studies"]["tiny"]["seeds"] = [0, 1, 2, 3]
    study.configure(config)
    text = study.snakemake("--dry-run", "--printshellcmds", "--nocolor").stdout
    commands = re.findall(r"^Shell command: (.*)", text, re.MULTILINE)
    assert len(commands) > 4000
    # The longest argument that Linux passes to a program, such as to a shell.
    assert max(map(len, commands)) < 128 * 1024
