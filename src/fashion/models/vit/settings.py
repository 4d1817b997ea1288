"""The settings of a Vision Transformer in config.yaml, and its size; `network` explains the settings."""

from collections.abc import Container, Iterator

from fashion.image import IMAGE_SIZE, NUM_CLASSES
from fashion.models.families import COUNT, DROPOUT
from fashion.models.layer_table import fully_connected

SETTINGS = {
    "embedding": {"enum": ["patches", "pixels", "convolution"]},
    "patch": {"enum": [2, 4, 7, 14, 28], "description": "a patch divides 28"},
    "width": COUNT,
    "depth": COUNT,
    "heads": COUNT,
    "mlp_ratio": COUNT,
    "norm": {"enum": ["layer", "batch"]},
    "activation": {"enum": ["gelu", "relu"]},
    "dropout": DROPOUT,
    "positions": {"enum": ["learned", "sincos"]},
    "position_std": {"type": "number", "minimum": 0},
    "depthwise": {"enum": ["gelu_first", "norm_first"]},
}


def conflicts(settings: dict, given: Container[str]) -> Iterator[str]:
    """Yields each setting that does not fit the others, as `key: why`."""
    width, heads = settings["width"], settings["heads"]
    if "patch" in given and settings["embedding"] != "patches":
        yield "patch: has no effect, since embedding is not patches"
    if width % heads:
        yield f"width: {width} is not a multiple of heads, {heads}"
    if settings["positions"] == "sincos" and width % 4:
        yield f"width: {width} is not a multiple of 4, which sincos positions need"


def sizes(settings: dict) -> Iterator[tuple[int, int]]:
    """Yields the weights and the multiply-adds of each layer."""
    side = {"pixels": 1, "convolution": 2, "patches": settings["patch"]}[settings["embedding"]]
    width, tokens = settings["width"], (IMAGE_SIZE // side) ** 2
    embedding = width * (9 if settings["embedding"] == "convolution" else side**2)
    yield embedding, embedding * tokens
    weights = (4 + 2 * settings["mlp_ratio"]) * width**2 + (9 * width if settings["depthwise"] else 0)
    for _ in range(settings["depth"]):
        # The last term: products of queries with keys, and of attention weights with values, for each pair of tokens.
        yield weights, weights * tokens + 2 * tokens**2 * width
    yield from fully_connected(width, NUM_CLASSES)
