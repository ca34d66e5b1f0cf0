"""Tax: returns, payments, credit levels, events and yearly statements, derived from a company's books.

General payers file VAT monthly, small ones by the quarter (exempt up to 300,000 CNY of sales a quarter,
announcement 2023/19 of the Ministry of Finance and the tax administration); income tax goes by the
quarter, withheld income tax by the month. Declared sales are those invoiced, a little more where
persons buy without an invoice. Late filing and arrears follow liquidity, audits and abnormal
households governance.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import polars as pl

from xinqiao.city.bills import bill_rows, paid_days, told
from xinqiao.city.books import books_of
from xinqiao.city.customs import declarations
from xinqiao.city.draw import Flags, Floats, Ints, Stream, uniform
from xinqiao.city.events import dated, versions
from xinqiao.city.hazard import NEVER
from xinqiao.city.scene import Scene
from xinqiao.city.staff import headcount
from xinqiao.city.statements import statements
from xinqiao.city.text import choice, codes, company_codes, dates, money, only

VAT, INCOME, SURCHARGE, WITHHELD = range(4)
KINDS = ("增值税", "企业所得税", "附加税费", "代扣代缴个人所得税")
SMALL_RATES = 3  # percent; who pays no more is a small payer
EXEMPT_CENTS = 300_000_00  # sales a quarter
SURCHARGE_RATE = 0.12
INCOME_RATE = 0.05  # of the profit of a small low-profit firm
WITHHELD_PER_HEAD = 45_00
DUE_DAY = 14  # days after the first of the month that follows
UNINVOICED = 0.12  # most of what is sold without an invoice, beside the share of persons
LATE_FILING, LATE_PAYMENT = -3.6, -3.0
AMENDED = 0.012
DAILY_FEE = 0.0005  # of the sum due, for every day late
DEFERRED = 0.01
YEAR_DAYS, YOUNG_DAYS = 365, 3 * 365  # not rated in the first year, rated M in the next two
WAIT = 3  # days until the office tells of a return or payment
LEVELS = ("A", "B", "M", "C", "D")


@dataclass(frozen=True, slots=True)
class Returns:
    """Returns as columns of one length; sums in cents, -1 where the kind of return has none."""

    company: Ints
    kind: Ints
    month: Ints
    sales: Ints
    exports: Ints
    revenue: Ints
    due: Ints
    output_tax: Ints
    credit: Ints
    staff: Ints

    def take(self, index: Ints | Flags) -> Returns:
        """The rows at ``index``."""
        return Returns(*(getattr(self, f.name)[index] for f in fields(self)))


def declared(scene: Scene, ids: Ints) -> Floats:
    """Sales as declared in cents, by company and month."""
    region = scene.region
    beside = 1 + region.person_share[ids] * UNINVOICED + 0.015 * uniform(region.seed, ids, 1071)
    out: Floats = np.maximum(0.0, np.rint(books_of(scene, ids).sold * beside[:, None]))
    return out


def returns(scene: Scene, ids: Ints) -> Returns:
    """Every return that falls due, by company, kind and period."""
    vat, credit = _vat(scene, ids)
    parts = [_sales_returns(scene, ids, vat, credit), _income(scene, ids), _withheld(scene, ids)]
    table = Returns(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Returns)))
    return table.take(np.lexsort((table.month, table.kind, table.company)))


def _small(scene: Scene, ids: Ints) -> Flags:
    out: Flags = scene.region.tax_pct[ids] <= SMALL_RATES
    return out


def _quarterly(months: int, start_month: int) -> Flags:
    """Whether a month ends a quarter of the calendar."""
    out: Flags = (np.arange(months) + start_month) % 3 == 0
    return out


def _quarter_sums(values: Floats, ends: Flags) -> Floats:
    """Sums over the quarter up to each month that ends one; 0 elsewhere."""
    total = np.cumsum(np.concatenate([np.zeros((len(values), 1)), values], axis=1), axis=1)
    month = np.arange(values.shape[1]) + 1
    out: Floats = np.where(ends, total[:, month] - total[:, np.maximum(month - 3, 0)], 0.0)
    return out


def _vat(scene: Scene, ids: Ints) -> tuple[Floats, Floats]:
    """VAT due and input tax carried forward in cents, by company and month."""
    ledger, region = books_of(scene, ids), scene.region
    small = _small(scene, ids)
    balance = np.where(small[:, None], 0.0, ledger.output_tax - ledger.input_tax)
    due, credit = np.zeros_like(balance), np.zeros_like(balance)
    carried = np.zeros(len(ids))
    for month in range(balance.shape[1]):
        left = balance[:, month] - carried
        due[:, month], carried = np.maximum(left, 0), np.maximum(-left, 0)
        # old credit is used up elsewhere or refunded: it does not grow without end
        carried = np.minimum(carried, 3 * np.maximum(ledger.input_tax[:, month], 1.0) + 0.9 * carried)
        credit[:, month] = carried
    ends = _quarterly(balance.shape[1], region.calendar.start.month)
    quarter = _quarter_sums(declared(scene, ids), ends)
    small_due = np.where(quarter > EXEMPT_CENTS, quarter * region.tax_pct[ids, None] / 100, 0.0)
    return np.rint(np.where(small[:, None], small_due, due)), np.rint(credit)


def _sales_returns(scene: Scene, ids: Ints, vat: Floats, credit: Floats) -> Returns:
    months = scene.region.calendar.months
    small = _small(scene, ids)[:, None]
    ends = _quarterly(months, scene.region.calendar.start.month)
    sales = np.where(small, _quarter_sums(declared(scene, ids), ends), declared(scene, ids))
    files = _obliged(scene, ids) & (~small | ends)
    row, month = np.nonzero(files)
    exports = _exports(scene, ids, ends)[row, month]
    none = np.full(len(row), -1)
    plain = np.where(small[row, 0], -1, np.rint(books_of(scene, ids).output_tax[row, month]))
    return Returns(
        company=ids[row],
        kind=np.full(len(row), VAT),
        month=month,
        sales=sales[row, month].astype(np.int64),
        exports=np.minimum(exports, sales[row, month]).astype(np.int64),
        revenue=none,
        due=vat[row, month].astype(np.int64),
        output_tax=plain.astype(np.int64),
        credit=np.where(small[row, 0], -1, credit[row, month]).astype(np.int64),
        staff=none,
    )


def _exports(scene: Scene, ids: Ints, ends: Flags) -> Floats:
    """Exports declared at customs in cents, by company and period."""
    rows = declarations(scene, ids)
    out = np.zeros((len(ids), scene.region.calendar.months))
    abroad = rows.imported == 0
    np.add.at(out, (rows.company[abroad] - ids[0], rows.month[abroad]), rows.cents[abroad])
    return np.where(_small(scene, ids)[:, None], _quarter_sums(out, ends), out)


def _obliged(scene: Scene, ids: Ints) -> Flags:
    """Months for which returns are filed: half a year after a default some stop filing."""
    gone = scene.after_default(ids) > 6 + 30 * uniform(scene.region.seed, ids, 1072)[:, None]
    return scene.lives(ids) & ~gone


def margin(scene: Scene, ids: Ints) -> Floats:
    """Profit before tax as a share of sales, by company and month."""
    own = 0.03 + 0.08 * uniform(scene.region.seed, ids, 1073)
    out: Floats = own[:, None] + 0.04 * scene.fate.operations[ids].astype(np.float64)
    return out


def _income(scene: Scene, ids: Ints) -> Returns:
    ends = _quarterly(scene.region.calendar.months, scene.region.calendar.start.month)
    revenue = _quarter_sums(declared(scene, ids), ends)
    profit = _quarter_sums(declared(scene, ids) * margin(scene, ids), ends)
    firm = ~scene.region.self_employed[ids]
    row, month = np.nonzero(_obliged(scene, ids) & ends & firm[:, None])
    due = np.rint(np.maximum(0, profit[row, month]) * INCOME_RATE).astype(np.int64)
    none = np.full(len(row), -1)
    amount = np.rint(revenue[row, month]).astype(np.int64)
    return Returns(ids[row], np.full(len(row), INCOME), month, none, none, amount, due, none, none, none)


def _withheld(scene: Scene, ids: Ints) -> Returns:
    """Withheld income tax: the heads on the payroll, a few of them forgotten."""
    files = _obliged(scene, ids) & (~scene.region.self_employed[ids])[:, None]
    row, month = np.nonzero(files)
    share = 0.75 + 0.25 * uniform(scene.region.seed, ids[row], 1074)
    staff = np.maximum(1, np.rint(headcount(scene, ids)[row, month] * share)).astype(np.int64)
    none = np.full(len(row), -1)
    due = staff * WITHHELD_PER_HEAD
    return Returns(ids[row], np.full(len(row), WITHHELD), month, none, none, none, due, none, none, staff)


@dataclass(frozen=True, slots=True)
class Payments:
    """Sums due: company, kind of tax, month, days and cents; ``paid`` is NEVER where it stays open."""

    company: Ints
    kind: Ints
    month: Ints
    due_on: Ints
    paid_on: Ints
    cents: Ints


def payments(scene: Scene, ids: Ints) -> Payments:
    """What becomes of every sum due; the surcharge goes with the VAT."""
    every = returns(scene, ids)
    owed = every.take(every.due > 0)
    extra = owed.take(owed.kind == VAT)
    company = np.concatenate([owed.company, extra.company])
    kind = np.concatenate([owed.kind, np.full(len(extra.kind), SURCHARGE)])
    month = np.concatenate([owed.month, extra.month])
    cents = np.concatenate([owed.due, np.rint(extra.due * SURCHARGE_RATE).astype(np.int64)])
    order = np.lexsort((kind, month, company))
    company, kind, month, cents = company[order], kind[order], month[order], cents[order]
    due_on = due_day(scene, month)
    paying = np.minimum(month + 1, scene.region.calendar.months - 1)
    rng = scene.stream(Stream.TAX_PAYMENTS, ids)
    paid = paid_days(scene, company, paying, due_on, base=LATE_PAYMENT, rng=rng)
    return Payments(company, kind, month, due_on, paid, cents)


def due_day(scene: Scene, month: Ints) -> Ints:
    """The 15th of the month after the period."""
    return scene.region.calendar.first_day[month + 1] + DUE_DAY


def tax_tables(scene: Scene, ids: Ints) -> dict[str, pl.DataFrame]:
    """All that the tax authority keeps about a block."""
    sales = declared(scene, ids)
    return {
        "tax_return": _return_rows(scene, ids),
        "tax_payment": _payment_rows(scene, ids),
        "tax_rating": _ratings(scene, ids),
        "tax_event": _events(scene, ids),
        "tax_statement": statements(scene, ids, sales, sales * margin(scene, ids)),
    }


def _cents(values: Ints) -> pl.Series:
    """Money, nothing where negative."""
    return only(values >= 0, money(np.maximum(values, 0)))


def _return_rows(scene: Scene, ids: Ints) -> pl.DataFrame:
    rows = returns(scene, ids)
    rng = scene.stream(Stream.TAX, ids)
    n, end = len(rows.company), scene.region.calendar.end
    due = due_day(scene, rows.month)
    paying = np.minimum(rows.month + 1, scene.region.calendar.months - 1)
    filed = paid_days(scene, rows.company, paying, due, base=LATE_FILING, rng=rng)
    amended = (rng.random(n) < AMENDED) & (rows.kind == VAT) & (filed < NEVER)
    change = np.where(amended, 1 + 0.15 * rng.standard_normal(n), 1.0)
    corrected = np.where(amended, filed + rng.integers(20, 200, n), NEVER)
    fixed = {
        "企业代号": company_codes(rows.company),
        "税种": choice(KINDS, rows.kind),
        "所属期止": dates(scene.region.calendar.first_day[rows.month + 1] - 1),
        "申报期限": dates(due),
    }
    filled = {
        "申报日期": dates(filed),
        "申报销售额": _cents(rows.sales),
        "其中出口销售额": _cents(rows.exports),
        "营业收入": _cents(rows.revenue),
        "应纳税额": _cents(rows.due),
        "销项税额": _cents(rows.output_tax),
        "期末留抵税额": _cents(rows.credit),
        "扣缴申报人数": only(rows.staff >= 0, pl.Series(np.maximum(rows.staff, 0)).cast(pl.String)),
    }
    empty = pl.repeat(None, n, dtype=pl.String, eager=True)
    sales = np.where(rows.sales >= 0, np.rint(rows.sales * change), -1).astype(np.int64)
    in_time = filed <= due
    shapes = (
        ({**fixed, **filled}, np.where(in_time, filed + WAIT, NEVER)),
        ({**fixed, **dict.fromkeys(filled, empty)}, np.where(in_time, NEVER, due + WAIT)),
        ({**fixed, **filled}, np.where(in_time, NEVER, filed + WAIT)),
        ({**fixed, **filled, "申报销售额": _cents(sales)}, corrected),
    )
    return pl.concat([told(columns, known, end) for columns, known in shapes])


def _payment_rows(scene: Scene, ids: Ints) -> pl.DataFrame:
    rows = payments(scene, ids)
    rng = scene.stream(Stream.TAX_PAYMENTS, ids)
    deferred = rng.random(len(rows.company)) < DEFERRED
    late = np.where(rows.paid_on < NEVER, np.maximum(0, rows.paid_on - rows.due_on), 0)
    fee = np.where(deferred, 0, np.rint(rows.cents * DAILY_FEE * late)).astype(np.int64)
    number = rows.company * 1_000 + rows.month * 5 + rows.kind
    fixed = {
        "企业代号": company_codes(rows.company),
        "税票号": codes("SP", number, 10),
        "税种": choice(KINDS, rows.kind),
        "所属期止": dates(scene.region.calendar.first_day[rows.month + 1] - 1),
        "缴款期限": dates(rows.due_on),
        "应缴税额": money(rows.cents),
        "缓缴": choice(("否", "是"), deferred.astype(np.int64)),
    }
    sums = {"已缴税额": rows.cents, "滞纳金": fee}
    end = scene.region.calendar.end
    return bill_rows(fixed, ("缴款日期", rows.paid_on), sums, rows.due_on, wait=WAIT, end=end)


def _ratings(scene: Scene, ids: Ints) -> pl.DataFrame:
    """Each April for the year before, from three years before the period on."""
    region, calendar = scene.region, scene.region.calendar
    rng = scene.stream(Stream.TAX, ids)
    years = np.arange(calendar.start.year - 2, calendar.day(calendar.months - 1).year + 1)
    day = np.array([f"{year}-04-20" for year in years], dtype="datetime64[D]").astype(np.int64)
    month = np.clip(np.searchsorted(calendar.first_day, day, side="right") - 1, 0, calendar.months - 1)
    fate = scene.fate
    merit = 0.5 * fate.governance[np.ix_(ids, month)] + 0.6 * fate.liquidity[np.ix_(ids, month)]
    merit = merit + 0.4 * region.size[ids, None] + 0.8 * rng.standard_normal((len(ids), len(years)))
    merit = merit - 2.5 * (month > fate.default_month[ids, None])
    level = np.searchsorted([-2.6, -1.6, 1.3], merit)  # D, C, B, A
    level = np.array([4, 3, 1, 0])[level]
    age = day - region.established[ids, None]
    young = (age < YOUNG_DAYS) & (level < LEVELS.index("C"))
    level = np.where(young & (merit > 0), LEVELS.index("M"), level)
    known = day + 5
    alive = (age > YEAR_DAYS) & (day < fate.ended_day[ids, None]) & (known <= calendar.end)
    row, year = np.nonzero(alive & ~region.self_employed[ids, None])
    return pl.DataFrame(
        {
            "企业代号": company_codes(ids[row]),
            "评价年度": pl.Series(years[year] - 1).cast(pl.String),
            "级别": choice(LEVELS, level[row, year]),
            "评价日期": dates(day[year]),
            "获知日期": dates(known[year]),
        }
    )


def _events(scene: Scene, ids: Ints) -> pl.DataFrame:
    rng = scene.stream(Stream.TAX_EVENTS, ids)
    abnormal = dated(scene, ids, rng, base=-7.6, liquidity=-0.5, governance=-0.5, after_default=3.2)
    audit = dated(scene, ids, rng, base=-7.4, governance=-0.7, after_default=0.5)
    violation = dated(scene, ids, rng, base=-9.3, governance=-0.9, after_default=0.5)
    parts = (abnormal, audit, violation)
    company, day = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    kind = np.repeat(np.arange(3), [len(part[0]) for part in parts])
    ends = rng.random(len(day)) < np.array([0.35, 0.85, 0.5])[kind]
    ended = np.where(ends, day + rng.integers(30, 400, len(day)), NEVER)
    order = np.lexsort((kind, day, company))
    company, day, kind, ended = company[order], day[order], kind[order], ended[order]
    fixed = {
        "企业代号": company_codes(company),
        "文书号": codes("SW", company * 100_000 + (day % 30_000) * 3 + kind, 12),
        "类别": choice(("非正常户", "稽查案件", "重大税收违法"), kind),
        "认定或立案日期": dates(day),
    }
    later = np.where(ended < NEVER, ended + 3, NEVER)
    return versions(fixed, {"解除或结案日期": dates(ended)}, day + 3, later, scene.region.calendar.end)
