"""Logistic regression in the SPU engine: runs in the engine's environment (see ``engine_worker``).

The same model and steps as ``joint_logistic``. A party's coefficients of the last fit are told to it alone,
log odds of left-out rows to the first party; those of the folds' fits to nobody, for how they differ follows
the labels of the rows left out. Imports only numpy, jax and spu.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np

MOMENTUM = 14 / 16
REACH, DEGREE = 9.0, 13
"""The logistic function is an odd polynomial up to these log odds either way, .005 off at most; the engine's
own, by an exponential and a division, takes three to five times as long. Beyond, it is steeper than the
function, so that steps come back."""


def odd_polynomial() -> np.ndarray[Any, Any]:
    """Weights of u, u³ … u^``DEGREE``, u = log odds / ``REACH``: with a half, near the logistic function.

    Least squares at Chebyshev's points, which is near the least largest error (Trefethen, Approximation
    Theory and Approximation Practice, 2013).
    """
    at = np.cos(np.pi * (np.arange(2000) + 0.5) / 4000)
    powers = at[:, None] ** np.arange(1, DEGREE + 1, 2)
    goal = 1 / (1 + np.exp(-REACH * at)) - 0.5
    weights: np.ndarray[Any, Any] = np.linalg.lstsq(powers, goal, rcond=None)[0].astype(np.float32)
    return weights


def logistic(log_odds: Any) -> Any:  # noqa: ANN401 - jax or NumPy arrays
    """The polynomial itself, by Horner's scheme."""
    part = log_odds * np.float32(1 / REACH)
    square, *rest = part * part, *odd_polynomial()
    value = rest[-1]
    for weight in rest[-2::-1]:
        value = value * square + weight
    return value * part + np.float32(0.5)


def fit(
    context: Any,  # noqa: ANN401 - engine_worker.Context
    *,
    protocol: str,
    rows: int,
    widths: list[int],
    steps: int,
    rate: float,
    ridge: float,
    used: np.ndarray[Any, Any],
    fold: np.ndarray[Any, Any],
    base: float = 0.0,
    matrix: np.ndarray[Any, Any] | None = None,
    bad: np.ndarray[Any, Any] | None = None,
) -> dict[str, Any]:
    """Fit; ``matrix`` (rows, own width) of a party with columns, ``bad`` (rows,) and ``base`` at rank 0.

    ``used`` (rows, fits) and ``fold`` (rows,) are known to all. Returns ``coefficients`` (own width,) of
    the last fit and at rank 0 ``held_out`` (rows,), log odds of each row under the fit of its fold.
    """
    machine = Machine(context, protocol)
    blocks = [
        machine.given(rank, _of(matrix, mine=context.rank == rank), (rows, w))
        for rank, w in enumerate(widths)
    ]
    label = machine.given(0, _of(bad, mine=context.rank == 0), (rows,))
    start = machine.given(0, np.full(1, base, np.float32) if context.rank == 0 else None, (1,))

    def trained(label: Any, start: Any, *blocks: Any) -> Any:  # noqa: ANN401 - jax arrays
        return _trained(label, start, blocks, used, fold, steps=steps, rate=rate, ridge=ridge)

    began = time.perf_counter()
    outputs = machine.run(trained, [label, start, *blocks])
    told = {f"coefficients{rank}": machine.told(rank, outputs[rank]) for rank in range(len(widths))}
    held_out = machine.told(0, outputs[len(widths)])
    own = told.get(f"coefficients{context.rank}")
    found: dict[str, Any] = {"seconds": time.perf_counter() - began}
    found |= {} if own is None else {"coefficients": own.astype(np.float64)}
    return found | ({} if held_out is None else {"held_out": held_out.astype(np.float64)})


def _of(array: np.ndarray[Any, Any] | None, *, mine: bool) -> np.ndarray[Any, Any] | None:
    return np.ascontiguousarray(array, np.float32) if mine and array is not None else None


def _trained(
    label: Any,  # noqa: ANN401 - jax arrays
    start: Any,  # noqa: ANN401
    blocks: Sequence[Any],
    used: np.ndarray[Any, Any],
    fold: np.ndarray[Any, Any],
    *,
    steps: int,
    rate: float,
    ridge: float,
) -> Any:  # noqa: ANN401
    jax, jnp = import_module("jax"), import_module("jax.numpy")

    rows, fits = used.shape
    matrix = jnp.concatenate(blocks, axis=1)
    width = matrix.shape[1]
    drawn = np.full((width, 1), rate * ridge, np.float32)
    drawn[0] = 0.0
    first = np.zeros((width, 1), np.float32)
    first[0] = 1.0
    theta = jnp.broadcast_to(first * start, (width, fits))

    def step(_: Any, state: Any) -> Any:  # noqa: ANN401
        theta, speed = state
        ahead = theta + MOMENTUM * speed
        residual = (logistic(matrix @ ahead) - label[:, None]) * used
        slope = (matrix.T @ residual) * np.float32(rate / rows)
        speed = MOMENTUM * speed - slope - drawn * ahead
        return theta + speed, speed

    theta, _ = jax.lax.fori_loop(0, steps, step, (theta, jnp.zeros((width, fits))))
    shown = np.eye(fits, dtype=np.float32)[fold]
    held_out = ((matrix @ theta) * shown).sum(axis=1)
    places = np.cumsum([0, *(block.shape[1] for block in blocks)])
    return tuple(theta[a:b, -1] for a, b in pairwise(places)) + (held_out,)  # noqa: RUF005


class Machine:
    """The engine as this party uses it: secrets in, one function, results to one party each."""

    def __init__(self, context: Any, protocol: str) -> None:  # noqa: ANN401 - engine_worker.Context
        spu, libspu = import_module("spu"), import_module("spu.libspu")
        self._libspu, self._context = libspu, context
        config = context.runtime(protocol)
        self._io = spu.Io(context.parties, config)
        self._machine = spu.Runtime(context.link, config)
        self._names: list[str] = []
        self._shapes: list[tuple[int, ...]] = []

    def given(self, owner: int, value: np.ndarray[Any, Any] | None, shape: tuple[int, ...]) -> int:
        """A secret that ``owner`` gives; the number that ``run`` is told."""
        name = f"in{len(self._names)}"
        if self._context.rank == owner:
            if value is None or value.shape != shape:
                message = f"{name}: {shape}"
                raise ValueError(message)
            shares = self._io.make_shares(value, self._libspu.Visibility.VIS_SECRET)
            for rank, share in enumerate(shares):
                if rank != owner:
                    self._send(rank, share)
            mine = shares[owner]
        else:
            mine = self._receive(owner)
        self._machine.set_var(name, mine)
        self._names.append(name)
        self._shapes.append(shape)
        return len(self._names) - 1

    def run(self, function: Callable[..., Any], places: Sequence[int]) -> list[str]:
        """Run ``function`` of jax arrays on secrets; the names of its results."""
        frontend = import_module("spu.utils.frontend")
        shown = [np.zeros(self._shapes[place], np.float32) for place in places]
        executable, _ = frontend.compile(
            frontend.Kind.JAX,
            function,
            shown,
            {},
            [self._names[place] for place in places],
            [self._libspu.Visibility.VIS_SECRET] * len(places),
            lambda flat: [f"out{place}" for place in range(len(flat))],
        )
        self._machine.run(executable)
        return list(executable.output_names)

    def told(self, owner: int, name: str) -> np.ndarray[Any, Any] | None:
        """A result, to ``owner`` alone."""
        share = self._machine.get_var(name)
        if self._context.rank != owner:
            self._send(owner, share)
            return None
        parties = range(self._context.parties)
        shares = [share if rank == owner else self._receive(rank) for rank in parties]
        found: np.ndarray[Any, Any] = self._io.reconstruct(shares)
        return found

    def _send(self, rank: int, share: Any) -> None:  # noqa: ANN401 - the engine has no types
        parts = [share.meta, *share.share_chunks]
        data = struct.pack("<I", len(parts)) + b"".join(struct.pack("<Q", len(p)) + p for p in parts)
        self._context.link.send(rank, data)

    def _receive(self, rank: int) -> Any:  # noqa: ANN401 - the engine has no types
        data, share, at, parts = self._context.link.recv(rank), self._libspu.Share(), 4, []
        for _ in range(struct.unpack_from("<I", data)[0]):
            (size,) = struct.unpack_from("<Q", data, at)
            parts.append(data[at + 8 : at + 8 + size])
            at += 8 + size
        share.meta, share.share_chunks = parts[0], parts[1:]
        return share
