"""Ask a trained run about images of clothing, show what it is, or export its model; watch a study under way."""

import argparse
import io
import json
import re
import signal
import sys
from contextlib import suppress
from pathlib import Path

from fashion.stage import exit_on_user_error, logger

# Each command imports what it needs: help and wrong arguments are answered at once.
from fashion.study.run_folder import FOLDER, run_path

RUN = "a run's folder, results/<study>/runs/<model>/<augmentation>/seed<k>, or <study>/<model>/<augmentation>/<k>"
PREDICT = """\
Say which article of clothing is on each image: its class, how confident the model is, the next two classes, and how
the image was seen. Any format, size and colour will do: an image is made grey, turned light on black (a light
background is found by the image's border, and inverted), trimmed to the article and fitted into 28 x 28 pixels, as the
dataset was. One of 28 x 28 pixels is only inverted, if its background is light. An article alone on a plain background
is what the model knows.

Without --run, the model is that of the finished run with the highest validation accuracy, or the one that comes with
the program where that is higher; the answer says which.

A confidence is the model's own (the softmax of its logits), no calibrated probability: it may be high on an image
that is of none of the ten classes.
"""
PREDICT_EXAMPLES = """\
examples:
  fashion predict shirt.jpg 'my shoe.png'
  fashion predict --run results/report/runs/vit/none/seed0 shirt.jpg
  fashion predict --run report/vit/none/0 --json photographs/
  find . -name '*.jpg' | fashion predict --run report/vit/none/0 -

An image that cannot be read is named on stderr, the others are answered, and the exit status is 1.
"""
SHOW = """\
Show a run's card: model, augmentation, seed, study, protocol, parameters and FLOPs, test accuracy with n and its
95 % interval, best epoch, training time, device, versions and commit. What the run has not got yet is said. The
report's numbers stand beside, where the configuration has them for this very run.
"""

EXPORT = """\
Write a run's trained model as one ONNX file, for programs without PyTorch. Its input `images` is float32
[N, 1, 28, 28], light on black, pixels / 127.5 - 1; its output `logits` is float32 [N, 10]. The names of the classes
are in its metadata. It needs the packages of the extra `export`: pip install 'fashion[export]'.
"""
RUNS = """\
List the finished runs: test accuracy with its number n of images, epochs, seconds of training, and the folder, which
the other commands take as --run.
"""
WATCH = """\
Show how far the runs of a study are, as it goes on, until all have ended or Ctrl-C: what runs, with its epoch, best
validation and when it will end; what failed, diverged or stopped, and why; and what has finished. It reads files alone,
needs no lock, and works wherever the folder is seen. Where standard output is no terminal, it prints once.

A training that wrote nothing for three minutes counts as stopped, one with a large checkpoint later. It likely ends as
early as finished runs of its model and augmentation did, but not before its patience is over; at the latest after all
of its epochs.
"""
TRACK = """\
Write the histories of a study's runs, finished and under way, as the event files of TensorBoard. What is there already
is completed. It needs the packages of the extra `track`: pip install 'fashion[track]'; `tensorboard --logdir DIR`
then shows them.
"""


def predict(arguments: argparse.Namespace) -> None:
    from fashion.ask.predict import classify, image_files, table
    from fashion.ask.runs import best_run
    from fashion.study.run_folder import read_run_spec

    folder = arguments.run or best_run(Path("results"))
    spec = read_run_spec(folder)
    answers = classify(folder, image_files(arguments.images))
    run = {"model": spec["model"]["name"], "augmentation": spec["augmentation"]["name"]}
    run |= {"seed": spec["seed"], "study": spec["study"]}
    if arguments.json:
        print(json.dumps({"run": {"folder": str(folder), **run}, "images": answers}, indent=2))
    elif any("class" in answer for answer in answers):
        print(f"{run['model']}, augmentation {run['augmentation']}, seed {run['seed']}, {run['study']} study")
        print(table(answers), flush=True)
    errors = [answer["error"] for answer in answers if "error" in answer]
    for error in errors:
        logger.error("error: %s", error)
    if errors:
        sys.exit(1)


def show(arguments: argparse.Namespace) -> None:
    from fashion.ask.show import card

    print(card(arguments.run, arguments.configfile))


def export(arguments: argparse.Namespace) -> None:
    from fashion.ask.export import export

    print(export(arguments.run, arguments.onnx))


def runs(arguments: argparse.Namespace) -> None:
    from fashion.ask.runs import listing

    print(listing(Path("results"), arguments.study))


def watch(arguments: argparse.Namespace) -> None:
    with suppress(KeyboardInterrupt):
        from fashion.ask.watch import watch
        from fashion.study.config import CONFIG, load_study

        study, _ = load_study([CONFIG, *arguments.configfile], arguments.study)
        watch(study, Path("results") / study.name, arguments.html)


def track(arguments: argparse.Namespace) -> None:
    with suppress(KeyboardInterrupt):
        from fashion.ask.track import track
        from fashion.study.config import CONFIG, load_study

        study, _ = load_study([CONFIG, *arguments.configfile], arguments.study)
        results = Path("results") / study.name
        track(study, results, arguments.folder or results / "tensorboard", arguments.live)


def run_folder(text: str) -> Path:
    """The folder of a run as the command line names it: itself, or in short <study>/<model>/<augmentation>/<seed>."""
    short = re.fullmatch(r"(\w+)/(\w+)/(\w+)/(\d+)", text)
    if short is None:
        return Path(text)
    study, model, augmentation, seed = short.groups()
    return Path("results", study, run_path(FOLDER, (model, augmentation, int(seed))))


def parser() -> argparse.ArgumentParser:
    """The command line, a subcommand for each thing to do."""
    parser = argparse.ArgumentParser(prog="fashion", description=__doc__)
    commands = parser.add_subparsers(metavar="command", required=True)
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

    command = commands.add_parser("show", help="show a run's card", description=SHOW, formatter_class=as_written)
    _add_run(command)
    _add_configuration(command)
    command.set_defaults(command=show)

    command = commands.add_parser(
        "export", help="write a run's model as ONNX", description=EXPORT, formatter_class=as_written
    )
    _add_run(command)
    command.add_argument("--onnx", type=Path, required=True, metavar="FILE", help="the file to write")
    command.set_defaults(command=export)

    command = commands.add_parser("runs", help="list the finished runs", description=RUNS, formatter_class=as_written)
    command.add_argument("--study", help="only this one's")
    command.set_defaults(command=runs)

    command = commands.add_parser(
        "watch", help="show how far a study is", description=WATCH, formatter_class=as_written
    )
    _add_configuration(command, study=True)
    command.add_argument("--html", type=Path, metavar="FILE", help="keep a page too, with the curves of what runs")
    command.set_defaults(command=watch)

    command = commands.add_parser(
        "track", help="write histories for TensorBoard", description=TRACK, formatter_class=as_written
    )
    command.add_argument("--to", choices=["tensorboard"], required=True, help="who is to read them")
    command.add_argument(
        "folder", type=Path, nargs="?", metavar="DIR", help="where to write; results/<study>/tensorboard if not given"
    )
    _add_configuration(command, study=True)
    command.add_argument("--live", action="store_true", help="go on until all runs have ended, or Ctrl-C")
    command.set_defaults(command=track)
    return parser


def _add_run(command: argparse.ArgumentParser) -> None:
    command.add_argument("--run", type=run_folder, required=True, help=RUN)


def _add_configuration(command: argparse.ArgumentParser, study: bool = False) -> None:
    command.add_argument(
        "--configfile",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="go on top of config.yaml, as in Snakemake",
    )
    if study:
        command.add_argument("--study", help="the configuration's if not given")


def main() -> None:
    # Silent where `head` has seen enough.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    # A file's name may be no text.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    arguments = parser().parse_args()
    exit_on_user_error(lambda: arguments.command(arguments))


if __name__ == "__main__":
    main()
