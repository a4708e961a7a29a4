"""Datasets: one that ships, readers for published ones, and generators."""

from .cifar import CIFAR10, CIFAR100
from .digits import Digits
from .folder import DatasetFolder, ImageFolder
from .mnist import KMNIST, MNIST, FashionMNIST, read_idx
from .pictures import read_image, read_png, read_pnm, write_png
from .synthetic import CharDataset, blobs, circles, moons, sine_waves, spirals, toy_text
from .table import CSVDataset

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "KMNIST",
    "MNIST",
    "CSVDataset",
    "CharDataset",
    "DatasetFolder",
    "Digits",
    "FashionMNIST",
    "ImageFolder",
    "blobs",
    "circles",
    "moons",
    "read_idx",
    "read_image",
    "read_png",
    "read_pnm",
    "sine_waves",
    "spirals",
    "toy_text",
    "write_png",
]  # fmt: skip
