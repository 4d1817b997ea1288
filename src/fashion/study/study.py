"""A study: the runs that config.yaml plans under one name, and the spec of each.

Nothing here imports torch: planning a study stays instant.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import takewhile

from fashion.errors import UserError
from fashion.study.outputs import FIGURES, TABLES, Figure, Table, figure_of
from fashion.study.spec import split_sizes

# What tables and figures read that need no finished run.
WITHOUT_RUNS = ("dataset", "mixup", "magnitudes", "training", "answer")
OTHER_DATA = "the dataset is not Fashion-MNIST"


@dataclass(frozen=True, kw_only=True)
class Study:
    """What is run under one name of config.yaml's `studies`.

    `note` is printed on all that it makes; `reading` is that of the report's claims which it answers, "as_published" or
    "as_described"; `training` has the settings that hold unless a model's differ; `models` has
    the entries of config.yaml by name; `augmentations` has, for each model, the names of those it runs with; `specs`
    has every run's spec by (model, augmentation, seed). With `other_data` than Fashion-MNIST, nothing of the report
    applies. `whole` is the study that a part was taken from, by `only`.
    """

    name: str
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
            "study": self.name,
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


def models_of(config: dict, name: str) -> list[str]:
    """The names of the models that a study runs."""
    return config["studies"][name].get("models", list(config["models"]))


def resolve(config: dict, name: str, other_data: bool = False) -> Study:
    """The study `name` that a valid `config` describes.

    Settings are merged: `training`, then the model's, then the study's, then the study's for that model. With
    `other_data` than Fashion-MNIST no model has numbers of the report beside its own, and the note says so.

    Raises:
        UserError: what the schema cannot say is wrong; see `check`.
    """
    chosen = config["studies"][name]
    models = {model: config["models"][model] for model in models_of(config, name)}
    notes = [chosen["note"]] if chosen.get("note") else []
    if other_data:
        models = {model: {key: entry[key] for key in entry if key != "reported"} for model, entry in models.items()}
        notes.append(f"{OTHER_DATA}: nothing that the report says applies to it")
    common = {**config["training"], **chosen.get("training", {})}
    augmentations = {}
    for model, entry in models.items():
        of_study = chosen.get("augmentations_of", {}).get(model, chosen["augmentations"])
        kept = tuple(key for key in of_study if key in entry.get("augmentations", config["augmentations"]))
        if not kept:
            raise UserError(
                f"config: models.{model}.augmentations: the study {name} runs none of them; "
                f"it runs {', '.join(of_study)}"
            )
        augmentations[model] = kept
    specs = {}
    for model, entry in models.items():
        training = {
            **common,
            **entry.get("training", {}),
            **chosen.get("training", {}),
            **chosen.get("training_of", {}).get(model, {}),
        }
        if 0 in split_sizes(training):
            raise UserError(
                f"config: training of {model} in study {name}: validation_fraction {training['validation_fraction']} "
                f"of {training['train_images']} train_images leaves no image to train or to validate on"
            )
        for augmentation in augmentations[model]:
            for seed in chosen["seeds"]:
                specs[model, augmentation, seed] = {
                    "model": {"name": model, "family": entry["family"], "settings": entry["settings"]},
                    "augmentation": {"name": augmentation, **config["augmentations"][augmentation]},
                    "training": training,
                    "study": name,
                    "seed": seed,
                }
    return Study(
        name=name,
        note="; ".join(notes),
        reading=chosen.get("reading", "as_described"),
        training=common,
        models=models,
        augmentations=augmentations,
        specs=specs,
        other_data=other_data,
    )


def _common_name(models: list[str]) -> str:
    common = takewhile(lambda letters: len(set(letters)) == 1, zip(*models, strict=False))
    return "".join(letters[0] for letters in common).rstrip("_") or "_".join(models)
