"""What a training used of its machine is counted, beside what others used."""

import math
import subprocess
import sys
import time

import pytest
import torch

from fashion.machine import usage
from fashion.machine.usage import Usage

CPU = torch.device("cpu")


def work(seconds: float) -> None:
    began = time.process_time()
    while time.process_time() < began + seconds:
        pass


def test_own_and_others_processor_time_are_told_apart(tmp_path, monkeypatch) -> None:
    stat = tmp_path / "stat"
    monkeypatch.setattr(usage, "MACHINE", stat)
    monkeypatch.setattr("os.sysconf", lambda name: 100)
    # user nice system idle iowait irq softirq steal; guest and guest_nice are in the first two
    stat.write_text("cpu  100 10 20 5000 300 1 2 4 50 5\ncpu0 1 1 1\n")
    counted = Usage(CPU)
    work(0.2)
    stat.write_text("cpu  150 20 40 9000 900 2 4 21 90 9\ncpu0 2 2 2\n")
    record = counted.record()
    assert 0.2 <= record["processor_seconds"] < 0.4
    assert record["other_processor_seconds"] == pytest.approx(1.0 - record["processor_seconds"])
    assert record["seconds"] >= record["processor_seconds"]
    assert (record["attempts"], record["gpu"]) == (1, None)


@pytest.mark.skipif(not usage.MACHINE.exists(), reason="only Linux says what others use")
def test_what_others_use_is_seen() -> None:
    counted = Usage(CPU)
    subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.6: pass"], check=True)
    # To a tick of the kernel's clock; of a busy machine it is more.
    record = counted.record()
    assert 0.5 < record["other_processor_seconds"] <= 1.1 * record["cores"] * record["seconds"]


def test_attempts_are_summed() -> None:
    first = Usage(CPU)
    work(0.1)
    saved = first.sums()
    second = Usage(CPU)
    second.go_on_from(saved)
    assert second.record()["attempts"] == 2
    assert 0.1 <= second.record()["processor_seconds"] < 0.2
    assert second.record()["seconds"] >= saved["seconds"]


@pytest.mark.parametrize("content", [None, "", "cpu  0 0 0 0 0 0 0 0 0 0\n"])
def test_where_the_machine_does_not_say_what_others_use_it_is_left_blank(content, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(usage, "MACHINE", tmp_path / "stat")
    if content is not None:
        (tmp_path / "stat").write_text(content)
    counted = Usage(CPU)
    assert math.isnan(counted.sums()["machine_seconds"])
    assert counted.record()["other_processor_seconds"] is None


def test_a_gpu_is_looked_at_now_and_then(monkeypatch) -> None:
    processes = iter([1, 2, 2, 1])
    monkeypatch.setattr(usage, "SAMPLE_SECONDS", 0)
    monkeypatch.setattr(
        torch.cuda, "list_gpu_processes", lambda device: "GPU:0\n" + "process  1 uses\n" * next(processes)
    )
    monkeypatch.setattr(torch.cuda, "utilization", lambda device: 80)
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda device: 2_500_000_000)
    counted = Usage(torch.device("cuda"))
    while counted.sampled["samples"] < 4:
        time.sleep(0.01)
    assert counted.record()["gpu"] == {"memory_mb": 2500, "utilisation": pytest.approx(0.8), "shared": 0.5}


def test_of_a_gpu_whose_driver_does_not_say_nothing_is_known(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda device: 0)
    monkeypatch.setattr(torch.cuda, "list_gpu_processes", lambda device: "")
    monkeypatch.setattr(torch.cuda, "utilization", lambda device: 1 / 0)
    record = Usage(torch.device("cuda")).record()["gpu"]
    assert record == {"memory_mb": 0, "utilisation": None, "shared": None}
