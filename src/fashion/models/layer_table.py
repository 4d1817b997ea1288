"""Layer tables such as `[32, 32, "M", 64]`, of which VGG and ResNet are made: what planning needs, without torch."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from fashion.image import IMAGE_SIZE

POOL = "M"
# The schema of a table.
LAYERS = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": ["integer", "string"],
        "minimum": 1,
        "pattern": f"^{POOL}$",
        "description": f"a number of channels, or {POOL} for a max-pooling",
    },
}


def map_sizes(table: Sequence[int | str], size: int = IMAGE_SIZE, *, strided: bool = False) -> list[int]:
    """The side of the map before and after each entry of a table.

    Args:
        table: a number is a layer of that many output channels, "M" a 2 x 2 max-pooling.
        size: of the first layer's input.
        strided: layers halve the map too where the channels change, rounding up.
    """
    sizes, channels = [size], table[0]
    for entry in table:
        halved = -(-sizes[-1] // 2) if strided and entry != channels else sizes[-1]
        sizes.append(sizes[-1] // 2 if entry == POOL else halved)
        channels = channels if entry == POOL else entry
    return sizes


def table_conflicts(table: Sequence[int | str], sizes: Sequence[int]) -> Iterator[str]:
    """What is wrong with a table under `layers` whose maps have these sizes, as `key: what is wrong`."""
    if table[0] == POOL:
        yield f"layers: begins with {POOL}; the first layer must be a number of channels"
    elif sizes[-1] == 0:
        fit = sum(entry == POOL and size > 0 for entry, size in zip(table, sizes[1:], strict=True))
        yield f"layers: {table.count(POOL)} poolings leave nothing of {IMAGE_SIZE} x {IMAGE_SIZE}; at most {fit}"


def table_layers(table: Sequence[int | str], sizes: Sequence[int], channels: int) -> Iterator[tuple[int, int, int]]:
    """Channels of input and output, and the map's side, of each layer of a table whose input has `channels`."""
    for entry, size in zip(table, sizes[1:], strict=True):
        if isinstance(entry, int):
            yield channels, entry, size
            channels = entry


def fully_connected(*widths: int) -> Iterator[tuple[int, int]]:
    """The weights and the multiply-adds of fully connected layers between these widths."""
    for inputs, outputs in pairwise(widths):
        yield inputs * outputs, inputs * outputs
