"""Specs of runs that take seconds."""

MODELS = {
    "vgg": {"layers": [8, "M", 16, "M"], "hidden": [32], "dropout": 0.5},
    "resnet": {"layers": [8, "M", 16, "M"]},
    "vit": {"depth": 1, "width": 32, "heads": 4, "depthwise": "norm_first", "dropout": 0.1},
}
# What the report has not: settings beside those of config.yaml's `training`, and augmentations.
MODERN = {
    "optimizer": "adamw",
    "schedule": "one_cycle",
    "weight_decay": 0.02,
    "label_smoothing": 0.1,
    "ema_decay": 0.9,
    "flip_averaging": True,
}
DISTORTED = {"flip": True, "shift": 2, "erase": 8}
BOTH = {"mixup": {"alpha": 0.4}, "randaugment": {"num_ops": 2, "magnitude": 9}}


def make_spec(
    family: str = "vit", *, name: str = "small", seed: int = 0, augmentation: dict | None = None, **training
) -> dict:
    """The spec of a small model of a family on 200 images, without augmentation unless told otherwise."""
    return {
        "model": {"name": name, "family": family, "settings": MODELS[family]},
        "augmentation": {"name": "both" if augmentation else "none", **(augmentation or {})},
        "training": {
            "loss": "cross_entropy",
            "optimizer": "adam",
            "learning_rate": 0.003,
            "batch_size": 16,
            "epochs": 3,
            "patience": 5,
            "min_delta": 0,
            "tested_weights": "best",
            "train_images": 200,
            "validation_fraction": 0.3,
            "validation": "clean",
            "test_images": 60,
            **training,
        },
        "study": "test",
        "seed": seed,
    }
