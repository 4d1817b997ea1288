"""Attention as a processor trains it fast: torch's own backward pass is written for heads much wider than eight.

As Dao et al., "FlashAttention" (2022), it takes the heads in pieces whose attention weights stay in the cache, and
makes those of long sequences again for the backward pass. Heads are `[dimensions, tokens]`: products with as few
columns as a head has dimensions take several times as long as those with as few rows.
"""

from typing import Any

import torch
from torch import Tensor

# Attention weights in a piece: a megabyte of float32, a core's second-level cache.
PIECE = 2**18
# Those of a layer that are kept from one pass to the other: up to 128 MB.
KEPT = 2**25


def attention(heads: Tensor) -> Tensor:
    """Scaled dot-product attention, in float32 under autocast.

    Takes queries, keys and values as one tensor `[3, N, heads, tokens, dimensions]`; gives `[N, heads, tokens,
    dimensions]`.
    """
    columns = heads.transpose(3, 4)
    return _Attention.apply(columns.flatten(1, 2)).view_as(columns[0]).transpose(2, 3)


class _Attention(torch.autograd.Function):
    """The same of `[3, heads of all images, dimensions, tokens]`, without the 3 in what it gives."""

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
    """Attention weights `[heads, queries, keys]`."""
    return ((query * query.shape[1] ** -0.5).transpose(1, 2) @ key).softmax(dim=-1)


def _pieces(tensor: Tensor, dim: int) -> tuple[Tensor, ...]:
    return tensor.split(max(1, PIECE // tensor.shape[-1] ** 2), dim)
