"""What an epoch's seconds and joules count."""

import math
import sys
import types

import pytest
import torch

from fashion.machine.meter import Meter


@pytest.fixture
def counter(monkeypatch):
    """A GPU whose driver has counted so many millijoules, and has so many processes: changed by the test."""

    class NVMLError(Exception):
        pass

    driver = types.SimpleNamespace(millijoules=5000, processes=1, failure="")

    def answer(handle: str, value):
        assert handle == "GPU-1234"
        if driver.failure:
            raise NVMLError(driver.failure)
        return value

    nvml = types.ModuleType("pynvml")
    nvml.NVMLError = NVMLError
    nvml.nvmlInit = lambda: None
    nvml.nvmlDeviceGetHandleByUUID = lambda uuid: uuid
    nvml.nvmlDeviceGetTotalEnergyConsumption = lambda handle: answer(handle, driver.millijoules)
    nvml.nvmlDeviceGetComputeRunningProcesses = lambda handle: answer(handle, [object()] * driver.processes)
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    properties = types.SimpleNamespace(uuid="1234")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    return driver


CUDA = torch.device("cuda")


def test_joules_are_those_since_the_start_and_of_an_interrupted_meter(counter):
    meter = Meter(CUDA)
    counter.millijoules += 3000
    assert meter.read()[1] == 3
    meter.start(seconds=100, joules=7)
    counter.millijoules += 1000
    seconds, joules = meter.read()
    assert joules == 8
    assert 100 < seconds < 200


def test_without_a_counter_there_are_seconds_and_no_joules(counter):
    counter.failure = "Not Supported"
    for device in ("cuda", "cpu"):
        seconds, joules = Meter(torch.device(device)).read()
        assert seconds > 0
        assert math.isnan(joules)


def test_a_driver_that_fails_in_between_costs_that_epochs_joules_and_nothing_else(counter, caplog):
    caplog.set_level("INFO")
    meter = Meter(CUDA)
    counter.failure = "GPU is lost"
    assert math.isnan(meter.read()[1])
    meter.start()
    counter.failure = ""
    assert math.isnan(meter.read()[1])  # its start is unknown
    meter.start()
    counter.millijoules += 2000
    assert meter.read()[1] == 2
    assert caplog.messages == ["the energy used is not recorded: GPU is lost"]


def test_of_a_gpu_that_others_use_the_joules_are_no_ones(counter, caplog):
    caplog.set_level("INFO")
    meter = Meter(CUDA)
    counter.processes = 2
    assert math.isnan(meter.read()[1])
    meter.start()
    counter.processes = 1
    assert math.isnan(meter.read()[1])
    assert caplog.messages == ["the energy used is not recorded: other processes use the GPU too"]


def test_of_an_unknown_gpu_such_as_a_part_of_one_nothing_is_counted(counter, monkeypatch):
    def refuse(uuid):
        raise sys.modules["pynvml"].NVMLError("Not Found")

    monkeypatch.setattr(sys.modules["pynvml"], "nvmlDeviceGetHandleByUUID", refuse)
    assert math.isnan(Meter(CUDA).read()[1])
