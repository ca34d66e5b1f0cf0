"""View-models of the drift page, and of the segments and overlays on the model card."""

from __future__ import annotations

from collections.abc import Iterator

from xinqiao.indicator.definition import indicators
from xinqiao.kernel.text import Text
from xinqiao.report.drift import DriftPage, ShiftRow, VintageRow
from xinqiao.report.model_card import Bin, OverlayRow, SegmentRow, Variable
from xinqiao.run import views
from xinqiao.run.material import Material
from xinqiao.scoring.card import Card
from xinqiao.scoring.drift import Drift
from xinqiao.scoring.model import Model, Route
from xinqiao.scoring.overlay import Overlay
from xinqiao.scoring.segment import GENERAL

ALL = Text(zh="全部企业", en="all firms")
MOST_MOVED = 3
MOST_WEIGHTS = 4


def drift_page(material: Material, drift: Drift, home: str, card: str) -> DriftPage:
    """The view-model of a run's drift report."""
    names = {route.segment: route.name for route in material.model.routes}

    def named(segment: str | None) -> Text:
        return ALL if segment is None else names[segment]

    return DriftPage(
        dataset=material.dataset,
        generated=material.generated,
        model_id=material.model_id,
        before=drift.before,
        after=drift.after,
        shifts=tuple(
            ShiftRow(
                segment=named(s.segment),
                industry=s.industry or "",
                before=s.before,
                after=s.after,
                score=s.score,
                chance=s.chance,
                moved=tuple((views.name_of(m.variable), m.index) for m in s.variables[:MOST_MOVED]),
            )
            for s in drift.shifts
        ),
        vintages=tuple(
            VintageRow(
                as_of=v.as_of,
                learned=v.learned,
                segment=named(v.segment),
                industry=v.industry or "",
                companies=v.companies,
                seen=v.seen,
                expected=v.expected,
                ratio=v.ratio,
                low=v.low,
                high=v.high,
            )
            for v in drift.vintages
        ),
        home=home,
        card=card,
    )


def variables_of(card: Card) -> Iterator[Variable]:
    """The variables of a card as the model card shows them."""
    known = indicators()
    for v in card.variables:
        yield Variable(
            id=v.name,
            name=views.name_of(v.name),
            direction=known[v.name].direction if v.name in known else "~",
            iv=v.iv,
            bins=tuple(Bin(b.label.zh, b.count, b.bad, b.woe, b.points) for b in v.bins),
        )


def segment_rows(model: Model) -> Iterator[SegmentRow]:
    """Every route of a segmented model."""
    for route in model.routes:
        seen = route.validation
        yield SegmentRow(
            id=route.segment,
            name=route.name,
            when=route.when or "",
            fallback=_fallback(model, route),
            companies=seen.rows if seen else None,
            defaults=seen.bads if seen else None,
            auc=seen.auc if seen else None,
            interval=seen.auc_interval if seen else None,
            base=route.card.base_points,
            variables=tuple(variables_of(route.card)) if route.fallback is None else (),
            overlays=tuple(_overlay(overlay, route.card) for overlay in route.overlays),
        )


def _fallback(model: Model, route: Route) -> Text | None:
    """Whose card serves the segment, where it is not its own."""
    if route.fallback is None:
        return None
    return (
        Text(zh="通用卡", en="the general card")
        if route.fallback == GENERAL
        else model.route(route.fallback).name
    )


def _overlay(overlay: Overlay, card: Card) -> OverlayRow:
    far = sorted(overlay.weights.items(), key=lambda pair: (-abs(pair[1] - 1), pair[0]))
    return OverlayRow(
        industry=overlay.industry,
        parent=overlay.parent or "",
        companies=overlay.rows,
        defaults=overlay.bads,
        shift=overlay.base_points - card.base_points,
        weights=tuple((views.name_of(name), weight) for name, weight in far[:MOST_WEIGHTS]),
    )
