"""What config.yaml may say of a VGG, and its size; `network` explains the settings."""

from collections.abc import Container, Iterator

from fashion.image import NUM_CLASSES
from fashion.models.families import COUNT, DROPOUT
from fashion.models.layer_table import LAYERS, fully_connected, map_sizes, table_conflicts, table_layers

SETTINGS = {
    "layers": LAYERS,
    "separable": {"type": "boolean", "default": False},
    "hidden": {"type": "array", "items": COUNT, "default": (4096, 4096)},
    "dropout": {**DROPOUT, "default": 0.2},
}


def conflicts(settings: dict, given: Container[str]) -> Iterator[str]:
    """What of the settings does not fit together, each as `key: why`."""
    return table_conflicts(settings["layers"], map_sizes(settings["layers"]))


def sizes(settings: dict) -> Iterator[tuple[int, int]]:
    """The weights and the multiply-adds of each layer."""
    table = settings["layers"]
    maps = map_sizes(table)
    for inputs, outputs, size in table_layers(table, maps, 1):
        # Of a separable layer, the pointwise convolution alone; the image's one channel is not separated.
        weights = (1 if settings["separable"] and inputs > 1 else 9) * inputs * outputs
        yield weights, weights * size**2
    yield from fully_connected(outputs * maps[-1] ** 2, *settings["hidden"], NUM_CLASSES)
