"""What a study makes: a row for each table and figure, from which rules, page and reference take names and order.

A row's `stage` is the module that makes it, `reads` what that is given, of which workflow/rules/tables.smk and
workflow/rules/figures.smk say how; `title` is its heading.
"""

from dataclasses import dataclass

OF_REPORT, BEYOND = "Figures of the report", "Beyond the report"


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table, `name` being its file's."""

    name: str
    title: str
    stage: str
    reads: str


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure, `name` being its file's, such as `fig04_vgg8_curves`.

    `number` is the report's, `caption` the text's name in workflow/report, `options` are those of the stage's command,
    `models` are those that it shows, sorted; none stands for all that the study has. `held_out` is what curves show
    beside training.
    """

    name: str
    title: str
    caption: str
    stage: str
    reads: str
    number: int | None = None
    options: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    held_out: str = "validation"

    @property
    def section(self) -> str:
        """Where page and Snakemake's report list it."""
        return BEYOND if self.number is None else OF_REPORT


def _table(name: str, title: str, stage: str, reads: str) -> Table:
    return Table(name=name, title=title, stage=f"fashion.{stage}", reads=reads)


def _overview(name: str, title: str, stage: str, reads: str, *options: str, number: int | None = None) -> Figure:
    return Figure(
        name=name,
        title=title,
        caption=name,
        stage=f"fashion.figures.{stage}",
        reads=reads,
        number=number,
        options=options,
    )


TABLES = (
    _table("table1_classes", "Table 1: classes", "tables.classes", "dataset"),
    _table("table2_operations", "Table 2: RandAugment operations", "tables.operations", "magnitudes"),
    _table("table3_hyperparameters", "Table 3: hyperparameters", "tables.hyperparameters", "training"),
    _table("claims", "Claims and verdicts", "answer.claims", "answer"),
    _table("statements", "What each verdict is made of", "answer.claims", "answer"),
    _table("repeats", "Published runs, repeated", "answer.repeats", "study"),
    _table("comparison", "Comparison with the report", "tables.comparison", "study"),
    _table("per_class", "Precision, recall and F1 by class", "tables.per_class", "predictions"),
    _table("calibration", "Calibration", "tables.calibration", "predictions"),
    _table("ablation", "Ablation of the augmentations", "tables.ablation", "predictions"),
    _table("compute", "Compute", "tables.compute", "study"),
    _table("deviations", "Deviations from the report", "answer.claims", "answer"),
)

# Those that are the same for all studies; `Study.figures` adds those that show the models of one.
FIGURES = (
    _overview("fig01_samples", "Fig. 1: samples", "samples", "dataset", "--figure", "samples", number=1),
    _overview("fig02_mixup", "Fig. 2: MixUp", "samples", "mixup", "--figure", "mixup", number=2),
    _overview("ext01_randaugment", "RandAugment operations", "samples", "dataset", "--figure", "randaugment"),
    _overview("ext02_mixup_alpha", "MixUp at several alphas", "samples", "dataset", "--figure", "mixup_alpha"),
    _overview("ext04_confusion", "Confusion of classes", "confusion", "predictions"),
    _overview("ext05_reliability", "Reliability", "reliability", "predictions"),
    _overview("ext06_mistakes", "Confident mistakes", "mistakes", "first predictions"),
    _overview("ext07_tradeoff", "Accuracy, size and cost", "tradeoff", "comparison"),
    _overview("ext08_gradients", "Gradients by layer", "gradients", "first histories"),
    _overview("ext09_time_to_accuracy", "Time to accuracy", "time_to_accuracy", "histories"),
    _overview("ext10_all_models", "All curves", "all_curves", "histories"),
    _overview("ext11_repeats", "Published runs, repeated", "repeats", "repeats"),
)

# A kind of figure that shows models: its heading, its caption and stage, and what that reads.
KINDS = {
    "diagram": ("layers of", "diagram", "diagrams", "model"),
    "curves": ("training of", "curves", "curves", "histories"),
    "test_curves": ("training of", "curves", "curves", "histories"),
    "log": ("log of", "log", "log", "first histories"),
}


def figure_of(kind: str, number: int | None, subject: str, models: tuple[str, ...]) -> Figure:
    """A figure that shows models, the report's if it has a number; `subject` is their part of the file's name."""
    heading, caption, stage, reads = KINDS[kind]
    title = f"{heading} {', '.join(models)}"
    return Figure(
        name=f"{'ext03' if number is None else f'fig{number:02}'}_{subject}_{kind}",
        title=title.capitalize() if number is None else f"Fig. {number}: {title}",
        caption=caption,
        stage=f"fashion.figures.{stage}",
        reads=reads,
        number=number,
        models=models,
        held_out="test" if kind == "test_curves" else "validation",
    )
