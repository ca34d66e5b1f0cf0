"""The company register: entries and their versions, holders, people, annual reports, lists, pledges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from xinqiao.city.changes import ADDRESS, CAPITAL, HOLDER, LEGAL, NAME, Changes, change_rows
from xinqiao.city.draw import BLOCK, Floats, Ints, Stream, mix
from xinqiao.city.events import by_company, dated, draw_changes, last_day, month_of, versions
from xinqiao.city.hazard import NEVER
from xinqiao.city.industry import INDUSTRIES
from xinqiao.city.region import DIVISIONS
from xinqiao.city.scene import Scene
from xinqiao.city.text import choice, codes, company_codes, dates, hashes, money, only
from xinqiao.city.ties import CLERK, SHARED, WHOLE, Holdings, person_words

CAPITALS_10K = np.array([3, 10, 50, 100, 200, 300, 500, 1000, 2000, 5000])  # in 10,000 CNY
KINDS = ("有限责任公司", "个体工商户", "农民专业合作社")
STATES = ("存续", "注销", "吊销")
NEW_NAMES = ("", "新", "恒", "远", "盛", "信", "达", "昌")
NOTHING_PAID = 0.35  # share of companies with no capital paid in
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
        "registry_holding": _holders(scene, ids, changes),
        "registry_person": _people(scene, ids, changes),
    }


def capital_10k(scene: Scene, company: Ints) -> tuple[Ints, Ints]:
    """Capital subscribed and paid in, in 10,000 CNY, of companies of one block."""
    if not len(company):
        return company, company
    ids = scene.ids(int(company[0]) // BLOCK)
    rng = scene.stream(Stream.CAPITAL, ids)
    region, n = scene.region, len(ids)
    place = 4 + 1.2 * region.size[ids] + 1.2 * rng.standard_normal(n) - 3 * region.self_employed[ids]
    capital = CAPITALS_10K[np.clip(place, 0, len(CAPITALS_10K) - 1).astype(np.int64)]
    paid = np.where(rng.random(n) < NOTHING_PAID, 0.0, rng.beta(2.0, 1.5, n))
    return capital[company - ids[0]], (capital * paid).astype(np.int64)[company - ids[0]]


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


def _nth(company: Ints) -> Ints:
    """How many rows of the same company came before; the column is ordered."""
    return np.arange(len(company)) - np.searchsorted(company, company, side="left")


def _holders(scene: Scene, ids: Ints, changes: Changes) -> pl.DataFrame:
    """Holders and their stakes; with each change the last-named holder sells to a stranger."""
    rows = scene.ties.holdings
    low, high = np.searchsorted(rows.company, [ids[0], ids[-1] + 1])
    company = rows.company[low:high]
    mine = (changes.item == HOLDER) & np.isin(changes.company, company)
    seller, day = changes.company[mine], changes.day[mine]
    nth = _nth(seller)
    last = low + np.searchsorted(company, seller, side="right") - 1
    # the k-th stake of a place runs from the k-th change to the next one
    place = np.concatenate([np.arange(low, high), last])
    turn = np.concatenate([np.zeros(high - low, dtype=np.int64), nth + 1])
    since = np.concatenate([rows.since[low:high], day])
    known = np.concatenate([rows.since[low:high] + 15, changes.known[mine]])
    place, turn, since, known = by_company(place, turn, since, known)
    same = np.append(place[1:] == place[:-1], np.zeros(1, dtype=np.bool_))
    until = np.where(same, np.roll(since, -1), NEVER)
    told = np.where(same, np.roll(known, -1), NEVER)
    known = np.maximum(known, scene.region.calendar.first_day[0])
    return _stakes(scene, rows, place, turn, (since, until, known, told))


def _stakes(
    scene: Scene, rows: Holdings, place: Ints, turn: Ints, days: tuple[Ints, Ints, Ints, Ints]
) -> pl.DataFrame:
    since, until, known, told = days
    company, seed = rows.company[place], scene.region.seed
    by_firm = rows.by_company[place] & (turn == 0)
    person = hashes(person_words(seed, rows.holder[place], turn + 100 * rows.by_company[place]))
    firm = company_codes(np.where(by_firm, rows.holder[place], 0))
    capital, paid = capital_10k(scene, company)
    share = rows.share[place]
    part = np.maximum(share, 0)
    return versions(
        {
            "企业代号": company_codes(company),
            "股东": firm.zip_with(pl.Series(by_firm), person),
            "股东类型": choice(("自然人", "企业"), by_firm.astype(int)),
            "持股比例": only(share >= 0, (pl.Series(part) / WHOLE).cast(pl.String)),
            "认缴出资": only(share >= 0, money(part * capital * 100)),
            "实缴出资": only(share >= 0, money(part * paid * 100)),
            "入股日期": dates(since),
        },
        {"退出日期": dates(until)},
        known,
        told,
        scene.region.calendar.end,
    )


OFFICES = ("法定代表人", "董事", "监事", "经理", "财务联系人", "实际控制人")
INSURED, HAS_CREDIT_FILE, CONTROLLER_SHOWN = 0.85, 0.8, 0.15


def _people(scene: Scene, ids: Ints, changes: Changes) -> pl.DataFrame:
    """Who holds which office; the representative's with its end when another follows."""
    region, ties, seed = scene.region, scene.ties, scene.region.seed
    rng = scene.stream(Stream.PEOPLE, ids)
    mine = changes.item == LEGAL
    company = np.concatenate([ids, changes.company[mine]])
    turn = np.concatenate([np.zeros(len(ids), dtype=np.int64), _nth(changes.company[mine]) + 1])
    since = np.concatenate([region.established[ids], changes.day[mine]])
    known = np.concatenate([region.established[ids] + 15, changes.known[mine]])
    company, turn, since, known = by_company(company, turn, since, known)
    same = np.append(company[1:] == company[:-1], np.zeros(1, dtype=np.bool_))
    until = np.where(same, np.roll(since, -1), NEVER)
    told = np.where(same, np.roll(known, -1), NEVER)
    parts: list[Office] = [
        (
            company,
            ties.legal[company],
            turn,
            np.zeros(len(company), dtype=np.int64),
            since,
            known,
            until,
            told,
        )
    ]
    parts += [_office(scene, ids, rng, office) for office in range(1, len(OFFICES))]
    company, office, turn, person, since, known, until, told = by_company(
        *(np.concatenate([part[i] for part in parts]) for i in (0, 3, 2, 1, 4, 5, 6, 7))
    )
    first, n = office == 0, len(company)
    stranger = scene.schemes.hired[company] & (until == NEVER)
    insured = (rng.random(n) < INSURED) & ~stranger
    borrowed = (rng.random(n) < HAS_CREDIT_FILE) & ~stranger
    offices = np.where(stranger, 0, rng.poisson(0.5, n))
    known = np.maximum(known, region.calendar.first_day[0])
    return versions(
        {
            "企业代号": company_codes(company),
            "人员": hashes(person_words(seed, person, turn)),
            "职务": choice(OFFICES, office),
            "任职日期": dates(since),
            "任职前本行业参保": only(first, choice(("否", "是"), insured.astype(int))),
            "任职前有信贷记录": only(first, choice(("否", "是"), borrowed.astype(int))),
            "任职前任职数": only(first, pl.Series(offices).cast(pl.String)),
        },
        {"离任日期": dates(until)},
        known,
        told,
        region.calendar.end,
    )


Office = tuple[Ints, Ints, Ints, Ints, Ints, Ints, Ints, Ints]


def _office(scene: Scene, ids: Ints, rng: np.random.Generator, office: int) -> Office:
    """(company, person, turn, office, since, known, until, told) of one other office."""
    n, ties, region = scene.region.companies, scene.ties, scene.region
    share = (0.0, 0.8, 0.6, 0.7, 0.8, CONTROLLER_SHOWN)[office]
    chosen = ids[(rng.random(len(ids)) < share) & ~region.self_employed[ids]]
    clerk = np.where(ties.agent[chosen] >= 0, CLERK * n + ties.agent[chosen], 8 * n + chosen)
    person = {
        1: ties.controller[chosen],
        2: n + ties.head[chosen],  # often the founder's family
        3: np.where(rng.random(len(chosen)) < 0.6, ties.legal[chosen], 9 * n + chosen),  # noqa: PLR2004 - three in five
        4: clerk,
        5: ties.controller[chosen],
    }[office]
    zero = np.zeros(len(chosen), dtype=np.int64)
    since = region.established[chosen]
    nothing = np.full(len(chosen), NEVER)
    return chosen, person, zero, zero + office, since, since + 15, nothing, nothing


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
    known = np.where(late, due, published) + 1
    shown = dates(published)
    now = late | (published == NEVER)
    table = versions(
        {
            "企业代号": company_codes(company),
            "报告年度": pl.Series(year).cast(pl.String),
            "应公示日期": dates(due),
            "公示日期": shown.zip_with(
                pl.Series(~now), pl.repeat(None, len(now), dtype=pl.String, eager=True)
            ),
        },
        {"后公示": shown},
        known,
        np.where(late & (published < NEVER), published + 1, NEVER),
        calendar.end,
    )
    table = table.with_columns(pl.coalesce("后公示", "公示日期").alias("公示日期")).drop("后公示")
    return table, (company[late], due[late], published[late])


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
