"""Telephone lines of companies and their monthly bills; never who was called."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from xinqiao.city.draw import Flags, Floats, Ints, Stream, mix, uniform
from xinqiao.city.events import by_company, last_day, state, versions
from xinqiao.city.hazard import NEVER
from xinqiao.city.scene import Scene
from xinqiao.city.text import choice, company_codes, dates, hashes, money, only
from xinqiao.city.ties import person_words

KINDS = ("手机", "固话", "宽带")
MOBILE, LANDLINE, BROADBAND = range(3)
OWNERS = ("法定代表人", "联系人", "企业")
HAS = (1.0, 0.45, 0.35, 0.65)  # representative's mobile, contact's mobile, landline, broadband
LINE_KINDS, LINE_OWNERS = (MOBILE, MOBILE, LANDLINE, BROADBAND), (0, 1, 2, 2)
BILLS = (9_500, 8_000, 6_000, 19_900)  # cents a month
VERIFIED = 0.97
OLDEST_DAYS = 7_300


@dataclass(frozen=True, slots=True)
class _Lines:
    """Lines by company: ``slot`` is the place in HAS; the hash is that of the register for a contact."""

    company: Ints
    slot: Ints
    opened: Ints
    closed: Ints


def telecom_tables(scene: Scene, ids: Ints) -> dict[str, pl.DataFrame]:
    """Lines and monthly bills of a block of companies, by contract."""
    rng = scene.stream(Stream.TELECOM, ids)
    lines = _lines(scene, ids, rng)
    return {"phone_line": _line_rows(scene, lines, rng), "phone_month": _months(scene, lines, rng)}


def _lines(scene: Scene, ids: Ints, rng: np.random.Generator) -> _Lines:
    """A contact's line is often older than the firm; lines close after a default."""
    chosen = rng.random((len(ids), len(HAS))) < np.array(HAS)
    chosen[:, 1] |= scene.schemes.hoards[ids]
    row, slot = np.nonzero(chosen)
    company = ids[row]
    mobile = slot <= 1
    age = np.where(mobile, np.minimum(rng.gamma(1.5, 1400.0, len(row)), OLDEST_DAYS), 0).astype(np.int64)
    opened = scene.region.established[company] + rng.integers(5, 90, len(row)) - age
    failed = scene.fate.default_day[company]
    gives_up = (rng.random(len(row)) < 0.5) & (failed < NEVER)  # noqa: PLR2004 - half of the lines of failed firms
    closed = np.where(gives_up, failed + rng.integers(20, 200, len(row)), NEVER)
    changes = (rng.random(len(row)) < 0.04) & mobile  # noqa: PLR2004 - a few give a number up
    some_day = scene.region.calendar.first_day[0] + rng.integers(0, 1000, len(row))
    closed = np.where(changes & ~gives_up, np.maximum(some_day, opened + 40), closed)
    return _Lines(company, slot, opened, closed)


def _hash(scene: Scene, lines: _Lines) -> pl.Series:
    """The contact's mobile is the telephone in the register; other lines are the firm's own."""
    seed = scene.region.seed
    registered = mix(seed, scene.ties.phone[lines.company], 22)
    other = mix(seed, lines.company, lines.slot, 81)
    return hashes(np.where(lines.slot == 1, registered, other))


def _line_rows(scene: Scene, lines: _Lines, rng: np.random.Generator) -> pl.DataFrame:
    n, ties, region = len(lines.company), scene.ties, scene.region
    person = np.where(lines.slot == 0, ties.legal[lines.company], ties.phone[lines.company])
    held = 1 + rng.poisson(0.5, n) + (uniform(region.seed, person, 82) < 0.004) * 4  # noqa: PLR2004 - a few hoard lines
    held = np.where(scene.schemes.hoards[lines.company] & (lines.slot == 1), held + 6, held)
    told = np.maximum(
        lines.opened + 1, np.maximum(region.calendar.first_day[0], region.established[lines.company] + 30)
    )
    own = lines.slot <= 1
    return versions(
        {
            "企业代号": company_codes(lines.company),
            "号码": _hash(scene, lines),
            "类型": choice(KINDS, np.array(LINE_KINDS)[lines.slot]),
            "使用者": choice(OWNERS, np.array(LINE_OWNERS)[lines.slot]),
            "登记人": only(own, hashes(person_words(region.seed, person))),
            "同一证件号码数": only(own, pl.Series(held).cast(pl.String)),
            "入网日期": dates(lines.opened),
            "三要素一致": only(own, choice(("否", "是"), (rng.random(n) < VERIFIED).astype(int))),
        },
        {"销号日期": dates(lines.closed)},
        told,
        np.where(lines.closed < NEVER, np.maximum(lines.closed, told) + 1, NEVER),
        region.calendar.end,
    )


def _months(scene: Scene, lines: _Lines, rng: np.random.Generator) -> pl.DataFrame:
    """Bills of the representative's mobile and of the broadband; arrears and stops when money is short."""
    calendar = scene.region.calendar
    first_day = calendar.first_day
    mine = np.flatnonzero((lines.slot == 0) | (lines.slot == len(HAS) - 1))
    company, slot = lines.company[mine], lines.slot[mine]
    begins = np.maximum(lines.opened[mine], scene.region.established[company])[:, None]
    ends = np.minimum(lines.closed[mine], last_day(scene, company))[:, None]
    open_: Flags = (first_day[:-1] >= begins) & (first_day[1:] <= ends)
    shape = open_.shape
    short: Floats = np.exp(
        -3.9 + state(scene, company, liquidity=-0.55) + 1.2 * (scene.after_default(company) > 0)
    )
    late = rng.random(shape) < np.minimum(short, 0.7)
    stopped = late & (rng.random(shape) < 0.45)  # noqa: PLR2004 - of those late
    bill = np.rint(np.array(BILLS)[slot][:, None] * np.exp(0.35 * rng.standard_normal(shape))).astype(
        np.int64
    )
    row, month = np.nonzero(open_)
    row, month = by_company(row, month)
    table = pl.DataFrame(
        {
            "企业代号": company_codes(company[row]),
            "号码": _hash(scene, _Lines(company, slot, company, company)).gather(row),
            "月份": dates(first_day[month]),
            "话费": money(bill[row, month]),
            "欠费": money(np.where(late, bill, 0)[row, month]),
            "停机次数": pl.Series(stopped[row, month].astype(np.int64)).cast(pl.String),
            "获知日期": dates(first_day[month + 1] + 4),
        }
    )
    return table.filter(pl.Series(first_day[month + 1] + 4 <= calendar.end))
