"""Invoices of a block of companies: its sales, and purchases with the mirror of sales in the region."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from xinqiao.city.activity import customers_kept, day_of, monthly_rate, second_of
from xinqiao.city.draw import Flags, Floats, Ints, Stream, logistic, mix, stream, uniform
from xinqiao.city.industry import KINDS_OF_GOODS, goods_table
from xinqiao.city.network import PLACES
from xinqiao.city.region import BUY_SPREAD, SALE_SPREAD, Region
from xinqiao.city.scene import Scene

MIN_CENTS, MAX_CENTS = 100, 1_000_000_000_00
OUTSIDERS_PER_COMPANY = 40
CORE = 0.35  # share of customer places that are never renewed
OTHER_RATES = np.array([0, 1, 3, 6, 9, 13, 13, 13], dtype=np.int64)
USUAL_RATE = 0.93  # share of sales at the company's own VAT rate
SUPPLIERS_VOID = 0.04
RING_GOODS = 1905
OTHER_GOODS = 3700  # what a planted mismatch sells
BARELY = 14  # one purchase in so many is left to a planted firm without purchases
AT_LIMIT = 0.45  # share of invoices a planted firm writes just below the limit
NONE = -1


@dataclass(frozen=True, slots=True)
class Invoices:
    """Invoices as columns of one length; days since 1970-01-01, seconds since midnight, money in cents.

    ``party`` below the number of companies is a company of the region, above it an outsider.
    ``status_day``, ``original`` and ``original_day`` are -1 where they do not apply.
    """

    company: Ints
    day: Ints
    second: Ints
    party: Ints
    person: Flags
    goods: Ints
    amount: Ints
    tax: Ints
    void: Flags
    status_day: Ints
    known_day: Ints
    number: Ints
    original: Ints
    original_day: Ints

    def __len__(self) -> int:
        return len(self.company)

    def take(self, index: Ints | Flags) -> Invoices:
        """The rows at ``index``."""
        return Invoices(*(getattr(self, f.name)[index] for f in fields(self)))

    def sorted(self) -> Invoices:
        """By company, day and time; rows equal in these keep their order."""
        return self.take(np.lexsort((self.second, self.day, self.company)))


def join(parts: list[Invoices]) -> Invoices:
    """The parts one under the other."""
    return Invoices(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Invoices)))


def block_of_invoices(scene: Scene, block: int) -> tuple[Invoices, Invoices]:
    """Sales and purchases drawn in ``block``; purchases hold the mirror of its sales inside the region."""
    ids = scene.ids(block)
    sales = _sales(scene, ids, block)
    inside = sales.take((sales.party < scene.region.companies) & ~sales.person)
    mirror = replace(inside, company=inside.party, party=inside.company)
    return sales, join([_purchases(scene, ids, block), mirror]).sorted()


def _sales(scene: Scene, ids: Ints, block: int) -> Invoices:
    region, rng = scene.region, stream(scene.region.seed, Stream.SALES, block)
    who, month = _occasions(scene, ids, region.sale_rate, rng, drift=1.0)
    health = scene.fate.operations[who, month].astype(np.float64)
    party, person = _customers(scene, who, month, rng)
    log_cents = region.sale_log_cents[who] + 0.15 * health + SALE_SPREAD * rng.standard_normal(len(who))
    amount = _capped(np.exp(log_cents), region.sale_log_cents[who], rng)
    amount = _at_the_limit(scene, who, amount)
    usual = rng.random(len(who)) < USUAL_RATE
    rate = np.where(usual, region.tax_pct[who], rng.choice(OTHER_RATES, len(who)))
    late = (month > scene.fate.default_month[who]).astype(np.float64)
    void = rng.random(len(who)) < logistic(region.void_logit[who] - 1.1 * health + 0.6 * late)
    goods = _goods(region, who, "sells", rng)
    goods = np.where(scene.schemes.mismatched[who], OTHER_GOODS + goods % 10, goods)
    plain = _assemble(scene, who, month, rng, (party, person, goods, amount, rate, void))
    planted, due = _planted(scene, ids, rng)
    plain = join([plain, _ring_invoices(scene, ids, rng), planted])
    months = np.searchsorted(region.calendar.first_day, plain.day, side="right") - 1
    chance = logistic(-3.6 - 0.45 * scene.fate.operations[plain.company, months].astype(np.float64))
    due = np.concatenate([np.full(len(plain) - len(due), NONE), due])
    all_rows, source = _with_red_letters(scene, plain, chance, rng, due)
    return _numbered(all_rows, source)


def _purchases(scene: Scene, ids: Ints, block: int) -> Invoices:
    region, rng = scene.region, stream(scene.region.seed, Stream.PURCHASES, block)
    who, month = _occasions(scene, ids, region.buy_rate, rng, drift=0.7)
    place = _place(region, who, month, region.suppliers[who], rng)
    party = _outsider(region, who, place, side=1)
    amount = np.exp(region.buy_log_cents[who] + BUY_SPREAD * rng.standard_normal(len(who)))
    amount = np.clip(np.rint(amount), MIN_CENTS, MAX_CENTS).astype(np.int64)
    rate = OTHER_RATES[(mix(region.seed, party) % np.uint64(len(OTHER_RATES))).astype(np.int64)]
    void = rng.random(len(who)) < SUPPLIERS_VOID
    goods = _goods(region, who, "buys", rng)
    person = np.zeros(len(who), dtype=np.bool_)
    plain = _assemble(scene, who, month, rng, (party, person, goods, amount, rate, void))
    numbers = rng.integers(10_000_000, 100_000_000, 2 * len(plain) + 1)
    plain = replace(plain, number=numbers[: len(plain)])
    kept = ~scene.schemes.starved[plain.company] | (np.arange(len(plain)) % BARELY == 0)
    plain = plain.take(kept)
    rows, source = _with_red_letters(scene, plain, np.full(len(plain), 0.012), rng, np.full(len(plain), NONE))
    red = source >= 0
    number = rows.number.copy()
    number[red] = numbers[len(plain) : len(plain) + int(red.sum())]
    return replace(rows, number=number, original=np.where(red, plain.number[source], NONE))


def _occasions(
    scene: Scene, ids: Ints, rate: Floats, rng: np.random.Generator, drift: float
) -> tuple[Ints, Ints]:
    """Company and month of every invoice to write, months in order within a company."""
    mean = monthly_rate(scene.region, scene.fate, ids, rate, drift=drift, rng=rng)
    count = rng.poisson(mean * rng.gamma(4.0, 0.25, mean.shape))
    company = np.repeat(ids, count.sum(axis=1))
    month = np.repeat(np.tile(np.arange(mean.shape[1]), len(ids)), count.ravel())
    return company, month


def _place(region: Region, who: Ints, month: Ints, pool: Ints | Floats, rng: np.random.Generator) -> Ints:
    """The place of the partner in the company's list; later places are renewed as months go by."""
    skew = region.concentration[who]
    place = (pool * rng.random(len(who)) ** skew).astype(np.int64)
    life = region.renewal_months[who]
    phase = (mix(region.seed, who, place) % life.astype(np.uint64)).astype(np.int64)
    renewed = np.where(place >= CORE * pool, (month + phase) // life, 0)
    out: Ints = place + 10_000 * renewed
    return out


def _customers(scene: Scene, who: Ints, month: Ints, rng: np.random.Generator) -> tuple[Ints, Flags]:
    region = scene.region
    pool = np.maximum(1.0, region.customers[who] * customers_kept(scene.fate, who, month))
    place = _place(region, who, month, pool, rng)
    party = _outsider(region, who, place, side=0)
    person = uniform(region.seed, who, place, 2) < region.person_share[who]
    for column, reserved in enumerate(PLACES):
        buyer = scene.network.buyer[who, column]
        inside = (place == reserved) & (buyer >= 0)
        inside &= _active(scene, buyer, month)
        party = np.where(inside, buyer, party)
        person &= ~inside
    return party, person


def _active(scene: Scene, company: Ints, month: Ints) -> Flags:
    fate = scene.fate
    return (fate.first_month[company] <= month) & (month <= fate.last_month[company])


def _outsider(region: Region, who: Ints, place: Ints, side: int) -> Ints:
    pool = np.uint64(OUTSIDERS_PER_COMPANY * region.companies)
    return region.companies + (mix(region.seed, who, place, side) % pool).astype(np.int64)


def _goods(region: Region, who: Ints, side: str, rng: np.random.Generator) -> Ints:
    """Goods as class x 10 + kind within the class; the first class and kinds are the commonest."""
    table, width = goods_table(side)
    industry = region.industry[who]
    pick = (width[industry] * rng.random(len(who)) ** 1.8).astype(np.int64)
    kind = 1 + (KINDS_OF_GOODS * rng.random(len(who)) ** 2).astype(np.int64)
    goods: Ints = table[industry, pick] * 10 + kind
    return goods


def _capped(cents: Floats, log_mean: Floats, rng: np.random.Generator) -> Ints:
    """Amounts above the company's limit (10,000 to 10,000,000 CNY) are written just below it.

    The real set shows the same: its 90th and 99th percentiles lie just under 100,000 and 1,000,000.
    """
    limit = 10.0 ** np.clip(np.ceil((log_mean + SALE_SPREAD) / np.log(10)), 6, 9)
    below = limit * (1 - 0.004 * rng.random(len(cents))) - 1
    return np.maximum(MIN_CENTS, np.rint(np.where(cents > limit, below, cents))).astype(np.int64)


Content = tuple[Ints, Flags, Ints, Ints, Ints, Flags]


def _assemble(scene: Scene, who: Ints, month: Ints, rng: np.random.Generator, content: Content) -> Invoices:
    """Add days, times and tax to (party, person, goods, amount, tax rate in percent, void)."""
    party, person, goods, amount, rate, void = content
    day = day_of(scene.region, month, rng)
    blank = np.full(len(who), NONE, dtype=np.int64)
    voided = np.minimum(day + rng.geometric(0.2, len(who)) - 1, scene.region.calendar.end)
    return Invoices(
        company=who,
        day=day,
        second=second_of(scene.region.night_share[who], rng),
        party=party,
        person=person,
        goods=goods,
        amount=amount,
        tax=(amount * rate + 50) // 100,
        void=void,
        status_day=np.where(void, voided, NONE),
        known_day=_known(day, scene.region.calendar.end, rng),
        number=blank,
        original=blank,
        original_day=blank,
    )


def _known(day: Ints, end: int, rng: np.random.Generator) -> Ints:
    """The next day, but one delivery in seventy comes 5 to 60 days late; none after the end."""
    late = rng.random(len(day)) < 1 / 70
    return np.minimum(day + np.where(late, rng.integers(5, 61, len(day)), 1), end)


def _ring_invoices(scene: Scene, ids: Ints, rng: np.random.Generator) -> Invoices:
    """Invoices along the planted rings: amounts nearly equal all round, same goods, never void."""
    net = scene.network
    edges = np.flatnonzero((net.edge_seller >= ids[0]) & (net.edge_seller <= ids[-1]))
    months = [np.arange(net.edge_first[e], net.edge_last[e] + 1) for e in edges]
    edge = np.repeat(edges, [len(m) * int(net.edge_per_month[e]) for m, e in zip(months, edges, strict=True)])
    per_edge = [np.repeat(m, net.edge_per_month[e]) for m, e in zip(months, edges, strict=True)]
    month = np.concatenate([np.zeros(0, dtype=np.int64), *per_edge])
    seller, buyer = net.edge_seller[edge], net.edge_buyer[edge]
    amount = np.rint(net.edge_cents[edge] * rng.uniform(0.97, 1.03, len(edge))).astype(np.int64)
    goods = RING_GOODS + net.ring[seller] % 2
    nobody, never = np.zeros((2, len(edge)), dtype=np.bool_)
    rate = np.full(len(edge), 13, dtype=np.int64)
    rows = _assemble(scene, seller, month, rng, (buyer, nobody, goods, amount, rate, never))
    return rows.take(_active(scene, seller, month) & _active(scene, buyer, month))


def _at_the_limit(scene: Scene, who: Ints, amount: Ints) -> Ints:
    """Marked companies write many invoices just below the next power of ten."""
    luck = uniform(scene.region.seed, who, np.arange(len(who)), 9)
    mean = scene.region.sale_log_cents[who] / np.log(10)
    limit = 10.0 ** np.clip(np.ceil(mean), 6, 9)
    near = np.rint(limit * (1 - 0.004 * luck / AT_LIMIT)).astype(np.int64) - 1
    return np.where(scene.schemes.capped[who] & (luck < AT_LIMIT), near, amount)


def _planted(scene: Scene, ids: Ints, rng: np.random.Generator) -> tuple[Invoices, Ints]:
    """Invoices of the planted schemes, and the day each is to be reversed on, or -1."""
    rows = scene.schemes.sales
    chosen = np.arange(*np.searchsorted(rows.seller, [ids[0], ids[-1] + 1]))
    day, end = rows.day[chosen], scene.region.calendar.end
    first_day = scene.region.calendar.first_day
    chosen = chosen[
        (day >= first_day[0]) & (day <= np.minimum(end, scene.fate.ended_day[rows.seller[chosen]] - 1))
    ]
    day, void = rows.day[chosen], rows.void[chosen] == 1
    month = np.searchsorted(first_day, day, side="right") - 1
    nobody = np.zeros(len(chosen), dtype=np.bool_)
    content = (rows.buyer[chosen], nobody, rows.goods[chosen], rows.cents[chosen], rows.pct[chosen], void)
    out = _assemble(scene, rows.seller[chosen], month, rng, content)
    status = np.where(void, np.minimum(day + 2, end), NONE)
    return replace(out, day=day, status_day=status, known_day=np.minimum(day + 1, end)), rows.red[chosen]


def _with_red_letters(
    scene: Scene, plain: Invoices, chance: Floats, rng: np.random.Generator, due: Ints
) -> tuple[Invoices, Ints]:
    """Append the red-letter invoices that reverse some valid ones in full; also their source row or -1.

    ``due`` is the day an invoice is to be reversed on, or -1: left to chance.
    """
    wait = 1 + rng.exponential(35.0, len(plain)).astype(np.int64)
    day = np.where(due >= 0, due, plain.day + wait)
    ended = scene.fate.ended_day
    partner_ends = np.where(plain.party < len(ended), ended[np.minimum(plain.party, len(ended) - 1)], day)
    happens = (
        ((rng.random(len(plain)) < chance) | (due >= 0)) & ~plain.void & (day <= scene.region.calendar.end)
    )
    happens &= (day <= ended[plain.company]) & (day <= partner_ends)
    source = np.flatnonzero(happens)
    red = plain.take(source)
    red = replace(
        red,
        day=day[source],
        amount=-red.amount,
        tax=-red.tax,
        known_day=_known(day[source], scene.region.calendar.end, rng),
        original_day=red.day,
    )
    return join([plain, red]), np.concatenate([np.full(len(plain), NONE, dtype=np.int64), source])


def _numbered(rows: Invoices, source: Ints) -> Invoices:
    """Sort, and number each company's invoices upwards from a number of its own."""
    order = np.lexsort((rows.second, rows.day, rows.company))
    out = rows.take(order)
    base = 10_000_000 + (mix(out.company, 8) % np.uint64(80_000_000)).astype(np.int64)
    first = np.searchsorted(out.company, out.company, side="left")
    number = base + np.arange(len(out)) - first
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    origin = source[order]
    original = np.where(origin >= 0, number[place[origin]], NONE) if len(order) else origin
    return replace(out, number=number, original=original)
