"""Classify images of clothing with a trained run, show or export a run, or watch a running study."""

import argparse
import io
import json
import os
import re
import signal
import sys
from contextlib import suppress
from difflib import get_close_matches
from importlib.metadata import version
from pathlib import Path

from fashion.errors import UserError, printable
from fashion.stage import exit_on_user_error, logger

# Each command imports what it needs, so that help and errors in arguments need no slow imports.
from fashion.study.run_folder import FOLDER, run_folders, run_path

RUN = "a run as `fashion runs` names it, <study>/<model>/<augmentation>/<seed>, or its folder"
PREDICT = """\
Classify the article of clothing on each image. The answer has the class, the model's confidence, the next two classes,
and how the image was converted. Images may have any format, size and colour. As in the dataset, an image is made grey,
turned light on black, trimmed to the article and fitted into 28 x 28 pixels. (If the image's border is light, the image
is inverted.) An image of 28 x 28 pixels is only inverted if its background is light. The model knows single articles on
a plain background.

Without --run, the run with the highest validation accuracy answers: a finished run, or the one that comes with the
program. The answer says which, and how many test images it gets right.

An answer below 60 % confidence is marked as unsure. A confidence is the softmax of the model's logits,
no calibrated probability. It may be high on an image that belongs to none of the ten classes.
"""
PREDICT_EXAMPLES = """\
examples:
  fashion predict shirt.jpg 'my shoe.png'
  fashion predict --run results/report/runs/vit/none/seed0 shirt.jpg
  fashion predict --run report/vit/none/0 --json photographs/
  find . -name '*.jpg' | fashion predict --run report/vit/none/0 -

If an image cannot be read, stderr names it, the others are answered, and the exit status is 1.
"""
SHOW = """\
Show a run: its model, augmentation, seed, study, protocol, parameters and FLOPs, test accuracy with n and its 95 %
interval, best epoch, training time, device, versions and commit. An unfinished run shows what it has. Reported numbers
stand beside measured ones if the configuration has them for this run.
"""

EXPORT = """\
Write a run's trained model as one ONNX file, for programs without PyTorch. Its input `images` is float32
[N, 1, 28, 28], light on black, pixels / 127.5 - 1; its output `logits` is float32 [N, 10]. Its metadata has the names
of the classes. The command needs the packages of the extra `export`: pip install 'fashion[export]'.
"""
RUNS = """\
List the finished runs, and the one that comes with the program, with their test accuracy, its number n of images,
epochs and seconds of training. The other commands take its name.
"""
WATCH = """\
Show the progress of a study until all runs have ended or you press Ctrl-C: running runs with their epoch, best
validation and end; failed, diverged and stopped runs with the reason; and finished runs. The command only reads files,
needs no lock, and works on any machine that sees the folder. If standard output is not a terminal, it prints once.

A training counts as stopped if it wrote nothing for three minutes, or longer if its checkpoint is large. Its likely end
is that of finished runs of its model and augmentation, but not before its patience is over. Its latest end is after all
of its epochs.
"""
TRACK = """\
Write the histories of a study's finished and running runs as event files, which `tensorboard --logdir DIR` shows.
Existing files are completed. The command needs the packages of the extra `track`: pip install 'fashion[track]'.
"""


def predict(arguments: argparse.Namespace) -> None:
    from fashion.ask.predict import classify, image_files, table, tested
    from fashion.ask.runs import best_run
    from fashion.study.run_folder import read_run_spec

    folder = arguments.run or best_run(Path("results"))
    spec = read_run_spec(folder)
    answers = classify(folder, image_files(arguments.images))
    run = {"model": spec["model"]["name"], "augmentation": spec["augmentation"]["name"]}
    run |= {"seed": spec["seed"], "study": spec["study"]}
    if arguments.json:
        print(json.dumps({"run": {"folder": str(folder), **run}, "images": answers}, indent=2, allow_nan=False))
    elif any("class" in answer for answer in answers):
        named = f"{run['model']}, augmentation {run['augmentation']}, seed {run['seed']}, {run['study']} study"
        print(f"{printable(named)}{tested(folder)}")
        print(table(answers), flush=True)
    errors = [answer["error"] for answer in answers if "error" in answer]
    for error in errors:
        logger.error("error: %s", error)
    if errors:
        sys.exit(1)


def show(arguments: argparse.Namespace) -> None:
    from fashion.ask.runs import best_run
    from fashion.ask.show import card

    print(card(arguments.run or best_run(Path("results")), configuration(arguments)))


def export(arguments: argparse.Namespace) -> None:
    from fashion.ask.export import export

    print(export(arguments.run, arguments.onnx))


def runs(arguments: argparse.Namespace) -> None:
    from fashion.ask.runs import listing

    print(listing(Path("results"), arguments.study))


def watch(arguments: argparse.Namespace) -> None:
    with suppress(KeyboardInterrupt):
        from fashion.ask.watch import watch
        from fashion.study.config import load_study

        study, _ = load_study(configuration(arguments), arguments.study)
        watch(study, Path("results") / study.name, arguments.html)


def track(arguments: argparse.Namespace) -> None:
    with suppress(KeyboardInterrupt):
        from fashion.ask.track import track
        from fashion.study.config import load_study

        study, _ = load_study(configuration(arguments), arguments.study)
        results = Path("results") / study.name
        track(study, results, arguments.folder or results / "tensorboard", arguments.live)


def configuration(arguments: argparse.Namespace) -> list[Path]:
    """Returns the configuration's files; a later file overrides the earlier ones.

    Raises:
        UserError: a file of --configfile is missing.
    """
    from fashion.study.config import CONFIG

    for path in arguments.configfile:
        if not path.is_file():
            raise UserError(f"--configfile {path}: no such file")
    return [CONFIG, *arguments.configfile]


def run_folder(text: str) -> Path:
    """Returns the folder of a run named on the command line: as `fashion runs` names it, or by the folder itself.

    Raises:
        ArgumentTypeError: there is no such run, and one with a similar name.
    """
    from fashion.ask.runs import SHIPPED, SHIPPED_NAME, short_name

    if text == SHIPPED_NAME:
        return SHIPPED
    short = re.fullmatch(r"(\w+)/(\w+)/(\w+)/(\d+)", text)
    if short is None:
        return Path(text)
    study, model, augmentation, seed = short.groups()
    folder = Path("results", study, run_path(FOLDER, (model, augmentation, int(seed))))
    known = [] if folder.exists() else run_folders(*Path("results").glob("*"))
    if close := get_close_matches(text, [short_name(path) for _, path in known], n=1):
        raise argparse.ArgumentTypeError(f"no run {text}; did you mean {close[0]}?")
    return folder


def parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line, with a subcommand for each task."""
    parser = argparse.ArgumentParser(prog="fashion", description=__doc__)
    parser.add_argument("--version", action="version", version=f"fashion {version('fashion')}")
    parser.set_defaults(command=lambda arguments: parser.print_help())
    commands = parser.add_subparsers(metavar="command")
    as_written = argparse.RawDescriptionHelpFormatter

    command = commands.add_parser(
        "predict", help="classify images", description=PREDICT, epilog=PREDICT_EXAMPLES, formatter_class=as_written
    )
    command.add_argument("--run", type=run_folder, help=f"{RUN}; the best if not given")
    command.add_argument(
        "images", nargs="+", metavar="IMAGE", help="an image file, a folder of them, or - for paths on standard input"
    )
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(command=predict)

    command = commands.add_parser("runs", help="list the finished runs", description=RUNS, formatter_class=as_written)
    command.add_argument("--study", help="list only this study's runs")
    command.set_defaults(command=runs)

    command = commands.add_parser("show", help="show a run", description=SHOW, formatter_class=as_written)
    command.add_argument("run", type=run_folder, nargs="?", help=f"{RUN}; the best if not given")
    _add_configuration(command)
    command.set_defaults(command=show)

    command = commands.add_parser(
        "export", help="write a run's model as ONNX", description=EXPORT, formatter_class=as_written
    )
    command.add_argument("run", type=run_folder, help=RUN)
    command.add_argument("--onnx", type=Path, required=True, metavar="FILE", help="the file to write")
    command.set_defaults(command=export)

    command = commands.add_parser(
        "watch", help="show a study's progress", description=WATCH, formatter_class=as_written
    )
    _add_configuration(command, study=True)
    command.add_argument("--html", type=Path, metavar="FILE", help="write a page too, with curves of running trainings")
    command.set_defaults(command=watch)

    command = commands.add_parser(
        "track", help="write histories for TensorBoard", description=TRACK, formatter_class=as_written
    )
    command.add_argument("--to", choices=["tensorboard"], required=True, help="the program to write for")
    command.add_argument(
        "folder",
        type=Path,
        nargs="?",
        metavar="DIR",
        help="folder to write to; results/<study>/tensorboard if not given",
    )
    _add_configuration(command, study=True)
    command.add_argument("--live", action="store_true", help="go on until all runs have ended or Ctrl-C")
    command.set_defaults(command=track)
    return parser


def _add_configuration(command: argparse.ArgumentParser, study: bool = False) -> None:
    command.add_argument(
        "--configfile",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="settings that override config.yaml's, as in Snakemake",
    )
    if study:
        command.add_argument("--study", help="a study's name; the configuration's study if not given")


def main() -> None:
    # No traceback when a reader like `head` closes the pipe.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    # Nothing is shown on a screen, and the package of the backend that a notebook names may be missing.
    os.environ["MPLBACKEND"] = "agg"
    # A file's name may be no valid text.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    arguments = parser().parse_args()
    exit_on_user_error(lambda: arguments.command(arguments))


if __name__ == "__main__":
    main()
