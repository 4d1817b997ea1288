"""Makes a finished run's trained model part of the program, for `fashion predict` without --run."""

import shutil
from pathlib import Path

from safetensors.torch import load_file, save_file

from fashion.ask.runs import SHIPPED
from fashion.errors import UserError
from fashion.files import atomic, write_json, write_text
from fashion.records.metrics import percent
from fashion.records.run import Run
from fashion.stage import exit_on_user_error, stage_parser
from fashion.study.run_folder import PROVENANCE, RECORDS, WEIGHTS, weights_of
from fashion.study.spec import run_name, split_sizes
from fashion.tables.calibration import measure

LARGEST = 2**20  # bytes

CARD = """\
# A trained model

{name}, of the study `{study}`: `fashion predict` uses it if no finished run in `results/` is better.

- input: `[N, 1, 28, 28]`, grey, light on black, from -1 to 1; output: logits of ten classes
- size: {parameters:,} parameters, in half precision
- trained on {images:,} of Fashion-MNIST's training images in {minutes:.0f} minutes of one processor core{passes}
- accuracy: {accuracy} of {n:,} test images, which selected nothing; {validation} of {held_out:,} validation images
- calibration: its mean confidence on the test images is {confidence}, its expected calibration error {ece} (15 bins)
- not tested: photographs, or any image from outside the dataset; the model calls any object clothing
- how it was made: [`spec.json`](spec.json) and [`provenance.json`](provenance.json), from commit {commit}, by

      snakemake --cores all --config study={study} -- {folder}/metrics.json
      python -m fashion.ask.ship --run {folder}
"""


def ship(run: Run, folder: Path) -> None:
    """Writes a finished run's weights in half precision, its records and a README.md into a folder.

    Raises:
        UserError: the run is not finished, or its weights take more than a MiB.
    """
    weights = {
        name: value.half() if value.is_floating_point() else value
        for name, value in load_file(weights_of(run.folder)).items()
    }
    size = sum(value.nbytes for value in weights.values())
    if size > LARGEST:
        raise UserError(f"{run.folder}: {size:,} bytes of weights, more than {LARGEST:,}; ship a smaller model")
    card = _card(run)
    folder.mkdir(parents=True, exist_ok=True)
    with atomic(folder / WEIGHTS) as temporary:
        save_file(weights, temporary)
    for name in RECORDS:
        shutil.copyfile(run.folder / name, folder / name)
    # Which names the weights in full precision.
    write_json(folder / PROVENANCE, {key: value for key, value in run.provenance.items() if key != "weights"})
    write_text(folder / "README.md", card)


def _card(run: Run) -> str:
    spec, metrics, measured = run.spec, run.metrics, measure(run.predictions)
    training = spec["training"]
    trained, held_out = split_sizes(training)
    return CARD.format(
        name=run_name(spec),
        study=spec["study"],
        parameters=metrics["parameters"],
        images=trained,
        minutes=run.provenance["processor_seconds"] / 60,
        passes="; its logits are means over an image and its mirror image" * training.get("flip_averaging", False),
        accuracy=percent(metrics["test_accuracy"]),
        n=metrics["test_images"],
        validation=percent(run.tested_epoch["validation_accuracy"]),
        held_out=held_out,
        confidence=percent(measured["mean_confidence"]),
        ece=percent(measured["ece"]),
        commit=run.provenance["commit"],
        folder=run.folder,
    )


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--run", type=Path, required=True, help="the folder of a finished run")
    arguments = parser.parse_args()
    ship(Run(arguments.run), SHIPPED)


if __name__ == "__main__":
    exit_on_user_error(main)
