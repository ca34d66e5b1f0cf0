"""The portrait of a firm on its page: size class, tags, radar, strengths, forecast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from xinqiao.enterprise.size import NAMES, Size
from xinqiao.kernel.quantity import fixed, wan
from xinqiao.kernel.text import Text
from xinqiao.portrait.build import Month, Portrait
from xinqiao.portrait.radar import EVERYONE, dimensions
from xinqiao.portrait.tag import Tag, tags
from xinqiao.report.charts.bars import Month as Past
from xinqiao.report.charts.radar import radar
from xinqiao.report.charts.svg import Plot, figure, ticks

TITLE = Text(zh="六维雷达", en="six dimensions")
TRADING = {
    "sales": Text(zh="未来开票额预测", en="forecast of invoiced sales"),
    "cash": Text(zh="未来经营流入预测", en="forecast of operating inflow"),
}
SHOWN_PAST = 12


@dataclass(frozen=True, slots=True)
class Strength:
    """A strength beside the radar; None: too little is known."""

    name: Text
    about: Text
    score: float | None


@dataclass(frozen=True, slots=True)
class PortraitView:
    """What the page shows. ``groups``: tags that hold, by dimension; ``unknown``: how many can't be told."""

    size: Text
    peers: Text
    drawing: Markup
    rays: tuple[Strength, ...]
    strengths: tuple[Strength, ...]
    groups: tuple[tuple[Text, tuple[Tag, ...]], ...]
    unknown: int
    charts: tuple[Markup, ...]
    tested: tuple[Text, ...]


def portrait_view(portrait: Portrait, company: str, past: Sequence[Past]) -> PortraitView | None:
    """The view of ``company``; None when it has no portrait."""
    if company not in portrait.sizes:
        return None
    size: Size = portrait.sizes[company]
    known = portrait.radar[company]
    all_scores = [(d.kind, Strength(d.name, d.about, known.get(key))) for key, d in dimensions().items()]
    rays = tuple(one for kind, one in all_scores if kind == "radar")
    held = [tags().tags[key] for key in portrait.tags[company]]
    groups = tuple(
        (name, tuple(tag for tag in held if tag.dimension == key)) for key, name in tags().dimensions.items()
    )
    charts = [
        forecast_chart(TRADING[name], past if name == "sales" else (), ahead[company])
        for name, ahead in portrait.ahead.items()
        if company in ahead
    ]
    return PortraitView(
        size=NAMES[size],
        peers=_peers(portrait.peers[company]),
        drawing=radar(TITLE, [(one.name, one.score) for one in rays]),
        rays=rays,
        strengths=tuple(one for kind, one in all_scores if kind == "strength"),
        groups=tuple((name, found) for name, found in groups if found),
        unknown=len(portrait.unknown[company]),
        charts=tuple(charts),
        tested=tuple(_tested(portrait, name) for name in portrait.ahead if portrait.tested.get(name)),
    )


def _peers(group: str) -> Text:
    if group == EVERYONE:
        return Text(zh="全部企业", en="all companies")
    section, _, size = group.partition("|")
    names = {key: name for key, name in NAMES.items() if key == size}
    word = next(iter(names.values()), Text(zh="", en=""))
    return Text(zh=f"{section}门类{word.zh}企业", en=f"{word.en} firms of section {section}".strip())


def _tested(portrait: Portrait, name: str) -> Text:
    """How well the forecast did in the past, over all firms."""
    rows = portrait.tested[name]
    ratio = sum(row.ratio for row in rows) / len(rows)
    coverage = sum(row.coverage for row in rows) / len(rows)
    gain, inside = fixed(100 * (1 - ratio)), fixed(100 * coverage)
    return Text(
        zh=f"{TRADING[name].zh}回测：误差比“去年同月”低 {gain}%，区间覆盖 {inside}%（目标80%）",
        en=f"{TRADING[name].en}, on the past: error {gain} % below the same month last year, "
        f"{inside} % inside the interval (aim 80 %)",
    )


def forecast_chart(title: Text, past: Sequence[Past], ahead: Sequence[Month]) -> Markup:
    """Past months as bars, coming ones as intervals with their forecast."""
    shown = list(past)[-SHOWN_PAST:]
    top = max([m.sales_cny for m in shown] + [m.high for m in ahead] + [1.0])
    plot = Plot(0, len(shown) + len(ahead), 0, top, height=150, pad=(10, 12, 40, 56))
    plot.y_axis((v, wan(v)) for v in ticks(0, top, 4))
    for i, month in enumerate(shown):
        hint = Text(zh=f"{month.label} {wan(month.sales_cny)}万元", en=f"{month.label}")
        plot.rect((i + 0.2, i + 0.8), (0, month.sales_cny), "c1", hint)
    for i, coming in enumerate(ahead, len(shown)):
        said = f"{coming.month:%Y-%m} {wan(coming.value)}（{wan(coming.low)}–{wan(coming.high)}）"
        hint = Text(zh=f"预测 {said} 万元", en=f"forecast {said} 10k CNY")
        plot.rect((i + 0.35, i + 0.65), (coming.low, coming.high), "ahead", hint)
        plot.dot(i + 0.5, coming.value, 3.5, "c2", hint)
    labels = [month.label for month in shown] + [f"{coming.month:%Y-%m}" for coming in ahead]
    plot.x_axis(((i + 0.5, label[2:]) for i, label in enumerate(labels) if i % 3 == 0), None)
    words = Text(
        zh="圆点为预测，竖条为八成把握的区间，单位万元", en="dots: forecast; bars: 80 % of cases; 10,000 CNY"
    )
    keys = [("c1", Text(zh="已开票", en="invoiced"))] if shown else []
    return figure(
        title, plot.svg(title, words), [*keys, ("c2", Text(zh="预测与区间", en="forecast, interval"))]
    )
