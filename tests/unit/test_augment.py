"""Augmentation: every op equals torchvision's to the pixel, and the draws have the distributions they should.

The seeds are fixed, so that no outcome changes from run to run. A distribution test fails for a correct
implementation with one seed in a million.
"""

import gzip
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import scipy.stats
import torch
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms.autoaugment import RandAugment, _apply_op

from fashion.data import augment, operations
from fashion.data.augment import augment_epoch, mixup, rand_augment
from fashion.data.operations import OPS, apply_ops, strength
from fashion.image import normalise
from helpers.command import python

REAL = Path("/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz")
ERROR_PROBABILITY = 1e-6
SPACE = RandAugment()._augmentation_space(31, (28, 28))


def generator(seed: int = 0, device: str = "cpu") -> torch.Generator:
    return torch.Generator(device).manual_seed(seed)


def hard_images() -> Tensor:
    """Images at the edges of the ops' arithmetic, [N, 1, 28, 28] uint8."""
    flat = [torch.full((784,), value) for value in (0, 255, 1, 128)]
    two_greys = ((2, 0, 255), (3, 17, 18), (5, 254, 255), (783, 0, 1))
    greys = [torch.where(torch.arange(784) % period == 0, high, low) for period, low, high in two_greys]
    ramps = [torch.arange(784) // 4, torch.arange(784) % 256, 255 - torch.arange(784) // 28]
    one_pixel = [torch.where(torch.arange(784) == position, 255, 0) for position in (0, 27, 406, 783)]
    noise = list(torch.randint(256, (8, 784), generator=generator()))
    narrow = list(torch.randint(100, 110, (4, 784), generator=generator()))
    sparse = [image * (torch.rand(784, generator=generator()) < 0.3) for image in noise[:4]]
    return torch.stack(flat + greys + ramps + one_pixel + noise + narrow + sparse).view(-1, 1, 28, 28).to(torch.uint8)


@pytest.fixture(scope="module")
def real_images() -> Tensor:
    if not REAL.exists():
        pytest.skip(f"{REAL} is absent (Debian's package dataset-fashion-mnist)")
    with gzip.open(REAL) as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16)
    return torch.from_numpy(pixels.reshape(-1, 1, 28, 28)[::19].copy())


def product(points: Tensor, matrix: Tensor) -> Tensor:
    """`points.bmm(matrix)` for points `[1, N, 3]`, rounded after each step.

    MKL on processors with AVX-512 fuses steps, and then rounds otherwise where two pixels are equally near: torchvision
    differs from itself there, in 22 pixels of Shear-Y at magnitude 4.
    """
    x, y, one = points.unsqueeze(-1).unbind(2)
    a, b, c = matrix.unbind(1)
    return x * a + y * b + one * c


def torchvision_op(images: Tensor, name: str, sign: int, magnitude: int) -> Tensor:
    """The named op as `RandAugment.forward` applies it, on a processor that rounds after each step."""
    name = name.replace("-", "")
    magnitudes, signed = SPACE[name]
    amount = float(magnitudes[magnitude]) if magnitudes.ndim else 0.0
    with mock.patch.object(Tensor, "bmm", product):
        return _apply_op(images, name, sign * amount if signed else amount, InterpolationMode.NEAREST, fill=None)


def assert_equal_to_torchvision(images: Tensor, op: int, magnitude: int) -> None:
    for sign in (1, -1):
        ours = apply_ops(images, torch.full((len(images),), op), torch.full((len(images),), sign), magnitude)
        differing = (ours != torchvision_op(images, OPS[op], sign, magnitude)).sum().item()
        assert differing == 0, f"{OPS[op]}, sign {sign}, magnitude {magnitude}: {differing} pixels differ"


@pytest.mark.parametrize("magnitude", [0, 1, 5, 9, 15, 22, 30])
@pytest.mark.parametrize("op", range(len(OPS)), ids=OPS)
class TestEqualToTorchvision:
    def test_on_real_images(self, op: int, magnitude: int, real_images: Tensor) -> None:
        assert len(real_images) >= 500
        assert_equal_to_torchvision(real_images, op, magnitude)

    def test_on_hard_images(self, op: int, magnitude: int) -> None:
        assert_equal_to_torchvision(hard_images(), op, magnitude)


def test_every_magnitude_of_every_op_equals_torchvision() -> None:
    for magnitude in range(31):
        for op in range(len(OPS)):
            assert_equal_to_torchvision(hard_images()[-9:], op, magnitude)


def test_each_image_gets_its_own_op_and_sign() -> None:
    images = hard_images().repeat(30, 1, 1, 1)
    op = torch.randint(len(OPS), (len(images),), generator=generator(1))
    sign = 2 * torch.randint(2, (len(images),), generator=generator(2)) - 1
    expected = [torchvision_op(*each, 9) for each in zip(images, (OPS[k] for k in op), sign.tolist(), strict=True)]
    assert torch.equal(apply_ops(images, op, sign, 9), torch.stack(expected))


def test_images_of_other_ops_pass_through_every_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a GPU, where each stage is given all images, because the host cannot know which take part."""
    images = hard_images().repeat(28, 1, 1, 1)
    op, sign = torch.arange(len(images)) % len(OPS), 1 - 2 * (torch.arange(len(images)) // len(OPS) % 2)
    expected = apply_ops(images, op, sign, 22)
    monkeypatch.setattr(operations, "_participants", lambda takes_part: torch.arange(len(takes_part)))
    assert torch.equal(apply_ops(images, op, sign, 22), expected)


def test_ops_and_strengths_are_those_of_torchvision() -> None:
    assert sorted(name.replace("-", "") for name in OPS) == sorted(SPACE)
    for name in OPS:
        magnitudes, _ = SPACE[name.replace("-", "")]
        assert [strength(name, magnitude) for magnitude in range(31)] == magnitudes.expand(31).tolist()


def test_color_leaves_grey_images_alone() -> None:
    images = hard_images()
    assert torch.equal(torchvision_op(images, "Color", 1, 30), images)


def test_rand_augment_draws_uniformly_and_independently() -> None:
    """All 28 x 28 pairs of an op with a sign, told apart by what they make of one image, by a chi-squared test."""
    image = torch.randint(40, 200, (1, 1, 28, 28), generator=generator(), dtype=torch.uint8)
    variant = torch.arange(28)
    pairs = apply_ops(image.expand(28, -1, -1, -1), variant // 2, 1 - 2 * (variant % 2), 15).repeat_interleave(28, 0)
    second = variant.repeat(28)
    pairs = apply_ops(pairs, second // 2, 1 - 2 * (second % 2), 15)
    outcomes, weights = pairs.flatten(1).unique(dim=0, return_counts=True)

    draws = rand_augment(image.expand(60_000, -1, -1, -1), 2, 15, generator())
    drawn, counts = draws.flatten(1).unique(dim=0, return_counts=True)
    assert torch.equal(drawn, outcomes)
    assert len(outcomes) > 300
    expected = weights.double() / 784 * 60_000
    assert scipy.stats.chisquare(counts.numpy(), expected.numpy()).pvalue > ERROR_PROBABILITY


def mixing_weights(alpha: float, count: int, seed: int = 0) -> Tensor:
    """The weights that `mixup` gives to a sample's own image, seen where white images meet black partners."""
    own = torch.full((count, 1, 28, 28), 255, dtype=torch.uint8)
    black = torch.zeros(1, 1, 28, 28, dtype=torch.uint8), torch.zeros(1, dtype=torch.int64)
    labels = torch.ones(count, dtype=torch.int64)
    images, targets = mixup(own, labels, alpha, 2, generator(seed), partners=black)
    weight = targets[:, 1]
    torch.testing.assert_close(images, (2 * weight - 1).view(-1, 1, 1, 1).expand_as(images))
    return weight.double()


@pytest.mark.parametrize("alpha", [0.2, 1, 2])
def test_mixing_weights_are_beta_distributed(alpha: float) -> None:
    count = 20_000
    weight = mixing_weights(alpha, count).numpy()
    beta = scipy.stats.beta(alpha, alpha)
    # The means of many draws are normal, with the moments of the distribution as their variances.
    bound = scipy.stats.norm.isf(ERROR_PROBABILITY / 2)
    mean_error = (beta.var() / count) ** 0.5
    variance_error = ((beta.expect(lambda x: (x - 0.5) ** 4) - beta.var() ** 2) / count) ** 0.5
    assert abs(weight.mean() - 0.5) < bound * mean_error
    assert abs(((weight - 0.5) ** 2).mean() - beta.var()) < bound * variance_error
    assert scipy.stats.kstest(weight, beta.cdf).pvalue > ERROR_PROBABILITY


@pytest.mark.parametrize("alpha", [1e-30, 1e-3, 1e6])
def test_extreme_alphas_give_weights_from_0_to_1(alpha: float) -> None:
    weight = mixing_weights(alpha, 1000)
    assert ((weight >= 0) & (weight <= 1)).all()
    # 1000 fair coins at the one end, a narrow normal distribution at the other.
    assert abs(weight.mean() - 0.5) < 0.5 / 1000**0.5 * scipy.stats.norm.isf(ERROR_PROBABILITY / 2)


def test_mixup_mixes_images_and_targets_alike_and_only_from_the_given_set() -> None:
    labels = torch.tensor([2, 5, 7]).repeat(1000)
    images = (20 * labels).to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 28, 28)
    mixed, targets = mixup(images, labels, 1.0, 10, generator())
    assert (mixed.dtype, targets.dtype, targets.shape) == (torch.float32, torch.float32, (3000, 10))
    assert mixed.min() >= -1
    assert mixed.max() <= 1
    torch.testing.assert_close(targets.sum(1), torch.ones(3000))
    assert not targets[:, [0, 1, 3, 4, 6, 8, 9]].any()
    assert (targets[:, [2, 5, 7]] > 0).any(0).all()
    expected = (targets @ torch.arange(10.0)).mul(20).div(127.5).sub(1).view(-1, 1, 1, 1)
    torch.testing.assert_close(mixed, expected.expand_as(mixed))


def test_partners_are_drawn_uniformly() -> None:
    images, labels = torch.zeros(50_000, 1, 28, 28, dtype=torch.uint8), torch.full((50_000,), 9)
    partners = torch.zeros(9, 1, 28, 28, dtype=torch.uint8), torch.arange(9)
    _, targets = mixup(images, labels, 2.0, 10, generator(), partners)
    counts = (targets[:, :9] > 0).sum(0)
    assert counts.sum() == 50_000
    assert scipy.stats.chisquare(counts.numpy()).pvalue > ERROR_PROBABILITY


def test_normalise_maps_bytes_to_minus_one_to_one() -> None:
    values = normalise(torch.arange(256, dtype=torch.uint8))
    assert values.dtype == torch.float32
    torch.testing.assert_close(values, torch.linspace(-1, 1, 256))
    assert (values[0], values[-1]) == (-1, 1)


RANDAUGMENT = {"num_ops": 2, "magnitude": 9}
BOTH = {"randaugment": RANDAUGMENT, "mixup": {"alpha": 2.0}}


def batch(count: int = 1500) -> tuple[Tensor, Tensor]:
    images = torch.randint(256, (count, 1, 28, 28), generator=generator(7), dtype=torch.uint8)
    return images, torch.arange(count) % 10


def test_no_augmentation_normalises_and_encodes() -> None:
    images, labels = batch()
    augmented, targets = augment_epoch(images, labels, {}, 10, generator())
    assert torch.equal(augmented, normalise(images))
    assert torch.equal(targets, torch.eye(10)[labels])


def test_randaugment_alone_keeps_the_labels() -> None:
    images, labels = batch()
    augmented, targets = augment_epoch(images, labels, {"randaugment": RANDAUGMENT}, 10, generator())
    assert torch.equal(augmented, normalise(rand_augment(images, 2, 9, generator())))
    assert torch.equal(targets, torch.eye(10)[labels])


def test_mixup_follows_randaugment_and_partners_are_augmented_too() -> None:
    (images, labels), (others, other_labels) = batch(), batch(300)
    draws = generator()
    own, partners = rand_augment(images, 2, 9, draws), (rand_augment(others, 2, 9, draws), other_labels)
    expected = mixup(own, labels, 2.0, 10, draws, partners)
    augmented = augment_epoch(images, labels, BOTH, 10, generator(), partners=(others, other_labels))
    assert all(map(torch.equal, augmented, expected))


def test_inputs_stay_unchanged() -> None:
    images, labels = batch()
    augment_epoch(images, labels, BOTH, 10, generator())
    assert all(map(torch.equal, (images, labels), batch()))


def test_no_images_give_no_images() -> None:
    augmented, targets = augment_epoch(*batch(0), {"randaugment": RANDAUGMENT}, 10, generator())
    assert (augmented.shape, targets.shape) == ((0, 1, 28, 28), (0, 10))


def test_the_same_seed_gives_the_same_bytes_whatever_was_drawn_before() -> None:
    first = augment_epoch(*batch(), BOTH, 10, generator(3))
    used = generator(5)
    torch.rand(17)
    torch.randn(3, generator=used)
    augment_epoch(*batch(), BOTH, 10, used)
    assert all(map(torch.equal, augment_epoch(*batch(), BOTH, 10, used.manual_seed(3)), first))
    assert not torch.equal(augment_epoch(*batch(), BOTH, 10, used)[0], first[0])


def test_neither_threads_nor_chunks_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = torch.get_num_threads()
    try:
        results = []
        for count, size in ((1, 512), (2, 512), (5, 512), (2, 100)):
            torch.set_num_threads(count)
            for module in (augment, operations):
                monkeypatch.setattr(module, "chunk_size", lambda device, size=size: size)
            results.append(augment_epoch(*batch(), BOTH, 10, generator()))
    finally:
        torch.set_num_threads(threads)
    for result in results[1:]:
        assert all(map(torch.equal, result, results[0]))


def test_nothing_depends_on_pixels_but_pixels() -> None:
    """Tensors without values raise where a shape or the host's control flow would need one."""
    images, op = torch.empty(2, 1, 28, 28, dtype=torch.uint8, device="meta"), torch.empty(2, dtype=int, device="meta")
    assert apply_ops(images, op, op, 9).shape == images.shape


def test_importing_it_does_not_import_torchvision() -> None:
    program = "import sys, fashion.data.augment; sys.exit('torchvision' in sys.modules)"
    assert python("-c", program).returncode == 0


IMAGES, LABELS = batch(4)
SIGN = torch.tensor([1, -1, 1, -1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: apply_ops(IMAGES, LABELS, SIGN, 31), "magnitude: .* 0 to 30, got 31"),
        (lambda: apply_ops(IMAGES, LABELS, SIGN, -1), "magnitude: .* got -1"),
        (lambda: apply_ops(IMAGES, LABELS, SIGN, 9.5), "magnitude: .* integer .* got 9.5"),
        (lambda: apply_ops(IMAGES, LABELS + 11, SIGN, 9), "op: expected 0 to 13, got 11 to 14"),
        (lambda: apply_ops(IMAGES, LABELS - 1, SIGN, 9), "op: expected 0 to 13, got -1 to 2"),
        (lambda: apply_ops(IMAGES, LABELS[1:], SIGN, 9), r"op: expected \[4\] int64, got \[3\]"),
        (lambda: apply_ops(IMAGES, LABELS.int(), SIGN, 9), r"op: expected \[4\] int64, got \[4\] torch.int32"),
        (lambda: apply_ops(IMAGES, LABELS, SIGN[1:], 9), r"sign: expected \[4\] .* got \[3\]"),
        (lambda: apply_ops(IMAGES, LABELS, 0 * SIGN, 9), r"sign: .* \+1 and -1, got \[4\]: \[0\]"),
        (lambda: apply_ops(IMAGES.float(), LABELS, SIGN, 9), "images: expected .* uint8, got .* torch.float32"),
        (lambda: apply_ops(IMAGES[:, 0], LABELS, SIGN, 9), r"images: expected .*, got \[4, 28, 28\]"),
        (lambda: apply_ops(IMAGES[..., 1:], LABELS, SIGN, 9), r"images: expected .*, got \[4, 1, 28, 27\]"),
        (lambda: rand_augment(IMAGES, 0, 9, generator()), "num_ops: expected at least 1, got 0"),
        (lambda: rand_augment(IMAGES, 2, 31, generator()), "magnitude: .* got 31"),
        (lambda: rand_augment(IMAGES.long(), 2, 9, generator()), "images: .* got .* torch.int64"),
        (lambda: mixup(IMAGES, LABELS, 0, 10, generator()), "alpha: .* got 0"),
        (lambda: mixup(IMAGES, LABELS, -1.0, 10, generator()), "alpha: .* got -1.0"),
        (lambda: mixup(IMAGES, LABELS, float("nan"), 10, generator()), "alpha: .* got nan"),
        (lambda: mixup(normalise(IMAGES), LABELS, 1, 10, generator()), "images: .* got .* torch.float32"),
        (lambda: mixup(IMAGES, LABELS[1:], 1, 10, generator()), r"labels: expected \[4\] int64, got \[3\]"),
        (lambda: mixup(IMAGES, LABELS, 1, 3, generator()), "labels: expected 0 to 2, got 0 to 3"),
        (lambda: mixup(IMAGES, LABELS, 1, 10, generator(), (IMAGES, LABELS[1:])), r"partner labels: .* got \[3\]"),
        (lambda: mixup(IMAGES, LABELS, 1, 10, generator(), (IMAGES[0], LABELS)), r"partner images: .* \[1, 28, 28\]"),
        (lambda: augment_epoch(IMAGES, LABELS.float(), {}, 10, generator()), "labels: .* torch.float32"),
        (lambda: augment_epoch(IMAGES.float(), LABELS, {}, 10, generator()), "images: .* torch.float32"),
    ],
)
def test_wrong_arguments_are_refused_by_name(call, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        call()


@pytest.mark.cuda
@pytest.mark.parametrize("magnitude", [0, 9, 20, 30])
def test_cuda_equals_cpu(magnitude: int) -> None:
    images = torch.cat((hard_images(), batch()[0]))
    for variant in range(28):
        op, sign = torch.full((len(images),), variant // 2), torch.full((len(images),), 1 - 2 * (variant % 2))
        on_cuda = apply_ops(images.cuda(), op.cuda(), sign.cuda(), magnitude)
        assert torch.equal(on_cuda.cpu(), apply_ops(images, op, sign, magnitude)), OPS[variant // 2]


@pytest.mark.cuda
def test_a_cuda_graph_augments_and_draws_anew_at_each_replay() -> None:
    images, labels = (tensor.cuda() for tensor in batch())
    draws = generator(0, "cuda")
    augment_epoch(images, labels, BOTH, 10, draws)
    graph = torch.cuda.CUDAGraph()
    graph.register_generator_state(draws)
    with torch.cuda.graph(graph):
        captured = augment_epoch(images, labels, BOTH, 10, draws)
    replays = []
    for seed in (1, 2, 1):
        draws.manual_seed(seed)
        graph.replay()
        replays.append([tensor.clone() for tensor in captured])
    assert all(map(torch.equal, replays[0], replays[2]))
    assert not torch.equal(replays[0][0], replays[1][0])
    torch.testing.assert_close(replays[0][1].sum(1), torch.ones_like(replays[0][1][:, 0]))
