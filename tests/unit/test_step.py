"""The optimisation step: the numbers it gives, how often it is taken, and that a CUDA graph gives the same."""

import math
from pathlib import Path

import pytest
import torch
from torch.nn.functional import cross_entropy

from fashion.files import read_json, write_json
from fashion.models.build import build
from fashion.training import loop
from fashion.training.checkpoint import Checkpoint
from fashion.training.cuda_graph import GraphedStep
from fashion.training.inference import place
from fashion.training.loop import Interrupted, Training
from fashion.training.optimizer import make_optimizer, moments
from fashion.training.step import make_step
from helpers.checkout import CONFIGURED, LIGHT
from helpers.specs import BOTH, MODELS, make_spec

GOLDEN = Path(__file__).with_name("golden_losses.json")


def batches(count: int, size: int, **options) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """So many batches of so many images and probabilities, with a dtype or on a device by `options`."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(count, size, 1, 28, 28, generator=generator).to(**options) * 2 - 1
    probabilities = torch.rand(count, size, 10, generator=generator).to(**options).softmax(dim=2)
    return list(zip(images, probabilities, strict=True))


def first_losses(name: str) -> list[float]:
    """Losses of a model's first three steps of four images, from its seeded initial weights.

    In double precision: in three steps, BatchNorm over four images makes a part in 10^3 of float32's rounding, which
    differs between processors and numbers of threads.
    """
    torch.manual_seed(0)
    model = build(CONFIGURED[name]).to(dtype=torch.float64, memory_format=torch.channels_last)
    step = make_step(model, make_optimizer(model, 1e-4))
    return [step(*batch)[0].item() for batch in batches(3, 4, dtype=torch.float64)]


@pytest.mark.parametrize("name", LIGHT)
def test_the_first_losses_are_those_on_record(name):
    """A change here changes every result: to record new losses on purpose, run this file as a script."""
    assert first_losses(name) == pytest.approx(read_json(GOLDEN)[name], rel=1e-6)


def test_no_losses_of_former_models_are_on_record():
    assert sorted(read_json(GOLDEN)) == sorted(LIGHT)


def test_an_epoch_takes_a_step_for_each_batch_the_smaller_last_one_too(dataset):
    training = Training(make_spec(epochs=2, batch_size=32), dataset, torch.device("cpu"))
    _, history = training.run()
    steps = {int(state["step"]) for state in training.state.optimizer.state.values()}
    assert steps == {2 * math.ceil(140 / 32)}
    assert len(history) == 2


def test_training_loss_is_the_mean_over_images_not_over_batches(dataset):
    # So small a rate changes no weight, and this model has no BatchNorm: batches of any size see the same model.
    specs = [make_spec("vit", epochs=1, batch_size=size, learning_rate=1e-30) for size in (140, 64)]
    for spec in specs:
        spec["model"]["settings"] = {"depth": 1, "width": 32, "heads": 4}
    whole, batched = (Training(spec, dataset, torch.device("cpu")).run()[1][0]["train_loss"] for spec in specs)
    assert batched == pytest.approx(whole, rel=1e-5)


@pytest.mark.parametrize("family", MODELS)
def test_bfloat16_is_of_the_forward_pass_alone(family):
    losses, computed = {}, {}
    for precision in ("float32", "bfloat16"):
        torch.manual_seed(0)
        model = build(make_spec(family)["model"])
        computed[precision] = set()
        for module in model.modules():
            if isinstance(module, torch.nn.Linear | torch.nn.Conv2d):
                module.register_forward_hook(lambda *call, seen=computed[precision]: seen.add(call[2].dtype))
        logits = []
        model.register_forward_hook(lambda *call, seen=logits: seen.append(call[2].detach().float()))
        optimizer = make_optimizer(model, 1e-3)
        step = make_step(model, optimizer, precision=precision)
        losses[precision] = torch.stack([step(*batch)[0] for batch in batches(2, 16)])
        expected = [
            cross_entropy(mine, probabilities) for mine, (_, probabilities) in zip(logits, batches(2, 16), strict=True)
        ]
        assert torch.equal(losses[precision], torch.stack(expected))
        kept = [*model.state_dict().values(), *(weight.grad for weight in model.parameters())]
        kept += [value for moments in optimizer.state.values() for value in moments.values()]
        assert {value.dtype for value in (*kept, losses[precision]) if value.is_floating_point()} == {torch.float32}
    assert computed == {"float32": {torch.float32}, "bfloat16": {torch.bfloat16}}
    assert not torch.equal(losses["bfloat16"], losses["float32"])
    # bfloat16 has 8 bits: a part in 256.
    torch.testing.assert_close(losses["bfloat16"], losses["float32"], rtol=2e-2, atol=0)


TOLERANCE = {"rtol": 1e-5, "atol": 1e-6}


def take_steps(family: str, device: str, *, graphed: bool, noise: float = 0) -> dict[str, torch.Tensor]:
    """Losses of seven steps of two batch sizes, and the model and the optimizer's moments after them.

    In double precision, which leaves all of it determined: kernels may add in another order from one call to the next,
    and in single precision, Adam makes whole steps of that where a gradient is nothing but rounding, as of a
    convolution's bias before BatchNorm.
    """
    torch.manual_seed(0)
    settings = make_spec(family)["model"]
    settings["settings"] = {**settings["settings"], **({} if family == "resnet" else {"dropout": 0.0})}
    model = place(build(settings).double(), torch.device(device))
    optimizer = make_optimizer(model, 1e-3)
    step = make_step(model, optimizer)
    if device == "cuda":
        assert isinstance(step, GraphedStep)
        step = step if graphed else step.step
    losses = []
    for count, size in ((4, 16), (1, 5), (2, 16)):
        for images, probabilities in batches(count, size, device=device, dtype=torch.float64):
            images = images * (1 + noise * torch.randn_like(images))
            losses.append(step(images, probabilities)[0].clone())
    return {"losses": torch.stack(losses), **model.state_dict(), **moments(optimizer)}


def assert_close(results: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert results.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(results[name], value, **TOLERANCE, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.parametrize("family", MODELS)
def test_rounding_is_tolerated_and_more_is_not(family):
    exact = take_steps(family, "cpu", graphed=False)
    assert_close(take_steps(family, "cpu", graphed=False, noise=1e-14), exact)
    with pytest.raises(AssertionError):
        assert_close(take_steps(family, "cpu", graphed=False, noise=1e-3), exact)


@pytest.mark.cuda
@pytest.mark.parametrize("family", MODELS)
def test_a_replayed_graph_equals_eager_steps(family):
    assert_close(take_steps(family, "cuda", graphed=True), take_steps(family, "cuda", graphed=False))


@pytest.mark.cuda
@pytest.mark.parametrize("family", MODELS)
def test_steps_on_a_gpu_equal_those_on_a_processor(family):
    on_cuda = take_steps(family, "cuda", graphed=True)
    assert_close({name: value.cpu() for name, value in on_cuda.items()}, take_steps(family, "cpu", graphed=False))


@pytest.mark.cuda
def test_dropout_differs_between_replays():
    torch.manual_seed(0)
    model = place(build(make_spec("vgg")["model"]), torch.device("cuda"))
    step = make_step(model, make_optimizer(model, 1e-30))
    (batch,) = batches(1, 16, device="cuda")
    assert len({step(*batch)[0].item() for _ in range(4)}) == 4


@pytest.mark.cuda
def test_a_gpu_training_stopped_and_taken_up_ends_like_an_undisturbed_one(dataset, tmp_path, monkeypatch):
    def make_smooth_optimizer(model: torch.nn.Module, *_) -> torch.optim.Optimizer:
        # Its steps are proportional to the gradients: rounding, which may differ, stays rounding.
        optimizer = make_optimizer(model, 0.1)
        optimizer.param_groups[0]["eps"] = 1.0
        return optimizer

    monkeypatch.setattr(loop, "make_optimizer", make_smooth_optimizer)
    device, spec = torch.device("cuda"), make_spec("vgg", augmentation=BOTH, epochs=4)
    weights, _ = Training(spec, dataset, device).run()
    checkpoint = Checkpoint(tmp_path / "checkpoint.safetensors", "key")
    asked = iter([False] * 12 + [True])
    with pytest.raises(Interrupted):
        Training(spec, dataset, device, checkpoint, lambda: next(asked)).run()
    resumed, _ = Training(spec, dataset, device, checkpoint).run()
    for name, value in weights.items():
        torch.testing.assert_close(resumed[name], value, rtol=1e-3, atol=1e-4)


if __name__ == "__main__":
    write_json(GOLDEN, {name: first_losses(name) for name in LIGHT})
