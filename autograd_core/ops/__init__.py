"""The tables of ops, one module a family, and the public functions in PyTorch's words."""
