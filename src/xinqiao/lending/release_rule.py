"""What may be published of figures about firms: nothing on fewer than ``K``, nor a way to work it out.

A table divides a population once. Cells that are not safe (fewer than ``K`` firms, or one firm with most of
the amount) are merged into one block, and when that block isn't safe either, the smallest safe cells join it
(complementary suppression). So whatever is added to or taken from what stands in a table, and its total, is a
union of safe blocks. Counts are rounded down to multiples of ``K`` and amounts to three figures, so that two
tables, or the same table on two days, don't give away the firm between them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from statistics import median
from typing import Generic, TypeVar

K = 5
"""The fewest firms that a figure may be about."""
DOMINANT = Decimal("0.8")
"""A firm with more than this share of an amount would read the others' sum from it."""
RATE_STEP = Decimal("0.0005")
AMOUNT_FIGURES = 3

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Member:
    """One application or loan of a firm: what a figure is made of."""

    company: str
    amount_cny: Decimal | None = None
    rate: Decimal | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """What may be said of one block; None where it may not, or nothing is known.

    ``count`` and ``firms`` are at least so many (multiples of ``K``), ``rate`` is weighted by amount.
    """

    count: int
    firms: int
    amount_cny: Decimal | None
    rate: Decimal | None
    median_seconds: float | None


@dataclass(frozen=True, slots=True)
class Table(Generic[Key]):
    """Cells that may be shown, then all others as one. Both empty: the whole is about too few firms."""

    cells: tuple[tuple[Key, Figure], ...]
    others: Figure | None
    total: Figure | None


def safe(members: Sequence[Member]) -> bool:
    """Whether a figure may be about ``members``."""
    held: dict[str, Decimal] = defaultdict(Decimal)
    for member in members:
        if member.amount_cny is not None:
            held[member.company] += member.amount_cny
    whole = sum(held.values(), Decimal(0))
    priced = {m.company for m in members if m.rate is not None}
    return (
        len({m.company for m in members}) >= K
        and all(not firms or len(firms) >= K for firms in (held, priced))
        and (whole == 0 or max(held.values()) <= DOMINANT * whole)
    )


def blocks(cells: Mapping[Key, Sequence[Member]]) -> tuple[list[Key], list[Key]]:
    """The keys shown one by one, and those shown as one only (none of either when nothing may be shown)."""
    filled = {key: members for key, members in cells.items() if members}
    shown = [key for key, members in filled.items() if safe(members)]
    merged = [key for key in filled if key not in shown]
    rest = sorted(shown, key=lambda key: len(filled[key]))
    while merged and rest and not safe(_all(filled, merged)):
        merged.append(rest.pop(0))
    if merged and not safe(_all(filled, merged)):
        return [], []
    return [key for key in filled if key in rest], merged


def release(cells: Mapping[Key, Sequence[Member]]) -> Table[Key]:
    """The table that may be published of a population divided into ``cells``."""
    shown, merged = blocks(cells)
    everyone = _all(cells, list(cells))
    return Table(
        tuple((key, figure(cells[key])) for key in shown),
        figure(_all(cells, merged)) if merged else None,
        figure(everyone) if (shown or merged) and safe(everyone) else None,
    )


def group(members: Iterable[tuple[Key, Member]]) -> dict[Key, list[Member]]:
    """Members by key, keys in the order met."""
    found: dict[Key, list[Member]] = {}
    for key, member in members:
        found.setdefault(key, []).append(member)
    return found


def figure(members: Sequence[Member]) -> Figure:
    """The figure of ``members``, who are ``safe``, rounded as everything published is."""
    amounts = [m.amount_cny for m in members if m.amount_cny is not None]
    priced = [(m.amount_cny, m.rate) for m in members if m.amount_cny and m.rate is not None]
    timed = [m for m in members if m.seconds is not None]
    return Figure(
        floored(len(members)),
        floored(len({m.company for m in members})),
        rounded(sum(amounts, Decimal(0))) if amounts else None,
        _rate(priced) if priced else None,
        _two(median(m.seconds or 0.0 for m in timed)) if len({m.company for m in timed}) >= K else None,
    )


def floored(count: int) -> int:
    """``count`` rounded down to a multiple of ``K``."""
    return count - count % K


def rounded(amount_cny: Decimal) -> Decimal:
    """An amount to three figures."""
    if not amount_cny:
        return Decimal(0)
    step = Decimal(1).scaleb(max(0, amount_cny.adjusted() - AMOUNT_FIGURES + 1))
    return (amount_cny / step).quantize(Decimal(1), ROUND_HALF_UP) * step


def _rate(priced: Sequence[tuple[Decimal, Decimal]]) -> Decimal:
    mean = sum((a * r for a, r in priced), Decimal(0)) / sum((a for a, _ in priced), Decimal(0))
    return (mean / RATE_STEP).quantize(Decimal(1), ROUND_HALF_UP) * RATE_STEP


def _two(seconds: float) -> float:
    return float(f"{seconds:.2g}")


def _all(cells: Mapping[Key, Sequence[Member]], keys: Sequence[Key]) -> list[Member]:
    return [member for key in keys for member in cells[key]]
