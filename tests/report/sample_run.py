"""Fixed view-models of a whole run and of a model card; numbers are made up."""

from __future__ import annotations

import math
from datetime import date

from tests.report.sample import (
    AS_OF,
    CONTRIBUTIONS,
    DATASET,
    GRADE_NAMES,
    GRADES,
    MODEL_ID,
)
from tests.report.sample_indicators import INDICATORS, NO_FIELD, NO_HISTORY
from xinqiao.kernel.text import Text
from xinqiao.report.charts.bars import ScoreBin
from xinqiao.report.charts.curves import CalibrationBin, KsPoint, Roc
from xinqiao.report.company import Outcome
from xinqiao.report.model_card import (
    Bin,
    CardScale,
    Excluded,
    FairGroup,
    Fairness,
    ModelCard,
    Sample,
    Stability,
    Variable,
)
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


def roc_points(power: float) -> tuple[tuple[float, float], ...]:
    return tuple((i / 40, round((i / 40) ** power, 4)) for i in range(41))


ROC = (
    Roc(Text(zh="评分卡", en="scorecard"), roc_points(0.14)),
    Roc(Text(zh="提升树", en="boosted trees"), roc_points(0.18)),
)
CALIBRATION = (
    CalibrationBin(0.02, 0.0, 0.0, 0.09, 25),
    CalibrationBin(0.06, 0.08, 0.02, 0.2, 25),
    CalibrationBin(0.14, 0.12, 0.04, 0.28, 25),
    CalibrationBin(0.31, 0.28, 0.14, 0.47, 24),
    CalibrationBin(0.66, 0.63, 0.42, 0.79, 24),
)
SCORE_BINS = tuple(
    ScoreBin(480 + 20 * i, 500 + 20 * i, g, b)
    for i, (g, b) in enumerate(
        [(1, 7), (2, 8), (4, 5), (7, 3), (11, 2), (15, 1), (18, 1), (14, 0), (12, 0), (8, 0), (4, 0)]
    )
)
KS = tuple(KsPoint(480 + 11 * i, round((i / 20) ** 2.2, 4), round((i / 20) ** 0.35, 4)) for i in range(21))


def performance() -> tuple[Performance, ...]:
    method = Text(zh="嵌套 5 折 × 5 次", en="nested 5 folds x 5 repeats")
    card, trees = Text(zh="评分卡", en="scorecard"), Text(zh="提升树", en="boosted trees")
    return (
        Performance(
            card, "champion", method, AS_OF, 123, 27, 0.8843, 0.8112, 0.9412, 0.681, 0.7686, 0.1091, 0.352
        ),
        Performance(
            trees, "challenger", method, AS_OF, 123, 27, 0.8541, 0.7733, 0.921, 0.632, 0.7082, 0.1203, None
        ),
        Performance(
            card,
            "champion",
            method,
            date(2018, 12, 31),
            121,
            26,
            0.8312,
            0.741,
            0.907,
            0.59,
            0.6624,
            0.129,
            None,
        ),
        Performance(
            card,
            "champion",
            method,
            date(2017, 12, 31),
            118,
            25,
            0.7994,
            0.702,
            0.885,
            0.55,
            0.5988,
            0.137,
            None,
        ),
    )


def companies(count: int) -> tuple[CompanyRow, ...]:
    rows = []
    for i in range(count):
        pd = round(0.003 * math.exp((i * 7919 % 997) / 190), 4)
        grade = GRADES[min(10, int(10 * (min(pd, 0.6) / 0.6) ** 0.45))]
        outcome: Outcome = "reject" if grade == "D" or i % 11 == 0 else "refer" if i % 5 == 0 else "approve"
        limit = None if outcome != "approve" else 10_000 * (10 + (i * 31 % 90))
        id_ = f"E{i + 1}"
        rows.append(
            CompanyRow(
                id_,
                f"示例第{i + 1:05d}号商贸有限公司",
                720 - 40 * math.log(pd / 0.003),
                grade,
                min(pd, 0.6),
                outcome,
                limit,
                None if limit is None else 0.04 + pd / 8,
                f"companies/{company_file(id_)}",
            )
        )
    return tuple(rows)


def summary(count: int = 425, *, generated: bool = False) -> RunSummary:
    rows = companies(count)
    outcomes = tuple(
        OutcomeRow(
            o, sum(r.outcome == o for r in rows), sum(float(r.limit_cny or 0) for r in rows if r.outcome == o)
        )
        for o in ("approve", "refer", "reject")
    )
    invoice = Text(zh="增值税发票", en="VAT invoices")
    labels = (("a1 进项", 210_947), ("a1 销项", 162_484), ("a2 进项", 395_175), ("a2 销项", 330_835))
    return RunSummary(
        dataset=DATASET,
        generated=generated,
        as_of=AS_OF,
        run_id="run-5b1e",
        version="0.1.0",
        policy=Text(zh="小微企业信用贷款", en="credit for small firms"),
        model_id=MODEL_ID,
        ingest=(
            IngestRow("a1 企业", Text(zh="工商登记", en="registry"), 123, 123, 0, 0, 0),
            *(IngestRow(name, invoice, n, n - 1, 1, 12, 1) for name, n in labels),
        ),
        traps=(
            Trap(
                "a1 进项", "total_is_sum", Text(zh="税额符号还原", en="sign of the tax restored"), "repair", 1
            ),
            Trap(
                "a1 进项",
                "status_blank",
                Text(zh="发票状态前有空格", en="a blank before the status"),
                "repair",
                95,
            ),
            Trap(
                "a2 销项",
                "total_is_sum",
                Text(zh="金额 + 税额 ≠ 价税合计", en="amount + tax differs from the total"),
                "quarantine",
                1,
            ),
            Trap(
                "a2 销项",
                "zero_is_void",
                Text(zh="金额为零但未作废", en="an amount of zero that is not void"),
                "flag",
                12,
            ),
        ),
        coverage=tuple(
            Coverage(
                r.id,
                r.name,
                0 if r.value is None else count - i * 7,
                count,
                ((r.missing, count),) if r.missing else ((NO_HISTORY, i * 7),) if i else (),
            )
            for i, r in enumerate(INDICATORS)
        ),
        performance=performance(),
        roc=ROC,
        calibration=CALIBRATION,
        score_bins=SCORE_BINS,
        outcomes=outcomes,
        grades=tuple(grade_row(g, rows) for g in GRADES),
        companies=rows,
        links=(
            Link("model_card.html", Text(zh="模型卡", en="Model card")),
            Link("policy.yaml", Text(zh="决策政策", en="Policy")),
            Link(
                "results.csv",
                Text(zh="全部结果 CSV", en="All results, CSV"),
                Text(zh="每家企业一行", en="one row a company"),
            ),
            Link("results.parquet", Text(zh="全部结果 Parquet", en="All results, Parquet")),
        ),
    )


def grade_row(grade: str, rows: tuple[CompanyRow, ...]) -> GradeRow:
    own = [r for r in rows if r.grade == grade]
    limits = [float(r.limit_cny) for r in own if r.limit_cny is not None]
    rates = [float(r.rate) for r in own if r.rate is not None]
    return GradeRow(
        grade,
        GRADE_NAMES.get(grade, Text(zh="中等", en="fair")),
        len(own),
        sum(r.pd for r in own) / len(own) if own else None,
        None,
        len(limits),
        sum(limits),
        sum(limits) / len(limits) if limits else None,
        sum(rates) / len(rates) if rates else None,
    )


def model_card(*, generated: bool = False) -> ModelCard:
    labels = ("(-∞, 150000)", "[150000, 900000)", "[900000, 4000000)", "[4000000, +∞)", "缺失 missing")
    return ModelCard(
        dataset=DATASET,
        generated=generated,
        as_of=AS_OF,
        model_id=MODEL_ID,
        name=Text(zh="小微企业发票评分卡", en="Invoice scorecard for small firms"),
        data=Text(
            zh="增值税进销项发票，2016-10 至 2020-02",
            en="VAT invoices, purchases and sales, 2016-10 to 2020-02",
        ),
        target=Text(zh="贷款违约（是/否）", en="loan default, yes or no"),
        method=Text(
            zh="单调 WOE 分箱 + 非负系数逻辑回归，折外分数校准",
            en="monotone WOE bins, logistic regression with nonnegative weights, calibrated out of fold",
        ),
        samples=(
            Sample(Text(zh="训练", en="training"), 123, 27),
            Sample(Text(zh="仅打分", en="scored only"), 302, 0),
        ),
        scale=CardScale(600, 50, 20, 571),
        variables=tuple(
            Variable(
                c.indicator,
                c.name,
                "+",
                1.31 / (i + 1),
                tuple(
                    Bin(label, 24 + i, 5 - j if j < 4 else 1, -1.2 + 0.6 * j, -31 + 14 * j)
                    for j, label in enumerate(labels)
                ),
            )
            for i, c in enumerate(CONTRIBUTIONS[:6])
        ),
        performance=performance(),
        roc=ROC,
        ks=KS,
        calibration=CALIBRATION,
        score_bins=SCORE_BINS,
        stability=(
            Stability(Text(zh="评分：训练与仅打分", en="points: training against scored only"), 0.084),
            Stability(Text(zh="12M 有效开票额", en="12-month sales"), 0.173),
        ),
        dropped=(
            Excluded("INV10", Text(zh="夜间开票占比", en="share invoiced at night"), NO_FIELD),
            Excluded(
                "INV07",
                Text(zh="红冲率", en="red-letter share"),
                Text(zh="信息值低于 0.02", en="information value below 0.02"),
            ),
        ),
        fairness=(
            Fairness(
                Text(zh="按成立年限", en="by age of the firm"),
                (
                    FairGroup(
                        name=Text(zh="成立不足 2 年", en="under 2 years old"),
                        companies=40,
                        approval=0.2,
                        interval=(0.105, 0.348),
                        ratio=0.4,
                        unexplained=-0.031,
                        mean_pd=0.12,
                        to_explain=True,
                        known=20,
                        observed=0.15,
                        expected=0.11,
                        goods_refused=0.5,
                        bads_approved=0.0,
                        auc=0.7,
                    ),
                    FairGroup(
                        name=Text(zh="10 年及以上", en="10 years and older"),
                        companies=5,
                        approval=0.6,
                        interval=(0.231, 0.882),
                        ratio=None,
                        unexplained=None,
                        mean_pd=0.02,
                        to_explain=False,
                        known=0,
                        observed=None,
                        expected=None,
                        goods_refused=None,
                        bads_approved=None,
                        auc=None,
                    ),
                ),
            ),
            Fairness(Text(zh="按所在区县", en="by district"), ()),
        ),
        refused=(
            Excluded(
                "bank_rating",
                Text(zh="银行信誉评级", en="bank's own rating"),
                Text(
                    zh="由银行人员在结果已知后给出，D 级全部违约；用它会泄漏结果",
                    en="given by bank staff who knew the outcome; using it would leak the result",
                ),
            ),
        ),
    )
