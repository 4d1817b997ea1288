"""The optimisation step: the numbers it gives, how often it is taken, and that a CUDA graph gives the same."""

import math
from pathlib import Path

import pytest
import torch
from runs import BOTH, CONFIGURED, LIGHT, make_spec

from fashion.files import read_json, write_json
from fashion.models.build import build
from fashion.training.loop import Training
from fashion.training.step import GraphedStep, make_optimizer, make_step

GOLDEN = Path(__file__).with_name("golden_losses.json")

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


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


@needs_cuda
@pytest.mark.parametrize("family", ["vgg", "resnet", "vit"])
def test_a_replayed_graph_equals_eager_steps(family):
    def run(graphed: bool) -> tuple[list[float], dict[str, torch.Tensor]]:
        torch.manual_seed(0)
        settings = make_spec(family)["model"]
        settings["settings"] = {**settings["settings"], **({} if family == "resnet" else {"dropout": 0.0})}
        model = build(settings).to(device="cuda", memory_format=torch.channels_last)
        step = make_step(model, make_optimizer(model, 1e-3))
        assert isinstance(step, GraphedStep)
        step = step if graphed else step.step
        sizes = [*batches(4, 16, device="cuda"), *batches(1, 5, device="cuda"), *batches(2, 16, device="cuda")]
        losses = [step(*batch)[0].item() for batch in sizes]
        return losses, model.state_dict()

    graphed_losses, graphed_state = run(True)
    losses, state = run(False)
    assert graphed_losses == pytest.approx(losses, rel=1e-4)
    for name, value in state.items():
        torch.testing.assert_close(graphed_state[name], value, rtol=1e-3, atol=1e-4)


@needs_cuda
def test_dropout_differs_between_replays():
    torch.manual_seed(0)
    model = build(make_spec("vgg")["model"]).to(device="cuda", memory_format=torch.channels_last)
    step = make_step(model, make_optimizer(model, 1e-30))
    (batch,) = batches(1, 16, device="cuda")
    assert len({step(*batch)[0].item() for _ in range(4)}) == 4


@needs_cuda
def test_a_gpu_training_stopped_and_taken_up_ends_like_an_undisturbed_one(dataset, tmp_path):
    from fashion.training.checkpoint import Checkpoint
    from fashion.training.loop import Interrupted

    device, spec = torch.device("cuda"), make_spec("vgg", augmentation=BOTH, epochs=4)
    weights, _ = Training(spec, dataset, device).run()
    checkpoint = Checkpoint(tmp_path / "checkpoint.safetensors", "key")
    asked = iter([False] * 12 + [True])
    with pytest.raises(Interrupted):
        Training(spec, dataset, device, checkpoint, lambda: next(asked)).run()
    resumed, _ = Training(spec, dataset, device, checkpoint).run()
    # cuDNN may add in another order: the CPU's equality to the last bit is not promised here.
    for name, value in weights.items():
        torch.testing.assert_close(resumed[name], value, rtol=1e-2, atol=1e-3)


if __name__ == "__main__":
    write_json(GOLDEN, {name: first_losses(name) for name in LIGHT})
