"""Seeds for every purpose of a run, so that any epoch's draws can be made again without the ones before."""

import hashlib

import torch


def derived_seed(seed: int, purpose: str, epoch: int = 0) -> int:
    """A 63-bit seed that depends on all three arguments and is unrelated to its neighbours'."""
    digest = hashlib.sha256(f"{seed} {purpose} {epoch}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(seed: int, purpose: str, epoch: int = 0, device: torch.device | str = "cpu") -> torch.Generator:
    """A fresh generator on `device` for one purpose of one epoch."""
    return torch.Generator(device).manual_seed(derived_seed(seed, purpose, epoch))
