# The configuration, validated before any job starts, and what the other rules look up in it.
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import validate

# Jobs and this file find the package in this checkout, installed or not, on every node that sees the checkout.
sys.path.insert(0, f"{workflow.basedir}/src")
shell.prefix(f"export PYTHONPATH={shlex.quote(sys.path[0])}; ")

from fashion.config import check, explain, refuse_repeated_keys, resolve
from fashion.errors import UserError
from fashion.files import canonical_json

try:
    for path in workflow.configfiles:
        refuse_repeated_keys(Path(path))
    validate(config, "../schemas/config.schema.yaml")
    check(config)
    STUDIES = {budget: resolve(config, budget) for budget in config["budgets"]}
except UserError as error:
    sys.exit(f"error: {error}")
except WorkflowError as error:
    # `validate` dumps value and schema over many lines; one says it.
    sys.exit(f"error: {explain(error.__context__)}")

MIXUP_ALPHAS = sorted({entry["mixup"]["alpha"] for entry in config["augmentations"].values() if "mixup" in entry})
MAGNITUDES = sorted(
    {entry["randaugment"]["magnitude"] for entry in config["augmentations"].values() if "randaugment" in entry}
)

DATA = "results/data/fashion_mnist.npz"
CHECKSUMS = "results/data/checksums.json"


wildcard_constraints:
    budget="|".join(STUDIES),
    model="[a-z][a-z0-9_]*",
    augmentation="[a-z][a-z0-9_]*",
    seed=r"\d+",


def note(wildcards):
    """What everything that a budget makes says of it."""
    return STUDIES[wildcards.budget].note


def spec(wildcards):
    """A run's whole description, as one canonical string: Snakemake compares it with that of the last run."""
    run = (wildcards.model, wildcards.augmentation, int(wildcards.seed))
    return canonical_json(STUDIES[wildcards.budget].specs[run])


def run_files(budget, runs, *names):
    """The named files of some runs, each run a (model, augmentation, seed)."""
    return [f"{folder}/{name}" for folder in run_folders(budget, runs) for name in names]


def run_folders(budget, runs):
    """The folders of some runs, each run a (model, augmentation, seed)."""
    return [f"results/{budget}/runs/{model}/{augmentation}/seed{seed}" for model, augmentation, seed in runs]


def shown(wildcards, kind):
    """The models that a figure shows, by name."""
    study = STUDIES[wildcards.budget]
    return {model: study.models[model] for model in study.figures()[f"{wildcards.figure}_{kind}"].models}


def shown_runs(wildcards, kind):
    """The runs that a figure shows."""
    study = STUDIES[wildcards.budget]
    return [run for model in shown(wildcards, kind) for run in study.shown_runs(model)]


def diagram_model(wildcards):
    """The entry of the model that a diagram draws, as one canonical string."""
    ((name, entry),) = shown(wildcards, "diagram").items()
    return canonical_json({"name": name, "family": entry["family"], "settings": entry["settings"]})


def reported(wildcards):
    """The reported numbers of the models whose curves a figure shows, as one canonical string."""
    return canonical_json({name: entry.get("reported", {}) for name, entry in shown(wildcards, "curves").items()})


def category(wildcards):
    """Where the Snakemake report lists a figure."""
    return "Figures of the report" if wildcards.figure.startswith("fig") else "Beyond the report"


def figures(budget):
    """Every figure of a budget, each as PNG and SVG."""
    samples = ["fig01_samples", "ext01_randaugment", "ext02_mixup_alpha"] + ["fig02_mixup"] * bool(MIXUP_ALPHAS)
    names = [*samples, *STUDIES[budget].figures()]
    return expand("results/{budget}/figures/{figure}.{format}", budget=budget, figure=names, format=["png", "svg"])


def tables(budget):
    """Every table of a budget, each as CSV and Markdown."""
    names = ["table1_classes", "table2_operations", "table3_hyperparameters", "comparison"]
    return expand("results/{budget}/tables/{table}.{format}", budget=budget, table=names, format=["csv", "md"])
