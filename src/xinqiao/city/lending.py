"""What the platform and the credit bureau deliver: applications, papers, loans, contacts, inquiries."""

from __future__ import annotations

import numpy as np
import polars as pl

from xinqiao.city.applications import PENDING, Applications
from xinqiao.city.draw import Floats, Ints, Stream, mix
from xinqiao.city.events import by_company, dated, last_day, month_of, versions
from xinqiao.city.guarantees import guarantee_rows
from xinqiao.city.hazard import NEVER
from xinqiao.city.industry import INDUSTRIES
from xinqiao.city.scene import Scene
from xinqiao.city.text import choice, codes, company_codes, dates, hashes, money, only

RESULTS = ("待定", "通过", "拒绝", "撤回")
PAPERS = 3
SCANNED, INNOCENT_FLAW = 0.35, 0.0012
CONTACT_DAYS = (20, 45, 70, 85, 150, 240)
CONTACTS = ("对账", "电话", "走访")
PURPOSES = ("贷款审批", "担保资格", "贷后管理", "本人查询")
OTHER_INQUIRIES = ((0, -3.6), (1, -5.0), (2, -3.2), (3, -5.2))  # purpose, logit of the monthly chance


def lending_tables(scene: Scene, ids: Ints) -> dict[str, pl.DataFrame]:
    """Applications and what came of them for a block of companies, by contract."""
    rng = scene.stream(Stream.LOANS, ids)
    number = scene.applications.rows_of(ids)
    rows = scene.applications.take(number)
    return {
        "application": _applications(scene, rows, number),
        "application_document": _papers(scene, rows, number, rng),
        "loan": _loans(scene, rows, number, rng),
        "loan_contact": _contacts(scene, rows, number, rng),
        "credit_inquiry": _inquiries(scene, ids, rows, rng),
        "guarantee": guarantee_rows(scene.ties.guarantees, ids, scene.region.calendar.end),
    }


def _hashed(scene: Scene, number: Ints, salt: int) -> pl.Series:
    return only(number >= 0, hashes(mix(scene.region.seed, number, salt)))


def _applications(scene: Scene, rows: Applications, number: Ints) -> pl.DataFrame:
    """Each known on its day, once more with its result."""
    industry = choice(tuple(i.code for i in INDUSTRIES), scene.region.industry[rows.company])
    return versions(
        {
            "企业代号": company_codes(rows.company),
            "申请编号": codes("SQ", number + 1, 9),
            "意向单编号": codes("YX", rows.intent + 1, 11),
            "申请日期": dates(rows.day),
            "受理机构": codes("B", 1 + rows.institution, 2),
            "申请金额": money(rows.cents),
            "行业代码": industry,
            "设备": _hashed(scene, rows.device, 91),
            "网络地址段": _hashed(scene, rows.address, 92),
            "经办人": _hashed(scene, rows.agent, 93),
            "推荐人": _hashed(scene, rows.referrer, 94),
            "联系电话": _hashed(scene, rows.phone, 22),
            "材料版式": _hashed(scene, rows.layout, 95),
        },
        {"结果": choice(RESULTS, rows.result)},
        rows.day,
        np.where(rows.result == PENDING, NEVER, rows.result_day),
        scene.region.calendar.end,
    ).with_columns(pl.col("结果").fill_null(RESULTS[PENDING]))


def _papers(scene: Scene, rows: Applications, number: Ints, rng: np.random.Generator) -> pl.DataFrame:
    """Three papers an application; scans show traces that mean nothing, tampering shows several."""
    row = np.repeat(np.arange(len(rows)), PAPERS)
    nth = np.tile(np.arange(PAPERS), len(rows))
    n = len(row)
    tampered = np.isin(number[row], scene.schemes.tampered) & (rng.random(n) < 0.7)  # noqa: PLR2004 - not every paper
    scanned = (rng.random(n) < SCANNED) & ~tampered

    def flaw(innocent: float, guilty: float) -> pl.Series:
        chance = np.where(tampered, guilty, innocent)
        return choice(("否", "是"), (rng.random(n) < chance).astype(int))

    saves = rng.poisson(np.where(tampered, 2.5, np.where(scanned, 0.4, 0.05)))
    fonts = np.where(scanned, 0.03, INNOCENT_FLAW)
    mixed = choice(("否", "是"), (rng.random(n) < np.where(tampered, 0.6, fonts)).astype(int))
    return pl.DataFrame(
        {
            "企业代号": company_codes(rows.company[row]),
            "申请编号": codes("SQ", number[row] + 1, 9),
            "材料编号": codes("C", nth + 1, 2),
            "检验日期": dates(rows.day[row]),
            "扫描件": choice(("否", "是"), scanned.astype(int)),
            "增量保存次数": pl.Series(saves).cast(pl.String),
            "字体不一致": mixed,
            "金额图层": flaw(INNOCENT_FLAW / 2, 0.5),
            "合计与分项不符": flaw(INNOCENT_FLAW, 0.5),
            "查验失败": flaw(INNOCENT_FLAW, 0.4),
            "获知日期": dates(rows.day[row]),
        }
    )


def _loans(scene: Scene, rows: Applications, number: Ints, rng: np.random.Generator) -> pl.DataFrame:
    lent = np.flatnonzero(rows.loan_day < NEVER)
    loan = rows.take(lent)
    entrusted = rng.random(len(loan)) < 0.35  # noqa: PLR2004 - paid to the seller directly
    park = scene.ties.park[loan.company]
    return pl.DataFrame(
        {
            "企业代号": company_codes(loan.company),
            "借据号": codes("JJ", number[lent] + 1, 9),
            "放款机构": codes("B", 1 + loan.institution, 2),
            "放款日期": dates(loan.loan_day),
            "放款金额": money(loan.lent),
            "受托支付": choice(("否", "是"), (entrusted & (loan.scheme < 0)).astype(int)),
            "推荐人": _hashed(scene, loan.referrer, 94),
            "园区": only(park >= 0, codes("Y", park + 1, 8)),
            "获知日期": dates(np.minimum(loan.loan_day + 1, scene.region.calendar.end)),
        }
    )


def _contacts(scene: Scene, rows: Applications, number: Ints, rng: np.random.Generator) -> pl.DataFrame:
    """Contacts on fixed days after a loan; firms in trouble answer less, lost ones hardly at all."""
    lent = np.flatnonzero(rows.loan_day < NEVER)
    row = np.repeat(lent, len(CONTACT_DAYS))
    nth = np.tile(np.arange(len(CONTACT_DAYS)), len(lent))
    day = rows.loan_day[row] + np.array(CONTACT_DAYS)[nth] + rng.integers(-5, 6, len(row))
    company = rows.company[row]
    alive = (day < scene.region.calendar.end) & (day <= last_day(scene, company) + 60)
    row, nth, day, company = row[alive], nth[alive], day[alive], company[alive]
    governance = scene.fate.governance[company, month_of(scene, day)].astype(np.float64)
    missed: Floats = 0.03 * np.exp(-0.5 * governance)
    missed = np.where(scene.fate.default_day[company] < day, 0.45, np.minimum(missed, 0.4))
    missed = np.where(np.isin(number[row], scene.schemes.lost), 0.9, missed)
    kind = rng.choice(len(CONTACTS), len(row), p=(0.45, 0.45, 0.1))
    return pl.DataFrame(
        {
            "企业代号": company_codes(company),
            "联络编号": codes("LX", number[row] * 10 + nth, 10),
            "借据号": codes("JJ", number[row] + 1, 9),
            "方式": choice(CONTACTS, kind),
            "日期": dates(day),
            "成功": choice(("否", "是"), (rng.random(len(row)) >= missed).astype(int)),
            "获知日期": dates(day + 1),
        }
    )


def _inquiries(scene: Scene, ids: Ints, rows: Applications, rng: np.random.Generator) -> pl.DataFrame:
    """One for every application here, and those of other banks, more when money is short."""
    parts = [(rows.company, rows.day, np.zeros(len(rows), dtype=np.int64), rows.institution)]
    for purpose, base in OTHER_INQUIRIES:
        searching = -0.45 if purpose <= 1 else 0.0
        company, day = dated(scene, ids, rng, base=base + 0.3 * scene.region.size[ids], liquidity=searching)
        bank = rng.integers(0, 20, len(day))
        parts.append((company, day, np.full(len(day), purpose), bank))
    company, day, purpose_, bank = by_company(*(np.concatenate([p[i] for p in parts]) for i in range(4)))
    keep = day < scene.region.calendar.end
    company, day, purpose_, bank = company[keep], day[keep], purpose_[keep], bank[keep]
    return pl.DataFrame(
        {
            "企业代号": company_codes(company),
            "查询编号": codes("CX", ids[0] * 1000 + np.arange(len(day)), 10),
            "查询机构": codes("B", 1 + bank, 2),
            "查询用途": choice(PURPOSES, purpose_),
            "查询日期": dates(day),
            "获知日期": dates(day + 1),
        }
    )
