"""Who holds a company and who holds office in it, as the register delivers them."""

from __future__ import annotations

import numpy as np
import polars as pl

from xinqiao.city.changes import HOLDER, LEGAL, Changes
from xinqiao.city.draw import BLOCK, Ints, Stream
from xinqiao.city.events import by_company, versions
from xinqiao.city.hazard import NEVER
from xinqiao.city.scene import Scene
from xinqiao.city.text import choice, company_codes, dates, hashes, money, only
from xinqiao.city.ties import CLERK, WHOLE, Holdings, person_words

CAPITALS_10K = np.array([3, 10, 50, 100, 200, 300, 500, 1000, 2000, 5000])  # in 10,000 CNY
NOTHING_PAID = 0.35  # share of companies with no capital paid in


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


def _nth(company: Ints) -> Ints:
    """How many rows of the same company came before; the column is ordered."""
    return np.arange(len(company)) - np.searchsorted(company, company, side="left")


def holders(scene: Scene, ids: Ints, changes: Changes) -> pl.DataFrame:
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


def offices(scene: Scene, ids: Ints, changes: Changes) -> pl.DataFrame:
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
    prior = np.where(stranger, 0, rng.poisson(0.5, n))
    known = np.maximum(known, region.calendar.first_day[0])
    return versions(
        {
            "企业代号": company_codes(company),
            "人员": hashes(person_words(seed, person, turn)),
            "职务": choice(OFFICES, office),
            "任职日期": dates(since),
            "任职前本行业参保": only(first, choice(("否", "是"), insured.astype(int))),
            "任职前有信贷记录": only(first, choice(("否", "是"), borrowed.astype(int))),
            "任职前任职数": only(first, pl.Series(prior).cast(pl.String)),
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
