"""Seeds for each purpose of a run, so that an epoch's draws do not depend on earlier draws."""

import hashlib

import torch


def derived_seed(seed: int, purpose: str, epoch: int = 0) -> int:
    """Returns a 63-bit seed that depends on all three arguments and is unrelated to neighbouring seeds."""
    digest = hashlib.sha256(f"{seed} {purpose} {epoch}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(seed: int, purpose: str, epoch: int = 0, device: torch.device | str = "cpu") -> torch.Generator:
    """Returns a fresh generator on `device` for one purpose of one epoch."""
    return torch.Generator(device).manual_seed(derived_seed(seed, purpose, epoch))
