"""The companies of the region: what is fixed about each, drawn once, one array per trait."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache

import numpy as np

from xinqiao.city.draw import Flags, Floats, Ints, Stream, stream
from xinqiao.city.industry import INDUSTRIES, trait
from xinqiao.kernel.errors import fail
from xinqiao.kernel.period import add_months

DIVISIONS = ("990101", "990102", "990103", "990104", "990105")  # no real division begins with 99
MIN_MONTHS = 24
MIN_COMPANIES = 20
MAX_COMPANIES = 1_000_000
MAX_MONTHS = 120


@dataclass(frozen=True, slots=True)
class Calendar:
    """The months covered; days are whole days since 1970-01-01."""

    start: date
    months: int

    @property
    def first_day(self) -> Ints:
        """First day of every month and, last, the day after the end; shape (months + 1,)."""
        return _first_days(self)

    @property
    def end(self) -> int:
        """The last day covered."""
        return int(self.first_day[-1]) - 1

    def day(self, month: int) -> date:
        """The first day of month number ``month`` (0 = the first covered; may be negative)."""
        return add_months(self.start, month)


@cache
def _first_days(calendar: Calendar) -> Ints:
    days = [add_months(calendar.start, m) for m in range(calendar.months + 1)]
    out = np.array(days, dtype="datetime64[D]").astype(np.int64)
    out.flags.writeable = False
    return out


@dataclass(frozen=True, slots=True)
class Region:
    """What is fixed about each company; every array has shape (companies,).

    ``size`` is the standardised log activity, ``trend`` the yearly growth in log sales,
    ``self_employed`` marks 个体工商户, ``ring`` the number of a planted ring (-1: none).
    Rates are monthly; ``sale_log_cents`` is the mean log of an invoice in cents.
    """

    calendar: Calendar
    seed: int
    industry: Ints
    division: Ints
    self_employed: Flags
    established: Ints
    size: Floats
    trend: Floats
    sale_rate: Floats
    buy_rate: Floats
    sale_log_cents: Floats
    buy_log_cents: Floats
    tax_pct: Ints
    customers: Ints
    suppliers: Ints
    concentration: Floats
    renewal_months: Ints
    void_logit: Floats
    person_share: Floats
    night_share: Floats

    @property
    def companies(self) -> int:
        """How many companies there are."""
        return len(self.industry)


def check_request(companies: int, months: int, start: date) -> None:
    """Raise UserError CITY-COMPANIES, CITY-MONTHS or CITY-START when the request can't be met."""
    if not MIN_COMPANIES <= companies <= MAX_COMPANIES:
        fail("CITY-COMPANIES", "companies", value=companies, low=MIN_COMPANIES, high=MAX_COMPANIES)
    if not MIN_MONTHS <= months <= MAX_MONTHS:
        fail("CITY-MONTHS", "months", value=months, low=MIN_MONTHS, high=MAX_MONTHS)
    if start.day != 1:
        fail("CITY-START", "start", value=start.isoformat())


def draw_region(companies: int, calendar: Calendar, seed: int, volume: float) -> Region:
    """Draw the companies. ``volume`` scales the number of invoices (1: 3 to 4 of each kind a month)."""
    rng = stream(seed, Stream.COMPANY)
    n = companies
    industry = rng.choice(len(INDUSTRIES), size=n, p=trait("share") / trait("share").sum())
    self_employed = rng.random(n) < np.where(
        trait("tier")[industry] >= PUBLIC_TIER, SELF_EMPLOYED_PUBLIC, SELF_EMPLOYED_OTHER
    )
    size = rng.standard_normal(n) - 0.5 * self_employed
    sale_rate = volume * np.exp(0.7 + size)
    buy_rate = volume * np.exp(0.7 + 0.7 * size + 0.7 * rng.standard_normal(n))
    sale_log_cents = np.log(6_000_000) + 0.4 * size + 1.35 * rng.standard_normal(n)
    cost_share = rng.beta(8.0, 4.0, n)
    # the wider spread of purchases (1.9 against 0.95) lifts their mean: taken back here
    spread = (SALE_SPREAD**2 - BUY_SPREAD**2) / 2
    small_payer = self_employed | (rng.random(n) < SMALL_PAYER)
    return Region(
        calendar=calendar,
        seed=seed,
        industry=industry,
        division=rng.integers(0, len(DIVISIONS), n),
        self_employed=self_employed,
        established=_established(rng, calendar, n),
        size=size,
        trend=0.12 * rng.standard_normal(n),
        sale_rate=sale_rate,
        buy_rate=buy_rate,
        sale_log_cents=sale_log_cents,
        buy_log_cents=sale_log_cents + np.log(cost_share * sale_rate / buy_rate) + spread,
        tax_pct=np.where(small_payer, rng.choice([1, 3], n), trait("tax_pct")[industry]).astype(np.int64),
        customers=_pool(rng, sale_rate, calendar.months),
        suppliers=_pool(rng, buy_rate, calendar.months),
        concentration=1.0 + rng.gamma(4.0, 0.35, n),
        renewal_months=rng.integers(9, 36, n),
        void_logit=-2.45 + 0.40 * rng.standard_normal(n),
        person_share=trait("person_share")[industry] * rng.random(n) * 1.6,
        night_share=trait("night_share")[industry] * rng.random(n) * 1.6,
    )


SELF_EMPLOYED_PUBLIC, SELF_EMPLOYED_OTHER = 0.45, 0.15  # share in tier 3, and in the others
PUBLIC_TIER = 3
SMALL_PAYER, YOUNG = 0.35, 0.05
SALE_SPREAD = 0.95  # standard deviation of the log amount within a company; real set: 0.94-0.95
BUY_SPREAD = 1.9  # real set: 1.9-2.0


def _established(rng: np.random.Generator, calendar: Calendar, n: int) -> Ints:
    """Day of establishment: gamma ages at the start, a twentieth founded around it."""
    first = int(calendar.first_day[0])
    age_days = 200 + 365.25 * rng.gamma(1.6, 4.0, n)
    young = rng.random(n) < YOUNG
    around = rng.integers(-180, 140, n)
    return np.where(young, first + around, first - age_days.astype(np.int64))


def _pool(rng: np.random.Generator, rate: Floats, months: int) -> Ints:
    """Number of partner places: grows with volume more slowly than volume."""
    mean = 3.0 + 1.1 * (rate * months) ** 0.65
    return np.maximum(2, rng.gamma(3.0, mean / 3.0)).astype(np.int64)
