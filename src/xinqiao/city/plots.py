"""What each fraud scheme does: one function a rule of the catalogue, each planting one scheme.

A scheme shows the pattern its rule looks for, not the rule's very thresholds: amounts, days and numbers
vary around them, so that some schemes stay below and are missed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from xinqiao.city.applications import GANG
from xinqiao.city.bookings import (
    BANK,
    COMPANY,
    INVESTMENT,
    OPERATING,
    PERSON,
    PROPERTY,
    REPAYMENT,
    SECURITIES,
    TRANSFER,
)
from xinqiao.city.changes import ADDRESS, HOLDER, LEGAL, NAME, SCOPE
from xinqiao.city.industry import INDUSTRIES
from xinqiao.city.schemes import GANGS, Plan

EACH = 3  # schemes of a single firm that turn on the same day
FIRST_WEEK = 3
WHOLESALE = next(i for i, line in enumerate(INDUSTRIES) if line.code == "F51")
Plot = Callable[[Plan], None]


def rings(plan: Plan) -> None:
    """FI01, FI02: the rings of the trade network, told in the truth."""
    net = plan.network
    first_day = plan.region.calendar.first_day
    ring_of_edge = net.ring[net.edge_seller]
    order = np.argsort(ring_of_edge, kind="stable")
    for edges in np.split(order, np.flatnonzero(np.diff(ring_of_edge[order])) + 1):
        members = np.unique(net.edge_seller[edges])
        first, last = int(net.edge_first[edges].min()), int(net.edge_last[edges].max())
        rule = "FI02" if len(members) == 2 else "FI01"  # noqa: PLR2004 - two invoice each other
        plan.add(rule, [int(m) for m in members], int(first_day[first]), int(first_day[last + 1]) - 1)


def capped(plan: Plan) -> None:
    """FI03: many invoices just below the limit of the form."""
    day = plan.anchor()
    for company in plan.pick(EACH, day, busy=True):
        plan.marks["capped"][company] = True
        plan.add("FI03", [company], int(plan.region.calendar.first_day[0]), plan.region.calendar.end)


def surge(plan: Plan) -> None:
    """FI04: sales doubled and more in the three months before an application."""
    day = plan.lately()
    for company in plan.pick(EACH, day):
        total = plan.turnover(company) * float(plan.rng.uniform(6.0, 15.0))
        _invoices(plan, company, day - 88, day - 3, total, buyers=4)
        plan.apply(company, day, plan.add("FI04", [company], day - 88, day))


def _invoices(
    plan: Plan, company: int, first: int, last: int, total: float, *, buyers: int, red: int = -1
) -> None:
    """Spread invoices of ``total`` cents over the days, to so many buyers from outside."""
    count = int(plan.rng.integers(10, 25))
    others = [plan.outsider() for _ in range(buyers)]
    for _ in range(count):
        day = int(plan.rng.integers(first, last + 1))
        cents = int(total / count * plan.rng.uniform(0.7, 1.3))
        back = red + int(plan.rng.integers(0, 50)) if red > 0 else -1
        plan.sale(company, others[int(plan.rng.integers(buyers))], day, cents, red=back)


def reversed_later(plan: Plan) -> None:
    """FI05: invoices before the loan, reversed after it; or many made void."""
    day = plan.anchor()
    for company in plan.pick(EACH, day):
        total = plan.turnover(company) * float(plan.rng.uniform(3.0, 6.0))
        if plan.rng.random() < 0.6:  # noqa: PLR2004 - the others make void
            _invoices(plan, company, day - 150, day - 5, total, buyers=5, red=day + 32)
        else:
            for _ in range(int(plan.region.sale_rate[company] * 6) + 8):
                when = day - int(plan.rng.integers(5, 300))
                plan.sale(company, plan.outsider(), when, int(plan.turnover(company) * 0.3), void=1)
        plan.apply(company, day, plan.add("FI05", [company], day - 150, day + 82))


def mismatched(plan: Plan) -> None:
    """FI06: a wholesaler that buys other goods than it sells, or hardly buys at all."""
    day = plan.anchor()
    for company in plan.pick(EACH, day, WHOLESALE, busy=True):
        plan.marks["starved" if plan.rng.random() < 0.5 else "mismatched"][company] = True  # noqa: PLR2004 - half each
        plan.add("FI06", [company], int(plan.region.calendar.first_day[0]), plan.region.calendar.end)


def one_terminal(plan: Plan) -> None:
    """FI07: one terminal issues for several firms that have nothing to do with each other."""
    day = plan.anchor()
    members = plan.pick(int(plan.rng.integers(3, 8)), day)
    plan.terminal[members] = GANGS + plan.schemes
    plan.add("FI07", members, int(plan.region.calendar.first_day[0]), plan.region.calendar.end)


def odd_partners(plan: Plan) -> None:
    """FI08: sales to firms founded just before, and to firms that have failed."""
    day = plan.anchor()
    region, fate = plan.region, plan.fate
    first_day = region.calendar.first_day
    young = np.flatnonzero((region.established > day - 300) & (region.established < day - 20))
    failed = np.flatnonzero((fate.ended_day > day) & (fate.ended_day < region.calendar.end - 30))
    partners = [int(c) for c in (*young[:3], *failed[:3])]
    for company in plan.pick(EACH, day) if partners else []:
        total = plan.turnover(company) * 3
        for partner in partners:
            for _ in range(4):
                start = max(int(region.established[partner]) + 2, day - 200)
                when = int(plan.rng.integers(start, max(start + 1, min(start + 80, day))))
                plan.sale(company, partner, when, int(total / len(partners) / 4))
        plan.add("FI08", [company], max(int(first_day[0]), day - 200), day, roles="seller")


def beyond_means(plan: Plan) -> None:
    """FI09: sales far beyond what the staff and the power it has could make."""
    day = plan.anchor()
    for company in plan.pick(EACH, day):
        for month in range(12):
            start = day - 30 * (month + 1)
            _invoices(
                plan,
                company,
                start,
                start + 27,
                plan.turnover(company) * float(plan.rng.uniform(15, 40)),
                buyers=3,
            )
        plan.add("FI09", [company], day - 360, day)


def same_place(plan: Plan) -> None:
    """FC01: strangers filed under one address, telephone or mailbox."""
    day = plan.anchor()
    members = plan.pick(int(plan.rng.integers(3, 9)), day)
    if not members:
        return
    ties, lead = plan.ties, members[0]
    which = int(plan.rng.integers(1, 8))
    for bit, column in enumerate((ties.address, ties.phone, ties.email)):
        if which & (1 << bit):
            column[members] = lead
    plan.add("FC01", members, int(plan.region.calendar.first_day[0]), plan.region.calendar.end)


def bought_shell(plan: Plan) -> None:
    """FC02: asleep for a year, then representative, holders, name and scope change at once."""
    day = plan.lately() - 110
    for company in plan.pick(EACH, day):
        first_day = plan.region.calendar.first_day
        plan.fate.first_month[company] = int(np.searchsorted(first_day, day, side="right"))
        for item in (LEGAL, HOLDER, NAME, SCOPE, ADDRESS)[: int(plan.rng.integers(3, 6))]:
            plan.changes.append((company, day + int(plan.rng.integers(0, 25)), item))
        number = plan.add("FC02", [company], int(first_day[0]), day + 110)
        plan.apply(company, day + int(plan.rng.integers(40, 110)), number)


def hollow(plan: Plan) -> None:
    """FC03: large sales without staff, power or rooms."""
    day = plan.anchor()
    for company in plan.pick(EACH, day):
        plan.marks["hollow"][company] = True
        for month in range(14):
            start = day - 30 * (month + 1)
            _invoices(
                plan, company, start, start + 27, 40_000_000 * float(plan.rng.uniform(0.6, 2.0)), buyers=3
            )
        plan.apply(company, day, plan.add("FC03", [company], day - 420, day))


def hired_head(plan: Plan) -> None:
    """FC04: a representative who never ran anything takes office shortly before the application."""
    day = plan.lately()
    for company in plan.pick(EACH, day):
        plan.marks["hired"][company] = True
        taken = day - int(plan.rng.integers(20, 170))
        plan.changes.append((company, taken, LEGAL))
        plan.apply(company, day, plan.add("FC04", [company], taken, day), agent=GANG + plan.schemes % 7)


def surety_circles(plan: Plan) -> None:
    """FC05: the planted circles of sureties, which also sell to each other on a large scale."""
    sureties = plan.ties.guarantees
    for circle in range(int(sureties.circle.max(initial=-1)) + 1):
        mine = np.flatnonzero(sureties.circle == circle)
        members = [int(c) for c in sureties.guarantor[mine]]
        signed = int(sureties.signed[mine].min())
        for row in mine:
            giver, taker = int(sureties.guarantor[row]), int(sureties.guaranteed[row])
            for when in plan.rng.integers(signed, plan.region.calendar.end, 10):
                plan.sale(giver, taker, int(when), int(sureties.cents[row] * 0.3))
        plan.add("FC05", members, signed, plan.region.calendar.end, roles="guarantor")


def lost_together(plan: Plan) -> None:
    """FC06: firms of one referrer that nobody reaches once they have the money."""
    day = plan.anchor()
    members = plan.pick(int(plan.rng.integers(8, 15)), day)
    number = plan.add("FC06", members, day, day + 120)
    for company in members:
        plan.apply(company, day + int(plan.rng.integers(0, 25)), number, referrer=GANG + number)
    plan.vanishing.add(number)


def at_the_door(plan: Plan) -> None:
    """FA01: holders, address or representative change a few weeks before the application."""
    day = plan.anchor()
    for company in plan.pick(EACH, day):
        for item in (LEGAL, HOLDER, ADDRESS)[: int(plan.rng.integers(1, 4))]:
            plan.changes.append((company, day - int(plan.rng.integers(10, 150)), item))
        plan.apply(company, day, plan.add("FA01", [company], day - 150, day))


def everywhere(plan: Plan) -> None:
    """FA02: one firm asks many banks within days, each time with another intent."""
    day = plan.anchor()
    for company in plan.pick(EACH, day):
        number = plan.add("FA02", [company], day, day + 25)
        for bank in range(int(plan.rng.integers(4, 9))):
            within = 7 if bank <= FIRST_WEEK else 25
            plan.apply(company, day + int(plan.rng.integers(0, within)), number, institution=bank)


def one_device(plan: Plan) -> None:
    """FA03: several strangers apply from one device and address block."""
    day = plan.anchor()
    members = plan.pick(int(plan.rng.integers(3, 8)), day)
    number = plan.add("FA03", members, day, day + 25)
    for company in members:
        plan.apply(
            company, day + int(plan.rng.integers(0, 25)), number, device=GANG + number, address=GANG + number
        )


def agent_gang(plan: Plan) -> None:
    """FA04: an agent files for a dozen firms with papers of one layout; some papers are changed."""
    day = plan.anchor()
    members = plan.pick(int(plan.rng.integers(10, 16)), day)
    number = plan.add("FA04", members, day, day + 25)
    for company in members:
        plan.apply(
            company,
            day + int(plan.rng.integers(0, 25)),
            number,
            agent=GANG + number,
            layout=GANG + number,
            referrer=GANG + number,
        )


def tampered(plan: Plan) -> None:
    """FA05: papers changed after they were made."""
    day = plan.anchor()
    members = plan.pick(2, day)
    number = plan.add("FA05", members, day, day + 40)
    for company in members:
        plan.apply(company, day + int(plan.rng.integers(0, 40)), number)
    plan.tampering.add(number)


def many_lines(plan: Plan) -> None:
    """FA06: one person holds many lines, and one telephone stands for several firms that apply."""
    day = plan.anchor()
    members = plan.pick(int(plan.rng.integers(3, 6)), day)
    number = plan.add("FA06", members, day, day + 60)
    for company in members:
        plan.ties.phone[company] = members[0]
        plan.marks["hoards"][company] = True
        plan.apply(company, day + int(plan.rng.integers(0, 60)), number, phone=members[0])


def in_and_out(plan: Plan) -> None:
    """FB01: what comes in leaves within a day, almost to the cent."""
    day = plan.lately()
    for company in plan.pick(EACH, day):
        plan.marks["watched"][company] = True
        for _ in range(40):
            when = day - int(plan.rng.integers(0, 170))
            cents = int(plan.turnover(company) * plan.rng.uniform(0.3, 0.9))
            plan.flow(
                company, when, cents, incoming=True, party=plan.outsider(), kind=COMPANY, category=OPERATING
            )
            leaves = int(cents * plan.rng.uniform(0.982, 1.0))
            plan.flow(
                company,
                when + int(plan.rng.integers(0, 2)),
                leaves,
                incoming=False,
                party=plan.outsider(),
                kind=COMPANY,
                category=OPERATING,
            )
        plan.add("FB01", [company], day - 170, day)


def closed_loop(plan: Plan) -> None:
    """FB02: money goes round three or four firms within a week."""
    day = plan.anchor()
    members = plan.pick(int(plan.rng.integers(3, 5)), day)
    plan.marks["watched"][members] = True
    for turn in range(8):
        when, cents = day - 20 * turn, float(np.mean([plan.turnover(m) for m in members] or [0])) * 0.8
        for giver, taker in zip(members, members[1:] + members[:1], strict=True):
            cents *= float(plan.rng.uniform(0.988, 1.0))
            plan.flow(giver, when, int(cents), incoming=False, party=taker, kind=COMPANY, category=OPERATING)
            plan.flow(taker, when, int(cents), incoming=True, party=giver, kind=COMPANY, category=OPERATING)
            when += int(plan.rng.integers(0, 3))
    plan.add("FB02", members, day - 160, day + 7)


def raised_flows(plan: Plan) -> None:
    """FB03: round sums from two or three partners to whom nothing was invoiced."""
    day = plan.anchor()
    for company in plan.pick(EACH, day):
        plan.marks["watched"][company] = True
        others = [plan.outsider() for _ in range(2)]
        whole = max(1, int(plan.turnover(company) / 1_000_000))
        for _ in range(170):
            when = day + 60 - int(plan.rng.integers(0, 360))
            cents = whole * int(plan.rng.integers(1, 6)) * 1_000_000
            payer = others[int(plan.rng.integers(2))]
            plan.flow(company, when, cents, incoming=True, party=payer, kind=COMPANY, category=OPERATING)
        plan.add("FB03", [company], day - 360, day)


def diverted(plan: Plan) -> None:
    """FB04: the loan goes to securities, property, a person or another bank within a week."""
    day = plan.anchor()
    for company in plan.pick(EACH, day):
        plan.marks["watched"][company] = True
        number = plan.add("FB04", [company], day, day + 40)
        plan.apply(company, day, number, cents=200_000_000)
        plan.tampering.discard(number)
        _spend(plan, company, day)


def _spend(plan: Plan, company: int, day: int) -> None:
    """Outgoing bookings over the days in which the loan can arrive and the week after it."""
    kind, category = (
        (SECURITIES, INVESTMENT),
        (PROPERTY, INVESTMENT),
        (PERSON, TRANSFER),
        (BANK, REPAYMENT),
    )[int(plan.rng.integers(4))]
    for offset in range(4, 34, 3):
        cents = int(plan.rng.integers(20, 60)) * 1_000_000
        plan.flow(company, day + offset, cents, incoming=False, party=-1, kind=kind, category=category)


def near_known(plan: Plan) -> None:
    """FG01: partners in trade, address and owners of firms whose fraud was confirmed."""
    day = plan.anchor()
    members = plan.pick(int(plan.rng.integers(4, 8)), day)
    if not members:
        return
    known, near = members[:2], members[2:]
    for company in known:
        plan.confirmed.append((company, day))
    for company in near:
        plan.ties.phone[company] = members[0]
        for other in known:
            plan.sale(company, other, day - int(plan.rng.integers(30, 300)), int(plan.turnover(company)))
    plan.add("FG01", near, day - 300, plan.region.calendar.end, roles="near")


def alike(plan: Plan) -> None:
    """FG02: shells founded in one month apply alike in everything but the name."""
    day = plan.anchor()
    members = plan.founded_together(5)
    number = plan.add("FG02", members, day, day + 25)
    gang = GANG + number
    cents = int(plan.rng.integers(20, 200)) * 1_000_000
    same = dict.fromkeys(("device", "address", "agent", "referrer", "phone", "layout"), gang)
    for company in members:
        when = day + int(plan.rng.integers(0, 25))
        plan.apply(company, when, number, cents=cents, institution=number % 12, **same)


ONCE: tuple[Plot, ...] = (rings, surety_circles)
"""Planted elsewhere already, completed and told here."""
PLOTS: tuple[Plot, ...] = (
    capped, surge, reversed_later, mismatched, one_terminal, odd_partners, beyond_means, same_place,
    bought_shell, hollow, hired_head, lost_together, at_the_door, everywhere, one_device, agent_gang,
    tampered, many_lines, in_and_out, closed_loop, raised_flows, diverted, near_known, alike,
)  # fmt: skip
