"""Image augmentations on arrays and tensors, seeded per sample: `torchvision.transforms`' names."""

from . import functional
from .basic import (
    CenterCrop,
    Compose,
    ConvertImageDtype,
    Grayscale,
    Lambda,
    Normalize,
    Pad,
    RandomApply,
    RandomChoice,
    RandomOrder,
    Resize,
    ToTensor,
    Transform,
)
from .colour import ColorJitter, GaussianBlur, GaussianNoise, RandomGrayscale, RandomInvert
from .geometry import (
    RandomAffine,
    RandomCrop,
    RandomErasing,
    RandomHorizontalFlip,
    RandomResizedCrop,
    RandomRotation,
    RandomVerticalFlip,
)

__all__ = [
    "CenterCrop", "ColorJitter", "Compose", "ConvertImageDtype", "GaussianBlur", "GaussianNoise", "Grayscale", "Lambda",
    "Normalize", "Pad", "RandomAffine", "RandomApply", "RandomChoice", "RandomCrop", "RandomErasing", "RandomGrayscale",
    "RandomHorizontalFlip", "RandomInvert", "RandomOrder", "RandomResizedCrop", "RandomRotation", "RandomVerticalFlip",
    "Resize", "ToTensor", "Transform", "functional",
]  # fmt: skip
