"""The settings of a ResNet in config.yaml, and its size; `network` explains the settings."""

from collections.abc import Container, Iterator

from fashion.image import IMAGE_SIZE, NUM_CLASSES
from fashion.models.families import COUNT
from fashion.models.layer_table import LAYERS, Layer, fully_connected, read_table, table_conflicts

SETTINGS = {
    "layers": LAYERS,
    "block": {"enum": ["basic", "separable"]},
    "stem": {"enum": ["small", "large"]},
    "head": {"enum": ["flatten", "average"]},
    "dilation": COUNT,
    "stem_dilation": COUNT,
}


def conflicts(settings: dict, given: Container[str]) -> Iterator[str]:
    """Yields each setting that does not fit the others, as `key: why`."""
    yield from table_conflicts(settings["layers"], _read(settings))
    for key, needs, value in (("dilation", "block", "basic"), ("stem_dilation", "stem", "large")):
        if key in given and settings[needs] != value:
            yield f"{key}: has no effect, since {needs} is not {value}"
    for key, value in (("stem", "large"), ("block", "separable")):
        if settings[key] == value and settings["head"] != "average":
            yield f"head: must be average, since {key} is {value}"


def sizes(settings: dict) -> Iterator[tuple[int, int]]:
    """Yields the weights and the multiply-adds of each layer."""
    kernel, side = (7, IMAGE_SIZE // 2) if settings["stem"] == "large" else (3, IMAGE_SIZE)
    weights = kernel**2 * settings["layers"][0]
    yield weights, weights * side**2
    table = _read(settings)
    for _, inputs, outputs, side, pools in table:
        if pools:
            continue
        changed = inputs != outputs
        if settings["block"] == "separable":
            # A depthwise, a pointwise and a plain convolution, and a plain shortcut if the channels change.
            weights = 9 * inputs + (inputs + 9 * outputs + changed * 9 * inputs) * outputs
        else:
            # Two plain convolutions, and a 1 x 1 shortcut if the channels change.
            weights = (9 * inputs + 9 * outputs + changed * inputs) * outputs
        yield weights, weights * side**2
    last_side = 1 if settings["head"] == "average" else table[-1].side
    yield from fully_connected(table[-1].outputs * last_side**2, NUM_CLASSES)


def _read(settings: dict) -> list[Layer]:
    table, side = settings["layers"], IMAGE_SIZE // 4 if settings["stem"] == "large" else IMAGE_SIZE
    return read_table(table, table[0], side, strided=settings["block"] == "separable")
