"""Convolutions, dropout and attention that train faster on a processor than torch's.

In evaluation all of them call torch's; on a GPU dropout and attention do.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

# Attention weights in a piece: 1 MB of float32, the second-level cache of a core.
PIECE = 2**18
# Attention weights that a layer keeps for its backward pass: at most 128 MB.
KEPT = 2**25


class Convolution(nn.Conv2d):
    """A convolution of square maps that leaves out, in training, the taps of its kernel that meet only padding.

    On a map of one pixel a padded 3 x 3 kernel has eight such taps. Their gradient is zero.
    """

    def forward(self, input: Tensor) -> Tensor:
        padding, size = int(self.padding[0]), input.shape[-1]
        one_position = size + 2 * padding - self.kernel_size[0] < self.stride[0]
        if not (self.training and padding and one_position) or self.dilation[0] > 1:
            return super().forward(input)
        # Cut in the order of channels_last, so that the gradient, which is padded with zeros, has that order too.
        met = slice(padding, padding + size)
        taps = self.weight.permute(0, 2, 3, 1)[:, met, met].permute(0, 3, 1, 2)
        return functional.conv2d(input, taps, self.bias, self.stride, groups=self.groups)


class Dropout(nn.Dropout):
    """Dropout that draws uniform numbers of 24 bits, in a third of the time that `bernoulli_` takes on a processor."""

    def forward(self, input: Tensor) -> Tensor:
        if not (self.training and self.p and input.is_cpu):
            return super().forward(input)
        kept = torch.rand(input.shape).ge_(self.p).div_(1 - self.p)
        return input * kept.to(input.dtype)


def attention(heads: Tensor, training: bool) -> Tensor:
    """Returns scaled dot-product attention, `[N, heads, tokens, dimensions]`.

    `heads` has queries, keys and values, `[3, N, heads, tokens, dimensions]`. In training on a processor the attention
    is computed in float32, even under autocast.
    """
    if not (training and heads.is_cpu):
        return functional.scaled_dot_product_attention(*heads)
    columns = heads.transpose(3, 4)
    return _Attention.apply(columns.flatten(1, 2)).view_as(columns[0]).transpose(2, 3)


class _Attention(torch.autograd.Function):
    """Attention from `[3, heads of all images, dimensions, tokens]` to `[heads of all images, dimensions, tokens]`.

    Torch's backward pass on a processor is made for heads much wider than eight. As in Dao et al., "FlashAttention"
    (2022), heads are taken in pieces whose attention weights stay in the cache, and the weights of long sequences are
    computed again in the backward pass. Heads are `[dimensions, tokens]`, because matrix products with as few columns
    as a head has dimensions take several times as long as products with as few rows.
    """

    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
    def forward(ctx: Any, heads: Tensor) -> Tensor:
        mixed, kept = [], []
        for query, key, value in _pieces(heads, dim=1):
            weights = _weights(query, key)
            mixed.append(value @ weights.transpose(1, 2))
            if heads.shape[1] * heads.shape[3] ** 2 <= KEPT:
                kept.append(weights)
        ctx.save_for_backward(heads, *kept)
        return torch.cat(mixed)

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        heads, *kept = ctx.saved_tensors
        gradients, scale = torch.empty_like(heads), heads.shape[2] ** -0.5
        pieces = zip(_pieces(heads, dim=1), _pieces(gradient, dim=0), _pieces(gradients, dim=1), strict=True)
        for index, ((query, key, value), of_mixed, (of_query, of_key, of_value)) in enumerate(pieces):
            weights = kept[index] if kept else _weights(query, key)
            of_weights = of_mixed.transpose(1, 2) @ value
            of_products = torch._softmax_backward_data(of_weights, weights, -1, weights.dtype)
            torch.bmm(key * scale, of_products.transpose(1, 2), out=of_query)
            torch.bmm(query * scale, of_products, out=of_key)
            torch.bmm(of_mixed, weights, out=of_value)
        return gradients


def _weights(query: Tensor, key: Tensor) -> Tensor:
    """Returns attention weights `[heads, queries, keys]`."""
    return ((query * query.shape[1] ** -0.5).transpose(1, 2) @ key).softmax(dim=-1)


def _pieces(tensor: Tensor, dim: int) -> tuple[Tensor, ...]:
    return tensor.split(max(1, PIECE // tensor.shape[-1] ** 2), dim)
