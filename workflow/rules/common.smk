# The configuration, validated before any job starts, and what the other rules look up in it.
import hashlib
import shlex
import sys
from collections import defaultdict
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import validate

# Jobs and this file find the package in this checkout, installed or not, on every node that sees the checkout.
sys.path.insert(0, f"{workflow.basedir}/src")

from fashion.study.study import resolve
from fashion.study.config import check, explain, refuse_repeated_keys
from fashion.study.digest import DATASET, DIAGRAM, EVALUATION, NETWORK, TRAINING, code_digest
from fashion.data.download import CHECKSUMS as CHECKSUMS_PUBLISHED, content_checksums
from fashion.errors import UserError
from fashion.files import canonical_json
from fashion.image import CLASSES
from fashion.training.gpus import has_gpu
from fashion.study.resources import JOB_ENVIRONMENT, training_mb, training_threads
from fashion.study.run_folder import CLASS_NAMES_FILE, HISTORY, METRICS, PREDICTIONS, PROVENANCE, RECORDS, SPEC, WEIGHTS

ENVIRONMENT = {"PYTHONPATH": shlex.quote(sys.path[0]), **JOB_ENVIRONMENT}
shell.prefix(f"export {' '.join(f'{name}={value}' for name, value in ENVIRONMENT.items())}; ")

try:
    for path in workflow.configfiles:
        refuse_repeated_keys(Path(path))
    validate(config, "../schemas/config.schema.yaml")
    check(config)
    # Jobs on a cluster's nodes may not see the folder, nor need to: their commands are those of the main process.
    CONTENT = {} if workflow.remote_exec else content_checksums(config["data"]["folder"], config["data"]["verify"])
    OTHER_DATA = CONTENT not in ({}, CHECKSUMS_PUBLISHED)
    STUDIES = {study: resolve(config, study, OTHER_DATA) for study in config["studies"]}
    # In `partial` mode, everything is made from the runs that have finished, into a folder of its own, and nothing trains.
    PARTIAL = config.get("partial", False)
    if PARTIAL:
        from fashion.answer.unfinished import ENDED, unfinished
        from fashion.records.progress import states

        WHOLE = STUDIES[config["study"]]
        STATES = states(WHOLE, Path("results") / config["study"])
        STUDIES[config["study"]] = WHOLE.only([run for run, state in STATES.items() if state.word in ENDED])
    # What a family's models run, beyond the stages: `fashion.models.families` imports one by name.
    FAMILIES = {
        name: code_digest(NETWORK.format(name)) for name in {entry["family"] for entry in config["models"].values()}
    }
except UserError as error:
    sys.exit(f"error: {error}")
except WorkflowError as error:
    # `validate` dumps value and schema over many lines; one says it.
    sys.exit(f"error: {explain(error.__context__)}")

PLACE = "results/{study}/partial" if PARTIAL else "results/{study}"
DATA = "results/data/fashion_mnist.npz"
CHECKSUMS = "results/data/checksums.json"
# Rewritten with the same content, the dataset makes nothing stale; its checksums are what is compared.
DATASET_FILES = {"data": ancient(DATA), "checksums": CHECKSUMS}
SOURCE = ["--folder", config["data"]["folder"]] if config["data"]["folder"] else []
SOURCE += [] if config["data"]["verify"] else ["--no-verify"]
# The names of the classes, for stages that show them, where they are not Fashion-MNIST's.
NAMES = config["data"]["classes"] or ([str(label) for label in range(len(CLASSES))] if OTHER_DATA else list(CLASSES))
CLASS_NAMES = [] if NAMES == list(CLASSES) else ["--classes", canonical_json(NAMES)]

# Before a command that uses a GPU. `exec`: a signal to all of a job's processes would end its shell while the training
# still saves its state, and the job with it.
LEASE = f"exec python -m fashion.training.lease --per-gpu {config['trainings_per_gpu']}"
# `--resources gpu=8` counts GPUs, a job's gpu=1 one place of those that the configuration gives a GPU; where there is
# none, trainings take processor cores alone. What has local scope is a cluster's.
if workflow.is_main_process and "gpu" in workflow.global_resources and not workflow.resource_scopes.is_local("gpu"):
    gpus = workflow.global_resources["gpu"].value
    workflow.register_resource("gpu", gpus * config["trainings_per_gpu"] if has_gpu() else workflow.cores)


# The captions of tables and figures, which the page has too, and other texts that it has.
CAPTIONS = Path(workflow.basedir) / "workflow/report"
DOCS = Path(workflow.basedir) / "docs"

# What a stage over all runs depends on, of what each leaves for good: no two trainings have the same provenance, and with that
# spec and history are those of the training. Each file more of each run takes Snakemake about as long to plan as a job.
DECIDING = [METRICS, PREDICTIONS, PROVENANCE]


wildcard_constraints:
    study=config["study"] if PARTIAL else "|".join(STUDIES),
    model="[a-z][a-z0-9_]*",
    augmentation="[a-z][a-z0-9_]*",
    seed=r"\d+",
    digest="[0-9a-f]{12}",


def note(wildcards):
    """What everything that a study makes says of it."""
    return STUDIES[wildcards.study].note


def spec_of(wildcards):
    """A run's whole description."""
    return STUDIES[wildcards.study].specs[wildcards.model, wildcards.augmentation, int(wildcards.seed)]


def spec(wildcards):
    """The same as one canonical string: Snakemake compares it with that of the last run."""
    return canonical_json(spec_of(wildcards))


def family(wildcards):
    """The family of the model that a run trains."""
    return STUDIES[wildcards.study].models[wildcards.model]["family"]


def memory(wildcards, attempt):
    """Megabytes that a training asks a cluster for, by its model's size; more at each attempt."""
    return attempt * training_mb(STUDIES[wildcards.study].models[wildcards.model])


def run_threads(wildcards):
    """Processor threads for a training or an evaluation, by its model's size."""
    return training_threads(STUDIES[wildcards.study].models[wildcards.model])


def code(*modules):
    """Digests of these modules and of what they import, as one param."""
    try:
        return [canonical_json(code_digest(*modules))]
    except UserError as error:
        sys.exit(f"error: {error}")


def family_code(family):
    """Digests of what the models of one family run, as one param."""
    return canonical_json(FAMILIES[family])


def placed(wildcards, name):
    """The path of a file among what is made of a study's runs."""
    return f"{PLACE}/{name}".format(study=wildcards.study)


def study_file(wildcards):
    """What tables over all runs read of their study."""
    return placed(wildcards, f"study/{digest(canonical_json(STUDIES[wildcards.study].summary()))}.json")


def run_files(study, runs, *names):
    """The named files of some runs, each run a (model, augmentation, seed)."""
    return [
        f"results/{study}/runs/{model}/{augmentation}/seed{seed}/{name}"
        for model, augmentation, seed in runs
        for name in names
    ]


def groups(study, runs):
    """Runs as command lines name them, those that differ by seed as one group: <model>/<augmentation>:<seed>,<seed>."""
    seeds = defaultdict(list)
    for model, augmentation, seed in runs:
        seeds[f"results/{study}/runs/{model}/{augmentation}"].append(str(seed))
    return [f"{folder}:{','.join(own)}" for folder, own in seeds.items()]


def figure(wildcards, kind):
    """The row of a figure that shows models; `kind` is what its file's name has after the wildcard."""
    return STUDIES[wildcards.study].figures()[f"{wildcards.figure}_{kind}"]


def of_every_run(*names):
    """The named files of all runs of a study."""
    return lambda wildcards: run_files(wildcards.study, STUDIES[wildcards.study].specs, *names)


def hyperparameters(wildcards):
    return canonical_json(STUDIES[wildcards.study].hyperparameters())


def magnitudes(wildcards):
    return STUDIES[wildcards.study].augmented_by("randaugment", "magnitude")


def of_shown(row, *names):
    """The named files of the runs that a figure shows."""
    return lambda wildcards: run_files(wildcards.study, STUDIES[wildcards.study].shown_by(row), *names)


def shown_groups(wildcards, row):
    return ["--runs", *groups(wildcards.study, STUDIES[wildcards.study].shown_by(row))]


def families(wildcards):
    models = STUDIES[wildcards.study].models
    return [models[model]["family"] for model in sorted(models)]


def all_groups(wildcards):
    """All runs of a study, as an option; an empty one if there are none."""
    return ["--runs", *groups(wildcards.study, sorted(STUDIES[wildcards.study].specs))]


def runs_folder(wildcards):
    return f"results/{wildcards.study}/runs"


def note_of(wildcards):
    return [f"--note={note(wildcards)}"]


def alpha(wildcards):
    return canonical_json({"alpha": STUDIES[wildcards.study].augmented_by("mixup", "alpha")[0]})


def entry_of(wildcards):
    """Name, family and settings of the model that a diagram draws."""
    (model,) = figure(wildcards, "diagram").models
    entry = STUDIES[wildcards.study].planned.models[model]
    return {"name": model, "family": entry["family"], "settings": entry["settings"]}


def runs_of(wildcards, kind):
    """The runs that a figure of some models shows."""
    return STUDIES[wildcards.study].shown_by(figure(wildcards, kind))


def reported(wildcards):
    """The reported numbers of the runs whose curves a figure shows, by model, as one canonical string."""
    study = STUDIES[wildcards.study]
    return canonical_json({model: study.shown_reported(model) for model in figure(wildcards, "curves").models})


def figures(study):
    """Every figure of a study, each as PNG and SVG."""
    return expand(
        f"{PLACE}/figures/{{figure}}.{{format}}",
        study=study,
        figure=STUDIES[study].figures(),
        format=["png", "svg"],
    )


def tables(study):
    """Every table of a study, each as CSV and Markdown."""
    names = [table.name for table in STUDIES[study].tables()]
    return expand(f"{PLACE}/tables/{{table}}.{{format}}", study=study, table=names, format=["csv", "md"])


def other_claims(wildcards):
    """The claims of the reading that a study does not answer, in the first reference of one that does; none or one."""
    reading = STUDIES[wildcards.study].reading
    tables = [
        DOCS / f"reference/{name}/tables/claims.csv" for name, study in STUDIES.items() if study.reading != reading
    ]
    return list(filter(Path.exists, tables))[:1]


def page_texts(wildcards):
    """What the page has of the checkout's texts, as one canonical string."""
    texts = [*CAPTIONS.glob("*.rst"), DOCS / "published.md", *other_claims(wildcards)]
    return canonical_json({str(path.relative_to(workflow.basedir)): path.read_text(encoding="utf-8") for path in texts})


def missing(wildcards):
    """What partial results lack, as one canonical string."""
    return canonical_json({"planned": len(STATES), "unfinished": unfinished(WHOLE, STATES)} if PARTIAL else None)


def digest(text):
    """What a text is known by in names and in the reasons that Snakemake gives."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def records(study):
    """What every run leaves for good; made by trainings. A file that only tables ask for would not be missed."""
    if PARTIAL:
        return []
    # What `fashion predict` and `export` call the classes.
    names = [f"results/data/{CLASS_NAMES_FILE}"] if CLASS_NAMES else []
    return run_files(study, STUDIES[study].specs, *RECORDS, PREDICTIONS) + names
