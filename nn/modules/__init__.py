"""The modules, by family; names as PyTorch's ``torch.nn.modules`` has them."""

from __future__ import annotations

from typing import Any

from ..module import Module
from . import (
    activation, adaptive, batchnorm, channelshuffle, container, conv, distance, dropout, flatten, fold, instancenorm,
    linear, loss, normalization, padding, pixelshuffle, pooling, sparse, upsampling,
)  # fmt: skip
from .activation import *
from .adaptive import *
from .batchnorm import *
from .channelshuffle import *
from .container import *
from .conv import *
from .distance import *
from .dropout import *
from .flatten import *
from .fold import *
from .instancenorm import *
from .linear import *
from .loss import *
from .normalization import *
from .padding import *
from .pixelshuffle import *
from .pooling import *
from .sparse import *
from .upsampling import *

__all__ = sorted(
    {
        "Module",
        *(
            name
            for part in (
                activation, adaptive, batchnorm, channelshuffle, container, conv, distance, dropout, flatten, fold,
                instancenorm, linear, loss, normalization, padding, pixelshuffle, pooling, sparse, upsampling,
            )  # fmt: skip
            for name in part.__all__
        ),
    }
)
