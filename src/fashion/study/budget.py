"""The study of one budget: which runs there are, and the spec of each.

Nothing here imports torch: planning a study stays instant.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import takewhile
from pathlib import Path

import yaml

from fashion.errors import UserError
from fashion.study.outputs import FIGURES, TABLES, Figure, Table, figure_of
from fashion.study.spec import split_sizes

# What tables and figures read that need no finished run.
WITHOUT_RUNS = ("dataset", "mixup", "magnitudes", "training", "answer")
OTHER_DATA = "the dataset is not Fashion-MNIST"


@dataclass(frozen=True, kw_only=True)
class Study:
    """What one budget runs.

    `note` is printed on all that it makes; `reading` is that of the report's claims which it answers, "as_published" or
    "as_described"; `training` has the settings that hold unless a model's differ; `models` has
    the entries of config.yaml by name; `augmentations` has, for each model, the names of those it runs with; `specs`
    has every run's spec by (model, augmentation, seed). With `other_data` than Fashion-MNIST, nothing of the report
    applies. `whole` is the study that a part was taken from, by `only`.
    """

    budget: str
    note: str
    reading: str
    training: dict
    models: dict[str, dict]
    augmentations: dict[str, tuple[str, ...]]
    specs: dict[tuple[str, str, int], dict]
    other_data: bool = False
    whole: "Study | None" = None

    @property
    def planned(self) -> "Study":
        """The whole study: what is made without runs shows all that it will run."""
        return self.whole or self

    @cached_property
    def groups(self) -> dict[tuple[str, str], list[int]]:
        """The seeds of each model and augmentation."""
        seeds = defaultdict(list)
        for model, augmentation, seed in self.specs:
            seeds[model, augmentation].append(seed)
        return dict(seeds)

    def only(self, runs: Collection[tuple[str, str, int]]) -> "Study":
        """The same study with these of its runs, and without the models that have none of them."""
        specs = {run: spec for run, spec in self.specs.items() if run in runs}
        groups = {run[:2] for run in specs}
        kept = {
            model: tuple(name for name in names if (model, name) in groups)
            for model, names in self.augmentations.items()
        }
        kept = {model: names for model, names in kept.items() if names}
        models = {model: self.models[model] for model in kept}
        return replace(self, models=models, augmentations=kept, specs=specs, whole=self.planned)

    def shown_runs(self, model: str) -> list[tuple[str, str, int]]:
        """The runs that a figure of `model` shows: all seeds of its last augmentation."""
        augmentation = self.augmentations[model][-1]
        return [(model, augmentation, seed) for seed in self.groups[model, augmentation]]

    def shown_reported(self, model: str) -> dict:
        """The report's numbers of the runs that a figure of `model` shows."""
        return self.models[model].get("reported", {}).get(self.augmentations[model][-1], {})

    def repeats(self) -> bool:
        """Whether it runs again what the report's authors ran."""
        return any("run" in self.models[model].get("reported", {}).get(name, {}) for model, name, _ in self.specs)

    def augmented_by(self, method: str, setting: str) -> list[float]:
        """The values that a setting of MixUp or RandAugment has in its runs, sorted; none without that method."""
        augmentations = [spec["augmentation"] for spec in self.planned.specs.values()]
        return sorted({augmentation[method][setting] for augmentation in augmentations if method in augmentation})

    def tables(self) -> list[Table]:
        """Its tables, in the order in which a reader wants them."""
        return [table for table in TABLES if self._has(table)]

    def _has(self, row: Table | Figure) -> bool:
        """Whether it has what such a table or figure shows."""
        if not self.specs and row.reads not in WITHOUT_RUNS:
            return False
        match row.reads:
            case "mixup":
                return bool(self.augmented_by("mixup", "alpha"))
            case "magnitudes":
                return bool(self.augmented_by("randaugment", "magnitude"))
        return "repeats" not in (row.reads, row.name) or self.repeats()

    def figures(self) -> dict[str, Figure]:
        """Its figures by name, the report's by their numbers before those beyond it.

        Of those that show models, the ones with one `curves` number in config.yaml share that figure, and one more has
        the curves of all that have none in the report.
        """
        members = defaultdict(list)
        for model, entry in sorted(self.planned.models.items()):
            numbers = entry.get("figures", {})
            for kind, number in numbers.items():
                members[number, kind].append(model)
            if not {"curves", "test_curves"} & numbers.keys():
                members[None, "curves"].append(model)
        showing_models = [
            figure_of(kind, number, "other" if number is None else _common_name(models), shown)
            for (number, kind), models in members.items()
            # A diagram needs no run.
            if (shown := tuple(model for model in models if kind == "diagram" or model in self.models))
        ]
        figures = [*filter(self._has, FIGURES), *showing_models]
        return {figure.name: figure for figure in sorted(figures, key=lambda one: (one.number is None, one.name))}

    def shown_by(self, figure: Figure) -> list[tuple[str, str, int]]:
        """The runs that a figure shows."""
        last = 1 if figure.reads.startswith("first") else None
        return [run for model in figure.models or sorted(self.models) for run in self.shown_runs(model)[:last]]

    def hyperparameters(self) -> dict:
        """The training settings, and for each model with others those that differ."""
        overrides = {
            model: {key: value for key, value in spec["training"].items() if value != self.training.get(key)}
            for (model, _, _), spec in self.planned.specs.items()
        }
        return {"training": self.training, "overrides": {model: own for model, own in overrides.items() if own}}

    def summary(self) -> dict:
        """What a table over all runs needs to know: its models with seeds and reported numbers.

        And of all models that it plans, their names in words, and what those without a run are built from.
        """
        return {
            "budget": self.budget,
            "note": self.note,
            "reading": self.reading,
            "titles": {name: entry.get("title", name) for name, entry in self.planned.models.items()},
            "networks": {
                name: {key: entry[key] for key in ("family", "settings")}
                for name, entry in self.planned.models.items()
                if name not in self.models
            },
            "models": {
                name: {
                    "augmentations": {key: self.groups[name, key] for key in self.augmentations[name]},
                    "reported": entry.get("reported", {}),
                }
                for name, entry in self.models.items()
            },
            **({"other_data": True} if self.other_data else {}),
        }


def models_of(config: dict, budget: str) -> list[str]:
    """The names of the models that a budget runs."""
    return config["budgets"][budget].get("models", list(config["models"]))


def resolve(config: dict, budget: str, other_data: bool = False) -> Study:
    """The study of `budget` that a valid `config` describes.

    Settings are merged: `training`, then the model's, then the budget's, then the budget's for that model. With
    `other_data` than Fashion-MNIST no model has numbers of the report beside its own, and the note says so.

    Raises:
        UserError: what the schema cannot say is wrong; see `check`.
    """
    chosen = config["budgets"][budget]
    models = {name: config["models"][name] for name in models_of(config, budget)}
    notes = [chosen["note"]] if chosen.get("note") else []
    if other_data:
        models = {name: {key: entry[key] for key in entry if key != "reported"} for name, entry in models.items()}
        notes.append(f"{OTHER_DATA}: nothing that the report says applies to it")
    common = {**config["training"], **chosen.get("training", {})}
    augmentations = {}
    for name, entry in models.items():
        of_budget = chosen.get("augmentations_of", {}).get(name, chosen["augmentations"])
        kept = tuple(key for key in of_budget if key in entry.get("augmentations", config["augmentations"]))
        if not kept:
            raise UserError(
                f"config: models.{name}.augmentations: the budget {budget} runs none of them; "
                f"it runs {', '.join(of_budget)}"
            )
        augmentations[name] = kept
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
        note="; ".join(notes),
        reading=chosen.get("reading", "as_described"),
        training=common,
        models=models,
        augmentations=augmentations,
        specs=specs,
        other_data=other_data,
    )


def load_study(path: Path, budget: str) -> Study:
    """The study that a config.yaml has under a budget's name."""
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    if budget not in config["budgets"]:
        raise UserError(f"{path} has no budget {budget!r}; it has {', '.join(config['budgets'])}")
    return resolve(config, budget)


def _common_name(models: list[str]) -> str:
    common = takewhile(lambda letters: len(set(letters)) == 1, zip(*models, strict=False))
    return "".join(letters[0] for letters in common).rstrip("_") or "_".join(models)
