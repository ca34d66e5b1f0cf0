"""What is delivered: the sources, the tables each gives, and the file every table comes in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from xinqiao.city.bank import bank_tables
from xinqiao.city.courts import court_tables
from xinqiao.city.credit import credit_tables
from xinqiao.city.customs import customs_tables
from xinqiao.city.draw import Ints
from xinqiao.city.environment import environment_tables
from xinqiao.city.files import CsvSink, ParquetSink, SheetSink, Sink
from xinqiao.city.lending import lending_tables
from xinqiao.city.opinion import opinion_tables
from xinqiao.city.penalties import penalty_tables
from xinqiao.city.power import power_tables
from xinqiao.city.register import register_tables
from xinqiao.city.rights import rights_tables
from xinqiao.city.scene import Scene
from xinqiao.city.staff import staff_tables
from xinqiao.city.tax import tax_tables
from xinqiao.city.telecom import telecom_tables
from xinqiao.city.utilities import utility_tables

Tables = Callable[[Scene, Ints], dict[str, pl.DataFrame]]
INVOICES = "INV"

SOURCES: tuple[tuple[str, Tables], ...] = (
    ("REG", register_tables),
    ("CRD", credit_tables),
    ("CRD", lending_tables),
    ("TAX", tax_tables),
    ("SOC", staff_tables),
    ("ELE", power_tables),
    ("WGS", utility_tables),
    ("CUS", customs_tables),
    ("BNK", bank_tables),
    ("JUD", court_tables),
    ("ADM", penalty_tables),
    ("ENV", environment_tables),
    ("IPR", rights_tables),
    ("TEL", telecom_tables),
    ("OPN", opinion_tables),
)
"""Source as the data catalogue codes it, and the function that gives its tables for a block."""

CODES = tuple(dict.fromkeys([INVOICES, *(code for code, _ in SOURCES)]))

SHEETS = {
    "credit": "信贷",
    "registry_listing": "名录",
    "tax_event": "涉税事件",
    "customs_rating": "海关等级",
    "power_event": "用电事件",
}
"""Tables delivered as a spreadsheet, and the sheet's name."""
PACKED = frozenset(
    {
        "tax_return",
        "tax_payment",
        "power_month",
        "water_gas_month",
        "credit_month",
        "public_credit",
        "phone_month",
        "recruitment",
    }
)
"""Tables delivered as packed CSV."""
COLUMNS = frozenset({"bank_flow", "power_day", "social_insurance"})
"""Tables delivered as Parquet. All others come as CSV."""


def sink_for(data: Path, table: str) -> Sink:
    """The file in ``data`` that ``table`` is delivered in."""
    if table in SHEETS:
        return SheetSink(data / f"{table}.xlsx", SHEETS[table])
    if table in COLUMNS:
        return ParquetSink(data / f"{table}.parquet")
    return CsvSink(data / f"{table}.csv{'.gz' if table in PACKED else ''}")
