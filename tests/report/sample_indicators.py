"""A fixed table of indicators of one company; numbers are made up."""

from __future__ import annotations

from typing import Literal

from xinqiao.kernel.text import Text
from xinqiao.report.company import IndicatorRow

NO_HISTORY = Text(zh="历史不足 24 个月", en="less than 24 months of history")
NO_SOURCE = Text(zh="未接入登记数据", en="the registry source is not at hand")
NO_FIELD = Text(zh="发票数据没有“开票时刻”字段", en="the invoices have no time-of-day field")


def row(  # noqa: PLR0917 - as above
    id_: str,
    zh: str,
    en: str,
    value: float | None,
    unit: str,
    median: float | None,
    direction: Literal["+", "-", "~"],
    flag: tuple[str, str] | None = None,
    *,
    flagged: bool = False,
    missing: Text | None = None,
    scored: bool = False,
) -> IndicatorRow:
    red = Text(zh=flag[0], en=flag[1]) if flag else None
    return IndicatorRow(
        id_, Text(zh=zh, en=en), value, unit, missing, median, direction, red, flagged, scored
    )


INDICATORS = (
    row(
        "INV01",
        "12M 有效开票额",
        "valid sales in 12 months",
        18_734_512.36,
        "CNY",
        6_210_000.0,
        "+",
        scored=True,
    ),
    row(
        "INV02",
        "开票同比",
        "sales against the year before",
        -0.1234,
        "ratio",
        0.042,
        "+",
        ("低于 -30%", "below -30%"),
    ),
    row(
        "INV03",
        "近3M/前9M 月均比",
        "last 3 months to the 9 before",
        0.84,
        "index",
        0.97,
        "~",
        ("大于 2 或小于 0.5", "above 2 or below 0.5"),
    ),
    row("INV04", "断票月数", "months without sales", 1, "months", 0, "-", ("≥3 个月", "3 or more")),
    row(
        "INV05",
        "开票波动 CV",
        "variation of monthly sales",
        0.62,
        "index",
        0.62,
        "-",
        ("大于 1", "above 1"),
        scored=True,
    ),
    row(
        "INV06",
        "作废率(张)",
        "share of void invoices",
        0.1634,
        "ratio",
        0.0521,
        "-",
        ("大于 15.7%", "above 15.7%"),
        flagged=True,
        scored=True,
    ),
    row(
        "INV07",
        "红冲率(额)",
        "red-letter share of amount",
        0.0117,
        "ratio",
        0.0092,
        "-",
        ("大于 5%", "above 5%"),
    ),
    row("INV12", "客户数", "customers", 46, "count", 21, "+", ("少于 3 家", "fewer than 3"), scored=True),
    row(
        "INV13",
        "前5大客户占比",
        "share of five largest customers",
        0.8312,
        "ratio",
        0.6127,
        "~",
        ("大于 80%", "above 80%"),
        flagged=True,
        scored=True,
    ),
    row(
        "INV18",
        "进销比",
        "purchases to sales",
        0.79,
        "ratio",
        0.81,
        "~",
        ("大于 1.2 或小于 0.2", "above 1.2 or below 0.2"),
    ),
    row(
        "INV28",
        "开票历史月数",
        "months of invoicing",
        41,
        "months",
        33,
        "+",
        ("少于 6 个月", "fewer than 6"),
        scored=True,
    ),
    row(
        "REG01",
        "存续年限",
        "years since foundation",
        7.3142,
        "years",
        None,
        "+",
        ("小于 1 年", "under 1 year"),
    ),
    row(
        "INV10", "夜间/节假日开票占比", "share invoiced at night", None, "ratio", None, "-", missing=NO_FIELD
    ),
    row(
        "INV15",
        "老客户留存率",
        "retention of customers",
        None,
        "ratio",
        0.52,
        "+",
        missing=NO_HISTORY,
        scored=True,
    ),
    *(
        row(f"REG{i:02d}", zh, en, None, "count", None, "-", missing=NO_SOURCE)
        for i, (zh, en) in enumerate(
            [
                ("实缴率", "paid-in share"),
                ("12M 法定代表人变更次数", "changes of legal representative"),
                ("距最近法人变更月数", "months since the last change"),
                ("12M 股东变更次数", "changes of shareholders"),
            ],
            start=2,
        )
    ),
)
