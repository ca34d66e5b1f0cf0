"""The model card: what the model is, how it was made, how good it is and what it must not do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from markupsafe import Markup

from xinqiao.kernel.quantity import Number, fixed
from xinqiao.kernel.text import Text
from xinqiao.report.charts.bars import ScoreBin, histogram, level
from xinqiao.report.charts.curves import CalibrationBin, KsPoint, Roc, calibration, ks, roc
from xinqiao.report.page import render
from xinqiao.report.view import Performance


@dataclass(frozen=True, slots=True)
class Sample:
    """A part of the data: how many companies, how many of them defaulted."""

    name: Text
    companies: int
    defaults: int


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin of a variable, with its WOE (ln of good share over bad share) and card points."""

    label: str
    count: int
    defaults: int
    woe: float
    points: float


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of the card: direction + higher is better, - lower is, ~ free; information value."""

    id: str
    name: Text
    direction: Literal["+", "-", "~"]
    iv: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class Excluded:
    """A column that is not in the model, and why."""

    id: str
    name: Text
    reason: Text


@dataclass(frozen=True, slots=True)
class Stability:
    """Stability index (PSI) of points or a variable between the training and another sample."""

    name: Text
    index: float


@dataclass(frozen=True, slots=True)
class FairGroup:
    """One group of firms: approvals of the run, and errors among those whose outcome is known.

    ``ratio``: approval rate over the best-treated group's, None for groups too small to judge;
    ``unexplained``: approval rate less that of firms of equal PD. Shares in 0..1, None: nobody.
    """

    name: Text
    companies: int
    approval: float | None
    interval: tuple[float, float] | None
    ratio: float | None
    unexplained: float | None
    mean_pd: float | None
    to_explain: bool
    known: int
    observed: float | None
    expected: float | None
    goods_refused: float | None
    bads_approved: float | None
    auc: float | None


@dataclass(frozen=True, slots=True)
class Fairness:
    """A way of grouping firms; no groups where the data don't tell."""

    name: Text
    groups: tuple[FairGroup, ...]


@dataclass(frozen=True, slots=True)
class CardScale:
    """Points scale: ``points`` at odds ``odds``:1 good to bad, ``double`` points double the odds."""

    points: Number
    odds: Number
    double: Number
    base: Number


@dataclass(frozen=True, slots=True)
class OverlayRow:
    """An industry's points: how the base and the weights of variables differ from the segment's card."""

    industry: str
    parent: str
    companies: int
    defaults: int
    shift: float
    weights: tuple[tuple[Text, float], ...]


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """A segment of the model: condition, card, out-of-fold AUC of its own firms, overlays by industry.

    ``fallback``: whose card serves it, None for its own; ``variables`` are those of its own card.
    """

    id: str
    name: Text
    when: str
    fallback: Text | None
    companies: int | None
    defaults: int | None
    auc: float | None
    interval: tuple[float, float] | None
    base: float
    variables: tuple[Variable, ...]
    overlays: tuple[OverlayRow, ...]


PURPOSE = Text(
    zh="为小微企业的授信申请估计违约可能，供信贷人员和决策政策使用，并向企业说明理由。",
    en="Estimates how likely a small firm that applies for credit is to default, for credit officers and the "
    "decision policy, and explains itself to the firm.",
)
INTENDED = (
    Text(
        zh="与训练样本同类的小微企业，额度 10 万至 100 万元、期限一年左右的授信评估",
        en="credit to firms like those of the training sample, 100,000 to 1,000,000 CNY, about a year",
    ),
    Text(
        zh="与政策规则、人工复核一起使用，任何拒绝都可以要求人工复核",
        en="together with policy rules and people: every refusal can be reviewed by a person",
    ),
)
FORBIDDEN = (
    Text(
        zh="评价个人，或用于招聘、保险、租房等其他目的",
        en="judging persons, or for employment, insurance, housing or any other purpose",
    ),
    Text(zh="在没有授权的情况下查询或评价企业", en="looking up or rating firms without their consent"),
    Text(zh="不经复核就作为欺诈的结论", en="as a finding of fraud without verification"),
    Text(
        zh="用于明显不同的行业、地区或时期而不重新验证",
        en="on clearly different industries, regions or periods without validating again",
    ),
)
LIMITS = (
    Text(
        zh="只有获得过贷款的企业才有结果，被拒企业的表现未知（选择偏差）",
        en="outcomes are known only for firms that got credit, not for those refused (selection bias)",
    ),
    Text(
        zh="公平性只按数据中有的属性（规模、年限、区县）检验；负责人的属性不在数据中，无从检验",
        en="fairness is tested by what the data hold (size, age, district); nothing is known of the owners",
    ),
    Text(
        zh="规模与开票量对评分影响较大，新设企业和现金经营的企业可能被低估",
        en="size and invoiced volume weigh much; young firms and firms that deal in cash may be underrated",
    ),
)


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Everything the card shows, as plain values."""

    dataset: Text
    generated: bool
    as_of: date
    model_id: str
    name: Text
    data: Text
    target: Text
    method: Text
    samples: tuple[Sample, ...]
    scale: CardScale
    variables: tuple[Variable, ...]
    performance: tuple[Performance, ...]
    roc: tuple[Roc, ...]
    ks: tuple[KsPoint, ...]
    calibration: tuple[CalibrationBin, ...]
    score_bins: tuple[ScoreBin, ...]
    stability: tuple[Stability, ...]
    dropped: tuple[Excluded, ...]
    refused: tuple[Excluded, ...]
    fairness: tuple[Fairness, ...]
    segments: tuple[SegmentRow, ...] = ()
    drift: str | None = None
    purpose: Text = PURPOSE
    intended: tuple[Text, ...] = INTENDED
    forbidden: tuple[Text, ...] = FORBIDDEN
    limits: tuple[Text, ...] = LIMITS
    home: str = "summary.html"


def render_model_card(view: ModelCard) -> str:
    """The card as one self-contained HTML document."""
    reach = max([v.iv for v in view.variables] + [0.1])
    return render(
        "model_card.html",
        page=view,
        title=Text(zh=view.name.zh, en=f"{view.name.en}: model card"),
        ordered=sorted(view.variables, key=lambda v: (-v.iv, v.id)),
        iv_bar=lambda v: level(v.iv, reach, f"IV {fixed(v.iv, 3)}"),
        verdict=stability_in_words,
        charts=_charts(view),
    )


def stability_in_words(index: float) -> Text:
    """The usual reading of a stability index: below 0.1 stable, below 0.25 watch, else shifted."""
    if index < 0.1:  # noqa: PLR2004 - the industry's rule of thumb, stated in the docstring
        return Text(zh="稳定", en="stable")
    if index < 0.25:  # noqa: PLR2004 - as above
        return Text(zh="需关注", en="watch")
    return Text(zh="已偏移", en="shifted")


def _charts(view: ModelCard) -> list[Markup]:
    charts: list[Markup] = []
    if view.roc:
        charts.append(roc(Text(zh="ROC 曲线（折外）", en="ROC, out of fold"), view.roc))
    if view.calibration:
        charts.append(calibration(Text(zh="校准（折外）", en="calibration, out of fold"), view.calibration))
    if view.ks:
        charts.append(ks(Text(zh="KS 曲线（训练样本内）", en="KS, in the training sample"), view.ks))
    if view.score_bins:
        charts.append(
            histogram(
                Text(zh="评分分布（训练样本内）", en="distribution of points in the training sample"),
                view.score_bins,
            )
        )
    return charts
