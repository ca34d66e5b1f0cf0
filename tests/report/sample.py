"""Fixed view-models with the shape and the size of real ones; numbers are made up."""

from __future__ import annotations

import math
from datetime import date

from xinqiao.kernel.text import Text
from xinqiao.report.charts.bars import Month, ScoreBin
from xinqiao.report.charts.curves import CalibrationBin, KsPoint, Roc
from xinqiao.report.charts.scale import Band
from xinqiao.report.company import (
    CompanyPage,
    Contribution,
    DataSource,
    Decision,
    IndicatorRow,
    Reason,
    Score,
    TraceStep,
)
from xinqiao.report.model_card import Bin, CardScale, Excluded, ModelCard, Sample, Stability, Variable
from xinqiao.report.page import company_file
from xinqiao.report.summary import (
    CompanyRow,
    Coverage,
    GradeRow,
    IngestRow,
    OutcomeRow,
    RunSummary,
    Trap,
)
from xinqiao.report.view import Link, Performance

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
        out.append(Month(f"{year}-{month + 1:02d}", round(sales, 2), round(base * (0.72 + 0.2 * math.cos(i)), 2)))
    return tuple(out)


def contribution(
    id_: str, zh: str, en: str, value: float | None, unit: str, median: float, points: float, say: tuple[str, str]
) -> Contribution:
    missing = None if value is not None else Text(zh="历史不足 24 个月", en="less than 24 months of history")
    return Contribution(
        id_, Text(zh=zh, en=en), value, unit, missing, "[0.3, 0.6)", points, median, Text(zh=say[0], en=say[1])
    )


CONTRIBUTIONS = (
    contribution("INV01", "12M 有效开票额", "valid sales invoiced in 12 months", 18_734_512.36, "CNY", 6_210_000.0, 38,
                 ("近 12 个月有效开票 1,873.5万元，高于同类中位数 621万元", "12-month sales of CNY 18.73m are above the peer median of CNY 6.21m")),
    contribution("INV12", "客户数", "number of customers", 46, "count", 21, 14,
                 ("客户 46 家，多于同类中位数 21 家", "46 customers, more than the peer median of 21")),
    contribution("INV28", "开票历史月数", "months of invoicing history", 41, "months", 33, 6,
                 ("开票历史 41 个月，长于同类", "41 months of history, longer than peers")),
    contribution("INV06", "作废率(张)", "share of void invoices", 0.1534, "ratio", 0.0521, -17,
                 ("作废发票占 15.3%，高于同类中位数 5.2%", "15.3% of invoices are void, against a peer median of 5.2%")),
    contribution("INV13", "前5大客户占比", "share of the five largest customers", 0.8312, "ratio", 0.6127, -9,
                 ("前五大客户占 83.1%，集中度高于同类", "the five largest customers are 83.1% of sales, more than peers")),
    contribution("INV15", "老客户留存率", "retention of customers", None, "ratio", 0.52, -4,
                 ("没有两年的历史，无法计算老客户留存，按缺失计分", "without two years of history retention cannot be computed; scored as missing")),
    contribution("INV05", "开票波动 CV", "variation of monthly sales", 0.62, "index", 0.62, 0, ("与同类持平", "level with peers")),
)

NO_HISTORY = Text(zh="历史不足 24 个月", en="less than 24 months of history")
NO_SOURCE = Text(zh="未接入登记数据", en="the registry source is not at hand")
NO_FIELD = Text(zh="发票数据没有“开票时刻”字段", en="the invoices have no time-of-day field")


def row(
    id_: str, zh: str, en: str, value: float | None, unit: str, median: float | None, direction: str,
    flag: tuple[str, str] | None = None, *, flagged: bool = False, missing: Text | None = None, scored: bool = False,
) -> IndicatorRow:
    red = Text(zh=flag[0], en=flag[1]) if flag else None
    return IndicatorRow(id_, Text(zh=zh, en=en), value, unit, missing, median, direction, red, flagged, scored)  # type: ignore[arg-type]  # literals below


INDICATORS = (
    row("INV01", "12M 有效开票额", "valid sales in 12 months", 18_734_512.36, "CNY", 6_210_000.0, "+", scored=True),
    row("INV02", "开票同比", "sales against the year before", -0.1234, "ratio", 0.042, "+", ("低于 -30%", "below -30%")),
    row("INV03", "近3M/前9M 月均比", "last 3 months to the 9 before", 0.84, "index", 0.97, "~", ("大于 2 或小于 0.5", "above 2 or below 0.5")),
    row("INV04", "断票月数", "months without sales", 1, "months", 0, "-", ("≥3 个月", "3 or more")),
    row("INV05", "开票波动 CV", "variation of monthly sales", 0.62, "index", 0.62, "-", ("大于 1", "above 1"), scored=True),
    row("INV06", "作废率(张)", "share of void invoices", 0.1634, "ratio", 0.0521, "-", ("大于 15.7%", "above 15.7%"), flagged=True, scored=True),
    row("INV07", "红冲率(额)", "red-letter share of amount", 0.0117, "ratio", 0.0092, "-", ("大于 5%", "above 5%")),
    row("INV12", "客户数", "customers", 46, "count", 21, "+", ("少于 3 家", "fewer than 3"), scored=True),
    row("INV13", "前5大客户占比", "share of five largest customers", 0.8312, "ratio", 0.6127, "~", ("大于 80%", "above 80%"), flagged=True, scored=True),
    row("INV18", "进销比", "purchases to sales", 0.79, "ratio", 0.81, "~", ("大于 1.2 或小于 0.2", "above 1.2 or below 0.2")),
    row("INV28", "开票历史月数", "months of invoicing", 41, "months", 33, "+", ("少于 6 个月", "fewer than 6"), scored=True),
    row("REG01", "存续年限", "years since foundation", 7.3142, "years", None, "+", ("小于 1 年", "under 1 year")),
    row("INV10", "夜间/节假日开票占比", "share invoiced at night", None, "ratio", None, "-", missing=NO_FIELD),
    row("INV15", "老客户留存率", "retention of customers", None, "ratio", 0.52, "+", missing=NO_HISTORY, scored=True),
    *(
        row(f"REG{i:02d}", zh, en, None, "count", None, "-", missing=NO_SOURCE)
        for i, (zh, en) in enumerate(
            [("实缴率", "paid-in share"), ("12M 法定代表人变更次数", "changes of legal representative"),
             ("距最近法人变更月数", "months since the last change"), ("12M 股东变更次数", "changes of shareholders")], start=2)
    ),
)

TRACE = (
    TraceStep("input", "INV01", Text(zh="12M 有效开票额", en="valid sales in 12 months"), (), "18734512.36"),
    TraceStep("input", "REG01", Text(zh="存续年限", en="years since foundation"), (), "missing", "SOURCE_ABSENT"),
    TraceStep("rule", "grade_d", Text(zh="D 级不予授信", en="grade D is not lent to"), (("grade", "R4"),), "false", "pass"),
    TraceStep("rule", "void_rate", Text(zh="作废率过高", en="void share too high"), (("INV06", "0.1634"),), "false", "pass"),
    TraceStep("rule", "gaps", Text(zh="断票月数", en="months without sales"), (("INV04", "1"), ("INV28", "41")), "false", "pass"),
    TraceStep("table", "limit_factor", Text(zh="额度系数", en="limit factor"), (("grade", "R4"), ("INV05", "0.62")), "row 4: 0.06"),
    TraceStep("limit", "limit", Text(zh="额度", en="limit"), (("INV01", "18734512.36"), ("factor", "0.06")), "1000000", "capped at max"),
    TraceStep("price", "price", Text(zh="年利率", en="yearly rate"), (("grade", "R4"),), "0.0635"),
    TraceStep("outcome", "outcome", Text(zh="结论", en="outcome"), (), "approve"),
)


def decision(outcome: str = "approve") -> Decision:
    granted = outcome == "approve"
    reasons = {
        "approve": (Reason("OK", Text(zh="符合全部准入规则，额度按近 12 个月开票额与等级确定，已到产品上限", en="All admission rules are met; the limit follows 12-month sales and grade and has reached the product's maximum")),),
        "refer": (Reason("INV06-HIGH", Text(zh="作废发票占 16.3%，超过 15.7% 的警戒线，需要人工核实原因", en="16.3% of invoices are void, above the line of 15.7%; a person is to find out why")),),
        "reject": (Reason("GRADE-D", Text(zh="等级为 D，按政策不予授信", en="The grade is D, which the policy does not lend to")),
                   Reason("INV28-SHORT", Text(zh="开票历史不足 6 个月", en="Less than 6 months of invoicing history"))),
    }[outcome]
    return Decision(
        id="d-7c1f0a92be4d", outcome=outcome, limit_cny=1_000_000 if granted else None,  # type: ignore[arg-type]  # the three literals
        rate=0.0635 if granted else None, term_months=12 if granted else None, reasons=reasons, trace=TRACE,
        policy_name=Text(zh="小微企业信用贷款", en="credit for small firms"), policy_version="1.0.0",
        model_id=MODEL_ID, replay="xinqiao replay d-7c1f0a92be4d",
    )


def company(
    name: str = "青云溪精密机械配件制造有限公司", outcome: str = "approve", id_: str = "E57", *, generated: bool = False
) -> CompanyPage:
    bad = outcome == "reject"
    grade = "D" if bad else "R4"
    return CompanyPage(
        dataset=DATASET, generated=generated, as_of=AS_OF, company_id=id_, company_name=name,
        peer_group=Text(zh="全部企业", en="all firms"), decision=decision(outcome),
        score=Score(498 if bad else 637, grade, GRADE_NAMES[grade], 0.4312 if bad else 0.0287, bands()),
        contributions=CONTRIBUTIONS, months=months(), indicators=INDICATORS,
        sources=(
            DataSource(Text(zh="增值税发票", en="VAT invoices"), Text(zh="税务机关或开票服务商", en="tax authority or invoicing service"), 3_512, date(2016, 10, 4), date(2020, 2, 21)),
            DataSource(Text(zh="工商登记", en="business registry"), Text(zh="市场监管部门", en="market regulator"), 1, date(2016, 10, 1), date(2016, 10, 1)),
            DataSource(Text(zh="经营异常名录", en="list of abnormal operations"), Text(zh="市场监管部门", en="market regulator"), None, None, None),
        ),
    )


def roc_points(power: float) -> tuple[tuple[float, float], ...]:
    return tuple((i / 40, round((i / 40) ** power, 4)) for i in range(41))


ROC = (
    Roc(Text(zh="评分卡", en="scorecard"), roc_points(0.14)),
    Roc(Text(zh="提升树", en="boosted trees"), roc_points(0.18)),
)
CALIBRATION = (
    CalibrationBin(0.02, 0.0, 0.0, 0.09, 25), CalibrationBin(0.06, 0.08, 0.02, 0.2, 25),
    CalibrationBin(0.14, 0.12, 0.04, 0.28, 25), CalibrationBin(0.31, 0.28, 0.14, 0.47, 24), CalibrationBin(0.66, 0.63, 0.42, 0.79, 24),
)
SCORE_BINS = tuple(
    ScoreBin(480 + 20 * i, 500 + 20 * i, g, b)
    for i, (g, b) in enumerate([(1, 7), (2, 8), (4, 5), (7, 3), (11, 2), (15, 1), (18, 1), (14, 0), (12, 0), (8, 0), (4, 0)])
)
KS = tuple(KsPoint(480 + 11 * i, round((i / 20) ** 2.2, 4), round((i / 20) ** 0.35, 4)) for i in range(21))


def performance() -> tuple[Performance, ...]:
    method = Text(zh="嵌套 5 折 × 5 次", en="nested 5 folds x 5 repeats")
    card, trees = Text(zh="评分卡", en="scorecard"), Text(zh="提升树", en="boosted trees")
    return (
        Performance(card, "champion", method, AS_OF, 123, 27, 0.8843, 0.8112, 0.9412, 0.681, 0.7686, 0.1091, 0.352),
        Performance(trees, "challenger", method, AS_OF, 123, 27, 0.8541, 0.7733, 0.921, 0.632, 0.7082, 0.1203, None),
        Performance(card, "champion", method, date(2018, 12, 31), 121, 26, 0.8312, 0.741, 0.907, 0.59, 0.6624, 0.129, None),
        Performance(card, "champion", method, date(2017, 12, 31), 118, 25, 0.7994, 0.702, 0.885, 0.55, 0.5988, 0.137, None),
    )


def companies(count: int) -> tuple[CompanyRow, ...]:
    rows = []
    for i in range(count):
        pd = round(0.003 * math.exp((i * 7919 % 997) / 190), 4)
        grade = GRADES[min(10, int(10 * (min(pd, 0.6) / 0.6) ** 0.45))]
        outcome = "reject" if grade == "D" or i % 11 == 0 else "refer" if i % 5 == 0 else "approve"
        limit = None if outcome != "approve" else 10_000 * (10 + (i * 31 % 90))
        id_ = f"E{i + 1}"
        rows.append(
            CompanyRow(id_, f"示例第{i + 1:05d}号商贸有限公司", 720 - 40 * math.log(pd / 0.003), grade, min(pd, 0.6), outcome,  # type: ignore[arg-type]  # the three literals
                       limit, None if limit is None else 0.04 + pd / 8, f"companies/{company_file(id_)}")
        )
    return tuple(rows)


def summary(count: int = 425, *, generated: bool = False) -> RunSummary:
    rows = companies(count)
    outcomes = tuple(
        OutcomeRow(o, sum(r.outcome == o for r in rows), sum(float(r.limit_cny or 0) for r in rows if r.outcome == o))  # type: ignore[arg-type]  # as above
        for o in ("approve", "refer", "reject")
    )
    invoice = Text(zh="增值税发票", en="VAT invoices")
    labels = (("a1 进项", 210_947), ("a1 销项", 162_484), ("a2 进项", 395_175), ("a2 销项", 330_835))
    return RunSummary(
        dataset=DATASET, generated=generated, as_of=AS_OF, run_id="run-5b1e", version="0.1.0",
        policy=Text(zh="小微企业信用贷款", en="credit for small firms"), model_id=MODEL_ID,
        ingest=(
            IngestRow("a1 企业", Text(zh="工商登记", en="registry"), 123, 123, 0, 0, 0),
            *(IngestRow(name, invoice, n, n - 1, 1, 12, 1) for name, n in labels),
        ),
        traps=(
            Trap("a1 进项", "total_is_sum", Text(zh="税额符号还原", en="sign of the tax restored"), "repair", 1),
            Trap("a1 进项", "status_blank", Text(zh="发票状态前有空格", en="a blank before the status"), "repair", 95),
            Trap("a2 销项", "total_is_sum", Text(zh="金额 + 税额 ≠ 价税合计", en="amount + tax differs from the total"), "quarantine", 1),
            Trap("a2 销项", "zero_is_void", Text(zh="金额为零但未作废", en="an amount of zero that is not void"), "flag", 12),
        ),
        coverage=tuple(
            Coverage(r.id, r.name, 0 if r.value is None else count - i * 7, count,
                     ((r.missing, count),) if r.missing else ((NO_HISTORY, i * 7),) if i else ())
            for i, r in enumerate(INDICATORS)
        ),
        performance=performance(), roc=ROC, calibration=CALIBRATION, score_bins=SCORE_BINS, outcomes=outcomes,
        grades=tuple(grade_row(g, rows) for g in GRADES), companies=rows,
        links=(
            Link("model_card.html", Text(zh="模型卡", en="Model card")),
            Link("policy.yaml", Text(zh="决策政策", en="Policy")),
            Link("results.csv", Text(zh="全部结果 CSV", en="All results, CSV"), Text(zh="每家企业一行", en="one row a company")),
            Link("results.parquet", Text(zh="全部结果 Parquet", en="All results, Parquet")),
        ),
    )


def grade_row(grade: str, rows: tuple[CompanyRow, ...]) -> GradeRow:
    own = [r for r in rows if r.grade == grade]
    limits = [float(r.limit_cny) for r in own if r.limit_cny is not None]
    rates = [float(r.rate) for r in own if r.rate is not None]
    return GradeRow(
        grade, GRADE_NAMES.get(grade, Text(zh="中等", en="fair")), len(own),
        sum(r.pd for r in own) / len(own) if own else None, None, len(limits), sum(limits),
        sum(limits) / len(limits) if limits else None, sum(rates) / len(rates) if rates else None,
    )


def model_card(*, generated: bool = False) -> ModelCard:
    labels = ("(-∞, 150000)", "[150000, 900000)", "[900000, 4000000)", "[4000000, +∞)", "缺失 missing")
    return ModelCard(
        dataset=DATASET, generated=generated, as_of=AS_OF, model_id=MODEL_ID,
        name=Text(zh="小微企业发票评分卡", en="Invoice scorecard for small firms"),
        data=Text(zh="增值税进销项发票，2016-10 至 2020-02", en="VAT invoices, purchases and sales, 2016-10 to 2020-02"),
        target=Text(zh="贷款违约（是/否）", en="loan default, yes or no"),
        method=Text(zh="单调 WOE 分箱 + 非负系数逻辑回归，折外分数校准", en="monotone WOE bins, logistic regression with nonnegative weights, calibrated out of fold"),
        samples=(Sample(Text(zh="训练", en="training"), 123, 27), Sample(Text(zh="仅打分", en="scored only"), 302, 0)),
        scale=CardScale(600, 50, 20, 571),
        variables=tuple(
            Variable(c.indicator, c.name, "+", 1.31 / (i + 1),
                     tuple(Bin(label, 24 + i, 5 - j if j < 4 else 1, -1.2 + 0.6 * j, -31 + 14 * j) for j, label in enumerate(labels)))
            for i, c in enumerate(CONTRIBUTIONS[:6])
        ),
        performance=performance(), roc=ROC, ks=KS, calibration=CALIBRATION, score_bins=SCORE_BINS,
        stability=(Stability(Text(zh="评分：训练与仅打分", en="points: training against scored only"), 0.084),
                   Stability(Text(zh="12M 有效开票额", en="12-month sales"), 0.173)),
        dropped=(Excluded("INV10", Text(zh="夜间开票占比", en="share invoiced at night"), NO_FIELD),
                 Excluded("INV07", Text(zh="红冲率", en="red-letter share"), Text(zh="信息值低于 0.02", en="information value below 0.02"))),
        refused=(Excluded("bank_rating", Text(zh="银行信誉评级", en="bank's own rating"),
                          Text(zh="由银行人员在结果已知后给出，D 级全部违约；用它会泄漏结果", en="given by bank staff who knew the outcome: every D defaulted; using it would leak the result")),),
    )
