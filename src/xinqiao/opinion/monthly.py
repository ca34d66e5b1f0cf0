"""What is said of each article and firm, in the contract ``news``, and each firm's last three years."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from xinqiao.kernel.period import month_index, window_months
from xinqiao.opinion.article import Article, read
from xinqiao.opinion.delivered import Delivered, articles
from xinqiao.opinion.event import NO_EVENT, event_of, events
from xinqiao.opinion.recogniser import Recogniser

MONTHS = 36
SURE = 0.8  # probability from which a grave event asks for a person's look (indicator OPN02)
DIGITS = 6
NEWS = (
    "company_id",
    "article_no",
    "published_on",
    "outlet",
    "title",
    "event_type",
    "negative",
    "match",
    "known_on",
)
MONTHLY = ("company_id", "month", "articles", "negative", "grave", "score")


@dataclass(frozen=True, slots=True)
class Recognised:
    """One row of the contract ``news``: kind of event (none where not bad news) and probabilities."""

    row: Delivered
    event_type: str
    negative: float
    match: float


def recognise(model: Recogniser, rows: Sequence[Delivered]) -> list[Recognised]:
    """Each row with its probabilities and kind of event, in the order of ``rows``."""
    found, pairs = articles(list(rows))
    _, said = model.score(found)
    return [
        _recognised(model, row, float(said.negative[p]), float(said.match[p]))
        for row, p in zip(rows, pairs, strict=True)
    ]


def _recognised(model: Recogniser, row: Delivered, negative: float, match: float) -> Recognised:
    kind = NO_EVENT
    if negative * match >= model.thresholds[1]:
        reading = read(Article(row.title, row.text, (row.entity,)))
        kind = event_of(reading.text, reading.names[0])
    return Recognised(row, kind, round(negative, DIGITS), round(match, DIGITS))


def news_csv(found: Iterable[Recognised]) -> bytes:
    """The rows as the contract ``news`` has them; texts are left out, titles kept."""
    return _csv(NEWS, ([*_cells(one)] for one in found))


def _cells(one: Recognised) -> list[object]:
    row = one.row
    title = " ".join(row.title.split())
    head = [row.company_id, row.article_no, row.published_on.isoformat(), row.outlet, title]
    return [*head, one.event_type, one.negative, one.match, row.known_on.isoformat()]


def monthly_csv(found: Sequence[Recognised], as_of: date) -> bytes:
    """A row for each firm and each of the 36 months complete at ``as_of``.

    Counts are of articles known by then: all, bad news, and grave ones at a probability above 0.8;
    ``score`` sums event weight x negative x match over the bad news.
    """
    start, end = window_months(as_of, MONTHS)
    first = month_index(start)
    counts = {one.row.company_id: [[0, 0, 0, 0.0] for _ in range(MONTHS)] for one in found}
    for one in found:
        if one.row.known_on <= as_of and start <= one.row.published_on <= end:
            _add(counts[one.row.company_id][month_index(one.row.published_on) - first], one)
    lines = (
        [firm, f"{(first + i) // 12:04d}-{(first + i) % 12 + 1:02d}", *cells[:3], round(cells[3], DIGITS)]
        for firm in sorted(counts)
        for i, cells in enumerate(counts[firm])
    )
    return _csv(MONTHLY, lines)


def _add(cells: list[float], one: Recognised) -> None:
    cells[0] += 1
    if one.event_type != NO_EVENT:
        event, sure = events()[one.event_type], one.negative * one.match
        cells[1] += 1
        cells[2] += event.grave and sure > SURE
        cells[3] += event.weight * sure


def _csv(header: Sequence[str], lines: Iterable[Sequence[object]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    return out.getvalue().encode("utf-8", "replace")
