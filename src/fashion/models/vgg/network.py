"""VGGs for 28 x 28 grey images.

After Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition" (2014), with
BatchNorm, and with depthwise-separable layers as in Howard et al., "MobileNets" (2017).
"""

from collections.abc import Sequence

from torch import Tensor, nn

from fashion.image import IMAGE_SHAPE, NUM_CLASSES
from fashion.models.fast_cpu import Dropout
from fashion.models.layer_table import read_table
from fashion.models.layers import conv_norm_relu, feature_layers


class VGG(nn.Module):
    """Convolutions and poolings from a table, then fully connected layers.

    Args:
        layers: the output channels of each 3 x 3 convolution, and "M" for each 2 x 2 max-pooling.
        separable: whether all convolutions but the first are depthwise separable.
        hidden: the widths of the hidden fully connected layers.
        dropout: the dropout probability before each hidden layer.
    """

    def __init__(
        self,
        *,
        layers: Sequence[int | str],
        separable: bool = False,
        hidden: Sequence[int] = (4096, 4096),
        dropout: float = 0.2,
    ):
        super().__init__()
        image_channels = IMAGE_SHAPE[0]

        def layer(in_channels: int, out_channels: int) -> nn.Module:
            # An image with one channel has nothing to separate.
            return conv_norm_relu(in_channels, out_channels, separable=separable and in_channels != image_channels)

        table = read_table(layers, image_channels)
        self.features = feature_layers(table, layer)
        classifier: list[nn.Module] = [nn.Flatten()]
        width = table[-1].outputs * table[-1].side ** 2
        for hidden_width in hidden:
            classifier += [Dropout(dropout), nn.Linear(width, hidden_width), nn.ReLU(inplace=True)]
            width = hidden_width
        self.classifier = nn.Sequential(*classifier, nn.Linear(width, NUM_CLASSES))

    def forward(self, images: Tensor) -> Tensor:
        """Maps images `[N, 1, 28, 28]` to logits `[N, 10]`."""
        return self.classifier(self.features(images))


# The model of config.yaml's `family: vgg`.
Model = VGG
