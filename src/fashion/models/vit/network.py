"""Vision Transformers for 28 x 28 grey images.

After Dosovitskiy et al., "An image is worth 16 x 16 words" (2020), with the global average pooling, the linear head
and the fixed positions of Beyer et al., "Better plain ViT baselines" (2022), and the depthwise module of Zhang et al.,
"Depth-wise convolutions in vision transformers" (2024). Pre-norm, without a final norm.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from fashion.image import IMAGE_SHAPE, NUM_CLASSES
from fashion.models.fast_cpu import Dropout, attention

ACTIVATIONS = {"gelu": nn.GELU, "relu": partial(nn.ReLU, inplace=True)}


class TokenBatchNorm(nn.BatchNorm1d):
    """BatchNorm of tokens `[N, T, width]`, which normalises each channel over all tokens of all images."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.flatten(0, 1)).view_as(input)


NORMS = {"layer": nn.LayerNorm, "batch": TokenBatchNorm}


class Attention(nn.Module):
    """Multi-head self-attention over tokens `[N, T, width]`."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.query_key_value = nn.Linear(width, 3 * width)
        self.projection = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        # [N, T, 3 * width] -> [3, N, heads, T, width / heads]
        heads = self.query_key_value(tokens).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self.projection(attention(heads, self.training).transpose(1, 2).flatten(2))


class DepthwiseModule(nn.Module):
    """GELU and BatchNorm, then a depthwise 3 x 3 convolution over the token grid; tokens `[N, T, width]` in and out.

    Args:
        order: "gelu_first", or "norm_first" to swap GELU and BatchNorm.
    """

    def __init__(self, width: int, grid: int, order: str):
        super().__init__()
        self.grid = grid
        first = [nn.GELU(), nn.BatchNorm2d(width)]
        if order == "norm_first":
            first.reverse()
        self.layers = nn.Sequential(*first, nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False))

    def forward(self, tokens: Tensor) -> Tensor:
        maps = tokens.transpose(1, 2).unflatten(2, (self.grid, self.grid))
        return self.layers(maps).flatten(2).transpose(1, 2)


class TransformerLayer(nn.Module):
    """Pre-norm attention and MLP, each with its residual; a `depthwise` module bypasses the whole layer."""

    def __init__(
        self,
        width: int,
        heads: int,
        mlp_ratio: int,
        norm: type[nn.Module],
        activation: Callable[[], nn.Module],
        dropout: float,
        depthwise: DepthwiseModule | None,
    ):
        super().__init__()
        self.attention = nn.Sequential(norm(width), Attention(width, heads))
        self.mlp = nn.Sequential(
            norm(width),
            nn.Linear(width, mlp_ratio * width),
            activation(),
            nn.Linear(mlp_ratio * width, width),
            Dropout(dropout),
        )
        self.depthwise = depthwise

    def forward(self, tokens: Tensor) -> Tensor:
        attended = tokens + self.attention(tokens)
        output = attended + self.mlp(attended)
        return output if self.depthwise is None else output + self.depthwise(tokens)


class PatchProjection(nn.Module):
    """One linear layer that maps each square patch of images `[N, 1, 28, 28]` to a token, in reading order."""

    def __init__(self, patch: int, width: int):
        super().__init__()
        self.patch = patch
        self.linear = nn.Linear(IMAGE_SHAPE[0] * patch * patch, width)

    def forward(self, images: Tensor) -> Tensor:
        return self.linear(functional.pixel_unshuffle(images, self.patch).flatten(2).transpose(1, 2))


class ConvolutionProjection(nn.Module):
    """A 3 x 3 convolution with stride 2 that maps images `[N, 1, 28, 28]` to 14 x 14 tokens."""

    def __init__(self, width: int):
        super().__init__()
        self.convolution = nn.Conv2d(IMAGE_SHAPE[0], width, 3, 2, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        return self.convolution(images).flatten(2).transpose(1, 2)


class VisionTransformer(nn.Module):
    """Tokens with positions, transformer layers, the mean of all tokens, and one linear head.

    Args:
        embedding: the source of tokens: "patches" or "pixels", each through one linear layer, or "convolution", the
            output pixels of a 3 x 3 convolution with stride 2.
        patch: the side of a square patch in pixels.
        width: the width of a token, a multiple of `heads`.
        depth: the number of transformer layers.
        heads: the number of heads of each attention.
        mlp_ratio: the hidden width of the MLP, as a multiple of `width`.
        norm: "layer" for LayerNorm, or "batch" for BatchNorm of each channel.
        activation: the MLP's activation, "gelu" or "relu".
        dropout: the dropout probability after the positions and after each MLP.
        positions: "learned", or "sincos" for fixed two-dimensional sines and cosines (`width` a multiple of 4).
        position_std: the standard deviation of the learned positions at the start.
        depthwise: the `order` of each layer's `DepthwiseModule`; None for layers without one.
    """

    def __init__(
        self,
        *,
        embedding: str = "patches",
        patch: int = 7,
        width: int = 64,
        depth: int = 4,
        heads: int = 8,
        mlp_ratio: int = 4,
        norm: str = "layer",
        activation: str = "gelu",
        dropout: float = 0.0,
        positions: str = "learned",
        position_std: float = 0.02,
        depthwise: str | None = None,
    ):
        super().__init__()
        _, size, _ = IMAGE_SHAPE
        if embedding == "convolution":
            grid, self.embedding = size // 2, ConvolutionProjection(width)
        else:
            patch = 1 if embedding == "pixels" else patch
            grid, self.embedding = size // patch, PatchProjection(patch, width)
        if positions == "learned":
            self.positions = nn.Parameter(nn.init.normal_(torch.empty(grid * grid, width), std=position_std))
        else:
            self.register_buffer("positions", sincos_positions(grid, width), persistent=False)
        self.dropout = Dropout(dropout)

        def layer() -> TransformerLayer:
            module = DepthwiseModule(width, grid, depthwise) if depthwise else None
            return TransformerLayer(width, heads, mlp_ratio, NORMS[norm], ACTIVATIONS[activation], dropout, module)

        self.layers = nn.Sequential(*(layer() for _ in range(depth)))
        self.head = nn.Linear(width, NUM_CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """Maps images `[N, 1, 28, 28]` to logits `[N, 10]`."""
        tokens = self.dropout(self.embedding(images) + self.positions)
        return self.head(self.layers(tokens).mean(dim=1))


def sincos_positions(grid: int, width: int) -> Tensor:
    """Returns fixed positions `[grid * grid, width]`: sines and cosines of x and y at width / 4 frequencies."""
    frequencies = 10_000 ** -torch.linspace(0, 1, width // 4)
    y, x = torch.meshgrid(torch.arange(grid), torch.arange(grid), indexing="ij")
    angles = [coordinate.flatten()[:, None] * frequencies for coordinate in (x, y)]
    return torch.cat([function(angle) for angle in angles for function in (torch.sin, torch.cos)], dim=1)


# The model of config.yaml's `family: vit`.
Model = VisionTransformer
