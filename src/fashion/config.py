"""From config.yaml to the study of one budget: which runs there are, and the spec of each.

JSON schema says what a value may be (workflow/schemas/config.schema.yaml); here is what it cannot say, how its errors
are worded, and how settings are merged. Nothing here imports torch: planning a study stays instant.
"""

import difflib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import yaml
from jsonschema import ValidationError

from fashion.errors import UserError
from fashion.protocol import split_sizes

IMAGE_SIZE = 28
# A setting, and the value of another without which it has no effect.
IN_VAIN = (("dilation", "block", "basic"), ("stem_dilation", "stem", "large"), ("patch", "embedding", "patches"))
DEFAULTS = {"block": "basic", "stem": "small", "embedding": "patches"}


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure that shows models.

    `name` is the file's, such as `fig04_vgg8_curves`; `kind` is diagram, curves, test_curves or log; `models` are
    sorted.
    """

    name: str
    kind: str
    models: tuple[str, ...]

    @property
    def held_out(self) -> str:
        """What curves show beside training."""
        return "test" if self.kind == "test_curves" else "validation"


@dataclass(frozen=True, kw_only=True)
class Study:
    """What one budget runs.

    `note` is printed on all that it makes; `reading` is that of the report's claims which it answers, "as_published" or
    "as_described"; `training` has the settings that hold unless a model's differ; `models` has
    the entries of config.yaml by name; `augmentations` has, for each model, the names of those it runs with; `specs`
    has every run's spec by (model, augmentation, seed).
    """

    budget: str
    note: str
    reading: str
    seeds: tuple[int, ...]
    training: dict
    models: dict[str, dict]
    augmentations: dict[str, tuple[str, ...]]
    specs: dict[tuple[str, str, int], dict]

    def shown_runs(self, model: str) -> list[tuple[str, str, int]]:
        """The runs that a figure of `model` shows: all seeds of its last augmentation."""
        return [(model, self.augmentations[model][-1], seed) for seed in self.seeds]

    def shown_reported(self, model: str) -> dict:
        """The report's numbers of the runs that a figure of `model` shows."""
        return self.models[model].get("reported", {}).get(self.augmentations[model][-1], {})

    def figures(self) -> dict[str, Figure]:
        """The figures that show models, by name.

        They are the report's, where models with one `curves` number share that figure, and one more with the curves of
        all models that have none in the report.
        """
        members = defaultdict(list)
        for model in sorted(self.models):
            numbers = self.models[model].get("figures", {})
            for kind, number in numbers.items():
                members[f"fig{number:02}", kind].append(model)
            if not {"curves", "test_curves"} & numbers.keys():
                members["ext03", "curves"].append(model)
        figures = [
            Figure(
                name=f"{number}_{'other' if number == 'ext03' else _common_name(models)}_{kind}",
                kind=kind,
                models=tuple(models),
            )
            for (number, kind), models in members.items()
        ]
        return {figure.name: figure for figure in figures}

    def hyperparameters(self) -> dict:
        """The training settings, and for each model with others those that differ."""
        overrides = {
            model: {key: value for key, value in spec["training"].items() if value != self.training[key]}
            for (model, _, _), spec in self.specs.items()
        }
        return {"training": self.training, "overrides": {model: own for model, own in overrides.items() if own}}

    def summary(self) -> dict:
        """What a table over all runs needs to know: its models with their augmentations and, by augmentation, reported
        numbers.
        """
        return {
            "budget": self.budget,
            "note": self.note,
            "reading": self.reading,
            "seeds": list(self.seeds),
            "models": {
                name: {"augmentations": list(self.augmentations[name]), "reported": entry.get("reported", {})}
                for name, entry in self.models.items()
            },
        }


def models_of(config: dict, budget: str) -> list[str]:
    """The names of the models that a budget runs."""
    return config["budgets"][budget].get("models", list(config["models"]))


def resolve(config: dict, budget: str) -> Study:
    """The study of `budget` that a valid `config` describes.

    Settings are merged: `training`, then the model's, then the budget's, then the budget's for that model.

    Raises:
        UserError: what the schema cannot say is wrong; see `check`.
    """
    chosen = config["budgets"][budget]
    models = {name: config["models"][name] for name in models_of(config, budget)}
    common = {**config["training"], **chosen.get("training", {})}
    augmentations = {
        name: tuple(
            key for key in chosen["augmentations"] if key in entry.get("augmentations", config["augmentations"])
        )
        for name, entry in models.items()
    }
    for name, kept in augmentations.items():
        if not kept:
            raise UserError(
                f"config: models.{name}.augmentations: the budget {budget} runs none of them; "
                f"it runs {_listed(chosen['augmentations'])}"
            )
    specs = {}
    for name, entry in models.items():
        training = {
            **common,
            **entry.get("training", {}),
            **chosen.get("training", {}),
            **chosen.get("training_of", {}).get(name, {}),
        }
        if 0 in split_sizes(training):
            raise UserError(
                f"config: training of {name} in budget {budget}: validation_fraction {training['validation_fraction']} "
                f"of {training['train_images']} train_images leaves no image to train or to validate on"
            )
        for augmentation in augmentations[name]:
            for seed in chosen["seeds"]:
                specs[name, augmentation, seed] = {
                    "model": {"name": name, "family": entry["family"], "settings": entry["settings"]},
                    "augmentation": {"name": augmentation, **config["augmentations"][augmentation]},
                    "training": training,
                    "budget": budget,
                    "seed": seed,
                }
    return Study(
        budget=budget,
        note=chosen.get("note", ""),
        reading=chosen.get("reading", "as_described"),
        seeds=tuple(chosen["seeds"]),
        training=common,
        models=models,
        augmentations=augmentations,
        specs=specs,
    )


def check(config: dict) -> None:
    """Refuse what the schema cannot: names that do not exist, and values that do not fit together.

    Raises:
        UserError: one line with the key's path and what is allowed.
    """
    _check_names("budget", [config["budget"]], config["budgets"])
    for name, budget in config["budgets"].items():
        _check_names(f"budgets.{name}.augmentations", budget["augmentations"], config["augmentations"])
        _check_names(f"budgets.{name}.models", budget.get("models", []), config["models"])
        _check_names(f"budgets.{name}.training_of", budget.get("training_of", {}), config["models"])
    if not config["data"]["verify"] and not config["data"]["folder"]:
        raise UserError("config: data.verify: false needs data.folder; what is downloaded is always verified")
    for name, entry in config["models"].items():
        _check_names(f"models.{name}.augmentations", entry.get("augmentations", []), config["augmentations"])
        _check_names(f"models.{name}.reported", entry.get("reported", {}), config["augmentations"])
        _check_settings(f"models.{name}.settings", entry["settings"])
    for budget in config["budgets"]:
        _check_figures({name: config["models"][name] for name in models_of(config, budget)})


def map_sizes(settings: dict) -> list[int]:
    """The side of a convolutional model's map before and after each entry of its `layers`, 28 at first."""
    sizes = [IMAGE_SIZE // 4 if settings.get("stem") == "large" else IMAGE_SIZE]
    channels = settings["layers"][0]
    for entry in settings["layers"]:
        strided = settings.get("block") == "separable" and entry not in ("M", channels)
        sizes.append(sizes[-1] // 2 if entry == "M" else -(-sizes[-1] // 2) if strided else sizes[-1])
        channels = channels if entry == "M" else entry
    return sizes


def _check_names(path: str, names: Iterable[str], known: Iterable[str]) -> None:
    for name in names:
        if name not in known:
            raise UserError(f"config: {path}: unknown name {name!r}{_suggestion(name, known)}; known: {_listed(known)}")


def _check_settings(path: str, settings: dict) -> None:
    layers = settings.get("layers", [1])
    if layers[0] == "M":
        raise UserError(f"config: {path}.layers: begins with M; the first layer must be a number of channels")
    sizes = map_sizes(settings) if "layers" in settings else [1]
    if sizes[-1] == 0:
        fit = sum(entry == "M" and size > 0 for entry, size in zip(layers, sizes[1:], strict=True))
        raise UserError(
            f"config: {path}.layers: {layers.count('M')} poolings leave nothing of {IMAGE_SIZE} x {IMAGE_SIZE}; "
            f"at most {fit}"
        )
    for key, needs, value in IN_VAIN:
        if key in settings and settings.get(needs, DEFAULTS[needs]) != value:
            raise UserError(f"config: {path}.{key}: has no effect, since {needs} is not {value}")
    for key, value in (("stem", "large"), ("block", "separable")):
        if settings.get(key) == value and settings.get("head") != "average":
            raise UserError(f"config: {path}.head: must be average, since {key} is {value}")
    if "width" in settings and "heads" in settings and settings["width"] % settings["heads"]:
        raise UserError(f"config: {path}.width: {settings['width']} is not a multiple of heads, {settings['heads']}")
    if settings.get("positions") == "sincos" and settings.get("width", 4) % 4:
        raise UserError(
            f"config: {path}.width: {settings['width']} is not a multiple of 4, which sincos positions need"
        )


def _check_figures(models: dict) -> None:
    taken: dict[int, tuple[str, str]] = {1: ("samples", "the dataset"), 2: ("MixUp samples", "the augmentation")}
    for name, entry in models.items():
        for kind, number in entry.get("figures", {}).items():
            other_kind, other = taken.setdefault(number, (kind, name))
            if (kind, name) != (other_kind, other) and not (kind == other_kind and kind.endswith("curves")):
                raise UserError(
                    f"config: models.{name}.figures.{kind}: figure {number} already shows {other_kind} of {other}; "
                    "only `curves` can be shared"
                )


def refuse_repeated_keys(path: Path) -> None:
    """Refuse a YAML file in which a mapping has a key twice: YAML would silently drop the first.

    Raises:
        UserError: naming the key and its line.
    """

    def visit(node: yaml.Node) -> None:
        if isinstance(node, yaml.MappingNode):
            seen = set()
            for key, value in node.value:
                if key.value in seen:
                    raise UserError(f"{path.name}: line {key.start_mark.line + 1}: a second {key.value!r}; rename one")
                seen.add(key.value)
                visit(value)
        elif isinstance(node, yaml.SequenceNode):
            for item in node.value:
                visit(item)

    visit(yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader))


def explain(error: ValidationError) -> str:
    """A schema error in one line: the key's path, what is wrong, what is allowed."""
    path = ".".join(str(part) for part in error.absolute_path) or "top level"
    properties = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
    if error.validator == "additionalProperties" and properties:
        unknown = next(key for key in error.instance if key not in properties)
        return (
            f"config: {path}: unknown key {unknown!r}{_suggestion(unknown, properties)}; allowed: {_listed(properties)}"
        )
    allowed = error.schema.get("description") if isinstance(error.schema, dict) else None
    return f"config: {path}: {error.message}" + (f" ({allowed})" if allowed else "")


def _suggestion(name: Any, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(name), list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _common_name(models: list[str]) -> str:
    common = takewhile(lambda letters: len(set(letters)) == 1, zip(*models, strict=False))
    return "".join(letters[0] for letters in common).rstrip("_") or "_".join(models)
