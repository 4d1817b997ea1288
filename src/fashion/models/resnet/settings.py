"""What config.yaml may say of a ResNet, and its size; `network` explains the settings."""

from collections.abc import Container, Iterator

from fashion.image import IMAGE_SIZE, NUM_CLASSES
from fashion.models.families import COUNT
from fashion.models.layer_table import LAYERS, fully_connected, map_sizes, table_conflicts, table_layers

SETTINGS = {
    "layers": LAYERS,
    "block": {"enum": ["basic", "separable"], "default": "basic"},
    "stem": {"enum": ["small", "large"], "default": "small"},
    "head": {"enum": ["flatten", "average"], "default": "flatten"},
    "dilation": {**COUNT, "default": 1},
    "stem_dilation": {**COUNT, "default": 1},
}


def conflicts(settings: dict, given: Container[str]) -> Iterator[str]:
    """What of the settings does not fit together, each as `key: why`."""
    yield from table_conflicts(settings["layers"], _maps(settings))
    for key, needs, value in (("dilation", "block", "basic"), ("stem_dilation", "stem", "large")):
        if key in given and settings[needs] != value:
            yield f"{key}: has no effect, since {needs} is not {value}"
    for key, value in (("stem", "large"), ("block", "separable")):
        if settings[key] == value and settings["head"] != "average":
            yield f"head: must be average, since {key} is {value}"


def sizes(settings: dict) -> Iterator[tuple[int, int]]:
    """The weights and the multiply-adds of each layer."""
    table, maps = settings["layers"], _maps(settings)
    kernel, size = (7, IMAGE_SIZE // 2) if settings["stem"] == "large" else (3, IMAGE_SIZE)
    yield kernel**2 * table[0], kernel**2 * table[0] * size**2
    for inputs, outputs, size in table_layers(table, maps, table[0]):
        changed = inputs != outputs
        if settings["block"] == "separable":
            # Pointwise; a plain one; and a plain shortcut where the channels change.
            weights = (inputs + 9 * outputs + changed * 9 * inputs) * outputs
        else:
            # Two plain ones; and a 1 x 1 shortcut where the channels change.
            weights = (9 * inputs + 9 * outputs + changed * inputs) * outputs
        yield weights, weights * size**2
    yield from fully_connected(outputs * (1 if settings["head"] == "average" else maps[-1] ** 2), NUM_CLASSES)


def _maps(settings: dict) -> list[int]:
    size = IMAGE_SIZE // 4 if settings["stem"] == "large" else IMAGE_SIZE
    return map_sizes(settings["layers"], size, strided=settings["block"] == "separable")
