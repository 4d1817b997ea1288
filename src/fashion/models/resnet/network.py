"""ResNets for 28 x 28 grey images.

After He et al., "Deep residual learning for image recognition" (2015), in two forms. One has a 3 x 3 stem, basic
blocks, max-poolings that halve the image, and flattens the last map. The other has a 7 x 7 stem, blocks with a
depthwise-separable convolution (Howard et al., "MobileNets", 2017) that halve the image, and averages the last map.
"""

from collections.abc import Sequence
from functools import partial

from torch import Tensor, nn
from torch.nn import functional

from fashion.image import IMAGE_SHAPE, NUM_CLASSES
from fashion.models.fast_cpu import Convolution
from fashion.models.layer_table import read_table
from fashion.models.layers import conv_norm_relu, feature_layers


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions with BatchNorm, and a shortcut: a 1 x 1 projection if the channels change.

    Args:
        in_channels: number of input channels.
        out_channels: number of output channels.
        dilation: dilation of both convolutions (Yu and Koltun, "Multi-scale context aggregation", 2015); 1 is none.
    """

    def __init__(self, in_channels: int, out_channels: int, *, dilation: int = 1):
        super().__init__()

        def convolution(channels: int) -> nn.Conv2d:
            return nn.Conv2d(channels, out_channels, 3, padding=dilation, dilation=dilation, bias=False)

        self.residual = nn.Sequential(
            convolution(in_channels),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
            convolution(out_channels),
            nn.BatchNorm2d(out_channels),
        )
        self.shortcut = (
            nn.Identity()
            if in_channels == out_channels
            else nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels))
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.residual(x) + self.shortcut(x))


class SeparableBlock(nn.Module):
    """A separable convolution, a plain one, and a shortcut: a 3 x 3 convolution if the channels change.

    A block that changes the channels halves the image too. Two BatchNorms with ReLU follow the separable convolution.
    """

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        stride = 1 if in_channels == out_channels else 2
        self.residual = nn.Sequential(
            conv_norm_relu(in_channels, out_channels, separable=True, stride=stride),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
            Convolution(out_channels, out_channels, 3, padding=1),
            nn.BatchNorm2d(out_channels),
        )
        self.shortcut = (
            nn.Identity()
            if in_channels == out_channels
            else nn.Sequential(
                Convolution(in_channels, out_channels, 3, stride, padding=1), nn.BatchNorm2d(out_channels)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.residual(x) + self.shortcut(x))


class ResNet(nn.Module):
    """A stem, residual blocks and poolings from a table, and one fully connected layer.

    Args:
        layers: the output channels of each residual block, and "M" for each 2 x 2 max-pooling.
        block: "basic", or "separable", which halves the image where the channels change.
        stem: "small", a 3 x 3 convolution, or "large", a 7 x 7 one with stride 2 and a max-pooling with stride 2.
        head: "flatten" the last map, or "average" it, which a large stem and separable blocks need.
        dilation: the dilation of the basic blocks' convolutions.
        stem_dilation: the dilation of the large stem's convolution, which is padded so that its map stays 14 x 14.
    """

    def __init__(
        self,
        *,
        layers: Sequence[int | str],
        block: str = "basic",
        stem: str = "small",
        head: str = "flatten",
        dilation: int = 1,
        stem_dilation: int = 1,
    ):
        super().__init__()
        image_channels = IMAGE_SHAPE[0]
        stem_channels = int(layers[0])
        self.stem = (
            conv_norm_relu(image_channels, stem_channels)
            if stem == "small"
            else nn.Sequential(
                nn.Conv2d(image_channels, stem_channels, 7, 2, padding=3 * stem_dilation, dilation=stem_dilation),
                nn.BatchNorm2d(stem_channels),
                nn.ReLU(inplace=True),
                nn.MaxPool2d(3, 2, padding=1),
            )
        )
        make_block = SeparableBlock if block == "separable" else partial(BasicBlock, dilation=dilation)
        table = read_table(layers, stem_channels)
        self.features = feature_layers(table, make_block)
        side, last = (1, [nn.AdaptiveAvgPool2d(1)]) if head == "average" else (table[-1].side, [])
        self.classifier = nn.Sequential(*last, nn.Flatten(), nn.Linear(table[-1].outputs * side**2, NUM_CLASSES))

    def forward(self, images: Tensor) -> Tensor:
        """Maps images `[N, 1, 28, 28]` to logits `[N, 10]`."""
        return self.classifier(self.features(self.stem(images)))


# The model of config.yaml's `family: resnet`.
Model = ResNet
