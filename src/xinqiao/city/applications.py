"""Applications on the platform and the loans that follow, drawn once for the region, for they meet.

They meet at the counters of government halls (one address for many), on the devices of agents, and in
one intent sent to several banks: all innocent. ``schemes`` adds those that are not.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from xinqiao.city.draw import Flags, Ints, Stream, logistic, stream
from xinqiao.city.hazard import NEVER, Fate
from xinqiao.city.region import Region
from xinqiao.city.ties import SHARED, Ties

INTENTS_A_YEAR = 0.35
INSTITUTIONS = 12
ONE_CLICK = (0.62, 0.16, 0.12, 0.06, 0.04)  # chance that one intent goes to 1, 2, ... banks
AT_HALL, BY_AGENT, VIA_REFERRER = 0.10, 0.12, 0.15
COMPANIES_PER_HALL, COMPANIES_PER_REFERRER = 4000, 150
PENDING, APPROVED, REJECTED, WITHDRAWN = range(4)
HALL, AGENT, GANG = 20_000_000, 30_000_000, 40_000_000
"""Where the numbers of devices, addresses, agents and layouts of papers begin; below: a company's own."""
CHUNK = 65_536  # companies drawn from one stream; part of the output


@dataclass(frozen=True, slots=True)
class Applications:
    """One row per application, by company and day; numbers of people and things, -1 where none.

    ``loan_day`` is NEVER where no loan followed; ``cents`` is asked for, ``lent`` what was lent;
    ``scheme`` is the planted scheme it belongs to, or -1.
    """

    company: Ints
    day: Ints
    intent: Ints
    institution: Ints
    cents: Ints
    device: Ints
    address: Ints
    agent: Ints
    referrer: Ints
    phone: Ints
    layout: Ints
    result: Ints
    result_day: Ints
    loan_day: Ints
    lent: Ints
    scheme: Ints

    def __len__(self) -> int:
        return len(self.company)

    def take(self, index: Ints | Flags) -> Applications:
        """The rows at ``index``."""
        return Applications(*(getattr(self, f.name)[index] for f in fields(self)))

    def rows_of(self, ids: Ints) -> Ints:
        """Which rows belong to the companies of a block; the number of a row is its own number."""
        low, high = np.searchsorted(self.company, [ids[0], ids[-1] + 1])
        return np.arange(low, high)


def join(parts: list[Applications]) -> Applications:
    """All parts, by company and day."""
    rows = Applications(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Applications)))
    return rows.take(np.lexsort((rows.institution, rows.intent, rows.day, rows.company)))


def draw_applications(region: Region, ties: Ties, fate: Fate) -> Applications:
    """The innocent applications of all companies."""
    starts = range(0, region.companies, CHUNK)
    return join([_chunk(region, ties, fate, number, start) for number, start in enumerate(starts)])


def _chunk(region: Region, ties: Ties, fate: Fate, number: int, start: int) -> Applications:
    rng = stream(region.seed, Stream.APPLICATIONS, number)
    company, day = _intents(region, fate, rng, np.arange(start, min(start + CHUNK, region.companies)))
    banks = rng.choice(len(ONE_CLICK), len(company), p=ONE_CLICK) + 1
    intent = np.repeat(start * 100 + np.arange(len(company)), banks)
    where = _where(region, ties, rng, company)
    first_bank = rng.integers(0, INSTITUTIONS, len(company))
    ten_thousands = np.maximum(10, np.rint(np.exp(rng.normal(4.0 + 0.5 * region.size[company], 0.7)) / 5) * 5)
    nth = np.arange(len(intent)) - np.repeat(np.cumsum(banks) - banks, banks)
    columns = [np.repeat(column, banks) for column in (company, day, *where, ten_thousands.astype(np.int64))]
    company, day, device, address, agent, referrer, phone, layout, asked = columns
    return decided(
        region,
        fate,
        rng,
        Applications(
            company=company,
            day=day,
            intent=intent,
            institution=(np.repeat(first_bank, banks) + nth) % INSTITUTIONS,
            cents=asked * 1_000_000,
            device=device,
            address=address,
            agent=agent,
            referrer=referrer,
            phone=phone,
            layout=layout,
            result=np.zeros_like(company),
            result_day=np.full_like(company, NEVER),
            loan_day=np.full_like(company, NEVER),
            lent=np.zeros_like(company),
            scheme=np.full_like(company, -1),
        ),
    )


def _intents(region: Region, fate: Fate, rng: np.random.Generator, ids: Ints) -> tuple[Ints, Ints]:
    """Company and day of each intent: after half a year of life, rarely after a default."""
    calendar = region.calendar
    level = 0.3 * region.size[ids, None] - 0.2 * fate.liquidity[ids]
    failed = np.arange(calendar.months) > fate.default_month[ids, None]
    count = rng.poisson(INTENTS_A_YEAR / 12 * np.exp(level - 2.0 * failed))
    row, month = (np.repeat(index, count[count > 0]) for index in np.nonzero(count))
    first_day = calendar.first_day
    day = first_day[month] + (rng.random(len(month)) * np.diff(first_day)[month]).astype(np.int64)
    weekday = (day + 3) % 7  # 1970-01-01 was a Thursday
    day = np.where(weekday >= 5, np.maximum(first_day[0], day - 2), day)  # noqa: PLR2004 - Saturday and Sunday
    company = ids[row]
    keep = (day >= region.established[company] + 180) & (
        day < np.minimum(fate.ended_day[company], calendar.end)
    )
    return company[keep], day[keep]


def _where(region: Region, ties: Ties, rng: np.random.Generator, company: Ints) -> tuple[Ints, ...]:
    """Device, address, agent, referrer, phone and layout of the papers of each intent."""
    n = len(company)
    u, v = rng.random(n), rng.random(n)
    hall = HALL + (max(1, region.companies // COMPANIES_PER_HALL) * rng.random(n)).astype(np.int64)
    helped = (ties.agent[company] >= 0) & (u >= 1 - BY_AGENT / 0.45)
    agent = AGENT + np.maximum(ties.agent[company], 0)
    at_hall = u < AT_HALL
    own_address = np.where(ties.address[company] >= SHARED, ties.address[company], ties.head[company])
    referrer = (max(3, region.companies // COMPANIES_PER_REFERRER) * rng.random(n) ** 1.5).astype(np.int64)
    return (
        np.where(at_hall, hall, np.where(helped, agent, company)),
        np.where(at_hall, hall, np.where(helped, agent, own_address)),
        np.where(helped, agent, -1),
        np.where(v < VIA_REFERRER, referrer, -1),
        ties.phone[company],
        np.where(helped, agent, company),
    )


def decided(region: Region, fate: Fate, rng: np.random.Generator, rows: Applications) -> Applications:
    """The results, and for one approved application of an intent in most cases a loan."""
    n, end = len(rows), region.calendar.end
    first_day = region.calendar.first_day
    month = np.clip(np.searchsorted(first_day, rows.day, side="right") - 1, 0, region.calendar.months - 1)
    merit = 0.4 * fate.liquidity[rows.company, month] + 0.3 * fate.operations[rows.company, month]
    approved = rng.random(n) < logistic(0.5 + 0.3 * region.size[rows.company] + merit.astype(np.float64))
    approved |= (rows.scheme >= 0) & (rng.random(n) < 0.85)  # noqa: PLR2004 - most schemes get their money
    result = np.where(approved, APPROVED, np.where(rng.random(n) < 0.1, WITHDRAWN, REJECTED))  # noqa: PLR2004 - a tenth give up
    result_day = rows.day + rng.integers(2, 20, n)
    known = result_day <= end
    took = approved & ((rng.random(n) < 0.8) | (rows.scheme >= 0)) & known  # noqa: PLR2004 - four in five take the money
    order = np.lexsort((~took, rows.intent))
    first = np.ones(n, dtype=np.bool_)
    first[order[1:]] = rows.intent[order][1:] != rows.intent[order][:-1]
    took &= first
    loan_day = np.where(took, result_day + rng.integers(1, 10, n), NEVER)
    loan_day = np.where(loan_day <= end, loan_day, NEVER)
    lent = np.rint(rows.cents * rng.uniform(0.5, 1.0, n) / 1_000_000).astype(np.int64) * 1_000_000
    return Applications(
        **{
            f.name: getattr(rows, f.name)
            for f in fields(rows)
            if f.name not in ("result", "result_day", "loan_day", "lent")
        },
        result=np.where(known, result, PENDING),
        result_day=np.where(known, result_day, NEVER),
        loan_day=loan_day,
        lent=np.where(loan_day < NEVER, np.maximum(lent, 1_000_000), 0),
    )
