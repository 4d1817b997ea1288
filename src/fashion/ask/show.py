"""A run's summary: its settings, its results and its provenance, as far as its files have them."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from tabulate import tabulate

from fashion.ask.overview import divergence
from fashion.ask.runs import SHIPPED
from fashion.data.dataset import CHECKSUMS
from fashion.errors import UserError, printable
from fashion.records.run import Run
from fashion.records.state import state, wanted
from fashion.records.statistics import over_images
from fashion.study.config import CONFIG, load_study
from fashion.study.run_folder import HISTORY, METRICS, PROVENANCE
from fashion.study.spec import split_sizes

# The line `images` shows these in numbers of images.
SIZES = ("train_images", "validation_fraction", "test_images")


def card(folder: Path, configuration: Sequence[Path] = (CONFIG,)) -> str:
    """Returns the summary of the run in a folder, a line for each fact; an unfinished run has fewer lines.

    Args:
        configuration: its files. If it has this run, the run's reported numbers are shown.

    Raises:
        UserError: the folder is not a run's, or one of its files is damaged.
    """
    run = Run(folder)
    try:
        note, reported = _of_study(run, configuration)
        lines = note | _identity(run.spec) | _metrics(run, reported) | _history(run, reported) | _provenance(run)
    except (KeyError, TypeError) as error:
        raise UserError(f"{folder}: not what the pipeline writes: {error}; train the run again") from error
    rows = [(name, printable(str(value))) for name, value in {"run": folder, **lines}.items()]
    return tabulate(rows, tablefmt="plain", disable_numparse=True)


def _identity(spec: dict) -> dict[str, object]:
    model, augmentation, training = spec["model"], spec["augmentation"], spec["training"]
    operations = [f"{key} {_word(value)}" for key, value in augmentation.items() if key != "name"]
    of_training, of_validation = split_sizes(training)
    return {
        "model": f"{model['name']} ({model['family']}): {_words(model['settings'])}",
        "augmentation": f"{augmentation['name']}: {'; '.join(operations)}" if operations else augmentation["name"],
        "seed": spec["seed"],
        "study": spec["study"],
        "images": f"{of_training:,} training, {of_validation:,} validation, {training['test_images']:,} test",
        "protocol": _words({key: value for key, value in training.items() if key not in SIZES}),
    }


def _of_study(run: Run, configuration: Sequence[Path]) -> tuple[dict[str, str], dict]:
    """Returns a run's state and its study's note, and its reported numbers; empty without such a study."""
    spec = run.spec
    key = name, augmentation, _ = spec["model"]["name"], spec["augmentation"]["name"], spec["seed"]
    with suppress(UserError):  # a run without a configuration is shown too
        study, report = load_study(configuration, spec["study"])
        if key in study.specs and run.folder != SHIPPED:
            results = run.folder.absolute().parents[3]
            about = {"state": state(run.folder, wanted(study, results)[key]).words}
            about |= {"note": study.note} if study.note else {}
            other_data = (run.folder / PROVENANCE).exists() and run.dataset != CHECKSUMS
            same = study.specs[key] == spec and not other_data
            return about, report.numbers(name, augmentation) if same else {}
    return {}, {}


def _beside(reported: dict, key: str, form: str, unit: str = "") -> str:
    """Returns the reported number to write after ours; "" if there is none."""
    return f" (reported {reported[key]:{form}}{unit})" if key in reported else ""


def _metrics(run: Run, reported: dict) -> dict[str, str]:
    if not (run.folder / METRICS).exists():
        return {"test accuracy": "not evaluated yet"}
    metrics = run.metrics
    accuracy, count = metrics["test_accuracy"], metrics["test_images"]
    low, high = np.clip(over_images(accuracy, count).interval(), 0, 1)
    return {
        "parameters": f"{metrics['parameters']:,}{_beside(reported, 'parameters', ',')}",
        "FLOPs": f"{metrics['flops_per_image']:,} an image",
        # This interval leaves out the variance between seeds, which the study's tables include.
        "test accuracy": f"{accuracy:.2%}{_beside(reported, 'test_accuracy', '.2%')} of n = {count:,} images; "
        f"95 % interval {low:.2%} to {high:.2%} for this seed",
        **(
            {
                "the same, augmented": f"{metrics['augmented_test_accuracy']:.2%}"
                f"{_beside(reported, 'augmented_test_accuracy', '.2%')}, as the published code tests"
            }
            if "augmented_test_accuracy" in metrics
            else {}
        ),
    }


def _history(run: Run, reported: dict) -> dict[str, str]:
    if not (run.folder / HISTORY).exists():
        return {"epochs": "not trained yet"}
    history, best, seconds = run.history, run.best, run.history["seconds"].sum()
    lowest = f"validation loss {best['validation_loss']:.4f}, validation accuracy {best['validation_accuracy']:.2%}"
    return {
        "epochs": f"{len(history)}{_beside(reported, 'epochs', '')}; best {best['epoch']:.0f}, with {lowest}",
        "training time": f"{seconds:,.1f} s{_beside(reported, 'seconds', ',.1f', ' s')}, "
        f"{seconds / len(history):,.2f} s an epoch{_beside(reported, 'seconds_per_epoch', ',.2f', ' s')}",
    }


def _provenance(run: Run) -> dict[str, str]:
    if not (run.folder / PROVENANCE).exists():
        return {}
    provenance = run.provenance
    driver = f", driver {provenance['driver']}" if provenance["driver"] else ""
    diverged = {"diverged": divergence(run.diverged)} if run.diverged else {}
    return diverged | {
        "device": f"{provenance['device']}; {provenance['threads']} threads{driver}",
        "versions": _words({"python": provenance["python"], **provenance["packages"]}),
        "platform": provenance["platform"],
        "commit": provenance["commit"] or "unknown: not run from a checkout",
        "finished": provenance["finished"],
    }


def _words(settings: dict) -> str:
    """Returns settings in words: `{"layers": [8, "M"], "batch_size": 64}` as `layers 8 M, batch size 64`."""
    return ", ".join(f"{key.replace('_', ' ')} {_word(value)}" for key, value in settings.items())


def _word(value: object) -> str:
    match value:
        case dict():
            return _words(value)
        case list():
            return " ".join(map(str, value))
    return str(value)
