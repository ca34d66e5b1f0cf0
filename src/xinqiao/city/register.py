"""The company register of the region: entries and their versions, names, places and people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from xinqiao.city.draw import Flags, Floats, Ints, Stream, mix, stream
from xinqiao.city.events import Changes, dated
from xinqiao.city.hazard import NEVER, Fate
from xinqiao.city.industry import INDUSTRIES
from xinqiao.city.region import DIVISIONS, Region
from xinqiao.city.text import choice, codes, company_codes, dates, hashes

CAPITALS_10K = np.array([3, 10, 50, 100, 200, 300, 500, 1000, 2000, 5000])  # in 10,000 CNY
KINDS = ("有限责任公司", "个体工商户", "农民专业合作社")
STATES = ("存续", "注销", "吊销")
SHARED_PERSON = 0.06  # share of companies whose legal representative has others
SHARED_ADDRESS = 0.05
SHARED_PHONE = 0.08
GROUPS_PER_1000 = 25
NOTHING_PAID = 0.35  # share of companies with no capital paid in
CANCELLED = 0.6  # of those struck off; the others are revoked
NEVER_REPORTS = 0.3  # of those late
FOUND_AGAIN, RELEASED = 0.4, 0.5
MORTGAGE = 2


def register_entries(region: Region, fate: Fate, changes: Changes) -> pl.DataFrame:
    """All versions of all entries, by company and date known.

    A new version follows each change of legal representative and the end of a company.
    """
    n = region.companies
    everyone = np.arange(n)
    first_known = np.maximum(region.calendar.first_day[0], region.established + 15)
    legal = changes.item == 0
    ended = np.flatnonzero(fate.ended_day < NEVER)
    company = np.concatenate([everyone, changes.company[legal], ended])
    known = np.concatenate([first_known, changes.known[legal], fate.ended_day[ended] + 3])
    gone = np.concatenate(
        [np.zeros(n + int(legal.sum()), dtype=np.int64), np.ones(len(ended), dtype=np.int64)]
    )
    order = np.lexsort((gone, known, company))
    order = order[known[order] <= region.calendar.end]
    company, known, gone = company[order], known[order], gone[order]
    start = np.searchsorted(company, company, side="left")
    person = np.arange(len(company)) - start - gone  # how many legal representatives before this version
    return _frame(region, fate, Versions(company, known, gone, person))


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions of entries: company, day known, 1 when ended, and how many representatives came before."""

    company: Ints
    known: Ints
    gone: Ints
    person: Ints


def _frame(region: Region, fate: Fate, versions: Versions) -> pl.DataFrame:
    company, known, gone = versions.company, versions.known, versions.gone
    person = versions.person
    rng = stream(region.seed, Stream.REGISTER)
    n = region.companies
    capital = _capital(region, rng)
    paid_share = np.where(rng.random(n) < NOTHING_PAID, 0.0, rng.beta(2.0, 1.5, n))
    kind = np.where(region.self_employed, 1, np.where(region.industry == 0, 2, 0))
    state = gone * np.where(rng.random(n) < CANCELLED, 1, 2)[company]
    end = np.where(gone == 1, fate.ended_day[company], NEVER)
    representative = np.where(person == 0, _shared(rng, n, SHARED_PERSON)[company], n + company)
    place = _shared(rng, n, SHARED_ADDRESS)
    return pl.DataFrame(
        {
            "企业代号": company_codes(company),
            "企业名称": _names(region)[company],
            "企业类型": choice(KINDS, kind[company]),
            "登记状态": choice(STATES, state),
            "成立日期": dates(region.established[company]),
            "注销或吊销日期": dates(end),
            "法定代表人": hashes(mix(region.seed, representative, np.maximum(person, 0), 21)),
            "注册资本（万元）": pl.Series(capital[company]).cast(pl.String),
            "实缴资本（万元）": pl.Series((capital * paid_share).astype(np.int64)[company]).cast(pl.String),
            "住所": _addresses(region, place)[company],
            "行政区划": choice(DIVISIONS, region.division[company]),
            "行业代码": choice(tuple(i.code for i in INDUSTRIES), region.industry[company]),
            "联系电话": hashes(mix(region.seed, _shared(rng, n, SHARED_PHONE), 22))[company],
            "获知日期": dates(known),
        }
    )


def _names(region: Region) -> pl.Series:
    words = choice(tuple(i.word for i in INDUSTRIES), region.industry)
    tail = choice(("有限公司", "商行"), region.self_employed.astype(int))
    return "示例" + words + codes("", np.arange(region.companies) + 1, 6) + tail


def _addresses(region: Region, place: Ints) -> pl.Series:
    """Street and number from the place; companies sharing a place share all of it."""
    street = 1 + mix(region.seed, place, 23) % np.uint64(80)
    number = 1 + mix(region.seed, place, 24) % np.uint64(60_000)
    return "示例市第" + pl.Series(street).cast(pl.String) + "大街" + pl.Series(number).cast(pl.String) + "号"


def _shared(rng: np.random.Generator, n: int, share: float) -> Ints:
    """For each company the number it is filed under: its own, or that of one of few groups."""
    groups = max(1, n * GROUPS_PER_1000 // 1000)
    group = (groups * rng.random(n) ** 2).astype(np.int64)
    return np.where(rng.random(n) < share, 10_000_000 + group, np.arange(n))


def _capital(region: Region, rng: np.random.Generator) -> Ints:
    place = 4 + 1.2 * region.size + 1.2 * rng.standard_normal(region.companies) - 3 * region.self_employed
    return CAPITALS_10K[np.clip(place, 0, len(CAPITALS_10K) - 1).astype(np.int64)]


def annual_reports(region: Region, fate: Fate) -> tuple[pl.DataFrame, Ints, Ints, Ints]:
    """Annual reports, due each 30 June; late or missing ones are more common in ill health.

    Also the late ones as (company, due day, day published or NEVER), which puts a company on a list.
    """
    rng = stream(region.seed, Stream.REGISTER, 1)
    start_year = region.calendar.start.year
    end_year = region.calendar.day(region.calendar.months - 1).year
    parts = [_reports_of(region, fate, year, rng) for year in range(start_year - 3, end_year)]
    company, year, due, published = (np.concatenate(column) for column in zip(*parts, strict=True))
    late = (published > due) & (due >= region.calendar.first_day[0])
    first = np.where(late, NEVER, published)
    table = pl.concat(
        [
            _report_rows(company, year, due, first, np.where(late, due, published) + 1),
            _report_rows(
                *(
                    column[late & (published < NEVER)]
                    for column in (company, year, due, published, published + 1)
                )
            ),
        ]
    )
    kept = table.filter(pl.col("获知日期") <= dates(np.array([region.calendar.end]))[0])
    return kept.sort("企业代号", "报告年度", "获知日期"), company[late], due[late], published[late]


def _reports_of(
    region: Region, fate: Fate, year: int, rng: np.random.Generator
) -> tuple[Ints, Ints, Ints, Ints]:
    """Company, year, due day and day published (NEVER: not within the period) for one report year."""
    new_year, due = (
        int(np.datetime64(f"{year + 1}-{day}", "D").astype(np.int64)) for day in ("01-01", "06-30")
    )
    calendar = region.calendar
    month = int(np.clip(np.searchsorted(calendar.first_day, due, side="right") - 1, 0, calendar.months - 1))
    on_time = rng.random(region.companies) < 1 / (1 + np.exp(-(3.0 + 1.0 * fate.health[:, month])))
    early = new_year + 9 + rng.integers(0, due - new_year - 9, region.companies)
    late = due + rng.integers(10, 260, region.companies)
    never = rng.random(region.companies) < NEVER_REPORTS
    published = np.where(on_time, early, np.where(never, NEVER, late))
    published = np.where(published > np.minimum(calendar.end, fate.ended_day), NEVER, published)
    owed = (region.established < new_year) & (fate.ended_day > due) & (due <= calendar.end)
    who = np.flatnonzero(owed)
    return who, np.full(len(who), year), np.full(len(who), due), published[who]


def _report_rows(company: Ints, year: Ints, due: Ints, published: Ints, known: Ints) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "企业代号": company_codes(company),
            "报告年度": pl.Series(year).cast(pl.String),
            "应公示日期": dates(due),
            "公示日期": dates(published),
            "获知日期": dates(known),
        }
    )


def listings(region: Region, fate: Fate, late: tuple[Ints, Ints, Ints]) -> pl.DataFrame:
    """Entries in the lists of irregular and seriously unlawful firms, a second version on removal.

    A missing annual report lists a company on 8 July; unreachable companies are found at any time.
    """
    rng = stream(region.seed, Stream.REGISTER, 2)
    company, due, published = late
    removed = np.where(published < NEVER, published + 10, NEVER)
    lost = dated(region, fate, rng, base=-7.2, on_health=-1.0, after_default=2.5)
    back = np.where(
        rng.random(len(lost[0])) < FOUND_AGAIN, lost[1] + rng.integers(60, 400, len(lost[0])), NEVER
    )
    bad = dated(region, fate, rng, base=-10.5, on_health=-1.2, after_default=2.5)
    who = np.concatenate([company, lost[0], bad[0]])
    name = np.concatenate(
        [np.zeros(len(company) + len(lost[0]), dtype=np.int64), np.ones(len(bad[0]), dtype=np.int64)]
    )
    listed = np.concatenate([due + 8, lost[1], bad[1]])
    gone = np.concatenate([removed, back, np.full(len(bad[0]), NEVER)])
    gone = np.where(gone <= np.minimum(region.calendar.end, fate.ended_day[who]), gone, NEVER)
    keep = listed <= np.minimum(region.calendar.end, fate.ended_day[who])
    return _versions(
        {"企业代号": company_codes(who), "名录": choice(("经营异常名录", "严重违法失信名单"), name)},
        ("列入日期", listed),
        ("移出日期", gone),
        keep,
        region.calendar.end,
    )


def encumbrances(region: Region, fate: Fate) -> pl.DataFrame:
    """Equity frozen or pledged and movables mortgaged, a second version on release."""
    rng = stream(region.seed, Stream.REGISTER, 3)
    company = ~region.self_employed
    size = region.size
    frozen = dated(region, fate, rng, base=-8.0, on_health=-1.2, after_default=2.0, where=company)
    pledged = dated(
        region, fate, rng, base=-6.4 + 0.4 * size, on_health=-0.2, after_default=0.0, where=company
    )
    mortgaged = dated(region, fate, rng, base=-6.0 + 0.5 * size, on_health=-0.1, after_default=0.0)
    parts = (frozen, pledged, mortgaged)
    who, day = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    kind = np.repeat([0, 1, 2], [len(part[0]) for part in parts])
    released = np.where(rng.random(len(who)) < RELEASED, day + rng.integers(60, 700, len(who)), NEVER)
    released = np.where(released <= region.calendar.end, released, NEVER)
    share = _shares(rng, kind)
    debt = np.exp(rng.normal(13.0 + 0.6 * size[who], 0.8)).astype(np.int64) // 10_000 * 10_000
    claim = pl.Series(
        [str(d) if k == MORTGAGE and d else None for k, d in zip(kind, debt, strict=True)], dtype=pl.String
    )
    return _versions(
        {
            "企业代号": company_codes(who),
            "登记编号": "D" + hashes(mix(region.seed, who, day, kind)),
            "类别": choice(("股权冻结", "股权出质", "动产抵押"), kind),
            "占总股权比例": share,
            "主债权（元）": claim,
        },
        ("登记日期", day),
        ("解除日期", released),
        np.ones(len(who), dtype=np.bool_),
        region.calendar.end,
    )


def _shares(rng: np.random.Generator, kind: Ints) -> pl.Series:
    value: Floats = np.round(0.05 + 0.95 * rng.beta(1.5, 2.5, len(kind)), 4)
    texts = [f"{v:.4f}" if k < MORTGAGE else None for v, k in zip(value, kind, strict=True)]
    return pl.Series(texts, dtype=pl.String)


def _versions(
    fixed: dict[str, pl.Series], begin: tuple[str, Ints], end: tuple[str, Ints], keep: Flags, last_day: int
) -> pl.DataFrame:
    """One row known the day after the beginning, and one more the day after an end."""
    nothing = np.full(len(keep), NEVER)
    opened = pl.DataFrame(
        {**fixed, begin[0]: dates(begin[1]), end[0]: dates(nothing), "获知日期": dates(begin[1] + 1)}
    )
    closed = pl.DataFrame(
        {**fixed, begin[0]: dates(begin[1]), end[0]: dates(end[1]), "获知日期": dates(end[1] + 1)}
    )
    ends = keep & (end[1] < last_day)
    keep = keep & (begin[1] < last_day)
    table = pl.concat([opened.filter(pl.Series(keep)), closed.filter(pl.Series(ends))])
    return table.sort(table.columns, nulls_last=True)
