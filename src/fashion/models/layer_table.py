"""Layer tables such as `[32, 32, "M", 64]`, which describe VGGs and ResNets. Without torch, for planning too."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from fashion.image import IMAGE_SIZE

POOL = "M"
# The JSON schema of a table.
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


class Layer(NamedTuple):
    """A layer or pooling: its name, its numbers of input and output channels, and the side of its output map."""

    name: str
    inputs: int
    outputs: int
    side: int
    pools: bool


def read_table(
    table: Sequence[int | str], channels: int, side: int = IMAGE_SIZE, *, strided: bool = False
) -> list[Layer]:
    """Returns the layers of a table, named `layer1`, `layer2`, ... and `pool1`, ...

    Args:
        table: a number is a layer with that many output channels, "M" a 2 x 2 max-pooling.
        channels: the number of input channels of the first layer.
        side: the side of the first layer's input map.
        strided: whether layers that change the number of channels halve the map, rounding up.
    """
    layers, pools = [], 0
    for number, entry in enumerate(table, start=1):
        if isinstance(entry, str):
            pools, side = pools + 1, side // 2
            layers.append(Layer(f"pool{pools}", channels, channels, side, pools=True))
        else:
            side = -(-side // 2) if strided and entry != channels else side
            layers.append(Layer(f"layer{number - pools}", channels, entry, side, pools=False))
            channels = entry
    return layers


def table_conflicts(table: Sequence[int | str], layers: Sequence[Layer]) -> Iterator[str]:
    """Yields what is wrong with a table, the setting `layers`, and with its `layers` as read: `key: what is wrong`."""
    if table[0] == POOL:
        yield f"layers: begins with {POOL}; the first layer must be a number of channels"
    elif layers[-1].side == 0:
        fit = sum(layer.pools and layer.side > 0 for layer in layers)
        yield f"layers: {table.count(POOL)} poolings leave nothing of {IMAGE_SIZE} x {IMAGE_SIZE}; at most {fit}"


def fully_connected(*widths: int) -> Iterator[tuple[int, int]]:
    """Yields the weights and the multiply-adds of fully connected layers between these widths."""
    for inputs, outputs in pairwise(widths):
        yield inputs * outputs, inputs * outputs
