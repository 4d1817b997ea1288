# The configuration, checked before any job starts, and the names and functions that the rules use.
import re
import shlex

from snakemake.utils import update_config, validate

from fashion.data.dataset import CHECKSUMS as PUBLISHED_CHECKSUMS
from fashion.data.download import content_checksums
from fashion.files import canonical_json
from fashion.image import CLASSES
from fashion.machine.gpus import has_gpu
from fashion.records.state import UP_TO_DATE, states
from fashion.stage import JOB
from fashion.study import kinds, outputs, run_folder as files
from fashion.study.config import check, check_report, check_schema, refuse_repeated_keys, typed
from fashion.study.definition import grouped, resolve
from fashion.study.digest import DATASET, DIAGRAM, EVALUATION, NETWORK, TRAINING, code_digest, content_digest
from fashion.study.report import departures, report_of
from fashion.study.resources import JOB_ENVIRONMENT, training_mb, training_threads
from fashion.study.summary import summary
from hooks.memory import run_of

try:
    for path in workflow.configfiles:
        refuse_repeated_keys(Path(path))
    update_config(config, typed(workflow.config_settings.config))
    check_schema(config, read_yaml(ROOT / "workflow/schemas/config.schema.yaml"))
    validate(config, "../schemas/config.schema.yaml")  # adds what is left out
    check(config)
    REPORT = report_of(config)
    for name in ("report", "reported", "figures", "tables", "claims", "deviations"):
        schema = read_yaml(ROOT / f"workflow/schemas/{name}.schema.yaml")
        check_schema(REPORT.read(f"{name}.yaml"), schema, REPORT.folder / f"{name}.yaml")
        refuse_repeated_keys(REPORT.folder / f"{name}.yaml")
    check_report(config, REPORT)
    # Jobs on a cluster's nodes take their commands from the main process, and may not see the folder.
    CONTENT = {} if workflow.remote_exec else content_checksums(config["data"]["folder"], config["data"]["verify"])
    OTHER_DATA = CONTENT not in ({}, PUBLISHED_CHECKSUMS)
    STUDY = resolve(config, config["study"], OTHER_DATA)
    # `partial` makes tables, figures and page from the finished runs, in a folder of their own, and trains nothing.
    PARTIAL = config.get("partial", False)
    UNFINISHED = None
    if PARTIAL:
        from fashion.answer.unfinished import finished_part

        STUDY, UNFINISHED = finished_part(STUDY, Path("results", STUDY.name), CONTENT)
    # `claim` trains what one claim lacks, and writes its verdict in a folder of its own. Jobs on a cluster's nodes look
    # their run up in the whole study: by the time that one starts, others may have finished.
    CLAIM = config.get("claim")
    if CLAIM and workflow.is_main_process:
        from fashion.answer.decide import runs_to_decide

        STUDY = STUDY.only(runs_to_decide(CLAIM, STUDY, REPORT, Path("results", STUDY.name)))
except UserError as error:
    sys.exit(f"error: {error}")

RESULTS = f"results/{STUDY.name}"
PLACE = f"{RESULTS}/claims/{CLAIM}" if CLAIM else f"{RESULTS}/partial" if PARTIAL else RESULTS
DATA = "results/data/fashion_mnist.npz"
CHECKSUMS = "results/data/checksums.json"
# `ancient`: a dataset rewritten with the same content makes nothing stale, since the checksums are compared.
DATASET_FILES = {"data": ancient(DATA), "checksums": CHECKSUMS}
NAMES = config["data"]["classes"] or ([str(label) for label in range(len(CLASSES))] if OTHER_DATA else list(CLASSES))
SOURCE = f"--folder {shlex.quote(config['data']['folder'])}" if config["data"]["folder"] else ""
SOURCE += "" if config["data"]["verify"] else " --no-verify"
ENVIRONMENT = f"{ROOT}/envs/fashion.yaml".replace("{", "{{").replace("}", "}}")  # Snakemake formats it

# The command with which jobs call the package.
INTERPRETER = "python" if workflow.deployment_settings.deployment_method else shlex.quote(sys.executable)
VARIABLES = " ".join(f"{name}={value}" for name, value in {**JOB_ENVIRONMENT, JOB: 1}.items())
# Without `exec`, a job's shell would stand between it and Snakemake. A signal to all processes of the job would end that
# shell, and so the job, while a training still saves its state; and the job would not notice that Snakemake was killed.
PYTHON = f"exec env PYTHONPATH={shlex.quote(f'{ROOT}/src')}${{PYTHONPATH:+:$PYTHONPATH}} {VARIABLES} {INTERPRETER}"
# The command on a leased GPU.
ON_GPU = f"{PYTHON} -m fashion.machine.on_gpu --per-gpu {config['trainings_per_gpu']} {INTERPRETER}"
# `--resources gpu=8` counts GPUs, but a job's gpu=1 is one of the `trainings_per_gpu` places of a GPU. Without a GPU,
# only processor cores limit the trainings. With local scope, a cluster counts its GPUs itself.
if workflow.is_main_process and "gpu" in workflow.global_resources and not workflow.resource_scopes.is_local("gpu"):
    gpus = workflow.global_resources["gpu"].value
    workflow.register_resource("gpu", gpus * config["trainings_per_gpu"] if has_gpu() else workflow.cores)

# What the records of each run say, in the process that plans.
STATES = states(STUDY, Path(RESULTS), CONTENT) if workflow.is_main_process else {}
TABLES, FIGURES = outputs.tables(STUDY, REPORT), outputs.figures(STUDY, REPORT)
SUMMARY = summary(STUDY, REPORT)
FAMILIES = sorted({entry["family"] for entry in config["models"].values()})
NETWORKS = [NETWORK.format(family) for family in FAMILIES]
# The files of each run that a job over many runs depends on. A new training changes the provenance, which therefore
# stands for spec and history too: each further file of each run takes Snakemake about as long to plan as a job.
DECIDING = (files.METRICS, files.PREDICTIONS, files.PROVENANCE)


wildcard_constraints:
    model="[a-z][a-z0-9_]*",
    augmentation="[a-z][a-z0-9_]*",
    seed=r"\d+",


def uncompared(value):
    """Returns a param that makes no job stale: Snakemake does not compare params that are functions of the output."""
    return lambda wildcards, output: value


def code(*modules):
    """Returns the digest of each module that these modules run, as one param, so that a plan can name what changed."""
    try:
        return canonical_json(code_digest(*modules))
    except UserError as error:
        sys.exit(f"error: {error}")


def made_by(job):
    """Returns the tables and figures that a job makes."""
    return [one for one in (*TABLES, *FIGURES) if one.job == job]


def param(value):
    """Returns a value as JSON for a param, in which Snakemake takes no brace of a name for a wildcard's."""
    return re.sub(r"\{(?=\s*\w)", r"\\u007b", canonical_json(value))


def plan(job, **more):
    """Returns the tables or figures that a job makes, with their runs and settings, as one param."""
    told = {one.name: one.told for one in made_by(job)}
    return param({"note": STUDY.note, "classes": NAMES, "outputs": told, **more})


def output_files(job):
    """Returns the files of a job's tables or figures, in two formats each; Snakemake's report has the first."""
    made = []
    for one in made_by(job):
        shown, other = (f"{PLACE}/{file}" for file in one.files)
        made += [report(shown, category=one.section, labels={"title": one.title, "caption": one.caption}), other]
    return made


def run_files(runs, *names):
    """Returns the named files of some runs."""
    return [f"{RESULTS}/{files.run_path(files.FOLDER, run)}/{name}" for run in runs for name in names]


def shown_runs(job):
    """Returns the runs that a job's figures show, each once, in the study's order."""
    shown = {run for one in made_by(job) for run in one.runs}
    return [run for run in STUDY.specs if run in shown]


def run_data(wildcards):
    """Returns the dataset; `ancient`, so that its date does not count, if the run's records are up to date."""
    return ancient(DATA) if STATES.get(run_of(wildcards), UP_TO_DATE).finished else DATA


def run_spec(wildcards):
    """Returns a run's whole description, as one param."""
    return canonical_json(STUDY.specs[run_of(wildcards)])


def run_code(wildcards):
    return code(*TRAINING, *EVALUATION, NETWORK.format(STUDY.models[wildcards.model]["family"]))


def memory(wildcards, attempt):
    """Returns the megabytes of memory for a training on a cluster, by its model's size; more at each attempt."""
    return attempt * training_mb(STUDY.models[wildcards.model])


def run_threads(wildcards):
    """Returns the processor threads for a training, by its model's size."""
    return training_threads(STUDY.models[wildcards.model])
