"""The machine's GPUs, by stand-ins for nvidia-smi and the driver's files; refused where torch cannot use them."""

import signal
import subprocess
import sys
import warnings

import pytest
import torch

from fashion.errors import UserError
from fashion.files import write_json
from fashion.machine import gpus
from fashion.machine.device import check_gpu, gpu_errors
from fashion.machine.gpus import driver_version, gpu_capabilities, has_gpu, listed, visible_gpus
from fashion.training import train
from helpers.nvidia import EIGHT, listing, write_nvidia_smi
from helpers.specs import make_spec
from helpers.training import write_dataset

UUIDS = EIGHT[:4]
MIG_PARTS = ["MIG-1111", "MIG-2222"]
MIG_LISTING = f"""GPU 0: NVIDIA H200 (UUID: {UUIDS[0]})
  MIG 1g.18gb     Device  0: (UUID: {MIG_PARTS[0]})
  MIG 1g.18gb     Device  1: (UUID: {MIG_PARTS[1]})
GPU 1: NVIDIA H200 (UUID: {UUIDS[1]})
"""


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (None, UUIDS),
        ("", []),
        ("2", [UUIDS[2]]),
        ("3, 0", [UUIDS[3], UUIDS[0]]),
        (f"{UUIDS[1]},{UUIDS[3]}", [UUIDS[1], UUIDS[3]]),
        ("GPU-bb", [UUIDS[1]]),
        ("1,-1,2", [UUIDS[1]]),
        ("1,4,2", [UUIDS[1]]),
        ("0,0", [UUIDS[0]]),
    ],
)
def test_the_gpus_of_cuda_visible_devices_are_its_own(visible, expected):
    assert visible_gpus(listing(UUIDS), visible) == expected


def test_the_parts_of_a_split_gpu_are_gpus():
    assert visible_gpus(MIG_LISTING, None) == [*MIG_PARTS, UUIDS[1]]
    assert visible_gpus(MIG_LISTING, "0,1") == [MIG_PARTS[0], UUIDS[1]]
    assert visible_gpus(MIG_LISTING, MIG_PARTS[1]) == [MIG_PARTS[1]]
    assert visible_gpus(MIG_LISTING, None, {UUIDS[1]: (9, 2), UUIDS[0]: (9, 1)}) == [UUIDS[1], *MIG_PARTS]


def test_with_a_lost_gpu_the_others_keep_their_numbers():
    lost = listing(EIGHT, lost=2)
    assert visible_gpus(lost, None) == [*EIGHT[:2], *EIGHT[3:]]
    assert visible_gpus(lost, "3,2,4") == [EIGHT[3]]


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Has this process see a machine with no GPU but those that the test writes for nvidia-smi and the driver."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(gpus, "DRIVER", tmp_path / "driver")
    monkeypatch.setattr(gpus, "AMD_DRIVER", tmp_path / "kfd")
    return tmp_path


def write_driver(machine, uuids: list[str]) -> None:
    for index, uuid in enumerate(uuids):
        file = machine / f"driver/gpus/0000:0{index}:00.0/information"
        file.parent.mkdir(parents=True)
        file.write_text(f"Model: \t\t NVIDIA H200\nIRQ:   \t\t 16\nGPU UUID: \t {uuid}\nBus Type: \t PCIe\n")
    (machine / "driver/version").write_text(
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.54.03  Tue Jun  6 22:20:39 UTC 2023\nGCC version: 12.2.0\n"
    )


def test_a_machine_without_gpus_is_told_from_one_with(machine, monkeypatch):
    assert not has_gpu()
    smi = write_nvidia_smi(machine / "bin", {"-L": listing(UUIDS[:1])})
    assert has_gpu()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert not has_gpu()
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    write_nvidia_smi(machine / "bin", {"-L": "No devices found."})
    assert not has_gpu()
    smi.unlink()
    (machine / "kfd").touch()
    assert has_gpu()


@pytest.mark.parametrize("smi", ["absent", "fails"])
def test_without_an_answer_of_nvidia_smi_the_drivers_files_say_which_gpus_there_are(machine, smi):
    write_driver(machine, UUIDS)
    if smi == "fails":
        message = "Failed to initialize NVML: Driver/library version mismatch"
        write_nvidia_smi(machine / "bin", {"": message}, status=18)
    assert visible_gpus(listed(), None) == UUIDS
    assert driver_version() == "535.54.03"


def test_an_nvidia_smi_that_hangs_is_not_waited_for(machine, monkeypatch, caplog):
    smi = write_nvidia_smi(machine / "bin", {"-L": listing(EIGHT[:1])})
    smi.write_text(smi.read_text().replace("exit 0", "exec sleep 60"))
    monkeypatch.setattr(gpus, "SECONDS", 0.5)
    assert visible_gpus(listed(), None) == EIGHT[:1]  # what it did say is kept
    assert "nvidia-smi -L did not answer in 0.5 seconds" in caplog.text


def test_driver_and_capabilities_of_a_machine_with_several_gpus(machine):
    rows = f"{UUIDS[0]}, 9.0, 143771\n{UUIDS[1]}, [N/A], [N/A]\n{UUIDS[2]}, 12.0, 97887\n"
    write_nvidia_smi(machine / "bin", {"driver_version": "580.95.05\n580.95.05", "compute_cap": rows})
    assert driver_version() == "580.95.05"
    assert gpu_capabilities() == {UUIDS[0]: (9, 143771), UUIDS[2]: (12, 97887)}


def cuda(monkeypatch, *, version: str | None = "13.2", capability: tuple[int, int] | None = None, warning: str = ""):
    """Have torch be built for a CUDA version and see one GPU of a compute capability, or none."""

    def is_available() -> bool:
        if warning:
            warnings.warn(f"CUDA initialization: {warning} (Triggered internally at somewhere.cpp:109.)", stacklevel=1)
        return capability is not None

    monkeypatch.setattr(torch.version, "cuda", version)
    monkeypatch.setattr(torch.cuda, "is_available", is_available)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Tesla V100")
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_75", "sm_80", "sm_90a", "sm_100", "sm_120"])


def refusal() -> str:
    with pytest.raises(UserError) as refused:
        check_gpu()
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_gpu_whose_driver_is_too_old_is_refused_with_both_versions(machine, monkeypatch):
    write_nvidia_smi(machine / "bin", {"-L": listing(EIGHT), "driver_version": "535.54.03\n" * 8})
    cuda(monkeypatch, warning="The NVIDIA driver on your system is too old (found version 12020).")
    assert refusal() == (
        f"torch {torch.__version__} can use none of this machine's GPUs ({EIGHT[0]}, ...): its CUDA 13.2 needs driver "
        "580 or newer, and this is 535.54.03; update the driver; to use the processor instead, set "
        "CUDA_VISIBLE_DEVICES to nothing"
    )
    for visible in ("", "-1", "NoDevFiles"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        check_gpu()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "8")
    assert f"({EIGHT[0]}, ...): CUDA_VISIBLE_DEVICES=8 names none of them; to use" in refusal()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"version": None}, "): it is built without CUDA; install one that is built with it; "),
        (
            {"version": "12.8", "warning": "system not yet initialized"},
            "CUDA 12.8: system not yet initialized;",
        ),
        ({}, "driver 580.95.05, CUDA 13.2: no reason given; "),
    ],
)
def test_a_gpu_that_torch_does_not_see_is_refused_with_the_reason(machine, monkeypatch, options, reason):
    write_nvidia_smi(machine / "bin", {"-L": listing(EIGHT[:1]), "driver_version": "580.95.05"})
    cuda(monkeypatch, **options)
    assert reason in refusal()


@pytest.mark.parametrize("capability", [(7, 5), (8, 9), (9, 0), (10, 3), (12, 1)])
def test_a_gpu_that_torch_has_code_for_is_used(machine, monkeypatch, capability):
    cuda(monkeypatch, capability=capability)
    check_gpu()


@pytest.mark.parametrize("capability", [(7, 0), (6, 1), (11, 0), (13, 0)])
def test_a_gpu_that_torch_has_no_code_for_is_refused(machine, monkeypatch, capability):
    cuda(monkeypatch, capability=capability)
    name = ".".join(map(str, capability))
    assert refusal().startswith(
        f"Tesla V100 has compute capability {name}, for which torch {torch.__version__} has no code, only for sm_75 "
    )


def test_bfloat16_is_refused_on_a_gpu_that_does_not_compute_in_it(machine, monkeypatch):
    cuda(monkeypatch, capability=(7, 5))
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: including_emulation)
    check_gpu()
    with pytest.raises(
        UserError, match=r"^training.precision: Tesla V100 does not compute in bfloat16; leave precision out"
    ):
        check_gpu("bfloat16")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    check_gpu("bfloat16")


def test_code_that_is_translated_runs_on_newer_gpus(machine, monkeypatch):
    cuda(monkeypatch, capability=(13, 0))
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_120", "compute_120"])
    check_gpu()


def test_on_amds_gpus_torch_decides(machine, monkeypatch):
    cuda(monkeypatch, version=None, capability=(9, 4))
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["gfx90a", "gfx1100"])
    check_gpu()


def test_apples_gpu_stays_unused_and_that_is_said(machine, monkeypatch, caplog):
    caplog.set_level("INFO")
    cuda(monkeypatch)
    check_gpu()
    assert caplog.messages == []
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    check_gpu()
    assert caplog.messages == ["Apple's GPU (MPS) is not used"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a torch that sees no GPU")
def test_no_training_uses_the_processor_where_there_is_a_gpu(machine):
    write_nvidia_smi(machine / "bin", {"-L": listing(EIGHT), "driver_version": "535.54.03"})
    write_json(machine / "spec.json", make_spec())
    command = [sys.executable, "-m", "fashion.training.train", "--spec", machine / "spec.json"]
    command += ["--data", machine / "none.npz", "--output", machine / "run"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: torch {torch.__version__} can use none of this machine's GPUs")
    assert done.stderr.count("\n") == 1


OUT_OF_MEMORY = (
    "CUDA out of memory. Tried to allocate 3.06 GiB. GPU 0 has a total capacity of 79.10 GiB of which 1.94 GiB is "
    "free. Process 1 has 70.1 GiB memory in use.\nSee documentation for Memory Management"
)
LOST = (
    "CUDA error: unspecified launch failure\nSearch for `cudaErrorLaunchFailure' in https://docs.nvidia.com for more "
    "information.\nCUDA kernel errors might be asynchronously reported at some other API call"
)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            torch.OutOfMemoryError(OUT_OF_MEMORY),
            "is too small, 3.06 GiB asked and 1.94 GiB free; lower trainings_per_gpu ",
        ),
        (torch.AcceleratorError("CUDA error: out of memory"), "vgg12: the GPU's memory is too small; lower "),
        (
            RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED"),
            "is too small; lower ",
        ),
        (torch.AcceleratorError(LOST), "vgg12: the GPU failed: CUDA error: unspecified launch failure; if nvidia-smi "),
    ],
)
def test_what_a_gpu_did_not_manage_is_one_line(error, message):
    with pytest.raises(UserError) as failed, gpu_errors("vgg12"):
        raise error
    assert message in str(failed.value)
    assert "\n" not in str(failed.value)


def test_a_training_names_the_model_that_the_gpu_has_no_memory_for(machine, dataset, monkeypatch):
    def fail(*arguments):
        raise torch.OutOfMemoryError(OUT_OF_MEMORY)

    write_json(machine / "spec.json", make_spec())
    line = ["train", "--spec", machine / "spec.json", "--data", machine / "data.npz", "--output", machine / "run"]
    monkeypatch.setattr(sys, "argv", list(map(str, line)))
    monkeypatch.setattr(train, "configure", lambda *_, **__: None)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(train, "Training", fail)
    write_dataset(machine / "data.npz", dataset)
    with pytest.raises(UserError, match=r"^small [a-z]+ seed \d+: the GPU's memory is too small, 3\.06 GiB asked"):
        train.main()


def test_other_errors_stay_what_they_are():
    with pytest.raises(RuntimeError, match="shapes differ"), gpu_errors("vgg12"):
        raise RuntimeError("shapes differ")
