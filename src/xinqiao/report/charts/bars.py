"""Bars: contributions around zero, levels, shares of a whole, histograms, months."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from xinqiao.kernel.quantity import fixed, money, percent, signed, wan
from xinqiao.kernel.text import Text
from xinqiao.report.charts.svg import Plot, figure, num, ticks

CENT = 0.01


@dataclass(frozen=True, slots=True)
class Month:
    """One month of a company's invoices; amounts in CNY without tax, ``label`` as YYYY-MM."""

    label: str
    sales_cny: float
    purchases_cny: float


@dataclass(frozen=True, slots=True)
class ScoreBin:
    """Companies with points in [low, high): how many kept paying and how many defaulted."""

    low: float
    high: float
    good: int
    bad: int


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole; ``kind`` is the colour class."""

    name: Text
    count: int
    kind: str


def _inline(title: str, body: str, kind: str) -> Markup:
    return Markup(  # noqa: S704 - title is escaped here, bodies hold numbers only
        f'<svg class="{kind}" role="img"><title>{escape(title)}</title>{body}</svg>'
    )


def contribution(points: float, reach: float) -> Markup:
    """A bar left (lowered) or right (raised) of zero; ``reach`` points fill one half."""
    length = 50 * min(1.0, abs(points) / reach) if reach > 0 else 0.0
    start = 50.0 if points >= 0 else 50.0 - length
    colour = "up" if points >= 0 else "down"
    body = (
        f'<rect class="{colour}" x="{num(start)}%" y="2" width="{num(length)}%" height="10"/>'
        '<line class="zero" x1="50%" y1="0" x2="50%" y2="14"/>'
    )
    return _inline(f"{signed(points)} 分 / points", body, "bar")


def level(value: float, reach: float, hint: str) -> Markup:
    """A bar from the left; ``reach`` fills the width. ``hint`` is the tooltip, e.g. the number."""
    length = 100 * min(1.0, max(0.0, value / reach)) if reach > 0 else 0.0
    track = '<rect class="track" x="0" y="3" width="100%" height="8"/>'
    return _inline(hint, f'{track}<rect class="c1" x="0" y="3" width="{num(length)}%" height="8"/>', "bar")


def shares(title: Text, parts: Sequence[Share]) -> Markup:
    """One stacked bar of the parts of a whole, with counts and percent in the key."""
    total = sum(part.count for part in parts)
    plot = Plot(0, max(total, 1), 0, 1, height=26, pad=(4, 0, 4, 0))
    start = 0
    legend: list[tuple[str, Text]] = []
    for part in parts:
        share = percent(part.count / total) if total else "—"
        text = Text(
            zh=f"{part.name.zh} {part.count:,}（{share}）", en=f"{part.name.en} {part.count:,} ({share})"
        )
        plot.rect((start, start + part.count), (0, 1), part.kind, text)
        start += part.count
        legend.append((part.kind, Text(zh=text.zh, en=part.name.en)))
    desc = Text(
        zh="；".join(f"{p.name.zh} {p.count}" for p in parts),
        en="; ".join(f"{p.name.en} {p.count}" for p in parts),
    )
    return figure(title, plot.svg(title, desc), legend)


def columns(title: Text, bars: Sequence[tuple[str, int]], axis: Text) -> Markup:
    """Upright bars with their counts on top, one for each named class such as a grade."""
    top = max([count for _, count in bars] + [1])
    plot = Plot(0, max(len(bars), 1), 0, top * 1.12, height=200, pad=(22, 6, 40, 40))
    plot.y_axis((mark, fixed(mark)) for mark in ticks(0, top, 3) if mark == int(mark))
    for i, (name, count) in enumerate(bars):
        plot.rect(
            (i + 0.14, i + 0.86), (0, count), "c1", Text(zh=f"{name}：{count} 家", en=f"{name}: {count}")
        )
        if count:
            plot.label(plot.x(i + 0.5), plot.y(count) - 4, fixed(count), "tv")
    plot.x_axis([(i + 0.5, name) for i, (name, _) in enumerate(bars)], axis)
    desc = Text(
        zh="；".join(f"{name} {count} 家" for name, count in bars),
        en="; ".join(f"{name} {count}" for name, count in bars),
    )
    return figure(title, plot.svg(title, desc))


def histogram(title: Text, bins: Sequence[ScoreBin]) -> Markup:
    """Share of the paying and of the defaulted companies in each band of points, side by side.

    Shares, not counts: the defaulted are few, and counts would hide them.
    """
    goods, bads = sum(b.good for b in bins) or 1, sum(b.bad for b in bins) or 1
    top = max([b.good / goods for b in bins] + [b.bad / bads for b in bins] + [0.01])
    low, high = (bins[0].low, bins[-1].high) if bins else (0.0, 1.0)
    plot = Plot(low, high, 0, top * 1.05, height=220)
    plot.y_axis((mark, percent(mark, 0)) for mark in ticks(0, top))
    for b in bins:
        middle, inset = (b.low + b.high) / 2, (b.high - b.low) * 0.06
        span = f"{fixed(b.low)}–{fixed(b.high)}"
        good = Text(zh=f"{span} 分：正常 {b.good} 家", en=f"{b.good} paying")
        bad = Text(zh=f"{span} 分：违约 {b.bad} 家", en=f"{b.bad} defaulted")
        plot.rect((b.low + inset, middle), (0, b.good / goods), "c1", good)
        plot.rect((middle, b.high - inset), (0, b.bad / bads), "c2", bad)
    plot.x_axis([(m, fixed(m)) for m in ticks(low, high)], Text(zh="评分", en="points"))
    desc = Text(zh=f"正常 {goods} 家、违约 {bads} 家的评分分布", en="points of paying and defaulted firms")
    legend = [
        ("c1", Text(zh="正常企业占比", en="share of paying firms")),
        ("c2", Text(zh="违约企业占比", en="share of defaulted firms")),
    ]
    return figure(title, plot.svg(title, desc), legend)


def monthly(title: Text, months: Sequence[Month]) -> Markup:
    """Sales as bars and purchases as a line, one step a month; 万元 on the axis."""
    amounts = [0.0, *(m.sales_cny for m in months), *(m.purchases_cny for m in months)]
    low, high = min(amounts), max(amounts)
    high = high if high - low >= CENT else low + 10_000.0
    plot = Plot(0, max(len(months), 1), low, high + (high - low) * 0.06, height=180, pad=(22, 8, 24, 52))
    plot.parts.append(
        '<text class="tu" x="-6" y="-10">万元<tspan class="en" lang="en"> 10k CNY</tspan></text>'
    )
    plot.y_axis((mark, wan(mark)) for mark in ticks(low, high))
    for i, month in enumerate(months):
        plot.rect((i + 0.15, i + 0.85), (0, month.sales_cny), "c1", _month_hint(month))
    plot.curve([(i + 0.5, m.purchases_cny) for i, m in enumerate(months)], "l2")
    for i, month in enumerate(months):
        plot.dot(i + 0.5, month.purchases_cny, 2.2, "c2")
    plot.line((0, 0), (max(len(months), 1), 0), "axis")
    _month_labels(plot, months)
    sales, bought = (
        money(sum(x)) for x in ([m.sales_cny for m in months], [m.purchases_cny for m in months])
    )
    desc = Text(
        zh=f"{len(months)} 个月合计：销项 {sales.zh}，进项 {bought.zh}",
        en=f"{len(months)} months in all: sales {sales.en}, purchases {bought.en}",
    )
    legend = [("c1", Text(zh="销项（开出）", en="sales")), ("l2", Text(zh="进项（收到）", en="purchases"))]
    return figure(title, plot.svg(title, desc), legend)


def _month_hint(month: Month) -> Text:
    sales, bought = money(month.sales_cny), money(month.purchases_cny)
    return Text(
        zh=f"{month.label} 销项 {sales.zh}，进项 {bought.zh}", en=f"sales {sales.en}, purchases {bought.en}"
    )


def _month_labels(plot: Plot, months: Sequence[Month]) -> None:
    """A label each quarter; those not at January or July give way on narrow screens."""
    for i, month in enumerate(months):
        part = month.label[-2:]
        if part in {"01", "04", "07", "10"}:
            kind = "tx" if part in {"01", "07"} else "tx wide"
            plot.label(plot.x(i + 0.5), plot.height + 16, str(escape(month.label)), kind)
