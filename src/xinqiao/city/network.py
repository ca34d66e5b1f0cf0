"""Who sells to whom inside the region: customers, chains round core firms, rings that invoice each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xinqiao.city.draw import Ints, Stream, stream
from xinqiao.city.industry import trait
from xinqiao.city.region import Region

PLACES = (1, 3, 6, 10)  # the places of a company's customer list that may hold a company of the region
COMPANIES_PER_RING = 150
FILLED = 0.4  # share of those places that do
RING_MONTHS = (6, 18)
COMPANIES_PER_CORE = 160
IN_CHAIN = 0.25  # share of companies supplying a core firm, themselves or through others
TIER_SHARES = (0.4, 0.4, 0.2)  # of the suppliers: tiers 1 to 3
PUBLIC = 3  # firms serving the public supply nobody


@dataclass(frozen=True, slots=True)
class Network:
    """Trade relations.

    ``buyer``: shape (companies, len(PLACES)), the company in that place or -1.
    Ring edges, one row each: seller, buyer, first and last month, cents per invoice, invoices a month.
    ``ring``: shape (companies,), number of the ring a company belongs to, or -1.
    ``chain``, ``tier``: shape (companies,), the core firm (company) a firm supplies in the end and its
    tier: 0 the core firm itself, 1 sells to it, 2 to a firm of tier 1, 3 to one of tier 2; -1 outside.
    """

    buyer: Ints
    chain: Ints
    tier: Ints
    ring: Ints
    edge_seller: Ints
    edge_buyer: Ints
    edge_first: Ints
    edge_last: Ints
    edge_cents: Ints
    edge_per_month: Ints


def draw_network(region: Region) -> Network:
    """Draw customers inside the region along the supply chain, then plant the rings."""
    rng = stream(region.seed, Stream.NETWORK)
    n = region.companies
    # whom one may sell to: a random company of the own or a later tier, found by drawing three candidates
    tier = trait("tier")[region.industry]
    buyer = np.full((n, len(PLACES)), -1, dtype=np.int64)
    for place in range(len(PLACES)):
        candidates = rng.integers(0, n, (n, 3))
        fits = (tier[candidates] >= tier[:, None]) & (candidates != np.arange(n)[:, None])
        chosen = candidates[np.arange(n), fits.argmax(axis=1)]
        used = fits.any(axis=1) & (rng.random(n) < FILLED)
        buyer[used, place] = chosen[used]
    rings = _rings(region, rng)
    return Network(buyer, *_chains(region, buyer), *rings)


def _chains(region: Region, buyer: Ints) -> tuple[Ints, Ints]:
    """Chain and tier of every company; the first place of a supplier's list goes to its chain."""
    rng = stream(region.seed, Stream.CHAINS)
    n, line = region.companies, trait("tier")[region.industry]
    cores = np.argsort(np.where(line <= 1, -region.size, np.inf), kind="stable")
    cores = cores[: max(2, n // COMPANIES_PER_CORE)]
    chain, tier = np.full((2, n), -1, dtype=np.int64)
    chain[cores], tier[cores] = cores, 0
    who = np.flatnonzero((rng.random(n) < IN_CHAIN) & (tier < 0) & (line < PUBLIC))
    chain[who] = cores[rng.integers(0, len(cores), len(who))]
    tier[who] = rng.choice([1, 2, 3], len(who), p=TIER_SHARES)
    buyer[cores] = np.where(np.isin(buyer[cores], who), -1, buyer[cores])  # a core firm stands at the end
    for step in (1, 2, 3):
        sellers = np.flatnonzero(tier == step)
        above = np.flatnonzero(tier == step - 1)
        above = above[np.argsort(chain[above], kind="stable")]
        low, high = (np.searchsorted(chain[above], chain[sellers], side=side) for side in ("left", "right"))
        pick = low + (rng.random(len(sellers)) * (high - low)).astype(np.int64)
        nobody = high == low  # no firm of the tier above: it sells to the core firm itself
        buyer[sellers, 0] = np.where(nobody, chain[sellers], above[np.minimum(pick, len(above) - 1)])
        tier[sellers[nobody]] = 1
    return chain, tier


def _rings(region: Region, rng: np.random.Generator) -> tuple[Ints, ...]:
    """Rings of 2 (mutual invoicing) to 5 members; each member invoices the next one."""
    n, months = region.companies, region.calendar.months
    count = max(2, n // COMPANIES_PER_RING)
    sizes = rng.choice([2, 2, 3, 4, 5], count)
    members = rng.permutation(n)[: int(sizes.sum())]
    ring_of = np.full(n, -1, dtype=np.int64)
    number = np.repeat(np.arange(count), sizes)
    ring_of[members] = number
    start = np.repeat(np.cumsum(sizes) - sizes, sizes)
    place = np.arange(len(members)) - start
    following = members[start + (place + 1) % np.repeat(sizes, sizes)]
    first = rng.integers(6, months - RING_MONTHS[0], count)
    last = np.minimum(months - 1, first + rng.integers(*RING_MONTHS, count))
    cents = np.exp(rng.normal(np.log(10_000_000), 0.6, count)).astype(np.int64)
    per_month = rng.integers(1, 4, count)
    return ring_of, members, following, first[number], last[number], cents[number], per_month[number]
