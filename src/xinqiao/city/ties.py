"""What ties companies to each other: people, holdings, shared places, and where failure may spread.

Drawn once for the region, before anything happens in it. A person is a number (hashed on delivery):
below ``companies`` the founder of that company, above it a co-holder, a hired manager or an agent's
clerk. A business group is a set of companies with one founder; most of its companies are held through
one another, some in a cycle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xinqiao.city.draw import Flags, Floats, Ints, Stream, Words, mix, stream, uniform
from xinqiao.city.guarantees import Guarantees, draw_guarantees
from xinqiao.city.region import Region

GROUPED = 0.22  # share of companies in business groups
LARGE_GROUP = 0.03  # share of groups with 10 to 30 companies
HELD_BY_GROUP = 0.65  # share of a group's later companies held through an earlier one
CYCLE = 0.06  # share of groups whose last company holds a part of the first
MINORITY = 0.02  # share of companies a stranger company holds a part of
SHARE_HIDDEN, HOLDERS_HIDDEN = 0.02, 0.03
SAME_FAMILY, JOINED_LATER = 0.5, 0.2
HIRED_MANAGER = 0.12
HOLDERS = (0.45, 0.34, 0.14, 0.05, 0.02)  # chance of 1, 2, ... persons as holders
WHOLE = 10_000  # shares are whole numbers of 1/10,000
SHARED = 10_000_000  # numbers of places from here on are an incubator's or an agent's
CO_HOLDER, MANAGER, CLERK = 1, 6, 7  # which multiple of ``companies`` a kind of person is numbered from
COMMON_OWNER, HOLDING, GUARANTEE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Holdings:
    """One row per company and holder, by company; ``share`` in 1/10,000, -1 where not published.

    ``holder`` is a company's index where ``by_company``, else a person's number.
    """

    company: Ints
    holder: Ints
    by_company: Flags
    share: Ints
    since: Ints


@dataclass(frozen=True, slots=True)
class Links:
    """Directed: the failure of ``a`` weakens ``b``.

    ``weight`` lies in 0..1, ``kind`` is one of COMMON_OWNER, HOLDING, GUARANTEE.
    """

    a: Ints
    b: Ints
    weight: Floats
    kind: Ints


@dataclass(frozen=True, slots=True)
class Ties:
    """Every array without other word has shape (companies,).

    ``controller`` and ``legal`` are persons; ``group`` is a business group or -1 and ``head`` its first
    company (or the company itself); ``address``, ``phone``, ``email`` number the place a company is filed
    under (from SHARED on: an incubator's address, an agent's phone or mailbox; -1: none); ``agent`` its
    bookkeeping agent and ``park`` its business park, or -1.
    """

    controller: Ints
    legal: Ints
    group: Ints
    head: Ints
    address: Ints
    phone: Ints
    email: Ints
    agent: Ints
    park: Ints
    holdings: Holdings
    guarantees: Guarantees
    links: Links


def draw_ties(region: Region) -> Ties:
    """Draw groups, then who holds and runs the companies, then the places they share."""
    rng = stream(region.seed, Stream.TIES)
    group, head, place = _groups(rng, region)
    everyone = np.arange(region.companies)
    hired = (rng.random(region.companies) < HIRED_MANAGER) & ~region.self_employed
    parent = _parents(rng, region, group, place)
    holdings = _holdings(rng, region, head, parent)
    guarantees = draw_guarantees(region, group, head)
    address, phone, email, agent, park = _places(rng, region, group, head)
    return Ties(
        controller=head,
        legal=np.where(hired, MANAGER * region.companies + everyone, head),
        group=group,
        head=head,
        address=address,
        phone=phone,
        email=email,
        agent=agent,
        park=park,
        holdings=holdings,
        guarantees=guarantees,
        links=_links(group, head, holdings, guarantees),
    )


def _groups(rng: np.random.Generator, region: Region) -> tuple[Ints, Ints, Ints]:
    """Group of each company or -1, the group's first company, and the place in the group."""
    n = region.companies
    count = max(1, int(GROUPED * n / 3.4))
    large = rng.random(count) < LARGE_GROUP
    sizes = np.where(large, rng.integers(10, 31, count), 1 + rng.geometric(0.6, count))
    sizes = sizes[np.cumsum(sizes) <= n // 2]
    # founders are companies: a shop may belong to a group but not head it
    order = rng.permutation(n)
    firms, shops = order[~region.self_employed[order]], order[region.self_employed[order]]
    heads = firms[: len(sizes)]
    rest = rng.permutation(np.concatenate([firms[len(sizes) :], shops]))[: int((sizes - 1).sum())]
    number = np.concatenate([np.arange(len(sizes)), np.repeat(np.arange(len(sizes)), sizes - 1)])
    members = np.concatenate([heads, rest])
    starts = np.cumsum(sizes - 1) - (sizes - 1)
    group, head, place = np.full(n, -1), np.arange(n), np.zeros(n, dtype=np.int64)
    group[members], head[members] = number, heads[number]
    place[rest] = 1 + np.arange(len(rest)) - np.repeat(starts, sizes - 1)
    return group, head, place


def _parents(rng: np.random.Generator, region: Region, group: Ints, place: Ints) -> Ints:
    """The company of the same group that holds the majority of a company, or -1; never a shop."""
    n = region.companies
    order = np.lexsort((place, group))
    position = np.empty(n, dtype=np.int64)
    position[order] = np.arange(n)
    earlier = position - place + (place * rng.random(n) ** 1.6).astype(np.int64)
    parent = order[np.minimum(earlier, n - 1)]
    held = (group >= 0) & (place > 0) & (rng.random(n) < HELD_BY_GROUP)
    held &= ~region.self_employed & ~region.self_employed[parent]
    last = np.full(int(group.max(initial=-1)) + 1, -1, dtype=np.int64)
    last[group[order][group[order] >= 0]] = order[group[order] >= 0]  # the last one written stays
    first = np.flatnonzero((group >= 0) & (place == 0))
    closes = first[(rng.random(len(first)) < CYCLE) & ~region.self_employed[last[group[first]]]]
    out = np.where(held, parent, -1)
    out[closes] = last[group[closes]]
    return out


def _holdings(rng: np.random.Generator, region: Region, head: Ints, parent: Ints) -> Holdings:
    """Persons and companies that hold each company; shops and companies whose file is lost have none."""
    n = region.companies
    owned = np.flatnonzero(~region.self_employed & (rng.random(n) >= HOLDERS_HIDDEN))
    company, holder, mass = _persons(rng, region, owned, head)
    stranger = np.where(rng.random(n) < MINORITY, rng.integers(0, n, n), -1)
    stranger = np.where(stranger == parent, -1, stranger)
    parts = [(company, holder, mass, np.zeros(len(company), dtype=np.bool_))]
    for by, low, high in ((parent, 1.1, 30.0), (stranger, 0.05, 0.3)):
        whose = owned[(by[owned] >= 0) & (by[owned] != owned)]
        whose = whose[~region.self_employed[by[whose]]]
        beside = np.exp(rng.uniform(np.log(low), np.log(high), len(whose)))
        # the first of a group stays with its founder, though the last holds a part of it
        beside = np.where(head[whose] == whose, rng.uniform(0.05, 0.4, len(whose)), beside)
        held = np.bincount(company, mass, n)[whose] * beside
        parts.append((whose, by[whose], held, np.ones(len(whose), dtype=np.bool_)))
    company, holder, mass = (np.concatenate([part[i] for part in parts]) for i in range(3))
    by_company = np.concatenate([part[3] for part in parts])
    order = np.argsort(company, kind="stable")
    company, holder, by_company = company[order], holder[order], by_company[order]
    share = _whole(company, mass[order], n)
    share = np.where(rng.random(len(share)) < SHARE_HIDDEN, -1, share)
    return Holdings(company, holder, by_company, share, _since(rng, region, company, holder, by_company))


def _persons(rng: np.random.Generator, region: Region, owned: Ints, head: Ints) -> tuple[Ints, Ints, Floats]:
    """Company, person and weight; a group's companies have half of their co-holders in common."""
    n = region.companies
    persons = rng.choice(len(HOLDERS), len(owned), p=HOLDERS) + 1
    company = np.repeat(owned, persons)
    rank = np.arange(len(company)) - np.repeat(np.cumsum(persons) - persons, persons)
    family = uniform(region.seed, head[company], rank, 51) < SAME_FAMILY
    base = np.where(family, head[company], company)
    holder = np.where(rank == 0, head[company], (CO_HOLDER + rank - 1) * n + base)
    return company, holder, rng.gamma(2.0, 1.0, len(company)) * np.where(rank == 0, 4.0, 1.0)


def _since(rng: np.random.Generator, region: Region, company: Ints, holder: Ints, by_company: Flags) -> Ints:
    """From the start, or for some from a later day before the period; never before a holder was founded."""
    start = region.established[company]
    start = np.where(
        by_company, np.maximum(start, region.established[np.where(by_company, holder, 0)]), start
    )
    joined = start + rng.integers(30, 2000, len(company))
    late = (rng.random(len(company)) < JOINED_LATER) & (joined < region.calendar.first_day[0])
    return np.where(late, joined, start)


def _whole(company: Ints, mass: Floats, n: int) -> Ints:
    """Shares of 1/10,000 that sum to WHOLE in every company; the largest holder takes the rest."""
    share = np.maximum(1, np.floor(WHOLE * mass / np.bincount(company, mass, n)[company])).astype(np.int64)
    left = WHOLE - np.bincount(company, share, n).astype(np.int64)
    order = np.lexsort((share, company))
    largest = order[np.append(company[order][1:] != company[order][:-1], np.ones(min(1, len(order)), bool))]
    share[largest] += left[company[largest]]
    return share


SHARED_ADDRESS, SHARED_PHONE, SHARED_EMAIL = 0.5, 0.5, 0.4  # within a group
IN_INCUBATOR, IN_PARK = 0.03, 0.15
HAS_AGENT, AGENT_PHONE, AGENT_EMAIL, NO_EMAIL = 0.45, 0.08, 0.10, 0.35
COMPANIES_PER_INCUBATOR, COMPANIES_PER_AGENT, COMPANIES_PER_PARK = 1500, 60, 500


def _places(
    rng: np.random.Generator, region: Region, group: Ints, head: Ints
) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Address, phone, mailbox, agent and park; incubators and agents are innocent hubs."""
    n = region.companies
    own = np.arange(n)

    def hub(per: int) -> Ints:
        return (max(1, n // per) * rng.random(n) ** 2).astype(np.int64)

    def chance(share: float) -> Flags:
        return rng.random(n) < share

    grouped = group >= 0
    incubator = hub(COMPANIES_PER_INCUBATOR)
    hosted = chance(IN_INCUBATOR) & ~region.self_employed
    agent = np.where(chance(HAS_AGENT), hub(COMPANIES_PER_AGENT), -1)
    address = np.where(grouped & chance(SHARED_ADDRESS), head, own)
    address = np.where(hosted, SHARED + incubator, address)
    phone = np.where(grouped & chance(SHARED_PHONE), head, own)
    phone = np.where((agent >= 0) & chance(AGENT_PHONE), SHARED + agent, phone)
    email = np.where(grouped & chance(SHARED_EMAIL), head, own)
    email = np.where((agent >= 0) & chance(AGENT_EMAIL), SHARED + agent, email)
    email = np.where(chance(NO_EMAIL), -1, email)
    park = np.where(chance(IN_PARK) & ~region.self_employed, hub(COMPANIES_PER_PARK), -1)
    return address, phone, email, agent, np.where(hosted, SHARED + incubator, park)


def _links(group: Ints, head: Ints, holdings: Holdings, guarantees: Guarantees) -> Links:
    """Owner with owned both ways, holder and held both ways, guarantor hurt by the guaranteed."""
    member = np.flatnonzero((group >= 0) & (head != np.arange(len(head))))
    held = np.flatnonzero(holdings.by_company)
    company, holder = holdings.company[held], holdings.holder[held]
    share = np.maximum(0, holdings.share[held]) / WHOLE
    full = np.ones(len(member))
    parts = (
        (member, head[member], full, COMMON_OWNER),
        (head[member], member, full, COMMON_OWNER),
        (company, holder, share, HOLDING),
        (holder, company, share, HOLDING),
        (guarantees.guaranteed, guarantees.guarantor, np.ones(len(guarantees)), GUARANTEE),
    )
    a, b, weight = (np.concatenate([part[i] for part in parts]) for i in range(3))
    return Links(a, b, weight, np.repeat([part[3] for part in parts], [len(part[0]) for part in parts]))


def person_words(seed: int, person: Ints, change: Ints | int = 0) -> Words:
    """The hash of a person; ``change`` counts the strangers who came after the first."""
    return mix(seed, person, change, 21)
