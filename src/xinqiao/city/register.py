"""The company register: entries and their versions, holders, people, annual reports, lists, pledges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from xinqiao.city.books import books_of
from xinqiao.city.changes import ADDRESS, CAPITAL, LEGAL, NAME, Changes, change_rows
from xinqiao.city.draw import Floats, Ints, Stream, mix, uniform
from xinqiao.city.events import by_company, dated, draw_changes, last_day, month_of, versions
from xinqiao.city.hazard import NEVER
from xinqiao.city.industry import INDUSTRIES
from xinqiao.city.ownership import capital_10k, holders, offices
from xinqiao.city.region import DIVISIONS
from xinqiao.city.scene import Scene
from xinqiao.city.staff import headcount
from xinqiao.city.text import choice, codes, company_codes, dates, hashes, money, only
from xinqiao.city.ties import SHARED, person_words
from xinqiao.enterprise.uscc import make_uscc

KINDS = ("有限责任公司", "个体工商户", "农民专业合作社")
STATES = ("存续", "注销", "吊销")
REGISTRIES = ("91", "92", "93")
NO_CODE = 0.02
SHOWN_STAFF, SHOWN_REVENUE = 0.45, 0.25  # share of annual reports that show them
NEW_NAMES = ("", "新", "恒", "远", "盛", "信", "达", "昌")
CANCELLED = 0.6  # of those struck off; the others are revoked
NEVER_REPORTS = 0.3  # of those late
FOUND_AGAIN, RELEASED = 0.4, 0.5
MORTGAGE = 2


def register_tables(scene: Scene, ids: Ints) -> dict[str, pl.DataFrame]:
    """All tables of the register for a block of companies, by contract."""
    changes = draw_changes(scene, ids)
    rng = scene.stream(Stream.REGISTER, ids)
    reports, late = _annual_reports(scene, ids, rng)
    return {
        "registry": _entries(scene, ids, changes),
        "registry_change": change_rows(changes),
        "registry_annual_report": reports,
        "registry_listing": _listings(scene, ids, rng, late),
        "registry_encumbrance": _encumbrances(scene, ids, rng),
        "registry_holding": holders(scene, ids, changes),
        "registry_person": offices(scene, ids, changes),
    }


@dataclass(frozen=True, slots=True)
class _Versions:
    """Versions of entries: company, day known, whether ended, and changes of each item until then."""

    company: Ints
    known: Ints
    gone: Ints
    count: Ints


def _entries(scene: Scene, ids: Ints, changes: Changes) -> pl.DataFrame:
    """A version at the start, after every change the entry shows, and at the end of a company."""
    calendar = scene.region.calendar
    ended = ids[scene.fate.ended_day[ids] < NEVER]
    shown = np.isin(changes.item, (LEGAL, ADDRESS, CAPITAL, NAME))
    company = np.concatenate([ids, changes.company[shown], ended])
    first = np.maximum(calendar.first_day[0], scene.region.established[ids] + 15)
    known = np.concatenate([first, changes.known[shown], scene.fate.ended_day[ended] + 3])
    item = np.concatenate([np.full(len(ids), -1), changes.item[shown], np.full(len(ended), -2)])
    order = np.lexsort((item == -2, known, item != -1, company))  # noqa: PLR2004 - the end comes last
    order = order[known[order] <= calendar.end]
    company, known, item = company[order], known[order], item[order]
    start = np.searchsorted(company, company, side="left")
    so_far = np.cumsum(item[:, None] == np.array([LEGAL, ADDRESS, CAPITAL, NAME]), axis=0)
    count = so_far - so_far[start]
    last = np.append((company[1:] != company[:-1]) | (known[1:] != known[:-1]), np.ones(1, dtype=np.bool_))
    gone = (item == -2).astype(np.int64)  # noqa: PLR2004 - marks the end
    return _frame(scene, _Versions(company[last], known[last], gone[last], count[last]))


def _frame(scene: Scene, rows: _Versions) -> pl.DataFrame:
    region, ties, seed = scene.region, scene.ties, scene.region.seed
    company = rows.company
    legal, moved, raised, renamed = rows.count.T
    capital, paid = capital_10k(scene, company)
    kind = np.where(region.self_employed[company], 1, np.where(region.industry[company] == 0, 2, 0))
    revoked = (mix(seed, company, 24) % np.uint64(100)).astype(np.int64) >= CANCELLED * 100
    end = np.where(rows.gone == 1, scene.fate.ended_day[company], NEVER)
    email, agent = ties.email[company], ties.agent[company]
    return pl.DataFrame(
        {
            "企业代号": company_codes(company),
            "统一社会信用代码": _credit_codes(scene, company, kind),
            "企业名称": names(scene, company, renamed),
            "企业类型": choice(KINDS, kind),
            "登记状态": choice(STATES, rows.gone * (1 + revoked)),
            "成立日期": dates(region.established[company]),
            "注销或吊销日期": dates(end),
            "法定代表人": hashes(person_words(seed, ties.legal[company], legal)),
            "注册资本（万元）": pl.Series(np.rint(capital * 1.5**raised).astype(np.int64)).cast(pl.String),
            "实缴资本（万元）": pl.Series(paid).cast(pl.String),
            "住所": addresses(seed, ties.address[company], moved),
            "行政区划": choice(DIVISIONS, region.division[company]),
            "行业代码": choice(tuple(i.code for i in INDUSTRIES), region.industry[company]),
            "联系电话": hashes(mix(seed, ties.phone[company], 22)),
            "电子邮箱": only(email >= 0, hashes(mix(seed, email, 26))),
            "登记代办机构": only(agent >= 0, hashes(mix(seed, agent, 27))),
            "获知日期": dates(rows.known),
        }
    )


def _credit_codes(scene: Scene, company: Ints, kind: Ints) -> pl.Series:
    """Codes whose check digits hold, of divisions that do not exist; a few old entries have none."""
    made = [
        make_uscc(REGISTRIES[k], DIVISIONS[d], f"9{c:07d}")
        for k, d, c in zip(
            kind.tolist(), scene.region.division[company].tolist(), company.tolist(), strict=True
        )
    ]
    known = uniform(scene.region.seed, company, 29) >= NO_CODE
    return only(known, pl.Series(made, dtype=pl.String))


def names(scene: Scene, company: Ints, renamed: Ints) -> pl.Series:
    """The registered names, after so many changes of name; all begin with 示例."""
    words = choice(tuple(i.word for i in INDUSTRIES), scene.region.industry[company])
    tail = choice(("有限公司", "商行"), scene.region.self_employed[company].astype(int))
    new = choice(NEW_NAMES, renamed % len(NEW_NAMES))
    return "示例" + new + words + codes("", company + 1, 6) + tail


def addresses(seed: int, place: Ints, moved: Ints) -> pl.Series:
    """Street and number from the place; companies sharing a place share all of it until one moves."""
    street = 1 + mix(seed, place, moved, 23) % np.uint64(80)
    number = 1 + mix(seed, place, moved, 28) % np.uint64(60_000)
    own = "示例市第" + pl.Series(street).cast(pl.String) + "大街" + pl.Series(number).cast(pl.String) + "号"
    hosted = (place >= SHARED) & (moved == 0)
    hub = "示例市第" + codes("", np.maximum(0, place - SHARED) + 1, 1) + "创业孵化基地集群注册区"
    return hub.zip_with(pl.Series(hosted), own)


def _annual_reports(
    scene: Scene, ids: Ints, rng: np.random.Generator
) -> tuple[pl.DataFrame, tuple[Ints, Ints, Ints]]:
    """Annual reports, due each 30 June; late or missing ones are more common in ill governance.

    Also the late ones as (company, due day, day published or NEVER), which puts a company on a list.
    """
    calendar = scene.region.calendar
    years = range(calendar.start.year - 3, calendar.day(calendar.months - 1).year)
    parts = [_reports_of(scene, ids, year, rng) for year in years]
    company, year, due, published = (np.concatenate(column) for column in zip(*parts, strict=True))
    company, year, due, published = by_company(company, year, due, published)
    late = (published > due) & (due >= calendar.first_day[0])
    staff, revenue = _shown(scene, ids, company, year)
    content = {"公示日期": dates(published), "从业人数": staff, "营业收入": revenue}
    at_once = ~late & (published < NEVER)
    table = versions(
        {
            "企业代号": company_codes(company),
            "报告年度": pl.Series(year).cast(pl.String),
            "应公示日期": dates(due),
            **{name: only(at_once, column) for name, column in content.items()},
        },
        {f"后{name}": column for name, column in content.items()},
        np.where(late, due, published) + 1,
        np.where(late & (published < NEVER), published + 1, NEVER),
        calendar.end,
    )
    table = table.with_columns(pl.coalesce(f"后{name}", name).alias(name) for name in content)
    table = table.drop(f"后{name}" for name in content)
    return table, (company[late], due[late], published[late])


def _shown(scene: Scene, ids: Ints, company: Ints, year: Ints) -> tuple[pl.Series, pl.Series]:
    """Staff and revenue as the firms that choose to show them say: about what they have and sell."""
    calendar, seed = scene.region.calendar, scene.region.seed
    december = (year - calendar.start.year) * 12 + 12 - calendar.start.month
    inside = (december >= 11) & (december < calendar.months)  # noqa: PLR2004 - a whole year lies in the period
    month, row = np.where(inside, december, 11), company - ids[0]
    said = 0.9 + 0.25 * uniform(seed, company, year, 31)
    staff = np.rint(headcount(scene, ids)[row, month] * said).astype(np.int64)
    total = np.cumsum(np.pad(books_of(scene, ids).sold, ((0, 0), (1, 0))), axis=1)
    sold = total[row, month + 1] - total[row, month - 11]
    cents = np.maximum(0, np.rint(sold * said / 1_000_000)).astype(np.int64) * 1_000_000
    shows = inside & (uniform(seed, company, year, 32) < SHOWN_STAFF)
    tells = inside & (uniform(seed, company, year, 33) < SHOWN_REVENUE)
    return only(shows, pl.Series(staff).cast(pl.String)), only(tells, money(cents))


def _reports_of(
    scene: Scene, ids: Ints, year: int, rng: np.random.Generator
) -> tuple[Ints, Ints, Ints, Ints]:
    """Company, year, due day and day published (NEVER: not within the period) for one report year."""
    new_year, due = (
        int(np.datetime64(f"{year + 1}-{day}", "D").astype(np.int64)) for day in ("01-01", "06-30")
    )
    month = int(month_of(scene, np.array([due]))[0])
    governance = scene.fate.governance[ids, month]
    on_time = rng.random(len(ids)) < 1 / (1 + np.exp(-(3.0 + 1.0 * governance)))
    early = new_year + 9 + rng.integers(0, due - new_year - 9, len(ids))
    late = due + rng.integers(10, 260, len(ids))
    never = rng.random(len(ids)) < NEVER_REPORTS
    published = np.where(on_time, early, np.where(never, NEVER, late))
    published = np.where(published > last_day(scene, ids), NEVER, published)
    end = scene.region.calendar.end
    owed = (scene.region.established[ids] < new_year) & (scene.fate.ended_day[ids] > due) & (due <= end)
    return ids[owed], np.full(int(owed.sum()), year), np.full(int(owed.sum()), due), published[owed]


def _listings(
    scene: Scene, ids: Ints, rng: np.random.Generator, late: tuple[Ints, Ints, Ints]
) -> pl.DataFrame:
    """Entries in the lists of irregular and seriously unlawful firms, a second version on removal.

    A missing annual report lists a company on 8 July; unreachable companies are found at any time.
    """
    company, due, published = late
    removed = np.where(published < NEVER, published + 10, NEVER)
    lost = dated(scene, ids, rng, base=-7.2, governance=-1.0, after_default=2.5)
    found = rng.random(len(lost[0])) < FOUND_AGAIN
    back = np.where(found, lost[1] + rng.integers(60, 400, len(lost[0])), NEVER)
    bad = dated(scene, ids, rng, base=-10.5, governance=-1.2, after_default=2.5)
    who = np.concatenate([company, lost[0], bad[0]])
    name = np.repeat([0, 1], [len(company) + len(lost[0]), len(bad[0])])
    listed = np.concatenate([due + 8, lost[1], bad[1]])
    gone = np.concatenate([removed, back, np.full(len(bad[0]), NEVER)])
    gone = np.where(gone <= last_day(scene, who), gone, NEVER)
    listed = np.where(listed <= last_day(scene, who), listed, NEVER)
    who, listed, name, gone = by_company(who, listed, name, gone)
    return versions(
        {
            "企业代号": company_codes(who),
            "名录": choice(("经营异常名录", "严重违法失信名单"), name),
            "列入日期": dates(listed),
        },
        {"移出日期": dates(gone)},
        listed + 1,
        np.where(gone < NEVER, gone + 1, NEVER),
        scene.region.calendar.end,
    )


def _encumbrances(scene: Scene, ids: Ints, rng: np.random.Generator) -> pl.DataFrame:
    """Equity frozen or pledged and movables mortgaged, a second version on release."""
    firm = ~scene.region.self_employed[ids]
    size = scene.region.size[ids]
    parts = (
        dated(scene, ids, rng, base=-8.0, governance=-0.8, liquidity=-0.7, after_default=2.0, where=firm),
        dated(scene, ids, rng, base=-6.4 + 0.4 * size, liquidity=-0.2, where=firm),
        dated(scene, ids, rng, base=-6.0 + 0.5 * size, liquidity=-0.1),
    )
    kind = np.repeat([0, 1, 2], [len(part[0]) for part in parts])
    who, day, kind = by_company(*(np.concatenate([part[i] for part in parts]) for i in (0, 1)), kind)
    n = len(who)
    released = np.where(rng.random(n) < RELEASED, day + rng.integers(60, 700, n), NEVER)
    debt = np.exp(rng.normal(13.0 + 0.6 * scene.region.size[who], 0.8)).astype(np.int64) // 10_000 * 10_000
    value: Floats = np.round(0.05 + 0.95 * rng.beta(1.5, 2.5, n), 4)
    return versions(
        {
            "企业代号": company_codes(who),
            "登记编号": "D" + hashes(mix(scene.region.seed, who, day, kind)),
            "类别": choice(("股权冻结", "股权出质", "动产抵押"), kind),
            "占总股权比例": only(kind < MORTGAGE, pl.Series(value).cast(pl.String)),
            "主债权（元）": only((kind == MORTGAGE) & (debt > 0), pl.Series(debt).cast(pl.String)),
            "登记日期": dates(day),
        },
        {"解除日期": dates(released)},
        day + 1,
        np.where(released < NEVER, released + 1, NEVER),
        scene.region.calendar.end,
    )
