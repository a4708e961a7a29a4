"""``torch.backends`` as scripts touch it: switches that may be set and availability that is False."""

from __future__ import annotations


class _Backend:
    """A back end that does not exist here; its switches can be set and mean nothing."""

    def __init__(self, **switches: object) -> None:
        self.__dict__.update(switches)

    def is_available(self) -> bool:
        """False."""
        return False

    def is_built(self) -> bool:
        """False."""
        return False


cudnn = _Backend(benchmark=False, deterministic=True, enabled=False, allow_tf32=False)
mps = _Backend()
mkldnn = _Backend(enabled=False)
mkl = _Backend()
cuda = _Backend(matmul=_Backend(allow_tf32=False, allow_fp16_reduced_precision_reduction=False))
