"""View-models of the pages, put together from what the stages of a run left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
from scipy.stats import beta

from xinqiao.indicator.definition import indicators
from xinqiao.indicator.reason import REASONS
from xinqiao.kernel.text import Text
from xinqiao.report.charts.bars import ScoreBin
from xinqiao.report.charts.curves import CalibrationBin, KsPoint, Roc
from xinqiao.report.charts.scale import Band
from xinqiao.report.view import Performance
from xinqiao.scoring.model import Model, Part
from xinqiao.scoring.validation import Validation
from xinqiao.source.contract import contracts

ROLE = {
    "champion": Text(zh="评分卡", en="scorecard"),
    "single": Text(zh="全体一张卡（对照）", en="one card for everyone (for comparison)"),
    "challenger": Text(zh="梯度提升树（挑战者）", en="boosted trees (challenger)"),
}
NESTED = Text(zh="嵌套交叉验证 5折×5次", en="nested cross-validation, 5 folds x 5 repeats")
SCORE_BINS = 12


def missing_words(reason: str, detail: str | None) -> Text:
    """Why a value is missing, with the absent source or field when one is named."""
    text = REASONS.get(reason, Text(zh=reason, en=reason))
    if not detail:
        return text
    what = _absent(detail)
    return Text(zh=f"{text.zh}：{what.zh}", en=f"{text.en}: {what.en}")


def _absent(detail: str) -> Text:
    """What is absent, in words: a contract, a field of one, or a source no contract exists for yet."""
    source, _, field = detail.partition(".")
    known = contracts().get(source)
    if known is None:
        zh, _, en = detail.partition(" ")
        return Text(zh=zh, en=en)
    if not field:
        return known.name
    name = known.fields[field].name
    return Text(zh=f"{known.name.zh}的{name.zh}", en=f"{name.en} of {known.name.en}")


def performance(results: Iterable[Mapping[str, Any]]) -> tuple[Performance, ...]:
    """One line per validation that was made."""
    lines = []
    for result in results:
        if result["validation"] is None:
            continue
        v = Validation.model_validate(result["validation"])
        method = NESTED
        if "trained_at" in result:
            method = Text(
                zh=f"跨期验证：{result['trained_at']} 训练",
                en=f"out of time: trained at {result['trained_at']}",
            )
        lines.append(
            Performance(
                model=ROLE[result["role"]],
                role=result["role"],
                method=method,
                as_of=date.fromisoformat(result["as_of"]),
                companies=v.rows,
                defaults=v.bads,
                auc=v.auc,
                auc_low=v.auc_interval[0],
                auc_high=v.auc_interval[1],
                ks=v.ks,
                gini=v.gini,
                brier=v.brier,
                log_loss=v.log_loss,
            )
        )
    return tuple(lines)


def roc_curves(results: Iterable[Mapping[str, Any]]) -> tuple[Roc, ...]:
    """Out-of-fold curves at the date of the model in use: champion, then challenger."""
    first: dict[str, Roc] = {}
    for result in results:
        if result["validation"] is not None and "trained_at" not in result and result["role"] not in first:
            v = Validation.model_validate(result["validation"])
            first[result["role"]] = Roc(ROLE[result["role"]], v.roc, auc=v.auc)
    return tuple(first.values())


def calibration_of(validation: Validation | None) -> tuple[CalibrationBin, ...]:
    """Bins with the 95 % Jeffreys interval of the observed share."""
    if validation is None:
        return ()
    out = []
    for b in validation.calibration:
        interval = share_interval(round(b.bad_share * b.count), b.count)
        out.append(CalibrationBin(b.mean_pd, b.bad_share, *interval, b.count))
    return tuple(out)


def share_interval(bads: int, count: int) -> tuple[float, float]:
    """The 95 % Jeffreys interval of a share seen as ``bads`` of ``count``."""
    low, high = beta.ppf([0.025, 0.975], bads + 0.5, count - bads + 0.5)
    return round(float(low), 6), round(float(high), 6)


def bands(model: Model, part: Part) -> tuple[Band, ...]:
    """Points of each grade, lowest first, found from the calibrated PD at the grade's bounds."""
    uppers = [(g.id, g.pd_upper) for g in model.scale.grades]
    cuts = [_points_at(part, pd) for _, pd in uppers[:-1]]
    out = [Band(uppers[0][0], cuts[0], None)]
    out += [Band(uppers[i][0], cuts[i], cuts[i - 1]) for i in range(1, len(cuts))]
    out.append(Band(uppers[-1][0], None, cuts[-1]))
    return tuple(reversed(out))


def _points_at(part: Part, pd: float) -> float:
    """Points at which the calibrated PD falls to ``pd``; calibration is monotone, so bisect."""
    low, high = -5000.0, 5000.0
    for _ in range(60):
        middle = (low + high) / 2
        if part.calibration.pd(part.card.log_odds(middle)) > pd:
            low = middle
        else:
            high = middle
    return round(high, 1)


def score_bins(points: np.ndarray[Any, Any], bad: np.ndarray[Any, Any]) -> tuple[ScoreBin, ...]:
    """Companies with a known outcome by points, in equal steps."""
    if len(points) == 0:
        return ()
    step = max(5.0, 5.0 * np.ceil((points.max() - points.min()) / SCORE_BINS / 5))
    first = step * np.floor(points.min() / step)
    count = int((points.max() - first) // step) + 1
    place = ((points - first) // step).astype(int)
    good = np.bincount(place[bad == 0], minlength=count)
    wrong = np.bincount(place[bad == 1], minlength=count)
    return tuple(
        ScoreBin(float(first + i * step), float(first + (i + 1) * step), int(good[i]), int(wrong[i]))
        for i in range(count)
    )


def ks_points(points: np.ndarray[Any, Any], bad: np.ndarray[Any, Any]) -> tuple[KsPoint, ...]:
    """Shares of good and bad companies at or below each score."""
    out = []
    for value in np.unique(points):
        below = points <= value
        good = float((below & (bad == 0)).sum() / max((bad == 0).sum(), 1))
        wrong = float((below & (bad == 1)).sum() / max((bad == 1).sum(), 1))
        out.append(KsPoint(float(value), round(good, 6), round(wrong, 6)))
    return tuple(out)


def reasons_for_nulls(missing: Iterable[Mapping[str, Any]]) -> dict[str, Counter[tuple[str, str | None]]]:
    """Indicator -> how often it is missing for each reason and detail."""
    found: dict[str, Counter[tuple[str, str | None]]] = {}
    for row in missing:
        found.setdefault(row["indicator"], Counter())[(row["reason"], row["detail"])] += 1
    return found


def name_of(indicator: str) -> Text:
    """The indicator's name; an id unknown to this catalog names itself."""
    known = indicators().get(indicator)
    return known.name if known else Text(zh=indicator, en=indicator)


def unit_of(indicator: str) -> str:
    """The indicator's unit."""
    known = indicators().get(indicator)
    return known.unit.id if known else ""


def decimal(text: str | None) -> Decimal | None:
    """A decimal kept as text."""
    return None if text is None else Decimal(text)


def plain(value: object) -> str:
    """A value of a trace as people read it."""
    match value:
        case None:
            return "缺失 missing"
        case bool():
            return "是 yes" if value else "否 no"
        case dict():
            return "，".join(f"{k} = {plain(v)}" for k, v in value.items())
        case float():
            return f"{value:.6g}"
        case _:
            return str(value)
