"""What the configuration, the training and the tables must agree on."""


def split_sizes(training: dict) -> tuple[int, int]:
    """Numbers of training and of validation images that `train_images` and `validation_fraction` stand for."""
    validation = round(training["train_images"] * training["validation_fraction"])
    return training["train_images"] - validation, validation
