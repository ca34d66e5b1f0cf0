"""A tape of vector operations: each made once, its result in a buffer that is used again.

Operations are added in the order in which they run; an operation with the same words and arguments
as an earlier one *is* the earlier one. Then the tape becomes the source of one Python function over
a chunk of rows that fits the processor's cache::

    greater(c4, 0.4, out=b3); bitwise_and(b3, b1, out=b3); ...

Truth columns ("masks") know themselves when they are the same for every row: ``ALL`` or ``NONE``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np

from xinqiao.policy.codegen import Code, Written

Ref = str
"""A buffer (``v7``), a column of the batch (``c0``), a constant (``k0``) or a written number."""
ALL: Ref = "ALL"
NONE: Ref = "NONE"
CHUNK = 16384

_TYPES = {"b": np.bool_, "f": np.float64, "i": np.int32, "n": np.intp, "u": np.uint8}


@dataclass(frozen=True, slots=True)
class _Op:
    kind: str
    words: str
    args: tuple[Ref, ...]
    out: Ref


@dataclass(frozen=True, slots=True)
class Chunk:
    """The function of a finished tape and the kinds of buffers it works in.

    ``run(C, B, E, D, outcome, limit, rate)``: slices of the columns, buffers, the rows of effects,
    the doubtful rows, and what comes out.
    """

    written: Written
    kinds: tuple[str, ...]

    def buffers(self, rows: int) -> list[Any]:
        """Fresh buffers for chunks of ``rows``."""
        return [np.empty(rows, _TYPES[kind]) for kind in self.kinds]


@dataclass(slots=True)
class Tape:
    """Operations on the ``columns`` of a batch."""

    columns: list[str] = field(default_factory=list)
    constants: dict[Ref, Any] = field(default_factory=dict)
    _ops: list[_Op] = field(default_factory=list)
    _known: dict[tuple[str, ...], Ref] = field(default_factory=dict)
    _inverse: dict[Ref, Ref] = field(default_factory=dict)

    def column(self, name: str) -> Ref:
        """The column ``name`` of the batch."""
        if name not in self.columns:
            self.columns.append(name)
        return f"c{self.columns.index(name)}"

    def constant(self, value: object) -> Ref:
        """An object the operations may name."""
        name = f"k{len(self.constants)}"
        self.constants[name] = value
        return name

    def op(self, kind: str, words: str, *args: Ref) -> Ref:
        """The result of ``words`` with ``{0}``, ``{1}`` … and ``{out}``, in a buffer of ``kind``."""
        args = tuple(self._solid(arg) for arg in args)
        key = (kind, words, *args)
        if key not in self._known:
            self._known[key] = f"v{len(self._ops)}"
            self._ops.append(_Op(kind, words, args, self._known[key]))
        return self._known[key]

    def do(self, words: str, *args: Ref) -> None:
        """A statement without a result."""
        self._ops.append(_Op("", words, tuple(self._solid(arg) for arg in args), ""))

    # masks ------------------------------------------------------------------------------------

    def both(self, *masks: Ref) -> Ref:
        """True where all ``masks`` are."""
        parts = sorted(dict.fromkeys(m for m in masks if m != ALL))
        if NONE in parts:
            return NONE
        return (
            reduce(lambda a, b: self.op("b", "bitwise_and({0}, {1}, out={out})", a, b), parts)
            if parts
            else ALL
        )

    def either(self, *masks: Ref) -> Ref:
        """True where any of ``masks`` is."""
        parts = sorted(dict.fromkeys(m for m in masks if m != NONE))
        if ALL in parts:
            return ALL
        return (
            reduce(lambda a, b: self.op("b", "bitwise_or({0}, {1}, out={out})", a, b), parts)
            if parts
            else NONE
        )

    def no(self, mask: Ref) -> Ref:
        """True where ``mask`` is not."""
        if mask in (ALL, NONE):
            return NONE if mask == ALL else ALL
        if mask not in self._inverse:
            other = self.op("b", "logical_not({0}, out={out})", mask)
            self._inverse |= {mask: other, other: mask}
        return self._inverse[mask]

    def but(self, mask: Ref, other: Ref) -> Ref:
        """True where ``mask`` is and ``other`` is not."""
        if other in (ALL, NONE) or mask in (ALL, NONE):
            return self.both(mask, self.no(other))
        return NONE if mask == other else self.op("b", "greater({0}, {1}, out={out})", mask, other)

    def choose(self, kind: str, mask: Ref, then: Ref, other: Ref) -> Ref:
        """``then`` where ``mask`` is true, else ``other``."""
        if mask in (ALL, NONE) or then == other:
            return then if mask == ALL else other
        words = "copyto({out}, {2}); copyto({out}, {1}, where={0})"
        return self.op(kind, words, mask, then, other)

    def _solid(self, arg: Ref) -> Ref:
        """An argument; a mask that is the same for every row becomes a column."""
        return self.op("b", f"{{out}}.fill({arg == ALL})") if arg in (ALL, NONE) else arg

    # source -----------------------------------------------------------------------------------

    def finish(self, functions: Mapping[str, Any]) -> Chunk:
        """The function of the tape; ``functions`` are the words its operations use."""
        lines, kinds = self._lines()
        code = Code()
        code.add(*(f"c{i} = C[{i}]" for i in range(len(self.columns))))
        code.add(*(f"r{i} = B[{i}]" for i in range(len(kinds))), *lines)
        code.constants |= {**functions, **self.constants}
        return Chunk(code.function("chunk", "C, B, E, D, outcome, limit, rate"), tuple(kinds))

    def _lines(self) -> tuple[list[str], list[str]]:
        """The operations somebody needs as source, each result in the first buffer that is free."""
        needed, last = self._uses()
        kinds: list[str] = []
        free: dict[str, list[int]] = {kind: [] for kind in _TYPES}
        place: dict[Ref, int] = {}
        lines = []
        for i, op in enumerate(self._ops):
            if not needed[i]:
                continue
            if op.out:
                if not free[op.kind]:
                    kinds.append(op.kind)
                    free[op.kind].append(len(kinds) - 1)
                place[op.out] = free[op.kind].pop()
            words = [f"r{place[arg]}" if arg in place else arg for arg in op.args]
            lines.append(op.words.format(*words, out=f"r{place[op.out]}" if op.out else ""))
            for arg in {*op.args, op.out} & place.keys():
                if last.get(arg, i) == i:
                    free[kinds[place[arg]]].append(place.pop(arg))
        return lines, kinds

    def _uses(self) -> tuple[list[bool], dict[Ref, int]]:
        """Which operations are needed, and the last one that needs each result."""
        last: dict[Ref, int] = {}
        needed = [False] * len(self._ops)
        for i, op in reversed(list(enumerate(self._ops))):
            needed[i] = not op.out or op.out in last
            if needed[i]:
                for arg in op.args:
                    last.setdefault(arg, i)
        return needed, last
