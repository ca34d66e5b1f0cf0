"""A labelled set of finance articles: which are negative, and about which of the names.

The format of the finance negative-news sets: JSON (or .json.gz), a list of rows ``[id, title, text,
names, negative, names concerned]``; names are joined by ``;``, negative is ``1``/``0``.
"""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xinqiao.kernel.errors import fail, user_error
from xinqiao.opinion.article import MOST_NAMES, Article
from xinqiao.opinion.ngrams import Floats

MOST_BYTES = 500_000_000
MOST_ROWS = 500_000
WIDTH = 6
LEAST = 50  # negative, and other, articles to train on
YES, NO = {"1", "negative"}, {"0", "positive", "neutral", ""}


@dataclass(frozen=True, slots=True)
class Labelled:
    """``negative`` (articles,); ``about`` (pairs,), a pair for each name of each article in order."""

    articles: tuple[Article, ...]
    negative: Floats
    about: Floats


def read_labelled(path: Path) -> Labelled:
    """Read ``path``. Raises UserError NEWS-FILE or NEWS-ROW."""
    rows = _rows(path)
    articles: list[Article] = []
    negative: list[float] = []
    about: list[float] = []
    for place, row in enumerate(rows, 1):
        where = f"{path}, {place}"
        if not isinstance(row, list) or len(row) != WIDTH or not all(isinstance(v, str | int) for v in row):
            fail("NEWS-ROW", where, detail="[id, title, text, names, negative, names concerned]")
        _, title, text, names, label, concerned = (str(v) for v in row)
        if label not in YES | NO:
            fail("NEWS-ROW", where, detail=f"negative = {label[:40]!r}")
        known = tuple(dict.fromkeys(n.strip() for n in names.split(";") if n.strip()))[:MOST_NAMES]
        bad = {n.strip() for n in concerned.split(";")}
        articles.append(Article(title, text, known))
        negative.append(float(label in YES))
        about.extend(float(n in bad) for n in known)
    return Labelled(tuple(articles), np.array(negative), np.array(about))


def read_bytes(path: Path) -> bytes:
    """The bytes of ``path``, unpacked if it ends in .gz. Raises UserError NEWS-FILE."""
    try:
        with path.open("rb") as file, gzip.GzipFile(fileobj=file) as unpacked:
            data = (unpacked if path.suffix == ".gz" else file).read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise user_error("NEWS-FILE", str(path), detail=str(error)[:200]) from error
    if len(data) > MOST_BYTES:
        fail("NEWS-FILE", str(path), detail=f"> {MOST_BYTES:,} bytes")
    return data


def _rows(path: Path) -> list[object]:
    try:
        rows = json.loads(read_bytes(path))
    except (ValueError, RecursionError) as error:
        raise user_error("NEWS-FILE", str(path), detail=str(error)[:200]) from error
    if not isinstance(rows, list) or not 0 < len(rows) <= MOST_ROWS:
        fail("NEWS-FILE", str(path), detail=f"1 … {MOST_ROWS:,} rows")
    return rows


def enough(labelled: Labelled, where: str, least: int = LEAST) -> None:
    """Raises UserError NEWS-FEW when there are fewer than ``least`` of a kind: to train on, or to judge."""
    bad = labelled.negative[
        np.repeat(np.arange(len(labelled.articles)), [len(a.names) for a in labelled.articles])
    ]
    about = labelled.about[bad > 0]
    counts = [labelled.negative.sum(), (1 - labelled.negative).sum(), about.sum(), (1 - about).sum()]
    if min(counts) < least:
        fail("NEWS-FEW", where, found=", ".join(str(int(c)) for c in counts), needed=least)
