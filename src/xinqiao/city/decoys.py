"""Innocent look-alikes of the schemes: what a rule must not mistake for fraud, told as innocent."""

from __future__ import annotations

import numpy as np

from xinqiao.city.applications import AGENT, HALL, Applications
from xinqiao.city.bookings import COMPANY, OPERATING, PAYMENT, TRANSFER
from xinqiao.city.changes import ADDRESS, HOLDER, LEGAL, NAME, SCOPE
from xinqiao.city.industry import INDUSTRIES
from xinqiao.city.plots import EACH, Plot
from xinqiao.city.schemes import AGENTS, Plan
from xinqiao.city.ties import SHARED

PROCESSING = 2011  # goods: processing for others
CODES = [line.code for line in INDUSTRIES]
MOST = 200  # hubs told of each kind


def return_trade(plan: Plan) -> None:
    """FI02: goods go out for processing and come back: B invoices its work, not the goods."""
    day = plan.anchor()
    pair = plan.pick(2, day, CODES.index("C33"))
    if len(pair) < 2:  # noqa: PLR2004 - it takes two
        return
    owner, works = pair
    for month in range(10):
        when = day - 30 * month
        cents = int(plan.turnover(owner) * plan.rng.uniform(0.2, 0.4))
        plan.sale(owner, works, when, cents)
        plan.sale(works, owner, when + 12, int(cents * plan.rng.uniform(0.5, 0.95)), goods=PROCESSING)
    plan.add("FI02", pair, day - 300, day + 12, innocent=True)


def group_settlement(plan: Plan) -> None:
    """FI02: companies of one group settle their accounts by invoices both ways."""
    day = plan.anchor()
    group = plan.ties.group
    chosen = plan.pick(30, day)
    for company in (c for c in chosen if group[c] >= 0):
        kin = np.flatnonzero((group == group[company]) & (plan.fate.ended_day > day))
        others = [int(c) for c in kin if c != company]
        if others:
            for month in range(8):
                cents = int(plan.turnover(company) * plan.rng.uniform(0.2, 0.5))
                plan.sale(company, others[0], day - 30 * month, cents)
                plan.sale(others[0], company, day - 30 * month + 5, int(cents * plan.rng.uniform(0.7, 1.0)))
            plan.add("FI02", [company, others[0]], day - 240, day + 5, innocent=True)
            break
    plan.give_back(chosen)


def season(plan: Plan) -> None:
    """FI04: the season brings a surge each year, and an application in it."""
    day = plan.lately()
    for company in plan.pick(EACH, day, CODES.index("A01")):
        total = plan.turnover(company) * 5
        for year in range(3):
            for _ in range(14):
                when = day - 365 * year - int(plan.rng.integers(3, 85))
                if when > plan.region.calendar.first_day[0]:
                    plan.sale(
                        company, plan.outsider(), when, int(total / 14 * plan.rng.uniform(0.7, 1.3)), pct=9
                    )
        plan.apply(company, day, plan.add("FI04", [company], day - 88, day, innocent=True))


def by_project(plan: Plan) -> None:
    """FI05: a builder reverses the invoices of a project when it is settled, after a loan."""
    day = plan.anchor()
    for company in plan.pick(EACH, day, CODES.index("E50")):
        for _ in range(10):
            cents = int(plan.turnover(company) * plan.rng.uniform(0.3, 0.6))
            plan.sale(
                company, plan.outsider(), day - int(plan.rng.integers(20, 150)), cents, pct=9, red=day + 40
            )
        plan.apply(company, day, plan.add("FI05", [company], day - 150, day + 60, innocent=True))


def no_purchases(plan: Plan) -> None:
    """FI06: a service firm buys hardly anything."""
    day = plan.anchor()
    for company in plan.pick(EACH, day, CODES.index("L72")):
        plan.marks["starved"][company] = True
        calendar = plan.region.calendar
        plan.add("FI06", [company], int(calendar.first_day[0]), calendar.end, innocent=True)


def merger(plan: Plan) -> None:
    """FC02: a real purchase of a working firm changes everything at once too."""
    day = plan.anchor()
    for company in plan.pick(EACH, day):
        for item in (LEGAL, HOLDER, NAME, SCOPE):
            plan.changes.append((company, day + int(plan.rng.integers(0, 25)), item))
        plan.add("FC02", [company], day, day + 25, innocent=True)


def at_home(plan: Plan) -> None:
    """FC03: software made at home needs neither rooms nor staff."""
    day = plan.anchor()
    for company in plan.pick(EACH, day, CODES.index("I65")):
        plan.marks["hollow"][company] = True
        for month in range(14):
            plan.sale(
                company, plan.outsider(), day - 30 * month, int(plan.rng.integers(10, 25)) * 1_000_000, pct=6
            )
        plan.add("FC03", [company], day - 420, day, innocent=True)


def graduate(plan: Plan) -> None:
    """FC04: a young founder without any record, who has run the firm since it was founded."""
    day = plan.lately()
    region = plan.region
    young = np.flatnonzero(
        (region.established > day - 900) & (region.established < day - 250) & ~region.self_employed
    )
    young = young[plan.fate.default_month[young] == np.iinfo(np.int32).max]
    for company in (int(c) for c in plan.rng.permutation(young)[:EACH]):
        plan.marks["hired"][company] = True
        plan.apply(company, day, plan.add("FC04", [company], day - 30, day, innocent=True))


def reorganised(plan: Plan) -> None:
    """FA01: holders and address change before a listing; the firm is large and sound."""
    day = plan.anchor()
    size = plan.region.size
    chosen = sorted(plan.pick(12, day), key=lambda c: -size[c])
    plan.give_back(chosen[EACH:])
    for company in chosen[:EACH]:
        for item in (HOLDER, ADDRESS):
            plan.changes.append((company, day - int(plan.rng.integers(30, 170)), item))
        plan.apply(company, day, plan.add("FA01", [company], day - 170, day, innocent=True))


def park_service(plan: Plan) -> None:
    """FA04: the service counter of a park files for its firms, each with papers of its own."""
    day = plan.anchor()
    members = plan.pick(int(plan.rng.integers(10, 16)), day)
    number = plan.add("FA04", members, day, day + 25, innocent=True)
    for company in members:
        plan.ties.park[company] = SHARED + number
        where = {"agent": AGENT + SHARED + number, "address": AGENT + SHARED + number}
        plan.apply(company, day + int(plan.rng.integers(0, 25)), number, **where)


def treasury(plan: Plan) -> None:
    """FB01: a group's settlement company passes on what comes in."""
    day = plan.lately()
    for company in plan.pick(EACH, day):
        plan.marks["watched"][company] = True
        for _ in range(40):
            when = day - int(plan.rng.integers(0, 170))
            cents = int(plan.turnover(company) * plan.rng.uniform(0.3, 0.9))
            plan.flow(company, when, cents, incoming=True, party=-1, kind=PAYMENT, category=TRANSFER)
            plan.flow(company, when + 1, cents, incoming=False, party=-1, kind=PAYMENT, category=TRANSFER)
        plan.add("FB01", [company], day - 170, day, innocent=True)


def landlord(plan: Plan) -> None:
    """FB03: round rents from few tenants, all invoiced."""
    day = plan.anchor()
    for company in plan.pick(EACH, day, CODES.index("L72")):
        plan.marks["watched"][company] = True
        tenants = [plan.outsider() for _ in range(3)]
        rent = max(1, int(plan.turnover(company) / 1_000_000)) * 1_000_000
        for month in range(12):
            for tenant in tenants:
                when = day - 30 * month
                plan.sale(company, tenant, when, rent, pct=9)
                plan.flow(
                    company, when + 3, rent, incoming=True, party=tenant, kind=COMPANY, category=OPERATING
                )
        plan.add("FB03", [company], day - 360, day, innocent=True)


def hubs(plan: Plan) -> None:
    """FC01, FI07, FA06, FC05: incubators, agents and groups share places, terminals, phones and sureties."""
    ties, calendar = plan.ties, plan.region.calendar
    whole = (int(calendar.first_day[0]), calendar.end)
    for rule, column, least in (
        ("FC01", ties.address, SHARED),
        ("FC01", ties.phone, SHARED),
        ("FI07", plan.terminal, AGENTS),
    ):
        places = np.unique(column[(column >= least) & (column < least + SHARED)])
        for place in places[:MOST]:
            members = [int(c) for c in np.flatnonzero(column == place)]
            if len(members) > 2:  # noqa: PLR2004 - fewer look like nothing
                plan.add(rule, members, *whole, roles="hub", innocent=True)
    sureties = ties.guarantees
    back = set(zip(sureties.guaranteed.tolist(), sureties.guarantor.tolist(), strict=True))
    seen: set[tuple[int, int]] = set()
    for giver, taker in zip(sureties.guarantor.tolist(), sureties.guaranteed.tolist(), strict=True):
        if (giver, taker) in back and ties.head[giver] == ties.head[taker] and (taker, giver) not in seen:
            seen.add((giver, taker))
            if len(seen) <= MOST:
                plan.add("FC05", [giver, taker], *whole, roles="group", innocent=True)


def tell_applications(plan: Plan, applications: Applications) -> None:
    """FA02, FA03: one intent sent to several banks, and the devices of government halls."""
    first, last = int(plan.region.calendar.first_day[0]), plan.region.calendar.end
    mine = applications.take(applications.scheme < 0)
    _, start, count = np.unique(mine.intent, return_index=True, return_counts=True)
    for at in start[count >= 3][:MOST]:  # noqa: PLR2004 - as many as look like fraud
        day = int(mine.day[at])
        plan.add("FA02", [int(mine.company[at])], day, day, roles="one_click", innocent=True)
    for hall in np.unique(mine.device[(mine.device >= HALL) & (mine.device < AGENT)])[:MOST]:
        members = np.unique(mine.company[mine.device == hall])
        plan.add("FA03", [int(c) for c in members], first, last, roles="hall", innocent=True)


DECOYS: tuple[Plot, ...] = (
    return_trade, group_settlement, season, by_project, no_purchases, merger,
    at_home, graduate, reorganised, park_service, treasury, landlord,
)  # fmt: skip
