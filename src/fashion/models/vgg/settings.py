"""The settings of a VGG in config.yaml, and its size; `network` explains the settings."""

from collections.abc import Container, Iterator

from fashion.image import NUM_CLASSES
from fashion.models.families import COUNT, DROPOUT
from fashion.models.layer_table import LAYERS, fully_connected, read_table, table_conflicts

SETTINGS = {
    "layers": LAYERS,
    "separable": {"type": "boolean"},
    "hidden": {"type": "array", "items": COUNT},
    "dropout": DROPOUT,
}


def conflicts(settings: dict, given: Container[str]) -> Iterator[str]:
    """Yields each setting that does not fit the others, as `key: why`."""
    return table_conflicts(settings["layers"], read_table(settings["layers"], 1))


def sizes(settings: dict) -> Iterator[tuple[int, int]]:
    """Yields the weights and the multiply-adds of each layer."""
    table = read_table(settings["layers"], 1)
    for _, inputs, outputs, side, pools in table:
        if pools:
            continue
        # A depthwise and a pointwise convolution, or a plain one. A single channel is not separated.
        weights = inputs * (9 + outputs) if settings["separable"] and inputs > 1 else 9 * inputs * outputs
        yield weights, weights * side**2
    yield from fully_connected(table[-1].outputs * table[-1].side ** 2, *settings["hidden"], NUM_CLASSES)
