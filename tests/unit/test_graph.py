"""What `GraphedStep` keeps around a CUDA graph, without a GPU: a stand-in records a step's operations and replays them.

As a CUDA graph does, it runs the same kernels on the same memory: each result is written where the recorded one was.
"""

import contextlib
import gc
import types
import weakref

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from fashion.models.build import build
from fashion.training import loop
from fashion.training.checkpoint import Checkpoint
from fashion.training.cuda_graph import GraphedStep
from fashion.training.loop import Interrupted, Training
from fashion.training.optimizer import make_optimizer
from fashion.training.step import make_step
from helpers.specs import BOTH, DISTORTED, MODELS, MODERN, make_spec

CPU = torch.device("cpu")
# 140 training images are eight batches of 16 and one of 12; a pause follows each, and each of validation and test.
PAUSES = 9 + 2


class RecordedGraph:
    def __init__(self):
        self.calls: list[tuple] = []

    @torch.no_grad()
    def replay(self) -> None:
        for function, arguments, options, recorded in self.calls:
            results = function(*arguments, **options)
            for old, new in zip(tree_leaves(recorded), tree_leaves(results), strict=True):
                if isinstance(old, torch.Tensor) and old.data_ptr() != new.data_ptr():
                    old.copy_(new)


class Recording(TorchDispatchMode):
    def __init__(self, graph: RecordedGraph, stream: object):
        super().__init__()
        self.graph = graph

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        results = function(*args, **(kwargs or {}))
        self.graph.calls.append((function, args, kwargs or {}, results))
        return results


@pytest.fixture
def graphed_steps(monkeypatch) -> list[GraphedStep]:
    """Has trainings on a CPU take graphed steps, with the stand-in for `torch.cuda`; gives those that were made."""

    def make_graphed(model, optimizer, *, average=None, **options) -> GraphedStep:
        for group in optimizer.param_groups:  # as on a GPU, where the graph reads it
            group["lr"] = torch.tensor(group["lr"], dtype=torch.float64)
        step = make_step(model, optimizer, average=average, **options)
        made.append(GraphedStep(step, model, optimizer, average))
        return made[-1]

    def stream() -> types.SimpleNamespace:
        return types.SimpleNamespace(wait_stream=lambda other: None)

    made: list[GraphedStep] = []
    stand_in = {
        "CUDAGraph": RecordedGraph,
        "graph": Recording,
        "Stream": stream,
        "current_stream": stream,
        "stream": lambda stream: contextlib.nullcontext(),
        "get_rng_state": torch.get_rng_state,
        "set_rng_state": torch.set_rng_state,
    }
    for name, value in stand_in.items():
        monkeypatch.setattr(torch.cuda, name, value)
    monkeypatch.setattr(loop, "make_step", make_graphed)
    return made


SPECS = {family: make_spec(family, augmentation=BOTH, epochs=3) for family in MODELS}
SPECS |= {
    "modern": make_spec("resnet", augmentation=DISTORTED, epochs=3, **MODERN),
    "sgd": make_spec("vgg", epochs=3, **{**MODERN, "optimizer": "sgd", "schedule": "cosine", "learning_rate": 0.01}),
    **{
        f"{family} in bfloat16": make_spec(family, augmentation=BOTH, epochs=3, precision="bfloat16")
        for family in MODELS
    },
}
Results = tuple[dict[str, torch.Tensor], list[dict[str, float]]]


@pytest.fixture(scope="module")
def eager(dataset) -> dict[str, Results]:
    """The results of each training in eager steps."""
    return {name: Training(spec, dataset, CPU).run() for name, spec in SPECS.items()}


def assert_same(results: Results, expected: Results) -> None:
    (weights, history), (expected_weights, expected_history) = results, expected
    assert weights.keys() == expected_weights.keys()
    assert [name for name in weights if not torch.equal(weights[name], expected_weights[name])] == []
    costs = dict.fromkeys(("seconds", "joules"))
    assert [row | costs for row in history] == [row | costs for row in expected_history]


@pytest.mark.parametrize("name", SPECS)
def test_replayed_steps_give_the_numbers_of_eager_ones(name, dataset, eager, graphed_steps):
    assert_same(Training(SPECS[name], dataset, CPU).run(), eager[name])
    (step,) = graphed_steps
    assert sorted(step.captures) == [12, 16]


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize(
    "pauses",
    [0, 3, 8, 10, PAUSES + 3],
    ids=["first step", "in the first epoch", "after its smaller batch", "in its test", "in the second"],
)
def test_stopped_and_taken_up_they_still_do(name, pauses, dataset, eager, graphed_steps, tmp_path):
    checkpoint = Checkpoint(tmp_path / "checkpoint.safetensors", "key")
    asked = iter([False] * pauses + [True])
    with pytest.raises(Interrupted):
        Training(SPECS[name], dataset, CPU, checkpoint, lambda: next(asked)).run()
    assert_same(Training(SPECS[name], dataset, CPU, checkpoint).run(), eager[name])
    assert len(graphed_steps) == 2


def test_the_gradients_are_those_of_the_last_step_whatever_its_batch_size(graphed_steps):
    torch.manual_seed(0)
    model = build(make_spec("resnet")["model"]).train()
    step = loop.make_step(model, make_optimizer(model, 0.0))
    images, probabilities = torch.rand(16, 1, 28, 28), torch.rand(16, 10).softmax(dim=1)
    for count in (16, 12, 16):
        step(images[:count], probabilities[:count])
        gradients = [weight.grad.clone() for weight in model.parameters()]
        step.step(images[:count], probabilities[:count])  # eager; so small a rate moves no weight
        assert all(torch.equal(own, weight.grad) for own, weight in zip(gradients, model.parameters(), strict=True))


def test_each_training_captures_in_a_stream_of_its_own_and_frees_its_graphs_at_once(dataset, graphed_steps):
    trainings = [Training(SPECS["vgg"], dataset, CPU) for _ in range(2)]
    for training in trainings:
        training.step(torch.rand(16, 1, 28, 28), torch.rand(16, 10).softmax(dim=1))
    first, second = graphed_steps
    assert first.stream is not second.stream
    graph = weakref.ref(first.captures[16].graph)
    gc.disable()
    try:
        del training, first, trainings
        graphed_steps.clear()
        assert graph() is None  # without the garbage collector, whose moment no one chooses
    finally:
        gc.enable()


def test_the_graph_has_memory_of_its_own_for_its_inputs(graphed_steps):
    torch.manual_seed(0)
    model = build(make_spec("vgg")["model"])
    step = loop.make_step(model, make_optimizer(model, 0.001))
    batches = [(torch.rand(8, 1, 28, 28), torch.rand(8, 10).softmax(dim=1)) for _ in range(2)]
    before = [[tensor.clone() for tensor in batch] for batch in batches]
    for batch in batches:
        step(*batch)
    for batch, old in zip(batches, before, strict=True):
        assert all(map(torch.equal, batch, old))
