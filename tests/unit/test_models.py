"""Every model of config.yaml: a model added there is tested by being there."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from torch.nn import functional

from fashion.models import build, count_flops, count_parameters
from fashion.models.vit import VisionTransformer, sincos_positions

MODELS = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())["models"]

# The two largest take gigabytes and seconds to train a step; their layers are those of the others.
LIGHT = [name for name in MODELS if name not in ("vgg12", "resnet18_wide")]


def parameters(name: str) -> int:
    with torch.device("meta"):
        return count_parameters(build(MODELS[name]))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("vgg8", 42_655_978),
        ("vgg8_dsc", 42_535_018),
        ("vgg8_wide", 68_274_378),
        ("vgg12", 223_062_802),
        ("vit", 204_810),
        ("vit_published", 419_914),
        # Each of four layers gains 2 * 64 of BatchNorm and 64 * 9 + 64 of the convolution.
        ("vit_depthwise", 204_810 + 4 * (128 + 640)),
        # 49 inputs of a patch become 1, 16 positions become 784.
        ("vit_patchfree", 204_810 - 48 * 64 + (784 - 16) * 64),
    ],
)
def test_parameter_counts_are_exact(name, expected):
    assert parameters(name) == expected


def test_reported_parameters_are_those_of_the_built_models():
    reported = {
        name: entry["reported"]["parameters"]
        for name, entry in MODELS.items()
        if "parameters" in entry.get("reported", {})
    }
    assert len(reported) == 5
    assert {name: parameters(name) for name in reported} == reported


def test_plain_wide_convolutions_would_not_give_figure_5s_count():
    entry = {"family": "vgg", "settings": {**MODELS["vgg8_wide"]["settings"], "separable": False}}
    with torch.device("meta"):
        assert count_parameters(build(entry)) == 68_762_058


@pytest.mark.parametrize("name", MODELS)
def test_images_become_logits_and_flops_are_counted(name):
    with torch.device("meta"):
        assert build(MODELS[name])(torch.empty(3, 1, 28, 28)).shape == (3, 10)
    # A fully connected layer alone costs two operations a weight; convolutions and tokens reuse theirs.
    assert count_flops(MODELS[name]) >= parameters(name)


def test_flops_of_one_linear_layer_per_pixel_are_counted_by_hand():
    # 784 tokens x (1 -> 8), no transformer layers, 8 -> 10 after pooling; a multiply-add is two operations.
    entry = {"family": "vit", "settings": {"patch": 1, "width": 8, "depth": 0, "heads": 1}}
    assert count_flops(entry) == 2 * (784 * 8 + 8 * 10)


@pytest.mark.parametrize("name", LIGHT)
def test_every_parameter_gets_a_gradient_and_training_lowers_the_loss(name):
    torch.manual_seed(0)
    model = build(MODELS[name])
    images, labels = torch.rand(4, 1, 28, 28) * 2 - 1, torch.arange(4)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)
    losses = []
    for _ in range(4):
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(images), labels)
        loss.backward()
        assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in model.parameters())
        optimizer.step()
        losses.append(loss.item())
    assert all(weight.grad.any() for weight in model.parameters())
    assert losses[-1] < losses[0]


def test_resnet18_is_what_figure_9_draws():
    model = build(MODELS["resnet18"])
    weighted = [
        module
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear) and "shortcut" not in name
    ]
    assert len(weighted) == 18
    shapes = []
    for layer in model.features:
        layer.register_forward_hook(lambda module, inputs, output: shapes.append(tuple(output.shape[1:])))
    with torch.no_grad():
        model.eval()(torch.zeros(1, 1, 28, 28))
    assert shapes == [
        *[(64, 28, 28)] * 2,
        *[(128, 28, 28)] * 2,
        (128, 14, 14),
        *[(256, 14, 14)] * 2,
        *[(512, 14, 14)] * 2,
        (512, 7, 7),
    ]


@pytest.mark.parametrize(("name", "span"), [("resnet18", 5), ("resnet18_dilated", 9)])
def test_a_dilated_block_sees_further(name, span):
    torch.manual_seed(0)
    block = build(MODELS[name]).features[0].eval()
    image = torch.randn(1, 64, 28, 28, requires_grad=True)
    block(image)[0, :, 14, 14].sum().backward()
    columns = image.grad.abs().sum(dim=(0, 1, 2)).nonzero().flatten()
    assert columns[-1] - columns[0] + 1 == span


def test_dilation_changes_no_parameter():
    assert parameters("resnet18_dilated") == parameters("resnet18")


def test_tokens_are_patches_in_reading_order():
    model = VisionTransformer(patch=14, width=196, depth=0, heads=1)
    with torch.no_grad():
        model.projection.weight.copy_(torch.eye(196))
        model.projection.bias.zero_()
    image = torch.arange(784.0).view(1, 1, 28, 28)
    seen = []
    model.layers.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0] - model.positions))
    model(image)
    patches = image.view(2, 14, 2, 14).permute(0, 2, 1, 3).reshape(1, 4, 196)
    torch.testing.assert_close(seen[0], patches)


def test_sincos_positions_are_fixed_distinct_and_bounded():
    positions = sincos_positions(4, 16)
    assert positions.shape == (16, 16)
    assert positions.abs().max() <= 1
    assert len(positions.unique(dim=0)) == 16
    with torch.device("meta"):
        model = build(MODELS["vit_beyer"])
    assert "positions" not in dict(model.named_parameters())


def test_depthwise_module_runs_from_a_layers_input_to_its_output():
    torch.manual_seed(0)
    with_module = build({"family": "vit", "settings": {"depth": 1, "depthwise": True}}).eval().layers[0]
    tokens = torch.randn(2, 16, 64)
    expected = with_module.depthwise(tokens)
    module, with_module.depthwise = with_module.depthwise, None
    without = with_module(tokens)
    with_module.depthwise = module
    torch.testing.assert_close(with_module(tokens), without + expected)


def test_unknown_family_is_refused():
    with pytest.raises(ValueError, match="family: 'gnn' is none of vgg, resnet, vit"):
        build({"family": "gnn", "settings": {}})


def test_a_family_imports_no_other():
    code = (
        "import sys; from fashion.models import build; build({'family': 'vit', 'settings': {}});"
        "print(*(name for name in sys.modules if name.startswith('fashion.models.')))"
    )
    source = Path(__file__).parents[2] / "src"
    out = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(source)}, capture_output=True, text=True, check=True
    )
    assert out.stdout.split() == ["fashion.models.vit"]
