"""ResNet for 28 x 28 grey images: the report's Fig. 9 (ResNet18) and its narrow, wide and dilated variants.

After He et al., "Deep residual learning for image recognition" (2015): basic blocks, projection shortcuts. Unlike
there, and as Fig. 9 draws it, max-pooling halves the image, and the last 7 x 7 map is flattened, not averaged.
"""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from fashion.models import IMAGE_SHAPE, NUM_CLASSES
from fashion.models.layers import POOL, conv_norm_relu, feature_layers


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions with BatchNorm, and a shortcut that is a 1 x 1 projection where the channels change.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        dilation: of both convolutions, as in Yu and Koltun, "Multi-scale context aggregation" (2015); 1 is none.
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


class ResNet(nn.Module):
    """A 3 x 3 stem, residual blocks and poolings by a table, one fully connected layer.

    Args:
        layers: output channels of each residual block, and "M" for each 2 x 2 max-pooling.
        dilation: of the blocks' 3 x 3 convolutions.
    """

    def __init__(self, *, layers: Sequence[int | str], dilation: int = 1):
        super().__init__()
        image_channels, size, _ = IMAGE_SHAPE
        stem_channels = layers[0]
        self.stem = conv_norm_relu(image_channels, stem_channels)
        self.features, channels = feature_layers(
            layers, stem_channels, lambda inputs, outputs: BasicBlock(inputs, outputs, dilation=dilation)
        )
        size >>= list(layers).count(POOL)
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(channels * size * size, NUM_CLASSES))

    def forward(self, images: Tensor) -> Tensor:
        """Map images `[N, 1, 28, 28]` to logits `[N, 10]`."""
        return self.classifier(self.features(self.stem(images)))
