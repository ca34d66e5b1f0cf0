"""Fixed view-models with the shape and the size of real ones; numbers are made up."""

from __future__ import annotations

import math
from datetime import date

from tests.report.sample_indicators import INDICATORS
from xinqiao.kernel.text import Text
from xinqiao.report.charts.bars import Month
from xinqiao.report.charts.scale import Band
from xinqiao.report.company import (
    CompanyPage,
    Contribution,
    DataSource,
    Decision,
    Outcome,
    Reason,
    Score,
    TraceStep,
)

AS_OF = date(2020, 2, 29)
DATASET = Text(zh="测试用脱敏数据", en="masked test data")
MODEL_ID = "3f9a6c1d8b7e42f09c55aa01d2e4b7c6"
GRADES = [*(f"R{i}" for i in range(1, 11)), "D"]
EDGES = [700, 672, 648, 626, 606, 588, 571, 555, 540, 522]
GRADE_NAMES = {
    "R4": Text(zh="较好：经营稳定，偿还能力较强", en="good: steady business, able to repay"),
    "D": Text(zh="不予授信：违约可能很大", en="not lent to: default is likely"),
}


def bands() -> tuple[Band, ...]:
    best_first = [
        Band(g, EDGES[i] if i < 10 else None, EDGES[i - 1] if i else None) for i, g in enumerate(GRADES)
    ]
    return tuple(reversed(best_first))


def months(count: int = 24, base: float = 1_450_000.0) -> tuple[Month, ...]:
    out = []
    for i in range(count):
        year, month = divmod(2018 * 12 + 2 + i, 12)
        season = 1 + 0.35 * math.sin(i / 2.1) + (0.9 if i == 21 else 0) - (1.02 if i == 23 else 0)
        sales = base * season * (1 + i / 60)
        out.append(
            Month(f"{year}-{month + 1:02d}", round(sales, 2), round(base * (0.72 + 0.2 * math.cos(i)), 2))
        )
    return tuple(out)


def contribution(  # noqa: PLR0917 - a table of cases reads best by place
    id_: str,
    zh: str,
    en: str,
    value: float | None,
    unit: str,
    median: float,
    points: float,
    say: tuple[str, str],
) -> Contribution:
    missing = None if value is not None else Text(zh="历史不足 24 个月", en="less than 24 months of history")
    return Contribution(
        id_,
        Text(zh=zh, en=en),
        value,
        unit,
        missing,
        "[0.3, 0.6)",
        points,
        median,
        Text(zh=say[0], en=say[1]),
    )


CONTRIBUTIONS = (
    contribution(
        "INV01",
        "12M 有效开票额",
        "valid sales invoiced in 12 months",
        18_734_512.36,
        "CNY",
        6_210_000.0,
        38,
        (
            "近 12 个月有效开票 1,873.5万元，高于同类中位数 621万元",
            "12-month sales of CNY 18.73m are above the peer median of CNY 6.21m",
        ),
    ),
    contribution(
        "INV12",
        "客户数",
        "number of customers",
        46,
        "count",
        21,
        14,
        ("客户 46 家，多于同类中位数 21 家", "46 customers, more than the peer median of 21"),
    ),
    contribution(
        "INV28",
        "开票历史月数",
        "months of invoicing history",
        41,
        "months",
        33,
        6,
        ("开票历史 41 个月，长于同类", "41 months of history, longer than peers"),
    ),
    contribution(
        "INV06",
        "作废率(张)",
        "share of void invoices",
        0.1534,
        "ratio",
        0.0521,
        -17,
        (
            "作废发票占 15.3%，高于同类中位数 5.2%",
            "15.3% of invoices are void, against a peer median of 5.2%",
        ),
    ),
    contribution(
        "INV13",
        "前5大客户占比",
        "share of the five largest customers",
        0.8312,
        "ratio",
        0.6127,
        -9,
        (
            "前五大客户占 83.1%，集中度高于同类",
            "the five largest customers are 83.1% of sales, more than peers",
        ),
    ),
    contribution(
        "INV15",
        "老客户留存率",
        "retention of customers",
        None,
        "ratio",
        0.52,
        -4,
        (
            "没有两年的历史，无法计算老客户留存，按缺失计分",
            "without two years of history retention cannot be computed; scored as missing",
        ),
    ),
    contribution(
        "INV05",
        "开票波动 CV",
        "variation of monthly sales",
        0.62,
        "index",
        0.62,
        0,
        ("与同类持平", "level with peers"),
    ),
)

TRACE = (
    TraceStep("input", "INV01", Text(zh="12M 有效开票额", en="valid sales in 12 months"), (), "18734512.36"),
    TraceStep(
        "input", "REG01", Text(zh="存续年限", en="years since foundation"), (), "missing", "SOURCE_ABSENT"
    ),
    TraceStep(
        "rule",
        "grade_d",
        Text(zh="D 级不予授信", en="grade D is not lent to"),
        (("grade", "R4"),),
        "false",
        "pass",
    ),
    TraceStep(
        "rule",
        "void_rate",
        Text(zh="作废率过高", en="void share too high"),
        (("INV06", "0.1634"),),
        "false",
        "pass",
    ),
    TraceStep(
        "rule",
        "gaps",
        Text(zh="断票月数", en="months without sales"),
        (("INV04", "1"), ("INV28", "41")),
        "false",
        "pass",
    ),
    TraceStep(
        "table",
        "limit_factor",
        Text(zh="额度系数", en="limit factor"),
        (("grade", "R4"), ("INV05", "0.62")),
        "row 4: 0.06",
    ),
    TraceStep(
        "limit",
        "limit",
        Text(zh="额度", en="limit"),
        (("INV01", "18734512.36"), ("factor", "0.06")),
        "1000000",
        "capped at max",
    ),
    TraceStep("price", "price", Text(zh="年利率", en="yearly rate"), (("grade", "R4"),), "0.0635"),
    TraceStep("outcome", "outcome", Text(zh="结论", en="outcome"), (), "approve"),
)


def decision(outcome: Outcome = "approve") -> Decision:
    granted = outcome == "approve"
    reasons = {
        "approve": (
            Reason(
                "OK",
                Text(
                    zh="符合全部准入规则，额度按近 12 个月开票额与等级确定，已到产品上限",
                    en="All admission rules are met; the limit is the product's maximum",
                ),
            ),
        ),
        "refer": (
            Reason(
                "INV06-HIGH",
                Text(
                    zh="作废发票占 16.3%，超过 15.7% 的警戒线，需要人工核实原因",
                    en="16.3% of invoices are void, above the line of 15.7%; a person is to find out why",
                ),
            ),
        ),
        "reject": (
            Reason(
                "GRADE-D",
                Text(zh="等级为 D，按政策不予授信", en="The grade is D, which the policy does not lend to"),
            ),
            Reason(
                "INV28-SHORT", Text(zh="开票历史不足 6 个月", en="Less than 6 months of invoicing history")
            ),
        ),
    }[outcome]
    return Decision(
        id="d-7c1f0a92be4d",
        outcome=outcome,
        limit_cny=1_000_000 if granted else None,
        rate=0.0635 if granted else None,
        term_months=12 if granted else None,
        reasons=reasons,
        trace=TRACE,
        policy_name=Text(zh="小微企业信用贷款", en="credit for small firms"),
        policy_version="1.0.0",
        model_id=MODEL_ID,
        replay="xinqiao replay d-7c1f0a92be4d",
    )


def company(
    name: str = "青云溪精密机械配件制造有限公司",
    outcome: Outcome = "approve",
    id_: str = "E57",
    *,
    generated: bool = False,
) -> CompanyPage:
    bad = outcome == "reject"
    grade = "D" if bad else "R4"
    return CompanyPage(
        dataset=DATASET,
        generated=generated,
        as_of=AS_OF,
        company_id=id_,
        company_name=name,
        peer_group=Text(zh="全部企业", en="all firms"),
        decision=decision(outcome),
        score=Score(498 if bad else 637, grade, GRADE_NAMES[grade], 0.4312 if bad else 0.0287, bands()),
        contributions=CONTRIBUTIONS,
        months=months(),
        indicators=INDICATORS,
        sources=(
            DataSource(
                Text(zh="增值税发票", en="VAT invoices"),
                Text(zh="税务机关或开票服务商", en="tax authority or invoicing service"),
                3_512,
                date(2016, 10, 4),
                date(2020, 2, 21),
            ),
            DataSource(
                Text(zh="工商登记", en="business registry"),
                Text(zh="市场监管部门", en="market regulator"),
                1,
                date(2016, 10, 1),
                date(2016, 10, 1),
            ),
            DataSource(
                Text(zh="经营异常名录", en="list of abnormal operations"),
                Text(zh="市场监管部门", en="market regulator"),
                None,
                None,
                None,
            ),
        ),
    )
