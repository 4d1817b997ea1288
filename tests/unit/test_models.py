"""Every model of config.yaml: a model added there is tested by being there."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from fashion.models import fast_cpu
from fashion.models.build import build, count_parameters
from fashion.models.fast_cpu import Convolution, Dropout
from fashion.models.resnet.network import SeparableBlock
from fashion.models.vit.network import Attention, TokenBatchNorm, VisionTransformer, sincos_positions
from helpers.checkout import CONFIGURED, LIGHT, REPORT

PUBLISHED_VITS = [name for name in CONFIGURED if name.startswith("published_vit")]


def parameters(name: str) -> int:
    with torch.device("meta"):
        return count_parameters(build(CONFIGURED[name]))


def output_shapes(model: nn.Module, *modules: nn.Module) -> list[tuple[int, ...]]:
    """The shapes, without the batch, of what these modules of a model on the meta device make of an image."""
    shapes = []
    for module in modules:
        module.register_forward_hook(lambda module, inputs, output: shapes.append(tuple(output.shape[1:])))
    with torch.device("meta"):
        model(torch.empty(2, 1, 28, 28))
    return shapes


def weighted_layers(model: nn.Module) -> int:
    """How many layers with weights an image passes in a row: a separable convolution is one, a shortcut none."""
    return sum(
        isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and module.groups == 1)
        for name, module in model.named_modules()
        if "shortcut" not in name
    )


def drawn(module: nn.Module) -> nn.Module:
    """The module, each of its parameters and running statistics drawn anew, so that none is zero or one."""
    torch.manual_seed(0)
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.dim() > 1:
            nn.init.normal_(tensor, std=0.2)
        elif tensor.is_floating_point():
            nn.init.uniform_(tensor, 0.5, 1.5)
    return module


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("vgg8", 42_655_978),
        ("vgg8_dsc", 42_535_018),
        ("vgg8_wide", 68_274_378),
        ("vgg12", 223_062_802),
        ("vit", 204_810),
        # Each of four layers gains 2 * 64 of BatchNorm and 64 * 9 of the convolution, which has no bias.
        ("vit_depthwise", 204_810 + 4 * (128 + 576)),
        # 49 inputs of a patch become 1, 16 positions become 784.
        ("vit_patchfree", 204_810 - 48 * 64 + (784 - 16) * 64),
        ("published_vgg8", 1_692_778),
        ("published_vgg6", 1_686_410),
        ("published_resnet18", 8_380_682),
        ("published_vit_1x4", 54_858),
        ("published_vit_4x4", 204_810),
        ("published_vit_5x8", 419_914),
        ("published_vit_depthwise_1x4", 55_562),
        ("published_vit_depthwise_5x6", 340_874),
        ("published_vit_depthwise_5x8", 423_434),
        # The convolution has 9 inputs where a patch has 49, and 196 positions are learned, not 16.
        ("published_vit_simplified", 54_858 - 40 * 64 + (196 - 16) * 64),
    ],
)
def test_parameter_counts_are_exact(name, expected):
    assert parameters(name) == expected


def test_reported_parameters_are_those_of_the_built_models():
    reported = {
        (name, augmentation): numbers["parameters"]
        for name, of_model in REPORT.reported.items()
        for augmentation, numbers in of_model.items()
        if "parameters" in numbers
    }
    assert len(reported) == 4 + 15
    # The published ResNet18's count has a plain convolution for each block, in place of which the separable one is run.
    layers = CONFIGURED["published_resnet18"]["settings"]["layers"]
    unused = sum(9 * inputs * outputs + outputs for inputs, outputs in pairwise([layers[0], *layers]))
    assert unused == 4_720_512
    expected = {
        (name, augmentation): parameters(name) + (unused if name == "published_resnet18" else 0)
        for name, augmentation in reported
    }
    assert reported == expected


def test_what_the_report_says_of_parameters_is_counted():
    assert parameters("published_vgg8_plain") - parameters("published_vgg8") == 120_960
    # P9 and P8: the depthwise module adds 2 * 64 of BatchNorm and 9 * 64 of the convolution to each of five layers.
    with_module, without = parameters("published_vit_depthwise_5x8"), parameters("published_vit_5x8")
    assert with_module - without == 5 * (128 + 576)
    assert with_module / without == pytest.approx(1.00838, abs=1e-5)


def test_plain_wide_convolutions_would_not_give_figure_5s_count():
    entry = {"family": "vgg", "settings": {**CONFIGURED["vgg8_wide"]["settings"], "separable": False}}
    with torch.device("meta"):
        assert count_parameters(build(entry)) == 68_762_058


@pytest.mark.parametrize("name", CONFIGURED)
def test_images_become_logits(name):
    with torch.device("meta"):
        model = build(CONFIGURED[name])
    assert output_shapes(model, model) == [(10,)]


@pytest.mark.parametrize("name", LIGHT)
def test_every_parameter_gets_a_gradient_and_training_lowers_the_loss(name):
    torch.manual_seed(0)
    model = build(CONFIGURED[name])
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0  # with it, one step's loss says little of the next one's
    images, labels = torch.rand(4, 1, 28, 28) * 2 - 1, torch.arange(4)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)
    losses = []
    for _ in range(2):
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(images), labels)
        loss.backward()
        assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in model.parameters())
        optimizer.step()
        losses.append(loss.item())
    assert all(weight.grad.any() for weight in model.parameters())
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", [name for name, entry in CONFIGURED.items() if entry["family"] == "vgg"])
def test_dropout_stands_before_each_hidden_layer_of_a_vgg(name):
    with torch.device("meta"):
        classifier = build(CONFIGURED[name]).classifier
    hidden = [Dropout, nn.Linear, nn.ReLU]
    assert [type(layer) for layer in classifier] == [nn.Flatten, *hidden, *hidden, nn.Linear]
    assert [layer.p for layer in classifier if isinstance(layer, nn.Dropout)] == [0.2, 0.2]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("vgg8", 8),
        ("vgg8_dsc", 8),
        ("vgg12", 12),
        ("published_vgg6", 6),
        ("published_vgg8", 8),
        ("published_vgg12", 12),
    ],
)
def test_vggs_have_as_many_layers_as_they_are_called(name, expected):
    with torch.device("meta"):
        assert weighted_layers(build(CONFIGURED[name])) == expected


def test_resnet18_is_what_figure_9_draws():
    with torch.device("meta"):
        model = build(CONFIGURED["resnet18"])
    assert weighted_layers(model) == 18
    assert output_shapes(model, model.stem, *model.features) == [
        (64, 28, 28),
        *[(64, 28, 28)] * 2,
        *[(128, 28, 28)] * 2,
        (128, 14, 14),
        *[(256, 14, 14)] * 2,
        *[(512, 14, 14)] * 2,
        (512, 7, 7),
    ]


@pytest.mark.parametrize("name", ["published_resnet18", "published_resnet18_dilated"])
def test_the_published_resnet18_halves_its_map_to_one_pixel(name):
    with torch.device("meta"):
        model = build(CONFIGURED[name])
    assert weighted_layers(model) == 18
    assert output_shapes(model, model.stem[0], model.stem, *model.features, model.classifier[0]) == [
        (64, 14, 14),
        (64, 7, 7),
        *[(64, 7, 7)] * 2,
        *[(128, 4, 4)] * 2,
        *[(256, 2, 2)] * 2,
        *[(512, 1, 1)] * 2,
        (512, 1, 1),
    ]


@pytest.mark.parametrize(("inputs", "outputs", "size"), [(8, 8, 7), (8, 16, 4)])
def test_a_published_block_is_what_its_code_did(inputs, outputs, size):
    block = drawn(SeparableBlock(inputs, outputs)).eval()
    weights = dict(block.state_dict())
    stride = 1 if inputs == outputs else 2

    def convolution(x: Tensor, name: str, **options) -> Tensor:
        return functional.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], **options)

    def norm(x: Tensor, name: str) -> Tensor:
        names = ("running_mean", "running_var", "weight", "bias")
        return functional.batch_norm(x, *(weights[f"{name}.{part}"] for part in names))

    image = torch.randn(2, inputs, 7, 7)
    separable = convolution(image, "residual.0.0", stride=stride, padding=1, groups=inputs)
    separable = norm(convolution(separable, "residual.0.1"), "residual.0.2").relu()
    plain = convolution(norm(separable, "residual.1").relu(), "residual.3", padding=1)
    shortcut = image if stride == 1 else norm(convolution(image, "shortcut.0", stride=2, padding=1), "shortcut.1")
    expected = (norm(plain, "residual.4") + shortcut).relu()
    assert expected.shape == (2, outputs, size, size)
    with torch.no_grad():
        torch.testing.assert_close(block(image), expected)


@pytest.mark.parametrize(
    ("name", "part", "channels", "span"),
    [
        ("resnet18", "features.layer1", 64, 5),
        ("resnet18_dilated", "features.layer1", 64, 9),
        ("published_resnet18", "stem.0", 1, 7),
        ("published_resnet18_dilated", "stem.0", 1, 13),
    ],
)
def test_what_is_dilated_sees_further(name, part, channels, span):
    torch.manual_seed(0)
    module = build(CONFIGURED[name]).get_submodule(part).eval()
    image = torch.randn(1, channels, 28, 28, requires_grad=True)
    maps = module(image)
    maps[0, :, maps.shape[2] // 2, maps.shape[3] // 2].sum().backward()
    columns = image.grad.abs().sum(dim=(0, 1, 2)).nonzero().flatten()
    assert columns[-1] - columns[0] + 1 == span


def test_dilation_changes_no_parameter():
    assert parameters("resnet18_dilated") == parameters("resnet18")
    assert parameters("published_resnet18_dilated") == parameters("published_resnet18")


def tokens_of(model: VisionTransformer, images: Tensor) -> Tensor:
    """A model's tokens as they come to its layers, less their positions."""
    seen = []
    model.layers.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0] - model.positions))
    with torch.no_grad():
        model.eval()(images)
    return seen[0]


@pytest.mark.parametrize(("settings", "patch"), [({}, 7), ({"patch": 14}, 14), ({"embedding": "pixels"}, 1)])
def test_patches_are_a_convolution_with_a_stride_in_reading_order(settings, patch):
    torch.manual_seed(0)
    model, images = VisionTransformer(depth=0, **settings), torch.randn(2, 1, 28, 28)
    linear = model.embedding.linear
    maps = functional.conv2d(images, linear.weight.view(64, 1, patch, patch), linear.bias, stride=patch)
    torch.testing.assert_close(tokens_of(model, images), maps.flatten(2).transpose(1, 2))


def test_the_simplified_vit_has_196_tokens_of_a_convolution():
    torch.manual_seed(0)
    model, images = build(CONFIGURED["published_vit_simplified"]), torch.randn(2, 1, 28, 28)
    tokens = tokens_of(model, images)
    assert tokens.shape == (2, 196, 64)
    convolution = model.embedding.convolution
    maps = functional.conv2d(images, convolution.weight, convolution.bias, stride=2, padding=1)
    torch.testing.assert_close(tokens.unflatten(1, (14, 14)), maps.permute(0, 2, 3, 1))
    assert model.positions.shape == (196, 64)


def test_sincos_positions_are_fixed_distinct_and_bounded():
    positions = sincos_positions(4, 16)
    assert positions.shape == (16, 16)
    assert positions.abs().max() <= 1
    assert len(positions.unique(dim=0)) == 16
    with torch.device("meta"):
        model = build(CONFIGURED["vit_beyer"])
    assert "positions" not in dict(model.named_parameters())


@pytest.mark.parametrize(("name", "expected"), [("vit", 0.02), ("published_vit_1x4", 1)])
def test_learned_positions_begin_with_their_standard_deviation(name, expected):
    torch.manual_seed(0)
    assert build(CONFIGURED[name]).positions.std().item() == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("activation", ["gelu", "relu"])
def test_a_transformer_layer_equals_torchs_own(activation):
    ours = drawn(VisionTransformer(depth=1, activation=activation)).layers[0]
    own = nn.TransformerEncoderLayer(64, 8, 256, 0.0, activation, batch_first=True, norm_first=True)
    names = {
        "attention.0": "norm1",
        "attention.1.query_key_value": "self_attn.in_proj",
        "attention.1.projection": "self_attn.out_proj",
        "mlp.0": "norm2",
        "mlp.1": "linear1",
        "mlp.3": "linear2",
    }
    weights = {}
    for name, value in ours.state_dict().items():
        module, _, kind = name.rpartition(".")
        weights[f"{names[module]}{'_' if 'in_proj' in names[module] else '.'}{kind}"] = value
    own.load_state_dict(weights)
    tokens = torch.randn(2, 16, 64, dtype=torch.float64, requires_grad=True)
    for mode in (True, False):
        outputs = [layer.double().train(mode)(tokens) for layer in (ours, own)]
        torch.testing.assert_close(*outputs)
        torch.testing.assert_close(*(torch.autograd.grad(output.square().sum(), tokens) for output in outputs))


@pytest.mark.parametrize("kept", [fast_cpu.KEPT, 0], ids=["kept", "made again"])
@pytest.mark.parametrize(("images", "heads", "tokens", "width"), [(3, 8, 16, 8), (2, 4, 196, 8), (1, 2, 600, 64)])
def test_attention_by_pieces_is_torchs_and_so_are_its_gradients(images, heads, tokens, width, kept, monkeypatch):
    monkeypatch.setattr(fast_cpu, "KEPT", kept)
    torch.manual_seed(0)
    qkv = torch.randn(3, images, heads, tokens, width, dtype=torch.float64, requires_grad=True)
    outputs = [fast_cpu.attention(qkv, training=True), functional.scaled_dot_product_attention(*qkv)]
    torch.testing.assert_close(*outputs)
    drawn = torch.randn_like(outputs[0])
    torch.testing.assert_close(*(torch.autograd.grad(output, qkv, drawn) for output in outputs))


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "groups", "left"),
    [
        (1, 3, 1, 1, 1, 1),
        (2, 3, 2, 1, 1, 4),
        (1, 3, 2, 1, 8, 1),
        (2, 5, 2, 2, 1, 4),
        (2, 3, 1, 1, 1, 9),
        (4, 3, 2, 1, 8, 9),
        (3, 3, 3, 1, 1, 4),
    ],
)
def test_a_convolution_leaves_out_taps_that_meet_only_padding(size, kernel, stride, padding, groups, left):
    torch.manual_seed(0)
    ours, own = (layer(8, 16, kernel, stride, padding, groups=groups).double() for layer in (Convolution, nn.Conv2d))
    own.load_state_dict(ours.to(memory_format=torch.channels_last).state_dict())
    image = torch.randn(3, 8, size, size, dtype=torch.float64, requires_grad=True)
    with FlopCounterMode(display=False) as counter:
        output = ours(image)
    assert counter.get_total_flops() == 2 * left * output.numel() * 8 // groups
    expected = own(image)
    torch.testing.assert_close(output, expected)
    drawn = torch.randn_like(output)
    gradients = torch.autograd.grad(output, (image, *ours.parameters()), drawn)
    torch.testing.assert_close(gradients, torch.autograd.grad(expected, (image, *own.parameters()), drawn))
    assert gradients[1].stride() == ours.weight.stride()


def test_dropout_keeps_so_many_and_scales_them():
    torch.manual_seed(0)
    dropout, ones = Dropout(0.2), torch.ones(1000, 1000, requires_grad=True)
    output = dropout(ones)
    assert output.unique().tolist() == [0, 1.25]
    # A binomial share, within five standard deviations.
    assert output.count_nonzero() / output.numel() == pytest.approx(0.8, abs=5 * (0.8 * 0.2 / 1e6) ** 0.5)
    assert torch.equal(torch.autograd.grad(output.sum(), ones)[0], output)
    assert not torch.equal(dropout(ones), output)
    assert dropout(ones.bfloat16()).dtype == torch.bfloat16


def test_no_dropout_draws_nothing():
    before = torch.get_rng_state()
    ones = torch.ones(10)
    assert torch.equal(Dropout(0.0)(ones), ones)
    assert torch.equal(Dropout(0.5).eval()(ones), ones)
    assert torch.equal(torch.get_rng_state(), before)


def test_batchnorm_of_tokens_equals_that_of_their_transpose():
    tokens = torch.randn(4, 16, 8) * 3 + 1
    ours, torchs = drawn(TokenBatchNorm(8)), drawn(nn.BatchNorm1d(8))
    for mode in (True, False):
        ours.train(mode)
        torchs.train(mode)
        torch.testing.assert_close(ours(tokens), torchs(tokens.transpose(1, 2)).transpose(1, 2))
    torch.testing.assert_close(ours.state_dict(), torchs.state_dict())


@pytest.mark.parametrize("name", PUBLISHED_VITS)
def test_a_published_vit_normalises_by_batch_and_drops_after_positions_and_mlps(name):
    with torch.device("meta"):
        model = build(CONFIGURED[name])
    for layer in model.layers:
        assert [type(part) for part in layer.attention] == [TokenBatchNorm, Attention]
        assert [type(part) for part in layer.mlp] == [TokenBatchNorm, nn.Linear, nn.ReLU, nn.Linear, Dropout]
    dropouts = [module.p for module in model.modules() if isinstance(module, nn.Dropout)]
    assert dropouts == [0.1] * (1 + len(model.layers))


@pytest.mark.parametrize(
    ("name", "order"),
    [("vit_depthwise", "gelu_first"), ("published_vit_depthwise_1x4", "norm_first")],
)
def test_the_depthwise_module_has_the_order_of_the_drawing_or_of_the_published_code(name, order):
    torch.manual_seed(0)
    module = build(CONFIGURED[name]).layers[0].depthwise
    tokens = torch.randn(4, 16, 64)
    maps = tokens.unflatten(1, (4, 4)).permute(0, 3, 1, 2)

    def norm(x: Tensor) -> Tensor:
        return functional.batch_norm(x, None, None, training=True)

    before = norm(functional.gelu(maps)) if order == "gelu_first" else functional.gelu(norm(maps))
    (weight,) = (weight for weight in module.parameters() if weight.dim() == 4)
    expected = functional.conv2d(before, weight, padding=1, groups=64).flatten(2).transpose(1, 2)
    torch.testing.assert_close(module(tokens), expected)


@pytest.mark.parametrize("order", ["gelu_first", "norm_first"])
def test_the_depthwise_module_runs_from_a_layers_input_to_its_output(order):
    torch.manual_seed(0)
    layer = VisionTransformer(depth=1, depthwise=order).eval().layers[0]
    tokens = torch.randn(2, 16, 64)
    expected = layer.depthwise(tokens)
    module, layer.depthwise = layer.depthwise, None
    without = layer(tokens)
    layer.depthwise = module
    torch.testing.assert_close(layer(tokens), without + expected)
