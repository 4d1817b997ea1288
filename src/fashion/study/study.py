"""A study: the runs that config.yaml plans under one name, and the spec of each.

Nothing here imports torch: planning a study stays instant.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property

from fashion.errors import UserError
from fashion.study.spec import Key, split_sizes

OTHER_DATA = "the dataset is not Fashion-MNIST"


@dataclass(frozen=True, kw_only=True)
class Study:
    """What is run under one name of config.yaml's `studies`.

    Args:
        name: its key there.
        note: printed on all that it makes.
        reading: that in which it answers the report's claims; None for the report's default.
        training: the settings that hold unless a model's differ.
        models: its models' entries of config.yaml.
        catalogue: the entries of all models of config.yaml, whether they run in it or not.
        augmentations: for each model, the names of those that it runs with.
        specs: every run's spec.
        other_data: the dataset is not Fashion-MNIST, and nothing of the report applies.
        whole: the study that this is a part of; see `only`.
    """

    name: str
    note: str
    reading: str | None
    training: dict
    models: dict[str, dict]
    catalogue: dict[str, dict]
    augmentations: dict[str, tuple[str, ...]]
    specs: dict[Key, dict]
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

    def only(self, runs: Collection[Key]) -> "Study":
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

    def shown_augmentation(self, model: str) -> str:
        """The augmentation of a model that figures show which show one: its last."""
        return self.augmentations[model][-1]

    def shown_runs(self, model: str) -> list[Key]:
        """The runs that a figure of `model` shows: all seeds of one augmentation."""
        augmentation = self.shown_augmentation(model)
        return [(model, augmentation, seed) for seed in self.groups[model, augmentation]]

    def augmented_by(self, method: str, setting: str) -> list[float]:
        """The values that a setting of MixUp or RandAugment has in its runs, sorted; none without that method."""
        augmentations = [spec["augmentation"] for spec in self.planned.specs.values()]
        return sorted({augmentation[method][setting] for augmentation in augmentations if method in augmentation})

    def hyperparameters(self) -> dict:
        """The training settings, and for each model with others those that differ."""
        overrides = {
            model: {key: value for key, value in spec["training"].items() if value != self.training.get(key)}
            for (model, _, _), spec in self.planned.specs.items()
        }
        return {"training": self.training, "overrides": {model: own for model, own in overrides.items() if own}}


def resolve(config: dict, name: str, other_data: bool = False) -> Study:
    """The study `name` that a valid `config` describes.

    Settings are merged: `training`, then the model's, then the study's, then the study's for that model. With
    `other_data` than Fashion-MNIST the note says that nothing of the report applies.

    Raises:
        UserError: what the schema cannot say is wrong; see `check`.
    """
    chosen = config["studies"][name]
    models = {model: config["models"][model] for model in chosen.get("models", config["models"])}
    notes = [chosen["note"]] if chosen.get("note") else []
    if other_data:
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
        reading=chosen.get("reading"),
        training=common,
        models=models,
        catalogue=config["models"],
        augmentations=augmentations,
        specs=specs,
        other_data=other_data,
    )
