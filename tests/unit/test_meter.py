"""What an epoch's seconds and joules count."""

import math
import sys
import types

import pytest
import torch

from fashion.training.meter import Meter


@pytest.fixture
def counter(monkeypatch):
    """A GPU whose driver has counted so many millijoules, changed by the test."""

    class NVMLError(Exception):
        pass

    millijoules = [5000]
    nvml = types.ModuleType("pynvml")
    nvml.NVMLError = NVMLError
    nvml.nvmlInit = lambda: None
    nvml.nvmlDeviceGetHandleByUUID = lambda uuid: uuid
    nvml.nvmlDeviceGetTotalEnergyConsumption = lambda handle: {"GPU-1234": millijoules}[handle][0]
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    properties = types.SimpleNamespace(uuid="1234")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    return millijoules


def test_joules_are_those_since_the_start_and_of_an_interrupted_meter(counter):
    meter = Meter(torch.device("cuda"))
    counter[0] += 3000
    assert meter.read()[1] == 3
    meter.start(seconds=100, joules=7)
    counter[0] += 1000
    seconds, joules = meter.read()
    assert joules == 8
    assert 100 < seconds < 200


def test_without_a_counter_there_are_seconds_and_no_joules(counter):
    def refuse(handle):
        raise sys.modules["pynvml"].NVMLError("not supported")

    sys.modules["pynvml"].nvmlDeviceGetTotalEnergyConsumption = refuse
    for device in ("cuda", "cpu"):
        seconds, joules = Meter(torch.device(device)).read()
        assert seconds > 0
        assert math.isnan(joules)
