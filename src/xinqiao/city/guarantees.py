"""Who stands surety for whom: drawn once for the region, delivered block by block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from xinqiao.city.draw import Flags, Floats, Ints, Stream, stream
from xinqiao.city.hazard import NEVER
from xinqiao.city.region import Region
from xinqiao.city.text import codes, company_codes, dates, money

GUARANTEED = 0.05  # share of companies, outside groups, another company stands surety for
GUARANTEED_IN_GROUP = 0.35
MUTUAL_IN_GROUP = 0.25  # of those, the surety is returned
COMPANIES_PER_CIRCLE = 400
CIRCLE_SIZES = (3, 3, 4, 5, 6)
LENDERS = 5
TERM_DAYS = (365, 365, 730, 1095)


@dataclass(frozen=True, slots=True)
class Guarantees:
    """One row per surety: ``guarantor`` pays for ``guaranteed`` if it fails; ``circle`` -1 where none.

    ``ended`` is NEVER where the surety runs to the end of the period.
    """

    guarantor: Ints
    guaranteed: Ints
    signed: Ints
    ended: Ints
    cents: Ints
    lender: Ints
    circle: Ints

    def __len__(self) -> int:
        return len(self.guarantor)


def draw_guarantees(region: Region, group: Ints, head: Ints) -> Guarantees:
    """Sureties inside business groups, between strangers, and the planted circles, by guarantor.

    ``group`` is the business group of each company or -1, ``head`` its first company (or itself).
    """
    rng = stream(region.seed, Stream.GUARANTEES)
    pairs = [_in_groups(rng, group, head), _between_strangers(rng, region, group), _circles(rng, region)]
    guarantor, guaranteed, circle = (np.concatenate([p[i] for p in pairs]) for i in range(3))
    keep = guarantor != guaranteed
    guarantor, guaranteed, circle = guarantor[keep], guaranteed[keep], circle[keep]
    signed = _signed(rng, region, circle, np.maximum(*region.established[[guarantor, guaranteed]]))
    planted = circle >= 0
    ended = signed + rng.choice(TERM_DAYS, len(signed))
    ended = np.where(planted | (ended > region.calendar.end), NEVER, ended)
    # a circle's sums are large beside what the guarantor could pay
    ten_thousands = np.exp(rng.normal(4.4 + 0.5 * region.size[guaranteed] + 0.9 * planted, 0.6))
    out = Guarantees(
        guarantor,
        guaranteed,
        signed,
        ended,
        np.maximum(5, np.rint(ten_thousands)).astype(np.int64) * 1_000_000,
        rng.integers(0, LENDERS, len(signed)),
        circle,
    )
    return _taken(out, np.lexsort((out.guaranteed, out.signed, out.guarantor)))


def _taken(rows: Guarantees, order: Ints) -> Guarantees:
    return Guarantees(
        rows.guarantor[order],
        rows.guaranteed[order],
        rows.signed[order],
        rows.ended[order],
        rows.cents[order],
        rows.lender[order],
        rows.circle[order],
    )


Pairs = tuple[Ints, Ints, Ints]


def _in_groups(rng: np.random.Generator, group: Ints, head: Ints) -> Pairs:
    """The head of a group stands surety for its companies, and some of them for it: an innocent cycle."""
    member = np.flatnonzero((group >= 0) & (head != np.arange(len(head))))
    member = member[rng.random(len(member)) < GUARANTEED_IN_GROUP]
    back = member[rng.random(len(member)) < MUTUAL_IN_GROUP]
    none = np.full(len(member) + len(back), -1, dtype=np.int64)
    return np.concatenate([head[member], back]), np.concatenate([member, head[back]]), none


def _between_strangers(rng: np.random.Generator, region: Region, group: Ints) -> Pairs:
    alone = np.flatnonzero((group < 0) & (rng.random(region.companies) < GUARANTEED))
    other = rng.integers(0, region.companies, (len(alone), 4))
    near = region.division[other] == region.division[alone][:, None]
    return other[np.arange(len(alone)), near.argmax(axis=1)], alone, np.full(len(alone), -1, dtype=np.int64)


def _circles(rng: np.random.Generator, region: Region) -> Pairs:
    """Planted: each stands surety for the next one, all round."""
    firms = np.flatnonzero(~region.self_employed)
    count = max(1, region.companies // COMPANIES_PER_CIRCLE)
    sizes = rng.choice(CIRCLE_SIZES, count)
    sizes = sizes[np.cumsum(sizes) <= len(firms)]
    members = rng.permutation(firms)[: int(sizes.sum())]
    start = np.repeat(np.cumsum(sizes) - sizes, sizes)
    place = np.arange(len(members)) - start
    following = members[start + (place + 1) % np.repeat(sizes, sizes)]
    return members, following, np.repeat(np.arange(len(sizes)), sizes)


def _signed(rng: np.random.Generator, region: Region, circle: Ints, young: Ints) -> Ints:
    """Before or during the period; a circle signs within four months of the second half year."""
    calendar = region.calendar
    first = int(calendar.first_day[0])
    loose = first + rng.integers(-700, calendar.end - first - 60, len(circle))
    start = first + rng.integers(150, 500, int(circle.max(initial=-1)) + 1)
    together = np.append(start, 0)[circle] + rng.integers(0, 120, len(circle))
    return np.maximum(np.where(circle >= 0, together, loose), young + 30)


def guarantee_rows(rows: Guarantees, ids: Ints, end: int) -> pl.DataFrame:
    """The sureties given by the companies ``ids``, a second version when released; by number."""
    chosen = np.flatnonzero((rows.guarantor >= ids[0]) & (rows.guarantor <= ids[-1]) & (rows.signed < end))
    closed = chosen[rows.ended[chosen] < end]
    index = np.concatenate([chosen, closed])
    second = np.arange(len(index)) >= len(chosen)
    known: Floats | Ints = np.where(second, rows.ended[index], rows.signed[index]) + 1
    order = np.lexsort((second, index))
    index, second, known = index[order], second[order], known[order]
    return pl.DataFrame(
        {
            "企业代号": company_codes(rows.guarantor[index]),
            "担保编号": codes("DB", index + 1, 8),
            "被担保企业": company_codes(rows.guaranteed[index]),
            "债权人": codes("B", 1 + rows.lender[index], 2),
            "担保金额": money(rows.cents[index]),
            "签订日期": dates(rows.signed[index]),
            "解除日期": dates(_where(second, rows.ended[index])),
            "获知日期": dates(known.astype(np.int64)),
        }
    )


def _where(mask: Flags, days: Ints) -> Ints:
    return np.where(mask, days, NEVER)
