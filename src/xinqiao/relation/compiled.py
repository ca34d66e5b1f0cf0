"""Kernels are plain Python over arrays, compiled by numba; this is the one place that says how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Function = TypeVar("Function", bound=Callable[..., Any])

Ints = NDArray[np.int64]
Codes = NDArray[np.int32]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def compiled(kernel: Function) -> Function:
    """``kernel`` compiled when first called and kept on disk for the next process.

    No fast-math: sums are added in the order written, so results are the same everywhere.
    """
    return cast("Function", numba.njit(cache=True, nogil=True)(kernel))  # a dispatcher called like the kernel
