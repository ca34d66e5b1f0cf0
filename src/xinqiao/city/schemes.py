"""Planted fraud and its innocent look-alikes: what they add to the sources, and the truth about them.

A scheme is drawn once for the region (``plots`` and ``decoys`` say what each does) and reaches the
sources as additions: invoices, bookings, applications, changes of the register, and marks on companies
that a source heeds (no staff, no purchases, one terminal for many). Only the truth file names it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from xinqiao.city.applications import Applications, decided, draw_applications, join
from xinqiao.city.changes import Changes
from xinqiao.city.draw import Flags, Ints, Stream, stream
from xinqiao.city.hazard import NEVER, Fate
from xinqiao.city.industry import goods_table
from xinqiao.city.network import Network
from xinqiao.city.region import Region
from xinqiao.city.text import company_codes, dates
from xinqiao.city.ties import Ties

COMPANIES_PER_SCHEME = 2_500  # one scheme of each rule in so many companies, and one look-alike
BUSY = 0.6  # share of companies that invoice less than a busy one
LATEST = (330, 100)  # days before the end of the period between which schemes turn
LOOKED_AT = 4_096  # candidates looked at together
AGENT_TERMINAL = 0.35  # share of the companies with a bookkeeping agent that it invoices for
AGENTS, GANGS = 50_000_000, 60_000_000  # where the numbers of agents' and gangs' terminals begin


@dataclass(frozen=True, slots=True)
class PlantedSales:
    """Invoices to add: ``red`` is the day the invoice is reversed, ``void`` whether it is made void."""

    seller: Ints
    buyer: Ints
    day: Ints
    cents: Ints
    goods: Ints
    pct: Ints
    void: Ints
    red: Ints


@dataclass(frozen=True, slots=True)
class PlantedFlows:
    """Bookings to add; ``party`` is a company, or an outsider from ``companies`` on, or -1."""

    company: Ints
    day: Ints
    incoming: Ints
    cents: Ints
    party: Ints
    kind: Ints
    category: Ints


@dataclass(frozen=True, slots=True)
class Schemes:
    """What is planted. Marks have shape (companies,), everything else one row per fact.

    ``capped``: invoices just below the limit; ``starved``: hardly any purchases; ``mismatched``: sells
    other goods than it buys; ``hollow``: neither staff nor power; ``hired``: a representative who never
    ran anything; ``hoards``: a contact with too many telephone lines; ``watched``: its accounts are seen.
    ``confirmed`` are companies with the day a fraud was confirmed; ``tampered`` and ``lost`` rows of the
    applications whose papers were changed, and after whose loan nobody answers.
    """

    sales: PlantedSales
    flows: PlantedFlows
    changes: Changes
    terminal: Ints
    capped: Flags
    starved: Flags
    mismatched: Flags
    hollow: Flags
    hired: Flags
    hoards: Flags
    watched: Flags
    confirmed: Ints
    confirmed_day: Ints
    tampered: Ints
    lost: Ints
    truth: pl.DataFrame


MARKS = ("capped", "starved", "mismatched", "hollow", "hired", "hoards", "watched")


@dataclass(slots=True)
class Plan:
    """Schemes while they are being planted."""

    region: Region
    network: Network
    ties: Ties
    fate: Fate
    rng: np.random.Generator
    pool: Ints
    free: Flags
    marks: dict[str, Flags]
    terminal: Ints
    much: float
    sales: list[tuple[int, ...]] = field(default_factory=list)
    flows: list[tuple[int, ...]] = field(default_factory=list)
    changes: list[tuple[int, int, int]] = field(default_factory=list)
    applications: list[dict[str, int]] = field(default_factory=list)
    confirmed: list[tuple[int, int]] = field(default_factory=list)
    truth: list[tuple[str, int, int, str, int, int, bool]] = field(default_factory=list)
    tampering: set[int] = field(default_factory=set)
    vanishing: set[int] = field(default_factory=set)
    schemes: int = 0

    def anchor(self) -> int:
        """A day the scheme turns on, such as the application: in the last year, 100 days before its end."""
        end = self.region.calendar.end
        return int(self.rng.integers(end - LATEST[0], end - LATEST[1]))

    def lately(self) -> int:
        """A day in the last weeks, for what a rule sees only close to an application."""
        return self.region.calendar.end - int(self.rng.integers(3, 80))

    def pick(self, count: int, day: int, industry: int | None = None, *, busy: bool = False) -> list[int]:
        """So many companies nothing else is planted in, which live and have not failed on ``day``.

        ``busy``: only of those that invoice more than most.
        """
        month = int(np.searchsorted(self.region.calendar.first_day, day, side="right"))
        chosen: list[int] = []
        for start in range(0, len(self.pool), LOOKED_AT):
            ids = self.pool[start : start + LOOKED_AT]
            fits = (
                self.free[ids]
                & (self.fate.default_month[ids] > month)
                & (self.fate.ended_day[ids] > day + 200)
            )
            if industry is not None:
                fits &= self.region.industry[ids] == industry
            if busy:
                fits &= self.region.sale_rate[ids] > self.much
            chosen += [int(company) for company in ids[fits][: count - len(chosen)]]
            if len(chosen) == count:
                break
        self.free[chosen] = False
        return chosen

    def founded_together(self, least: int) -> list[int]:
        """At least so many companies of one industry founded in one month; none if there are fewer."""
        ids = self.pool[self.free[self.pool] & (self.fate.default_month[self.pool] >= NEVER)]
        month = self.region.established[ids].astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        key = self.region.industry[ids] * 100_000 + month
        found, count = np.unique(key, return_counts=True)
        enough = found[count >= least]
        if not len(enough):
            return []
        chosen = ids[key == self.rng.choice(enough)][: 2 * least]
        self.free[chosen] = False
        return [int(company) for company in chosen]

    def give_back(self, companies: list[int]) -> None:
        """Companies picked and not used after all."""
        self.free[companies] = True

    def add(
        self,
        rule: str,
        members: list[int],
        first: int,
        last: int,
        *,
        roles: str = "member",
        innocent: bool = False,
    ) -> int:
        """Write a scheme into the truth and return its number."""
        number = self.schemes
        self.schemes += 1
        end = self.region.calendar.end
        rows = [(rule, number, company, roles, first, min(last, end), innocent) for company in members]
        self.truth.extend(rows)
        return number

    def sale(
        self,
        seller: int,
        buyer: int,
        day: int,
        cents: int,
        *,
        goods: int = 0,
        pct: int = 13,
        void: int = 0,
        red: int = -1,
    ) -> None:
        """Add an invoice; without ``goods`` it is for what the seller usually sells."""
        if day > self.region.calendar.end:
            return
        usual = int(goods_table("sells")[0][self.region.industry[seller], 0]) * 10 + 1
        self.sales.append((seller, buyer, day, max(100, int(cents)), goods or usual, pct, void, red))

    def flow(
        self, company: int, day: int, cents: int, *, incoming: bool, party: int, kind: int, category: int
    ) -> None:
        """Add a booking."""
        self.flows.append((company, day, int(incoming), int(cents), party, kind, category))

    def apply(self, company: int, day: int, scheme: int, **where: int) -> None:
        """Add an application; what is not named is the company's own."""
        own = {
            "device": company,
            "address": int(self.ties.head[company]),
            "agent": -1,
            "referrer": -1,
            "phone": int(self.ties.phone[company]),
            "layout": company,
            "institution": int(self.rng.integers(0, 12)),
            "cents": int(self.rng.integers(10, 300)) * 1_000_000,
            "intent": 10**9 + len(self.applications),
        }
        self.applications.append({"company": company, "day": day, "scheme": scheme, **own, **where})

    def outsider(self) -> int:
        """A company from outside the region."""
        return self.region.companies + int(self.rng.integers(0, 40 * self.region.companies))

    def turnover(self, company: int) -> float:
        """Usual sales of a month in cents."""
        return float(self.region.sale_rate[company] * np.exp(self.region.sale_log_cents[company] + 0.3))

    def times(self) -> range:
        """How many schemes of a rule there are: one in COMPANIES_PER_SCHEME on average."""
        return range(int(self.region.companies / COMPANIES_PER_SCHEME + self.rng.random()))


def begin(region: Region, network: Network, ties: Ties, fate: Fate) -> Plan:
    """An empty plan; firms that will fail stand four times as early in the pool of candidates."""
    rng = stream(region.seed, Stream.SCHEMES)
    old = region.established < region.calendar.first_day[0] - 400
    circled = np.isin(np.arange(region.companies), ties.guarantees.guarantor[ties.guarantees.circle >= 0])
    fit = old & ~region.self_employed & (network.ring < 0) & ~circled
    weight = np.where(fate.default_month < NEVER, 4.0, 1.0)
    order = np.argsort(-(rng.random(region.companies) ** (1 / weight)), kind="stable")
    own = np.arange(region.companies)
    with_agent = (ties.agent >= 0) & (rng.random(region.companies) < AGENT_TERMINAL)
    return Plan(
        region=region,
        network=network,
        ties=replace(
            ties, **{name: getattr(ties, name).copy() for name in ("address", "phone", "email", "park")}
        ),
        fate=replace(fate, first_month=fate.first_month.copy()),
        rng=rng,
        pool=order[fit[order]],
        free=np.ones(region.companies, dtype=np.bool_),
        marks={name: np.zeros(region.companies, dtype=np.bool_) for name in MARKS},
        terminal=np.where(with_agent, AGENTS + ties.agent, own),
        much=float(np.quantile(region.sale_rate, BUSY)),
    )


def all_applications(plan: Plan) -> Applications:
    """The planted applications among the innocent ones."""
    return join([draw_applications(plan.region, plan.ties, plan.fate), _applications(plan)])


def finish(plan: Plan, applications: Applications) -> Schemes:
    """The plan as arrays; ``applications`` are all of the region."""
    sales = _columns(plan.sales, 8)
    flows = _columns(plan.flows, 7)
    company, day, item = _columns(plan.changes, 3)
    order = np.lexsort((item, day, company))
    known = day[order] + 5 + np.arange(len(order)) % 10
    confirmed = _columns(plan.confirmed, 2)
    return Schemes(
        sales=PlantedSales(*(column[np.argsort(sales[0], kind="stable")] for column in sales)),
        flows=PlantedFlows(*(column[np.argsort(flows[0], kind="stable")] for column in flows)),
        changes=Changes(company[order], day[order], known, item[order]),
        terminal=plan.terminal,
        **plan.marks,
        confirmed=confirmed[0],
        confirmed_day=confirmed[1],
        tampered=np.flatnonzero(np.isin(applications.scheme, sorted(plan.tampering))),
        lost=np.flatnonzero(np.isin(applications.scheme, sorted(plan.vanishing))),
        truth=_truth(plan),
    )


def _columns(
    rows: list[tuple[int, ...]] | list[tuple[int, int, int]] | list[tuple[int, int]], width: int
) -> list[Ints]:
    table = np.array(rows, dtype=np.int64).reshape(-1, width)
    return [table[:, i].copy() for i in range(width)]


def _applications(plan: Plan) -> Applications:
    """Planted applications; each gets its money unless it is one of many of the same firm."""
    rows = [row for row in plan.applications if row["day"] < plan.region.calendar.end]
    names = (
        "company",
        "day",
        "intent",
        "institution",
        "cents",
        "device",
        "address",
        "agent",
        "referrer",
        "phone",
        "layout",
        "scheme",
    )
    column = {name: np.array([row[name] for row in rows], dtype=np.int64) for name in names}
    zero = np.zeros(len(rows), dtype=np.int64)
    never = np.full(len(rows), NEVER)
    blank = Applications(**column, result=zero, result_day=never, loan_day=never, lent=zero)
    return decided(plan.region, plan.fate, plan.rng, blank)


def _truth(plan: Plan) -> pl.DataFrame:
    rows = plan.truth
    return pl.DataFrame(
        {
            "rule": pl.Series([row[0] for row in rows], dtype=pl.String),
            "scheme": pl.Series([row[1] for row in rows], dtype=pl.Int64),
            "company_id": company_codes(np.array([row[2] for row in rows], dtype=np.int64)),
            "role": pl.Series([row[3] for row in rows], dtype=pl.String),
            "first": dates(np.array([row[4] for row in rows], dtype=np.int64)).str.to_date(),
            "last": dates(np.array([row[5] for row in rows], dtype=np.int64)).str.to_date(),
            "innocent": pl.Series([row[6] for row in rows], dtype=pl.Boolean),
        }
    ).sort("rule", "scheme", "company_id", "role")
