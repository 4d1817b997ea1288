"""The optimizers, their schedules as torch has them, and the average of the weights."""

import copy

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR

from fashion.training.inference import FlipAveraged, load_model
from fashion.training.loop import Training
from fashion.training.optimizer import WeightAverage, learning_rate, make_optimizer, set_learning_rate
from helpers.specs import DISTORTED, MODERN, make_spec
from helpers.training import Run, write_dataset

CPU = torch.device("cpu")
STEPS = 57


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 4, bias=False), nn.BatchNorm1d(4), nn.Linear(4, 10))


def take_step(own: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(8, 1, 28, 28, generator=generator)
    optimizer.zero_grad()
    own(images).logsumexp(dim=1).mean().backward()
    optimizer.step()


@pytest.mark.parametrize(
    ("schedule", "reference"),
    [
        ("constant", lambda optimizer: None),
        ("cosine", lambda optimizer: CosineAnnealingLR(optimizer, STEPS)),
        ("one_cycle", lambda optimizer: OneCycleLR(optimizer, 0.3, STEPS, cycle_momentum=False)),
    ],
)
def test_a_schedule_is_torchs(schedule, reference):
    optimizer = torch.optim.SGD(model().parameters(), lr=0.3)
    scheduler = reference(optimizer)
    for step in range(STEPS):
        assert learning_rate(schedule, 0.3, step, STEPS) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9)
        optimizer.step()
        if scheduler:
            scheduler.step()


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_few_steps_have_a_rate_too(steps):
    rates = [learning_rate("one_cycle", 1.0, step, steps) for step in range(steps)]
    assert all(0 < rate <= 1 for rate in rates)


@pytest.mark.parametrize(
    ("kind", "reference"),
    [
        ("adam", lambda weights: torch.optim.Adam(weights, lr=0.01)),
        ("adamw", lambda weights: torch.optim.AdamW(weights, lr=0.01, weight_decay=0)),
        ("sgd", lambda weights: torch.optim.SGD(weights, lr=0.01, momentum=0.9, nesterov=True)),
    ],
)
def test_an_optimizer_is_torchs(kind, reference):
    ours, other = model(), model()
    optimizer, its = make_optimizer(ours, 0.01, kind), reference(other.parameters())
    for _ in range(3):
        take_step(ours, optimizer)
        take_step(other, its)
    for own, expected in zip(ours.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(own, expected)


def test_only_matrices_and_kernels_decay():
    with_decay, without = model(), model()
    take_step(with_decay, make_optimizer(with_decay, 0.01, "adamw", 0.5))
    take_step(without, make_optimizer(without, 0.01, "adamw"))
    for name, weight in with_decay.named_parameters():
        assert torch.equal(weight, dict(without.named_parameters())[name]) == (weight.dim() == 1), name


def test_a_set_rate_is_the_next_steps():
    ours, other = model(), model()
    optimizer = make_optimizer(ours, 1.0, weight_decay=0.1)
    set_learning_rate(optimizer, 0.01)
    take_step(ours, optimizer)
    take_step(other, make_optimizer(other, 0.01, weight_decay=0.1))
    assert all(map(torch.equal, ours.parameters(), other.parameters()))


def test_the_average_is_that_of_the_last_steps_buffers_too():
    own = model()
    average = WeightAverage(own, decay=0.8)
    optimizer = make_optimizer(own, 0.1)
    expected = copy.deepcopy(own.state_dict())
    for step in range(60):
        take_step(own, optimizer)
        average.before_step(step)
        average.update()
        share = max(0.2, 9 / (10 + step))
        for name, value in own.state_dict().items():
            expected[name] = value.clone() if value.dtype == torch.int64 else expected[name].lerp(value, share)
    for name, value in average.model.state_dict().items():
        torch.testing.assert_close(value, expected[name])
    assert average.model[2].num_batches_tracked == 60
    assert not torch.equal(average.model[1].weight, own[1].weight)


def test_the_average_is_what_is_validated_and_kept(dataset):
    training = Training(make_spec(epochs=2, tested_weights="last", ema_decay=0.99), dataset, CPU)
    weights, history = training.run()
    assert all(map(torch.equal, weights.values(), training.state.average.model.state_dict().values()))
    assert not all(map(torch.equal, weights.values(), training.model.state_dict().values()))
    plain = Training(make_spec(epochs=2, tested_weights="last"), dataset, CPU).run()[1]
    assert [row["train_loss"] for row in history] == [row["train_loss"] for row in plain]
    assert history[0]["validation_loss"] != plain[0]["validation_loss"]


def test_settings_that_table_3_has_not_change_nothing_by_their_neutral_values(dataset):
    plain = Training(make_spec(), dataset, CPU).run()[0]
    neutral = make_spec(schedule="constant", weight_decay=0.0, label_smoothing=0.0, flip_averaging=False)
    assert all(map(torch.equal, plain.values(), Training(neutral, dataset, CPU).run()[0].values()))


def test_with_flip_averaging_an_image_and_its_mirror_image_have_the_same_logits(dataset, tmp_path):
    spec = make_spec("resnet", augmentation=DISTORTED, epochs=1, **MODERN)
    run = Run(tmp_path / "run", spec, write_dataset(tmp_path / "data.npz", dataset)).finish()
    tested = load_model(spec, run.output / "model.safetensors", CPU)
    plain = load_model(make_spec("resnet"), run.output / "model.safetensors", CPU)
    images = torch.rand(5, 1, 28, 28)
    assert isinstance(tested, FlipAveraged)
    with torch.inference_mode():
        torch.testing.assert_close(tested(images), tested(images.flip(-1)))
        assert not torch.allclose(plain(images), plain(images.flip(-1)))
        torch.testing.assert_close(tested(images), (plain(images) + plain(images.flip(-1))) / 2)
