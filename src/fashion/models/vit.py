"""Vision Transformers for 28 x 28 grey images: the report's Fig. 13 (base), Fig. 15 (depthwise) and the patch-free one.

After Dosovitskiy et al., "An image is worth 16 x 16 words" (2020), with the global average pooling, the linear head
and the fixed positions of Beyer et al., "Better plain ViT baselines" (2022), and the depthwise module of Zhang et al.,
"Depth-wise convolutions in vision transformers" (2024). Pre-norm, as the report's published code: no final norm, which
would add 2 * width parameters.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from fashion.models import IMAGE_SHAPE, NUM_CLASSES


class Attention(nn.Module):
    """Multi-head self-attention over tokens `[N, T, width]`."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.query_key_value = nn.Linear(width, 3 * width)
        self.projection = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        # [N, T, 3 * width] -> three of [N, heads, T, width / heads]
        query, key, value = self.query_key_value(tokens).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return self.projection(mixed.transpose(1, 2).flatten(2))


class DepthwiseModule(nn.Module):
    """GELU, BatchNorm, depthwise 3 x 3 convolution over the token grid (Fig. 15); tokens `[N, T, width]` in and out."""

    def __init__(self, width: int, grid: int):
        super().__init__()
        self.grid = grid
        self.layers = nn.Sequential(
            nn.GELU(), nn.BatchNorm2d(width), nn.Conv2d(width, width, 3, padding=1, groups=width)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        maps = tokens.transpose(1, 2).unflatten(2, (self.grid, self.grid))
        return self.layers(maps).flatten(2).transpose(1, 2)


class TransformerLayer(nn.Module):
    """Pre-norm attention and MLP, each with its residual; with `depthwise`, its module from input to output as well."""

    def __init__(self, width: int, heads: int, mlp_ratio: int, depthwise: DepthwiseModule | None):
        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(width), Attention(width, heads))
        self.mlp = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, mlp_ratio * width), nn.GELU(), nn.Linear(mlp_ratio * width, width)
        )
        self.depthwise = depthwise

    def forward(self, tokens: Tensor) -> Tensor:
        attended = tokens + self.attention(tokens)
        output = attended + self.mlp(attended)
        return output if self.depthwise is None else output + self.depthwise(tokens)


class VisionTransformer(nn.Module):
    """Patches, a linear projection, positions, transformer layers, the tokens' mean, one linear head.

    Args:
        patch: side of a square patch in pixels; 1 makes every pixel a token (the patch-free model).
        width: of a token; a multiple of `heads`.
        depth: number of transformer layers.
        heads: of each attention.
        mlp_ratio: hidden width of the MLP over `width`.
        positions: "learned", or "sincos" for fixed two-dimensional sines and cosines (`width` a multiple of 4).
        depthwise: each layer has a depthwise module.
    """

    def __init__(
        self,
        *,
        patch: int = 7,
        width: int = 64,
        depth: int = 4,
        heads: int = 8,
        mlp_ratio: int = 4,
        positions: str = "learned",
        depthwise: bool = False,
    ):
        super().__init__()
        channels, size, _ = IMAGE_SHAPE
        grid = size // patch
        self.patch = patch
        self.projection = nn.Linear(channels * patch * patch, width)
        if positions == "learned":
            self.positions = nn.Parameter(nn.init.trunc_normal_(torch.empty(grid * grid, width), std=0.02))
        else:
            self.register_buffer("positions", sincos_positions(grid, width), persistent=False)
        self.layers = nn.Sequential(
            *(
                TransformerLayer(width, heads, mlp_ratio, DepthwiseModule(width, grid) if depthwise else None)
                for _ in range(depth)
            )
        )
        self.head = nn.Linear(width, NUM_CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """Map images `[N, 1, 28, 28]` to logits `[N, 10]`."""
        patches = functional.pixel_unshuffle(images, self.patch).flatten(2).transpose(1, 2)
        tokens = self.projection(patches) + self.positions
        return self.head(self.layers(tokens).mean(dim=1))


def sincos_positions(grid: int, width: int) -> Tensor:
    """Fixed positions `[grid * grid, width]`: sines and cosines of x and y at width / 4 frequencies (Beyer et al.)."""
    frequencies = 10_000 ** -torch.linspace(0, 1, width // 4)
    y, x = torch.meshgrid(torch.arange(grid), torch.arange(grid), indexing="ij")
    angles = [coordinate.flatten()[:, None] * frequencies for coordinate in (x, y)]
    return torch.cat([function(angle) for angle in angles for function in (torch.sin, torch.cos)], dim=1)
