"""Invoices with the headings and texts of a delivered file."""

from __future__ import annotations

import polars as pl

from xinqiao.city.draw import mix, uniform
from xinqiao.city.invoices import Invoices
from xinqiao.city.scene import Scene
from xinqiao.city.text import choice, codes, company_codes, dates, hashes, money, only, times

TERMINAL_TOLD = 0.9
VALID, VOID = "有效发票", "作废发票"


def sheet(rows: Invoices, scene: Scene, side: str) -> pl.DataFrame:
    """The rows as texts; ``side`` (购方 or 销方) heads the columns about the other party.

    The issuer's file names the terminal, where it was told.
    """
    companies, seed = scene.region.companies, scene.region.seed
    terminal = scene.schemes.terminal[rows.company]
    told = uniform(seed, rows.company, rows.number, 96) < TERMINAL_TOLD
    inside = (rows.party < companies) & ~rows.person
    outside = only(~rows.person, codes("W", rows.party, 9)).fill_null(codes("P", rows.party, 9))
    party = company_codes(rows.party).zip_with(pl.Series(inside), outside)
    reverses = rows.original >= 0
    columns = {
        "企业代号": company_codes(rows.company),
        "发票号码": pl.Series(rows.number).cast(pl.String),
        "开票日期": dates(rows.day),
        "开票时间": times(rows.second),
        f"{side}代号": party,
        f"{side}登记代码": only(~rows.person, party),
        f"{side}类型": choice(("单位", "个人"), rows.person.astype(int)),
        "商品编码": pl.Series(rows.goods).cast(pl.String) + "0" * 15,
        "金额": money(rows.amount),
        "税额": money(rows.tax),
        "价税合计": money(rows.amount + rows.tax),
        "发票状态": choice((VALID, VOID), rows.void.astype(int)),
        "状态变更日期": dates(rows.status_day),
        "对应蓝票号码": only(reverses, pl.Series(rows.original).cast(pl.String)),
        "对应蓝票日期": dates(rows.original_day),
        "获知日期": dates(rows.known_day),
    }
    if side == "购方":
        columns["开票终端"] = only(told, hashes(mix(seed, terminal, 97)))
    return pl.DataFrame(columns)
