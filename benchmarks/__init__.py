"""Benchmarks beside PyTorch and other peers: ``python -m benchmarks``."""
