"""A study: the runs that config.yaml plans under one name, and the spec of each run.

Nothing here imports torch, so that planning stays instant.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from fashion.errors import UserError
from fashion.study.spec import Key, split_sizes

OTHER_DATA = "the dataset is not Fashion-MNIST"
NONE, WITHOUT = "none", "without augmentation"  # the augmentation that does nothing, and its words in a sentence


@dataclass(frozen=True, kw_only=True)
class Study:
    """The runs under one key of config.yaml's `studies`.

    Args:
        name: the key.
        note: a remark that is printed on all results.
        reading: the reading in which the study answers the report's claims; None for the report's default.
        training: the training settings, unless a model overrides them.
        models: the entries in config.yaml of the models that run.
        catalogue: the entries in config.yaml of all models.
        augmentation_titles: the title of each augmentation in config.yaml.
        augmentations: for each model, the names of the augmentations that it runs with.
        specs: the spec of each run.
        other_data: whether the dataset is not Fashion-MNIST, so that nothing of the report applies.
        whole: the study that this one is a part of; see `only`.
    """

    name: str
    note: str
    reading: str | None
    training: dict
    models: dict[str, dict]
    catalogue: dict[str, dict]
    augmentation_titles: dict[str, str]
    augmentations: dict[str, tuple[str, ...]]
    specs: dict[Key, dict]
    other_data: bool = False
    whole: "Study | None" = None

    @property
    def planned(self) -> "Study":
        """The whole study, for results that show what will run and need no runs themselves."""
        return self.whole or self

    @cached_property
    def titles(self) -> dict[str, dict[str, str]]:
        """The titles of models and augmentations in config.yaml, as `pandas.DataFrame.replace` takes them.

        Without a title, and where models of this study share one, the key itself is the title.
        """
        models = {name: entry.get("title", name) for name, entry in self.planned.models.items()}
        shared = Counter(models.values())
        return {
            "model": {name: title if shared[title] == 1 else name for name, title in models.items()},
            "augmentation": self.augmentation_titles,
        }

    @cached_property
    def groups(self) -> dict[tuple[str, str], list[int]]:
        """The seeds of each model and augmentation."""
        seeds = defaultdict(list)
        for model, augmentation, seed in self.specs:
            seeds[model, augmentation].append(seed)
        return dict(seeds)

    def only(self, runs: Collection[Key]) -> "Study":
        """Returns the part of the study that has the given runs, without models that have none of them."""
        specs = {run: spec for run, spec in self.specs.items() if run in runs}
        groups = {run[:2] for run in specs}
        kept = {
            model: tuple(name for name in names if (model, name) in groups)
            for model, names in self.augmentations.items()
        }
        kept = {model: names for model, names in kept.items() if names}
        models = {model: self.models[model] for model in kept}
        return replace(self, models=models, augmentations=kept, specs=specs, whole=self.planned)

    def shown_augmentation(self, model: str) -> str:
        """Returns the augmentation that figures of a single augmentation show: the model's last one."""
        return self.augmentations[model][-1]

    def shown_runs(self, model: str) -> list[Key]:
        """Returns the runs that a figure of `model` shows: all seeds of `shown_augmentation`."""
        augmentation = self.shown_augmentation(model)
        return [(model, augmentation, seed) for seed in self.groups[model, augmentation]]

    def augmented_by(self, method: str, setting: str) -> list[float]:
        """Returns the sorted values that a setting of MixUp or RandAugment has in the runs; empty if no run uses it."""
        augmentations = [spec["augmentation"] for spec in self.planned.specs.values()]
        return sorted({augmentation[method][setting] for augmentation in augmentations if method in augmentation})

    def hyperparameters(self) -> dict:
        """Returns the training settings, and for each model the settings that override them."""
        overrides = {
            model: {key: value for key, value in spec["training"].items() if value != self.training.get(key)}
            for (model, _, _), spec in self.planned.specs.items()
        }
        return {"training": self.training, "overrides": {model: own for model, own in overrides.items() if own}}


def resolve(config: dict, name: str, other_data: bool = False) -> Study:
    """Returns the study `name` of a valid `config`.

    Training settings are merged. Later ones win: `training`, the model's, the study's, the study's for that model. With
    `other_data`, the note says that nothing of the report applies.

    Raises:
        UserError: a model has no augmentation in the study, or no image to train or to validate on.
    """
    chosen = config["studies"][name]
    models = {model: config["models"][model] for model in chosen.get("models", config["models"])}
    notes = [chosen["note"]] if chosen.get("note") else []
    if other_data:
        notes.append(f"{OTHER_DATA}: nothing that the report says applies to it")
    common = {**config["training"], **chosen.get("training", {})}
    methods = {
        name: {key: value for key, value in entry.items() if key != "title"}
        for name, entry in config["augmentations"].items()
    }
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
                    "augmentation": {"name": augmentation, **methods[augmentation]},
                    "training": training,
                    "study": name,
                    "seed": seed,
                }
    return Study(
        name=name,
        note="; ".join(notes),
        reading=chosen.get("reading"),
        training=common,
        models=models,
        catalogue=config["models"],
        augmentation_titles={name: entry.get("title", name) for name, entry in config["augmentations"].items()},
        augmentations=augmentations,
        specs=specs,
        other_data=other_data,
    )


def grouped(runs: Iterable[Key]) -> list[list]:
    """Returns runs as plans name them: `[model, augmentation, [seed, ...]]` for runs that differ only in their seed."""
    seeds: dict[tuple[str, str], list[int]] = {}
    for model, augmentation, seed in runs:
        seeds.setdefault((model, augmentation), []).append(seed)
    return [[*group, own] for group, own in seeds.items()]


def titled(titles: dict[str, dict[str, str]], model: str, augmentation: str) -> tuple[str, str]:
    """Returns a model's and an augmentation's title; see `Study.titles`."""
    return titles["model"].get(model, model), titles["augmentation"].get(augmentation, augmentation)


def with_augmentation(titles: dict[str, dict[str, str]], augmentation: str) -> str:
    """Returns in words how runs are augmented: "with MixUp", "without augmentation"."""
    return f"with {titles['augmentation'].get(augmentation, augmentation)}" if augmentation != NONE else WITHOUT


def in_words(titles: dict[str, dict[str, str]], model: str, augmentation: str) -> str:
    """Returns a model and its augmentation in words: "ViT with MixUp"."""
    return f"{titles['model'].get(model, model)} {with_augmentation(titles, augmentation)}"
