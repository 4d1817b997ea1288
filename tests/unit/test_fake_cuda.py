"""What would run on a GPU, without one: torch's fake tensors have a device and a shape, and no values.

An operation on tensors of two devices fails as it would on a GPU, and so does one whose result's shape depends on
values. What makes the host wait for the GPU, a value or a copy, is counted by the function of ours that asks for it.
"""

import traceback
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from torch._prims_common import suggest_memory_format
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from fashion.data import operations
from fashion.data.dataset import Dataset
from fashion.machine.meter import Meter
from fashion.models.build import build
from fashion.training import inputs, loop, optimizer
from fashion.training.inference import place
from fashion.training.loop import Training
from helpers.checkout import CONFIGURED
from helpers.specs import BOTH, DISTORTED, MODERN, make_spec

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
# In an epoch: training's losses and right predictions, loss and accuracy of validation and of test, gradients' norms.
WAITS = Counter({"loop.py:_train": 2, "inference.py:score": 4, "loop.py:_gradient_norms": 1})


class Waits(TorchDispatchMode):
    """Counts what makes the host wait for the GPU, by file and function; an unknown value counts as 1."""

    def __init__(self):
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        tensors = [one for one in tree_leaves(args) if isinstance(one, torch.Tensor)]
        if getattr(function, "_overloadname", None) == "tensor_lr":
            # Fused Adam with its rate on the device, which fake tensors do not know.
            assert kwargs["lr"].is_cuda
            function, kwargs = function.overloadpacket.default, {**kwargs, "lr": 0.0}
        if function is torch.ops.aten._local_scalar_dense.default:
            result = {torch.bool: True, torch.int64: 1}.get(args[0].dtype, 1.0)
            waits = tensors[0].is_cuda
        else:
            result = function(*args, **(kwargs or {}))
            # Copies in either direction, and an index on the processor; a scalar goes along with a kernel's launch.
            tensors += [one for one in tree_leaves(result) if isinstance(one, torch.Tensor)]
            waits = len({one.device.type for one in tensors if one.dim() or not one.is_cpu}) > 1
        if waits:
            frame = next(one for one in reversed(traceback.extract_stack()) if "/fashion/" in one.filename)
            self.counts[f"{Path(frame.filename).name}:{frame.name}"] += 1
        return result


@pytest.fixture
def fake(monkeypatch) -> FakeTensorMode:
    """Has trainings take fake tensors on a GPU, by their real code but for what needs values or a GPU's context."""

    def to(model: torch.nn.Module, device: torch.device | None = None, *, memory_format=None) -> torch.nn.Module:
        # A fake module cannot be moved; one can be filled with other tensors.
        for module in model.modules():
            for name, old in [*module._parameters.items(), *module._buffers.items()]:
                if old is not None:
                    new = old.detach().to(device or old.device)
                    new = new.to(memory_format=memory_format) if memory_format and old.dim() == 4 else new
                    if name in module._parameters:
                        module._parameters[name] = torch.nn.Parameter(new)
                    else:
                        module._buffers[name] = new
        return model

    def backward(loss: torch.Tensor) -> None:
        # Autograd's engine needs a real GPU's context.
        assert loss.is_cuda
        assert loss.requires_grad
        assert loss.shape == ()
        for weight in trained:
            weight.grad = torch.empty_like(weight)

    def eager_step(model, optimizer, **options):
        trained[:] = model.parameters()
        return make_step(model, optimizer, **options).step

    mode, trained = FakeTensorMode(), []
    real_tables = operations._tables(9, CPU)
    with mode:  # made once, and used in every epoch
        tables = operations._Tables(*(mode.from_tensor(table).to(CUDA) for table in real_tables))
    make_step = loop.make_step
    monkeypatch.setattr(operations, "_tables", lambda *_: tables)
    monkeypatch.setattr(inputs, "generator", lambda *_: None)
    monkeypatch.setattr(torch.nn.Module, "to", to)
    monkeypatch.setattr(loop, "make_step", eager_step)
    monkeypatch.setattr(loop, "Meter", lambda _: Meter(CPU))
    monkeypatch.setattr(torch.cuda, "Stream", object)
    monkeypatch.setattr(torch.Tensor, "backward", backward)
    return mode


def run_epoch(mode: FakeTensorMode, spec: dict) -> tuple[Training, Counter]:
    """An epoch of the spec's training, and the waits in it."""

    def part(count: int) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros((count, 28, 28), np.uint8), np.zeros(count, np.int64)

    dataset, waits = Dataset(*part(200), *part(60)), Waits()
    with mode, waits:
        training = Training(spec, dataset, CUDA)
        waits.counts.clear()
        training._run_epoch()
    return training, waits.counts


@pytest.mark.parametrize("name", CONFIGURED)
def test_an_epoch_of_each_model_stays_on_the_gpu_and_waits_for_it_so_often(name, fake):
    spec = make_spec(augmentation=BOTH, batch_size=100) | {"model": {"name": name, **CONFIGURED[name]}}
    training, waits = run_epoch(fake, spec)
    assert waits == WAITS
    state = training.state
    assert all(group["capturable"] for group in state.optimizer.param_groups)  # else a capture refuses Adam
    assert {value.device.type for moments in state.optimizer.state.values() for value in moments.values()} == {"cuda"}
    assert all(value.is_cuda for value in (*state.model.state_dict().values(), *state.tested_weights.values()))


@pytest.mark.parametrize("validation", ["clean", "augmented"])
@pytest.mark.parametrize("augmentation", [None, *({name: BOTH[name]} for name in BOTH), BOTH], ids=str)
@pytest.mark.parametrize("batch_size", [20, 140])
def test_whatever_the_protocol(augmentation, validation, batch_size, fake):
    spec = make_spec(augmentation=augmentation, validation=validation, batch_size=batch_size)
    assert run_epoch(fake, spec)[1] == WAITS


def test_with_a_schedule_an_average_and_other_augmentations_too(fake, monkeypatch):
    spec = make_spec("resnet", augmentation=DISTORTED, **MODERN)
    # A copy of fake tensors has another mode.
    monkeypatch.setattr(optimizer.copy, "deepcopy", lambda _: place(build(spec["model"]), CUDA))
    assert run_epoch(fake, spec)[1] == WAITS


@pytest.mark.parametrize(
    ("name", "memory_format"),
    [
        ("resnet18", torch.channels_last),
        ("vgg8_dsc", torch.contiguous_format),
        ("vit_depthwise", torch.contiguous_format),
    ],
)
def test_only_models_without_depthwise_convolutions_are_channels_last_on_a_gpu(name, memory_format, fake):
    def formats(model: torch.nn.Module) -> set[torch.memory_format]:
        # By strides, as convolutions choose their kernels: of depthwise weights, `is_contiguous` is true of both.
        return {suggest_memory_format(weight) for weight in model.parameters() if weight.dim() == 4}

    with fake:
        assert formats(place(build(CONFIGURED[name]), CPU)) == {torch.channels_last}
        assert formats(place(build(CONFIGURED[name]), CUDA)) == {memory_format}
