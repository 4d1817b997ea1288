"""The GPUs of this machine, found without torch: by nvidia-smi, or in the driver's files if nvidia-smi lists none."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from fashion.stage import logger

DRIVER = Path("/proc/driver/nvidia")
AMD_DRIVER = Path("/dev/kfd")
# nvidia-smi may never answer if a GPU hangs.
SECONDS = 60


def visible_gpus(
    listing: str, visible: str | None, capabilities: Mapping[str, tuple[int, int]] | None = None
) -> list[str]:
    """Returns the UUIDs of the GPUs that a process may use; for a GPU that MIG splits, the UUIDs of its parts.

    Args:
        listing: the output of `nvidia-smi -L`.
        visible: the value of CUDA_VISIBLE_DEVICES: UUIDs, beginnings of UUIDs, or nvidia-smi's indices. As in CUDA, an
            unknown entry ends the list. None stands for all GPUs, the most capable first.
        capabilities: what `gpu_capabilities` returns.
    """
    gpus: dict[int, list[str]] = {}
    for index, uuid in re.findall(r"^(?:GPU (\d+):|\s+MIG\s).*\(UUID: ([^)]+)\)", listing, re.MULTILINE):
        if index:
            gpus[int(index)] = [uuid]
        else:
            gpus[max(gpus)].append(uuid)
    usable = {index: parts or [whole] for index, (whole, *parts) in gpus.items()}
    if visible is None:
        known = capabilities or {}
        order = sorted(gpus, key=lambda index: known.get(gpus[index][0], (0, 0)), reverse=True)
        return [uuid for index in order for uuid in usable[index]]
    chosen = []
    for entry in visible.split(","):
        entry = entry.strip()
        if entry.isdecimal():
            found = usable.get(int(entry), [])
        else:
            found = [uuid for gpu in gpus.values() for uuid in gpu if entry and uuid.startswith(entry)]
        if not found:
            break
        chosen.append(found[0])
    return list(dict.fromkeys(chosen))


def gpu_name(listing: str, uuid: str) -> str:
    """Returns torch's name of the GPU with this UUID, or with a part that has this UUID.

    Args:
        listing: the output of `nvidia-smi -L`.
    """
    name = ""
    for line in listing.splitlines():
        name = match[1] if (match := re.match(r"GPU \d+: (.+) \(UUID: ", line)) else name
        if f"(UUID: {uuid})" in line:
            break
    return name


def listed() -> str:
    """Returns NVIDIA's GPUs as `nvidia-smi -L` prints them; empty if there are none. Logs what goes wrong."""
    listing, trouble = nvidia_smi("-L")
    if trouble:
        logger.warning(f"nvidia-smi -L {trouble}; a GPU that it does not list is not leased")
    if "(UUID: " in listing:
        return listing
    # Many containers have no nvidia-smi, and it fails if driver and libraries have different versions.
    lines = []
    for index, file in enumerate(sorted(DRIVER.glob("gpus/*/information"))):
        facts = dict(re.findall(r"^([^:\n]+):\s*(.*?)\s*$", file.read_text(), re.MULTILINE))
        lines.append(f"GPU {index}: {facts.get('Model')} (UUID: {facts.get('GPU UUID')})\n")
    return "".join(lines)


def gpu_capabilities() -> dict[str, tuple[int, int]]:
    """Returns generation (the whole number of the compute capability) and memory in MB of each GPU, by UUID."""
    answer, _ = nvidia_smi("--query-gpu=uuid,compute_cap,memory.total", "--format=csv,noheader,nounits")
    rows = re.findall(r"^(GPU-\S+), (\d+)\.\d+, (\d+)$", answer, re.MULTILINE)
    return {uuid: (int(generation), int(memory)) for uuid, generation, memory in rows}


def driver_version() -> str | None:
    """Returns the version of NVIDIA's driver, such as 580.95.05, or None."""
    answer, _ = nvidia_smi("--query-gpu=driver_version", "--format=csv,noheader")
    for text in (answer, *(file.read_text() for file in DRIVER.glob("version"))):
        if found := re.search(r"\b\d{3,}(\.\d+)+", text):
            return found[0]
    return None


def nvidia_smi(*arguments: str) -> tuple[str, str]:
    """Returns the output of nvidia-smi and, if it failed, the reason; both are empty if it is not installed.

    If one GPU is lost, nvidia-smi fails but lists the others.
    """
    try:
        done = subprocess.run(["nvidia-smi", *arguments], capture_output=True, text=True, timeout=SECONDS)
    except FileNotFoundError:
        return "", ""
    except subprocess.TimeoutExpired as error:
        return (error.stdout or b"").decode(), f"did not answer in {SECONDS} seconds"
    except OSError as error:
        return "", f"cannot be run: {error.strerror}"
    said = " ".join((done.stderr or done.stdout).split())
    return done.stdout, f"failed with status {done.returncode}: {said:.300}" if done.returncode else ""


def has_gpu() -> bool:
    """Returns whether there is a GPU, of NVIDIA or AMD, that a training may use."""
    return bool(visible_gpus(listed(), os.environ.get("CUDA_VISIBLE_DEVICES"))) or AMD_DRIVER.exists()
