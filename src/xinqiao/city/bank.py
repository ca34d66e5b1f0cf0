"""Account flows of companies that authorised the query, for the last 36 months, and monthly balances.

Receipts are the company's own invoices paid with a delay, payments those of its suppliers; tax, wages,
supplies, loans and transfers stand beside them. Liquidity decides what is collected, what bounces,
who borrows from small lenders, and how much is left on the account.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import polars as pl

from xinqiao.city.bookings import (
    BANK,
    CASH,
    CATEGORIES,
    COMPANY,
    FX,
    INVESTMENT,
    LOAN,
    MICRO,
    OPERATING,
    OTHER,
    OWN,
    PARTIES,
    PAYMENT,
    PAYROLL,
    PERSON,
    PROPERTY,
    REFUND,
    REPAYMENT,
    SECURITIES,
    STATE,
    TAX,
    TRANSFER,
    UTILITY,
)
from xinqiao.city.books import books_of
from xinqiao.city.credit import credit_lines
from xinqiao.city.customs import declarations
from xinqiao.city.draw import Flags, Floats, Ints, Stream, logistic, mix, uniform
from xinqiao.city.hazard import NEVER
from xinqiao.city.industry import trait
from xinqiao.city.invoices import Invoices
from xinqiao.city.power import PRICES, supply
from xinqiao.city.scene import Scene
from xinqiao.city.staff import headcount, monthly_wage
from xinqiao.city.tax import SURCHARGE, declared, payments
from xinqiao.city.text import choice, codes, company_codes, dates, hashes, money, only

AUTHORISED = 0.85
MONTHS = 36
SEEN = 0.88  # share of bookings on accounts the company authorised
LOW_CENTS = 1_000_00
INTEREST = 0.0045  # of the sum granted, a month
NOBODY = -1


@dataclass(frozen=True, slots=True)
class Flows:
    """Bookings as columns of one length; ``party`` is a company's index, or NOBODY; ``payees`` may be -1."""

    company: Ints
    day: Ints
    incoming: Flags
    cents: Ints
    party: Ints
    kind: Ints
    category: Ints
    related: Flags
    payees: Ints
    returned: Flags

    def take(self, index: Ints | Flags) -> Flows:
        """The rows at ``index``."""
        return Flows(*(getattr(self, f.name)[index] for f in fields(self)))


def _flows(
    company: Ints,
    day: Ints,
    cents: Floats | Ints,
    *,
    incoming: bool,
    kind: int | Ints,
    category: int,
    party: Ints | int = NOBODY,
    payees: Ints | int = -1,
    related: Flags | bool = False,
    returned: Flags | bool = False,
) -> Flows:
    n = len(company)
    whole = np.rint(cents).astype(np.int64)
    return Flows(
        company,
        day,
        np.full(n, incoming),
        whole,
        np.broadcast_to(np.asarray(party, dtype=np.int64), (n,)),
        np.broadcast_to(np.asarray(kind, dtype=np.int64), (n,)),
        np.full(n, category),
        np.broadcast_to(np.asarray(related, dtype=np.bool_), (n,)),
        np.broadcast_to(np.asarray(payees, dtype=np.int64), (n,)),
        np.broadcast_to(np.asarray(returned, dtype=np.bool_), (n,)),
    )


def authorised(scene: Scene, ids: Ints) -> Flags:
    """Who has let the platform be asked about its accounts; shape (len(ids),)."""
    chance = AUTHORISED - 0.15 * scene.region.self_employed[ids]
    out: Flags = (uniform(scene.region.seed, ids, 1121) < chance) | scene.schemes.watched[ids]
    return out


def bank_tables(scene: Scene, ids: Ints) -> dict[str, pl.DataFrame]:
    """Flows and balances of a block."""
    return {"bank_flow": _flow_rows(scene, ids), "bank_balance": _balances(scene, ids)}


def flows(scene: Scene, ids: Ints) -> Flows:
    """All bookings seen, by company and day."""
    rng = scene.stream(Stream.BANK, ids)
    parts = [
        _receipts(scene, ids, rng),
        _tills(scene, ids, rng),
        _suppliers(scene, ids, rng),
        _taxes(scene, ids),
        _wages(scene, ids, rng),
        _supplies(scene, ids, rng),
        *_loans(scene, ids, rng),
        *_transfers(scene, ids, rng),
        _abroad(scene, ids, rng),
        _platform_loans(scene, ids),
        _planted(scene, ids),
    ]
    rows = Flows(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Flows)))
    calendar = scene.region.calendar
    first = calendar.first_day[max(0, calendar.months - MONTHS)]
    last = np.minimum(calendar.end, scene.fate.ended_day[rows.company] - 1)
    keep = (rows.day >= first) & (rows.day <= last) & (rows.cents > 0)
    seen = (rng.random(len(keep)) < SEEN) | scene.schemes.watched[rows.company]
    keep &= authorised(scene, ids)[rows.company - ids[0]] & seen
    rows = rows.take(keep)
    return rows.take(np.lexsort((rows.cents, rows.day, rows.company)))


def _receipts(scene: Scene, ids: Ints, rng: np.random.Generator) -> Flows:
    """Own invoices paid by the customers; persons pay through payment institutions."""
    rows = books_of(scene, ids).sales
    month, liquidity = _state(scene, rows)
    after = np.minimum(month - scene.fate.default_month[rows.company], 12)
    collected = logistic(1.9 + 0.45 * liquidity - 0.35 * np.maximum(after, 0))
    paid = (rng.random(len(rows)) < collected) & ~rows.void & (rows.amount > 0)
    rows, liquidity = rows.take(paid), liquidity[paid]
    day = rows.day + rng.exponential(22.0 * np.exp(-0.20 * liquidity)).astype(np.int64)
    kind = np.where(rows.person, np.where(rng.random(len(rows)) < 0.6, PAYMENT, PERSON), COMPANY)  # noqa: PLR2004 - most pay by telephone
    cents = rows.amount + rows.tax
    party = np.where(rows.person, NOBODY, rows.party)
    return _flows(
        rows.company,
        day,
        cents,
        incoming=True,
        kind=kind,
        category=OPERATING,
        party=party,
        related=_related(scene, rows.company, party),
    )


def _state(scene: Scene, rows: Invoices) -> tuple[Ints, Floats]:
    """Month of an invoice, and the liquidity of its company then."""
    month = np.searchsorted(scene.region.calendar.first_day, rows.day, side="right") - 1
    return month, scene.fate.liquidity[rows.company, month].astype(np.float64)


def _related(scene: Scene, company: Ints, party: Ints) -> Flags:
    """Whether both belong to one business group."""
    group, inside = scene.ties.group, (party >= 0) & (party < scene.region.companies)
    other = group[np.where(inside, party, 0)]
    out: Flags = inside & (other >= 0) & (other == group[company])
    return out


def _tills(scene: Scene, ids: Ints, rng: np.random.Generator) -> Flows:
    """What is sold without an invoice, booked once a month by the payment institution."""
    beside = declared(scene, ids) - books_of(scene, ids).sold
    row, month = np.nonzero((beside > LOW_CENTS) & scene.lives(ids))
    day = _day_in(scene, month, rng)
    return _flows(ids[row], day, beside[row, month] * 0.9, incoming=True, kind=PAYMENT, category=OPERATING)


def _day_in(scene: Scene, month: Ints, rng: np.random.Generator, first: int = 0, last: int = 27) -> Ints:
    return scene.region.calendar.first_day[month] + rng.integers(first, last + 1, len(month))


def _suppliers(scene: Scene, ids: Ints, rng: np.random.Generator) -> Flows:
    """Invoices received from outside the region, paid the later the shorter the company is of money."""
    rows = books_of(scene, ids).purchases
    mine = (rows.company >= ids[0]) & (rows.company <= ids[-1]) & ~rows.void & (rows.amount > 0)
    rows = rows.take(mine)
    month, liquidity = _state(scene, rows)
    after = np.maximum(0, month - scene.fate.default_month[rows.company])
    paid = rng.random(len(rows)) < logistic(2.4 + 0.3 * liquidity - 0.4 * np.minimum(after, 12))
    rows, liquidity = rows.take(paid), liquidity[paid]
    day = rows.day + rng.exponential(18.0 * np.exp(-0.25 * liquidity)).astype(np.int64)
    return _flows(
        rows.company,
        day,
        rows.amount + rows.tax,
        incoming=False,
        kind=COMPANY,
        category=OPERATING,
        party=rows.party,
        related=_related(scene, rows.company, rows.party),
    )


def _taxes(scene: Scene, ids: Ints) -> Flows:
    """Taxes as paid, one booking a day; the surcharge goes with the VAT."""
    rows = payments(scene, ids)
    paid = rows.paid_on < NEVER
    key = rows.company[paid] * 100_000 + rows.paid_on[paid]
    places, inverse = np.unique(key, return_inverse=True)
    cents = np.bincount(inverse, weights=rows.cents[paid], minlength=len(places))
    assert SURCHARGE in rows.kind or not len(rows.kind)  # noqa: S101 - both are in one booking
    return _flows(places // 100_000, places % 100_000, cents, incoming=False, kind=STATE, category=TAX)


def _wages(scene: Scene, ids: Ints, rng: np.random.Generator) -> Flows:
    """Wages paid through the bank; a month is missed where money is very short."""
    heads = headcount(scene, ids)
    through_bank = uniform(scene.region.seed, ids, 1122) < np.where(
        scene.region.self_employed[ids], 0.25, 0.85
    )
    liquidity = scene.fate.liquidity[ids].astype(np.float64) - 1.2 * (scene.after_default(ids) > 0)
    missed = rng.random(heads.shape) < logistic(-4.2 - 1.2 * liquidity)
    row, month = np.nonzero((heads > 1) & through_bank[:, None] & ~missed)
    wage = monthly_wage(scene, ids)[row, month] * np.exp(0.1 * rng.standard_normal(len(row)))
    day = _day_in(scene, month, rng, 9, 14)
    people = heads[row, month]
    return _flows(ids[row], day, wage * people, incoming=False, kind=PERSON, category=PAYROLL, payees=people)


def _supplies(scene: Scene, ids: Ints, rng: np.random.Generator) -> Flows:
    """Electricity and water, once a month."""
    accounts = supply(scene, ids)
    month = np.arange(scene.region.calendar.months)
    level: Floats = 30 * accounts.usual * PRICES[accounts.tariff]
    noise = 0.1 * rng.standard_normal((len(accounts), len(month)))
    moves = np.exp(0.3 * scene.fate.operations[ids[accounts.row]].astype(np.float64) + noise)
    use = level[:, None] * moves
    row, at = np.nonzero(scene.lives(ids)[accounts.row] & (scene.after_default(ids)[accounts.row] < 4))  # noqa: PLR2004 - then supply is cut
    day = _day_in(scene, at, rng, 4, 24)
    return _flows(ids[accounts.row][row], day, use[row, at], incoming=False, kind=COMPANY, category=UTILITY)


def _loans(scene: Scene, ids: Ints, rng: np.random.Generator) -> list[Flows]:
    """Loans paid out, interest and repayment; debits that fail; small lenders where money is short."""
    lines = credit_lines(scene, ids)
    calendar, fate = scene.region.calendar, scene.fate
    paid_out = _flows(
        lines.company,
        lines.opened + 1,
        lines.granted.astype(np.float64) * 0.8,
        incoming=True,
        kind=BANK,
        category=LOAN,
    )
    last_day = calendar.first_day[1:] - 1
    closed = np.minimum(lines.closed, fate.default_day[lines.company])
    row, month = np.nonzero((lines.opened[:, None] < calendar.first_day[:-1]) & (last_day < closed[:, None]))
    company = lines.company[row]
    liquidity = fate.liquidity[company, month].astype(np.float64)
    failed = rng.random(len(row)) < logistic(-4.1 - 1.1 * liquidity)
    share = INTEREST + (rng.random(len(row)) < 0.08) * rng.uniform(0.1, 0.5, len(row))  # noqa: PLR2004 - principal now and then
    due = _day_in(scene, month, rng, 19, 21)
    service = _flows(
        company,
        due,
        lines.granted[row] * share,
        incoming=False,
        kind=BANK,
        category=REPAYMENT,
        returned=failed,
    )
    return [paid_out, service, *_small_lenders(scene, ids, rng)]


def _small_lenders(scene: Scene, ids: Ints, rng: np.random.Generator) -> list[Flows]:
    strain = scene.fate.liquidity[ids].astype(np.float64)
    row, month = np.nonzero(scene.lives(ids) & (rng.random(strain.shape) < logistic(-5.0 - 1.3 * strain)))
    day = _day_in(scene, month, rng)
    cents = np.exp(rng.normal(np.log(8_000_000) + 0.3 * scene.region.size[ids[row]], 0.5))
    back = day + rng.integers(30, 120, len(day))
    return [
        _flows(ids[row], day, cents, incoming=True, kind=MICRO, category=LOAN),
        _flows(ids[row], back, cents * 1.06, incoming=False, kind=MICRO, category=REPAYMENT),
    ]


def _transfers(scene: Scene, ids: Ints, rng: np.random.Generator) -> list[Flows]:
    """Own accounts, persons, cash, bank fees, returned payments, property and securities."""
    usual = _turnover(scene, ids)
    fate, lives = scene.fate, scene.lives(ids)
    strain = -fate.liquidity[ids].astype(np.float64)
    disorder = -fate.governance[ids].astype(np.float64)
    public = (trait("tier")[scene.region.industry[ids]] >= 3).astype(np.float64)[:, None]  # noqa: PLR2004 - serves the public
    settings = (
        (False, OWN, TRANSFER, 0.45, 0.15, 0.0, 0.0),
        (True, OWN, TRANSFER, 0.30, 0.15, 0.0, 0.0),
        (False, PERSON, TRANSFER, 0.35, 0.08, 0.0, 0.25),
        (True, PERSON, TRANSFER, 0.12, 0.10, 0.3, 0.0),
        (False, PERSON, CASH, 0.25, 0.04, 0.0, 0.15),
        (True, PERSON, CASH, 0.10, 0.05, 0.0, 0.0),
        (False, BANK, OTHER, 0.80, 0.0004, 0.0, 0.0),
        (False, COMPANY, REFUND, 0.05, 0.05, 0.0, 0.0),
        (False, SECURITIES, INVESTMENT, 0.010, 0.30, 0.0, 0.2),
        (False, PROPERTY, INVESTMENT, 0.004, 0.60, 0.0, 0.2),
    )
    out = []
    for incoming, kind, category, rate, share, on_strain, on_disorder in settings:
        cash = 2.5 * public * (category == CASH)
        chance = rate * np.exp(np.clip(on_strain * strain + on_disorder * disorder, -1, 1)) * (1 + cash)
        count = rng.poisson(np.where(lives, chance, 0))
        row, month = (np.repeat(index, count[count > 0]) for index in np.nonzero(count))
        cents = usual[row] * share * np.exp(0.7 * rng.standard_normal(len(row)))
        out.append(
            _flows(
                ids[row], _day_in(scene, month, rng), cents, incoming=incoming, kind=kind, category=category
            )
        )
    return out


def _turnover(scene: Scene, ids: Ints) -> Floats:
    """Usual sales a month in cents, by the company's fixed traits alone."""
    region = scene.region
    out: Floats = region.sale_rate[ids] * np.exp(region.sale_log_cents[ids] + 0.3)
    return out


def _abroad(scene: Scene, ids: Ints, rng: np.random.Generator) -> Flows:
    """Exports paid in foreign currency some weeks later."""
    rows = declarations(scene, ids)
    paid = (rows.imported == 0) & (rng.random(len(rows.company)) < 0.93)  # noqa: PLR2004 - a few are never paid
    day = rows.day[paid] + rng.integers(15, 75, int(paid.sum()))
    return _flows(rows.company[paid], day, rows.cents[paid], incoming=True, kind=COMPANY, category=FX)


def _platform_loans(scene: Scene, ids: Ints) -> Flows:
    """Loans lent after an application on the platform."""
    rows = scene.applications.take(scene.applications.rows_of(ids))
    lent = rows.take(rows.loan_day < NEVER)
    return _flows(lent.company, lent.loan_day, lent.lent, incoming=True, kind=BANK, category=LOAN)


def _planted(scene: Scene, ids: Ints) -> Flows:
    """Bookings of the planted schemes."""
    rows = scene.schemes.flows
    i = np.arange(*np.searchsorted(rows.company, [ids[0], ids[-1] + 1]))
    none = np.zeros(len(i), dtype=np.bool_)
    related = _related(scene, rows.company[i], rows.party[i])
    return Flows(
        company=rows.company[i],
        day=rows.day[i],
        incoming=rows.incoming[i] == 1,
        cents=rows.cents[i],
        party=rows.party[i],
        kind=rows.kind[i],
        category=rows.category[i],
        related=related,
        payees=np.full(len(i), -1),
        returned=none,
    )


def _accounts_of(scene: Scene, company: Ints) -> Ints:
    """How many accounts a company has authorised: 1 to 3."""
    u = uniform(scene.region.seed, company, 1123) + 0.12 * scene.region.size[company]
    return 1 + (u > 0.7).astype(np.int64) + (u > 1.0).astype(np.int64)  # noqa: PLR2004 - larger firms have more


def _account_hashes(scene: Scene, ids: Ints) -> pl.Series:
    """Hashes of accounts 0 to 2 of each company, company by company."""
    every = np.repeat(ids, 3) * 10 + np.tile(np.arange(3), len(ids))
    return hashes(mix(scene.region.seed, every, 1124))


def _flow_rows(scene: Scene, ids: Ints) -> pl.DataFrame:
    rows, seed, n = flows(scene, ids), scene.region.seed, scene.region.companies
    count = np.arange(len(rows.company))
    number = count - np.searchsorted(rows.company, rows.company, side="left")
    account = (_accounts_of(scene, rows.company) * uniform(seed, rows.company, number, 1125) ** 2).astype(
        np.int64
    )
    inside = (rows.party >= 0) & (rows.party < n)
    known = rows.party >= 0
    other = np.where(known, rows.party, n * 100 + rows.company * 20 + rows.kind)
    end = scene.region.calendar.end
    return pl.DataFrame(
        {
            "企业代号": company_codes(rows.company),
            "账户": _account_hashes(scene, ids).gather(pl.Series((rows.company - ids[0]) * 3 + account)),
            "流水号": codes("L", rows.company * 100_000 + number, 12),
            "记账日期": dates(rows.day),
            "收支": choice(("支", "收"), rows.incoming.astype(np.int64)),
            "金额": money(rows.cents),
            "对手账户": hashes(mix(seed, other, 1126)),
            "对手登记代码": only(inside, company_codes(np.where(inside, rows.party, 0))),
            "对手类型": choice(PARTIES, rows.kind),
            "分类": choice(CATEGORIES, rows.category),
            "关联方": choice(("否", "是"), rows.related.astype(np.int64)),
            "代发人数": only(rows.payees >= 0, pl.Series(np.maximum(rows.payees, 0)).cast(pl.String)),
            "退票或扣款失败": choice(("否", "是"), rows.returned.astype(np.int64)),
            "获知日期": dates(np.minimum(rows.day + 1, end)),
        }
    )


def _balances(scene: Scene, ids: Ints) -> pl.DataFrame:
    """Average and lowest balance by account and month, which follow liquidity closely."""
    calendar = scene.region.calendar
    rng = scene.stream(Stream.BALANCES, ids)
    who = ids[authorised(scene, ids)]
    count = _accounts_of(scene, who)
    account = np.repeat(np.arange(len(who)), count)
    place = np.arange(len(account)) - np.repeat(np.cumsum(count) - count, count)
    first = max(0, calendar.months - MONTHS)
    lives = scene.lives(who)[account][:, first:]
    row, month = np.nonzero(lives)
    month += first
    company = who[account[row]]
    liquidity = scene.fate.liquidity[company, month].astype(np.float64)
    after = np.clip(month - scene.fate.default_month[company], 0, 12)
    own = 0.25 * rng.standard_normal(len(account))[row]
    level = np.log(_turnover(scene, company)) - 1.1 * place[row] + 0.90 * liquidity - 0.3 * after + own
    average = np.exp(level - 0.9 + 0.3 * rng.standard_normal(len(row)))
    lowest = average * rng.beta(np.exp(0.3 + 0.35 * liquidity), 3.0)
    near = np.log(LOW_CENTS * 3 / np.maximum(average, 100.0))
    low_days = rng.binomial(28, logistic(-1.2 + 0.9 * near - 0.5 * liquidity))
    low_days = np.where(lowest < LOW_CENTS, np.maximum(low_days, 1), 0)
    known = np.minimum(calendar.first_day[month + 1] + 4, calendar.end)
    table = pl.DataFrame(
        {
            "企业代号": company_codes(company),
            "账户": _account_hashes(scene, who).gather(pl.Series(account[row] * 3 + place[row])),
            "月份": dates(calendar.first_day[month]),
            "日均余额": money(np.rint(average).astype(np.int64)),
            "最低余额": money(np.rint(lowest).astype(np.int64)),
            "低于1000元天数": pl.Series(low_days).cast(pl.String),
            "获知日期": dates(known),
        }
    )
    return table.filter(pl.Series(calendar.first_day[month + 1] + 4 <= calendar.end))
