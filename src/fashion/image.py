"""An image: its shape, its classes, and its pixels as a model sees them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

IMAGE_SIZE = 28
IMAGE_SHAPE = (1, IMAGE_SIZE, IMAGE_SIZE)

# The classes of Fashion-MNIST, in the order of the labels 0 to 9.
CLASSES = ("T-Shirt/Top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle Boot")
NUM_CLASSES = len(CLASSES)


def normalise(images: "Tensor") -> "Tensor":
    """Returns uint8 `images` of any shape as float32 in [-1, 1]."""
    return images.float().div_(127.5).sub_(1)
