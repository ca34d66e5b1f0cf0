"""Arithmetic on columns of doubles that knows how far it may be from the decimals it stands for.

A value is off by at most ``roundings * UNIT * scale``, where ``scale`` is a column, or the value
itself (None) while there were only products. Inputs and written numbers are *plain*: a double that
stands for its own shortest decimal, so comparing two of them needs no bound.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from xinqiao.policy.format import Rounding
from xinqiao.policy.logic import exact
from xinqiao.policy.vector.exact import LEVELS, UNIT, Decimals, Steps, decimals_of, is_plain
from xinqiao.policy.vector.recipe import Cook, Recipe, is_written
from xinqiao.policy.vector.tape import ALL, NONE, Ref, Tape

LEAST, MOST = 1e-30, 1e19
"""Written numbers and divisors outside are not reckoned with in doubles."""
MAX_FACTORS = 6
UNDERFLOW = 1e-200
"""Far above what products of ``MAX_FACTORS`` can lose near zero, where doubles run out of digits."""
FIRM = 1024.0
"""A divisor is firm when it is as many times larger than its error."""

NumLeaf = tuple[Ref, Decimals]


@dataclass(frozen=True, slots=True)
class Num:
    """A column of numbers; ``gone`` is the mask of its missing values, ``leaves`` the inputs in it."""

    value: Ref
    gone: Ref = NONE
    plain: bool = True
    roundings: int = 1
    scale: Ref | None = None
    decimals: Decimals | None = (0,) * len(LEVELS)
    leaves: tuple[NumLeaf, ...] = ()
    factors: int = 1
    recipe: Recipe | None = None

    @property
    def made(self) -> Recipe:
        """How it is reckoned; a plain column is there already."""
        return self.value if self.recipe is None else self.recipe


class Numbers:
    """Arithmetic on a tape. Rows it cannot vouch for are marked in ``D``."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape

    def const(self, number: float) -> Num:
        """A written number."""
        value = float(number)
        if not is_plain(number) or (value and not LEAST <= abs(value) < MOST):
            return self.unsure(NONE)
        return Num(repr(value), decimals=(decimals_of(exact(number)),) * len(LEVELS))

    def unsure(self, gone: Ref) -> Num:
        """A value not worked out: every row where it is known is doubtful."""
        self.doubt(self.tape.no(gone))
        return Num("0.0", gone)

    def doubt(self, mask: Ref) -> None:
        """Mark the rows of ``mask``."""
        if mask != NONE:
            self.tape.do("bitwise_or(D, {0}, out=D)", mask)

    # operations -------------------------------------------------------------------------------

    def arithmetic(self, op: str, left: Num, right: Num) -> Num:
        """``left op right``; missing when a side is, and on division by zero."""
        match op:
            case "+" | "-":
                out = self._sum(op, left, right)
            case "*":
                out = self._product(left, right)
            case "/":
                out = self._quotient(left, right)
            case _:
                out = self._power(left, int(float(right.value)))
        return out if out.factors <= MAX_FACTORS else self.unsure(out.gone)

    def _sum(self, op: str, left: Num, right: Num) -> Num:
        word = "add" if op == "+" else "subtract"
        return replace(
            self._joined(op, left, right, max),
            value=self._op(word, left.value, right.value),
            roundings=max(left.roundings, right.roundings) + 1,
            scale=self._op("add", self.scale(left), self.scale(right)),
            factors=max(left.factors, right.factors),
        )

    def _product(self, left: Num, right: Num) -> Num:
        relative = left.scale is None and right.scale is None
        return replace(
            self._joined("*", left, right, lambda a, b: a + b),
            value=self._op("multiply", left.value, right.value),
            roundings=left.roundings + right.roundings + 1,
            scale=None if relative else self._op("multiply", self.scale(left), self.scale(right)),
            factors=left.factors + right.factors,
        )

    def _quotient(self, left: Num, right: Num) -> Num:
        value = self._op("divide", left.value, right.value)
        relative = left.scale is None and right.scale is None
        out = replace(
            self._joined("/", left, right, max),
            value=value,
            roundings=left.roundings + right.roundings + 2,
            scale=None if relative else self._quotient_scale(left, right, value),
            decimals=_shifted(left.decimals, right),
            factors=left.factors + right.factors,
        )
        return replace(out, gone=self.tape.either(out.gone, self._zero(right)))

    def _zero(self, divisor: Num) -> Ref:
        """Where ``divisor`` is zero; where that is not certain, or it is hardly more, the row is doubtful."""
        tape = self.tape
        if is_written(divisor.value):
            return NONE if float(divisor.value) else ALL
        size = self._op("abs", divisor.value)
        zero = tape.op("b", "equal({0}, 0.0, out={out})", divisor.value)
        least = (
            repr(LEAST) if divisor.scale is None else self._op("multiply", self.error(divisor), repr(FIRM))
        )
        weak = tape.op("b", "less({0}, {1}, out={out})", size, least)
        weak = tape.but(weak, zero) if divisor.scale is None else weak
        small = [
            self._small(leaf) for leaf, _ in divisor.leaves if not divisor.plain
        ]  # a product may be lost
        self.doubt(tape.but(tape.either(weak, *small), divisor.gone))
        return zero

    def _small(self, leaf: Ref) -> Ref:
        """Where an input is not zero and yet too small for products of it to be told from zero."""
        small = self.tape.op("b", "less({0}, {1}, out={out})", self._op("abs", leaf), repr(LEAST))
        return self.tape.both(small, self.tape.op("b", "not_equal({0}, 0.0, out={out})", leaf))

    def _quotient_scale(self, left: Num, right: Num, value: Ref) -> Ref:
        """(scale of the left + |quotient| * scale of the right) / |right|."""
        top = self._op(
            "add", self.scale(left), self._op("multiply", self._op("abs", value), self.scale(right))
        )
        return self._op("divide", top, self._op("abs", right.value))

    def _power(self, base: Num, exponent: int) -> Num:
        out = self.const(1) if exponent == 0 else base
        for _ in range(exponent - 1):
            out = self._product(out, base)
        if exponent == 0:  # 0 ** 0 has no value
            return replace(out, gone=self.tape.either(base.gone, self.compare("==", base, _ZERO)))
        return out if exponent == 1 else replace(out, recipe=("**", base.made, repr(float(exponent))))

    def minus(self, side: Num) -> Num:
        """The negative."""
        recipe = None if side.plain else ("negative", side.made)
        return replace(side, value=self._op("negative", side.value), recipe=recipe)

    def absolute(self, side: Num) -> Num:
        """The absolute value."""
        recipe = None if side.plain else ("abs", side.made)
        return replace(side, value=self._op("abs", side.value), recipe=recipe)

    def extreme(self, word: str, left: Num, right: Num) -> Num:
        """``min`` or ``max``; off by no more than the side that is off by more."""
        value = self._op(f"{word}imum", left.value, right.value)
        return self._either_of((word, left.made, right.made), left, right, value)

    def choose(self, true: Ref, false: Ref, then: Num, other: Num) -> Num:
        """``then`` where ``true``, ``other`` where ``false``; missing where neither."""
        tape = self.tape
        value = tape.choose("f", true, then.value, other.value)
        out = self._either_of(("choose", true, then.made, other.made), then, other, value)
        lost = (tape.both(true, then.gone), tape.both(false, other.gone), tape.no(tape.either(true, false)))
        return replace(out, gone=tape.either(*lost))

    def _either_of(self, recipe: Recipe, left: Num, right: Num, value: Ref) -> Num:
        relative = left.scale is None and right.scale is None
        return replace(
            self._joined("", left, right, max),
            value=value,
            plain=left.plain and right.plain,
            recipe=None if left.plain and right.plain else recipe,
            roundings=max(left.roundings, right.roundings),
            scale=None if relative else self._op("maximum", self.scale(left), self.scale(right)),
            factors=max(left.factors, right.factors),
        )

    def rounded(self, mode: Rounding, side: Num, step: Num) -> Num:
        """``side`` as a whole multiple of ``step``, which has to be written out."""
        gone = self.tape.either(side.gone, step.gone)
        if not is_written(step.value) or float(step.value) <= 0 or side.factors > MAX_FACTORS:
            return self.unsure(gone)
        size = exact(float(step.value))
        steps = self.tape.constant(Steps(size, mode))
        origin, more = self.origin(side, 3)
        words = f"copyto({{out}}, {{0}}.values({{0}}.counts({{1}}, {{2}}, D, {origin})))"
        args = (steps, self.column(side), self.error(side), *more)
        return Num(self.tape.op("f", words, *args), gone, decimals=(decimals_of(size),) * len(LEVELS))

    # comparisons ------------------------------------------------------------------------------

    def compare(self, op: str, left: Num, right: Num) -> Ref:
        """The mask of ``left op right``; false where a side is missing."""
        if not left.plain and not right.plain:
            left, right = self.arithmetic("-", left, right), _ZERO
        elif not right.plain:
            left, right, op = right, left, _TURNED[op]
        known = self.tape.no(self.tape.either(left.gone, right.gone))
        value = left.value if left.plain else self._settled(left, right.value, known)
        return self.tape.both(
            self.tape.op("b", f"{_WORDS[op]}({{0}}, {{1}}, out={{out}})", value, right.value), known
        )

    def _settled(self, side: Num, edge: Ref, known: Ref) -> Ref:
        gap = self._op("abs", self._op("subtract", side.value, edge))
        near = self.tape.op("b", "less_equal({0}, {1}, out={out})", gap, self.error(side))
        return self.settle(side, self.tape.both(near, known))

    def settle(self, side: Num, near: Ref) -> Ref:
        """The value of ``side``, exact in the rows ``near`` an edge or the row in doubt."""
        origin, more = self.origin(side, 3)
        words = f"settle({{0}}, {{1}}, {{2}}, D, {origin}, out={{out}})"
        return self.tape.op("f", words, near, side.value, self.error(side), *more)

    def origin(self, side: Num, first: int) -> tuple[str, tuple[Ref, ...]]:
        """The words for what a value was made of, and the arguments they name from ``first`` on."""
        cook = Cook(side.made)
        each = (side.decimals, *(own for _, own in side.leaves)) if side.decimals else ()
        levels = dict.fromkeys(zip(*each, strict=True))  # those that differ, each once
        decimals, *own = zip(*levels, strict=True) if levels else (None, *(own for _, own in side.leaves))
        leaves = (f"({{{i}}}, {places!r})" for i, places in enumerate(own, first))
        after = first + len(side.leaves)
        columns = "".join(f"{{{i}}}, " for i in range(after, after + len(cook.names)))
        words = f"Origin({decimals!r}, [{', '.join(leaves)}], {self.tape.constant(cook)}, ({columns}))"
        return words, (*(leaf for leaf, _ in side.leaves), *cook.names)

    def error(self, side: Num) -> Ref:
        """The bound of the error, a column."""
        share = self._op("multiply", self.scale(side), repr((side.roundings + 1) * UNIT * 1.001))
        return self._op("add", share, repr(UNDERFLOW))

    def scale(self, side: Num) -> Ref:
        """What the error is measured by."""
        return self._op("abs", side.value) if side.scale is None else side.scale

    def column(self, side: Num) -> Ref:
        """The values as a column even where one number is written for all rows."""
        return self.tape.op("f", "copyto({out}, {0})", side.value) if is_written(side.value) else side.value

    # ------------------------------------------------------------------------------------------

    def _op(self, word: str, *args: Ref) -> Ref:
        places = ", ".join(f"{{{i}}}" for i in range(len(args)))
        return self.tape.op("f", f"{word}({places}, out={{out}})", *args)

    def _joined(self, op: str, left: Num, right: Num, places: Callable[[int, int], int]) -> Num:
        both = None
        if left.decimals is not None and right.decimals is not None:
            both = tuple(places(a, b) for a, b in zip(left.decimals, right.decimals, strict=True))
        gone = self.tape.either(left.gone, right.gone)
        leaves = tuple(dict.fromkeys((*left.leaves, *right.leaves)))
        return Num("", gone, plain=False, decimals=both, leaves=leaves, recipe=(op, left.made, right.made))


_ZERO = Num("0.0")
_WORDS = {
    "==": "equal",
    "!=": "not_equal",
    "<": "less",
    "<=": "less_equal",
    ">": "greater",
    ">=": "greater_equal",
}
_TURNED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _shifted(decimals: Decimals | None, divisor: Num) -> Decimals | None:
    """The decimals after a division by a written number whose inverse is one (2, 5, 100), else unknown."""
    if decimals is None or not is_written(divisor.value) or not float(divisor.value):
        return None
    number = exact(float(divisor.value))
    inverse = 1 / number
    return tuple(d + decimals_of(inverse) for d in decimals) if inverse * number == 1 else None
