"""A table of articles as delivered: one row for an article and a firm it may be about."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from xinqiao.kernel.errors import fail, user_error
from xinqiao.kernel.period import YEARS
from xinqiao.opinion.article import MOST_NAMES, Article
from xinqiao.opinion.labelled import read_bytes

MOST_ROWS = 1_000_000
CELL_CHARS = 1_000_000
ENCODINGS = ("utf-8-sig", "gb18030")
FIRMS, TEXTS = ("company_id", "entity"), ("title", "text")
COLUMNS = (*FIRMS, "published_on", *TEXTS, "article_no", "known_on", "outlet")
NUMBER_CHARS = 16  # of the digest that numbers an article without a number


@dataclass(frozen=True, slots=True)
class Delivered:
    """One row. ``entity`` is the firm's name as articles write it; ``known_on`` >= ``published_on``."""

    company_id: str
    entity: str
    article_no: str
    published_on: date
    known_on: date
    outlet: str
    title: str
    text: str


def read_delivered(path: Path) -> list[Delivered]:
    """Read a CSV (or .csv.gz). Raises UserError NEWS-FILE, NEWS-COLUMN or NEWS-CELL.

    Needed are ``published_on``, ``entity`` or ``company_id`` (one stands for the other) and ``text`` or
    ``title``. Without ``article_no`` rows of the same day and texts are one article; without
    ``known_on`` an article is known when published.
    """
    data = read_bytes(path)
    text = _decoded(data, path)
    csv.field_size_limit(max(csv.field_size_limit(), CELL_CHARS))
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        known = list(reader.fieldnames or ())
        _check_columns(known, path)
        rows = list(_rows(reader, path))
    except csv.Error as error:
        raise user_error("NEWS-FILE", f"{path}:{reader.line_num}", detail=str(error)) from error
    if not rows:
        fail("NEWS-FILE", str(path), detail="没有记录 / no rows")
    return rows


def _decoded(data: bytes, path: Path) -> str:
    try:
        return data.decode(ENCODINGS[0])
    except UnicodeDecodeError:
        pass
    try:
        return data.decode(ENCODINGS[1])
    except UnicodeDecodeError as error:
        raise user_error("NEWS-FILE", str(path), detail=", ".join(ENCODINGS)) from error


def _check_columns(known: list[str], path: Path) -> None:
    if twice := [name for name in COLUMNS if known.count(name) > 1]:
        fail("NEWS-FILE", str(path), detail=f"重复的列 / columns that stand twice: {', '.join(twice)}")
    absent = [] if "published_on" in known else ["published_on"]
    absent += [" / ".join(group) for group in (FIRMS, TEXTS) if not set(group) & set(known)]
    if absent:
        fail("NEWS-COLUMN", str(path), columns=", ".join(absent), known=", ".join(known)[:300])


def _rows(reader: csv.DictReader[str], path: Path) -> Iterator[Delivered]:
    for count, row in enumerate(reader, 1):
        where = f"{path}:{reader.line_num}"
        if count > MOST_ROWS:
            fail("NEWS-FILE", where, detail=f"> {MOST_ROWS:,} rows")
        if None in row or None in row.values():  # cells too many or too few: which is which is a guess
            fail("NEWS-FILE", where, detail=f"列数与表头不符 / cells do not match the {len(row)} headings")
        if any(len(cell) > CELL_CHARS for cell in row.values()):  # csv's own limit is the whole process's
            fail("NEWS-FILE", where, detail=f"单元格过长 / a cell of more than {CELL_CHARS:,} characters")
        cells = {name: (row.get(name) or "").strip() for name in COLUMNS}
        firm = cells["company_id"] or cells["entity"]
        if not firm:
            fail("NEWS-CELL", where, column=FIRMS[0], value="")
        published = _day(cells["published_on"], "published_on", where)
        known = _day(cells["known_on"], "known_on", where) if cells["known_on"] else published
        if known < published:
            fail("NEWS-CELL", where, column="known_on", value=cells["known_on"][:40])
        number = cells["article_no"] or _number(published, cells["title"], cells["text"])
        entity = cells["entity"] or firm
        yield Delivered(
            firm, entity, number, published, known, cells["outlet"], cells["title"], cells["text"]
        )


def _day(value: str, column: str, where: str) -> date:
    try:
        day = date.fromisoformat(value)
    except ValueError as error:
        raise user_error("NEWS-CELL", where, column=column, value=value[:40]) from error
    if day.year not in YEARS:
        fail("NEWS-CELL", where, column=column, value=value[:40])
    return day


def _number(day: date, title: str, text: str) -> str:
    content = f"{day.isoformat()}\x00{title}\x00{text}".encode("utf-8", "replace")
    return hashlib.sha256(content).hexdigest()[:NUMBER_CHARS]


def articles(rows: list[Delivered]) -> tuple[list[Article], list[int]]:
    """The distinct articles, and for each row the place of its pair of article and name.

    All firms of an article are read together, so that each can be compared with the others; of
    many, 40 at a time.
    """
    names: dict[str, dict[str, int]] = {}
    first: dict[str, Delivered] = {}
    for row in rows:
        first.setdefault(row.article_no, row)
        own = names.setdefault(row.article_no, {})
        own.setdefault(row.entity, len(own))
    found: list[Article] = []
    starts: dict[str, int] = {}
    pairs = 0
    for number, own in names.items():
        starts[number], all_names = pairs, tuple(own)
        pairs += len(own)
        for at in range(0, len(own), MOST_NAMES):
            part = all_names[at : at + MOST_NAMES]
            found.append(Article(first[number].title, first[number].text, part))
    return found, [starts[row.article_no] + names[row.article_no][row.entity] for row in rows]
