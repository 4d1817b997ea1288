"""A stand-in for nvidia-smi."""

from pathlib import Path

EIGHT = [f"GPU-{digit * 8}-0000" for digit in "abcdefgh"]


def listing(uuids: list[str], lost: int | None = None) -> str:
    """What `nvidia-smi -L` prints of GPUs, one of which may be lost."""
    lines = [f"GPU {index}: NVIDIA H200 (UUID: {uuid})" for index, uuid in enumerate(uuids)]
    if lost is not None:
        lines[lost] = f"Unable to determine the device handle for GPU{lost}: 0000:{lost}1:00.0: GPU is lost."
    return "".join(f"{line}\n" for line in lines)


def write_nvidia_smi(folder: Path, answers: dict[str, str], status: int = 0) -> Path:
    """Write one that gives the answer whose key its arguments have, and exits with `status`."""
    cases = "".join(f"*{key}*) cat <<'END'\n{answer.rstrip()}\nEND\n;;\n" for key, answer in answers.items())
    folder.mkdir(exist_ok=True)
    smi = folder / "nvidia-smi"
    smi.write_text(f'#!/bin/sh\ncase "$*" in\n{cases}esac\nexit {status}\n')
    smi.chmod(0o755)
    return smi
