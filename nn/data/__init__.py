"""Datasets, samplers and the DataLoader: `torch.utils.data`'s names with the same meaning."""

from .collate import Batch, collate, default_collate, default_collate_fn_map, default_convert
from .dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from .loader import DataLoader
from .sampler import (
    BatchSampler,
    DistributedSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from .seeding import fetch_each, sample_rng
from .messages import WorkerInfo, get_worker_info

__all__ = [
    "Batch", "BatchSampler", "ChainDataset", "ConcatDataset", "DataLoader", "Dataset", "DistributedSampler",
    "IterableDataset", "RandomSampler", "Sampler", "SequentialSampler", "StackDataset", "Subset", "SubsetRandomSampler",
    "TensorDataset", "WeightedRandomSampler", "WorkerInfo", "collate", "default_collate", "default_collate_fn_map",
    "default_convert", "fetch_each", "get_worker_info", "random_split", "sample_rng",
]  # fmt: skip
