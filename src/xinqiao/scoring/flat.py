"""A flat table never seen before, read into columns and a target; what was assumed is said in notes."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl

from xinqiao.kernel.canonical import digest
from xinqiao.kernel.errors import fail, user_error
from xinqiao.kernel.text import Text
from xinqiao.scoring.columns import Column, Columns, Floats

MISSING_WORDS = ("", "na", "n/a", "#n/a", "nan", "null", "?", "-", "--", "\\n")
MISSING_FEATURE = (*MISSING_WORDS, "none", ".")  # an outcome may well be called none
SIGNS = {"+", "-"}  # a target of these two has no missing one
ENCODINGS = ("utf-8-sig", "gb18030", "latin-1")
SEPARATORS = ",;\t|"
MOSTLY = 0.95  # of the values present: numbers or dates, the rest of them is read as missing
MANY_TEXTS = 0.5  # distinct texts per row from which a column is an id or free text
MOST_TEXTS = 100  # commonest texts kept, the others are one
LEAST_ROWS = 20
HEADER_BYTES = 100_000
HEADER_LINES = 20  # a quoted column name may hold line breaks
GROUPED = r"[-+]?([1-9]\d{0,2}(,\d{3})+|\d+)(\.\d*)?"  # 1,234.5
COMMA = r"[-+]?([1-9]\d{0,2}(\.\d{3})+|\d+)(,\d*)?"  # 1.234,5
RARE = "(rare)"
ID_NAME = re.compile(
    r"(^|[^a-z])(id|no|nr|key|index|rownames?|unnamed)([^a-z]|$)|编号|序号|^$", re.IGNORECASE
)
DATE = re.compile(
    r"\d{4}[-/.年]\d{1,2}([-/.月]\d{1,2}日?)?([ T].*)?|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})( .*)?"
    r"|(\d{1,2}[- ])?[A-Za-z]{3}[- ]\d{2,4}"
)


@dataclass(frozen=True, slots=True)
class Flat:
    """Columns and ``bad`` (rows,), 1.0 for the ``positive`` value of the target; ``notes``: what was done."""

    columns: Columns
    bad: Floats
    positive: str
    notes: tuple[Text, ...]
    key: str


def read_flat(path: Path, target: str, positive: str | None = None, drop: Sequence[str] = ()) -> Flat:
    """Read a CSV (plain, .gz or a .zip of one file); separator and encoding are found out.

    Raises UserError FLT-FILE, FLT-FORMAT, FLT-COLUMN, FLT-TARGET, FLT-POSITIVE, FLT-NOTHING.
    """
    data = _bytes(path)
    notes: list[Text] = []
    texts = _texts(data, str(path), target, notes)
    absent = [name for name in (target, *drop) if name not in texts]
    if absent:
        fail("FLT-COLUMN", str(path), columns=", ".join(absent), known=", ".join(texts))
    labels, bad = _target(texts.pop(target), target, positive, notes)
    known = ~np.isnan(bad)
    columns = {n: v[known] for n, v in texts.items() if n not in drop}
    read = {n: c for n, v in columns.items() if (c := _column(n, v, bad[known], notes)) is not None}
    if not read:
        fail("FLT-NOTHING", str(path))
    key = digest(data + repr((target, labels, sorted(drop))).encode())
    return Flat(
        Columns(tuple(read), tuple(read.values()), int(known.sum())), bad[known], labels, tuple(notes), key
    )


def _bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        if data[:4] == b"PK\x03\x04":
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                data = archive.read(max(archive.infolist(), key=lambda m: m.file_size))
    except (OSError, EOFError, zipfile.BadZipFile) as error:
        raise user_error("FLT-FILE", str(path), detail=str(error)) from error
    return data


def _texts(data: bytes, where: str, target: str, notes: list[Text]) -> dict[str, Column]:
    """Every column as texts, stripped; missing ones None."""
    text, encoding = _decoded(data)
    if encoding != ENCODINGS[0]:
        notes.append(Text(zh=f"编码按 {encoding} 读", en=f"read as {encoding}"))
    if "\n" not in text:
        text = text.replace("\r", "\n")
    separator, header, body = _parted(text.lstrip("\r\n"))
    names = _names(header, notes)
    try:
        frame = pl.read_csv(
            body.encode(),
            separator=separator,
            has_header=False,
            new_columns=names,
            schema_overrides=dict.fromkeys([f"column_{i + 1}" for i in range(len(names))], pl.String),
            infer_schema=False,
            truncate_ragged_lines=True,
        )
    except (pl.exceptions.PolarsError, ValueError) as error:
        raise user_error("FLT-FORMAT", where, detail=str(error).splitlines()[0]) from error
    if frame.height < LEAST_ROWS or frame.width < 2:  # noqa: PLR2004 - a target and a column
        fail("FLT-FORMAT", where, detail=f"{frame.height} x {frame.width}")
    stripped = frame.with_columns(pl.all().str.strip_chars())
    kept = stripped.with_columns(
        pl.when(
            pl.col(name).str.to_lowercase().is_in(_missing_words(stripped[name], is_target=name == target))
        )
        .then(None)
        .otherwise(pl.col(name))
        .alias(name)
        for name in stripped.columns
    )
    return {name: kept[name].to_numpy().astype(object) for name in kept.columns}


def _decoded(data: bytes) -> tuple[str, str]:
    """The text and its encoding."""
    wide = ("utf-16",) if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else ()  # Excel's "Unicode text"
    for encoding in (*wide, *ENCODINGS[:-1]):
        try:
            return data.decode(encoding).replace("\x00", ""), encoding
        except UnicodeDecodeError:
            continue
    return data.decode(ENCODINGS[-1]).replace("\x00", ""), ENCODINGS[-1]  # it decodes anything


def _parted(text: str) -> tuple[str, list[str], str]:
    """Separator, header and the lines after it; a quoted name may run over lines."""
    lines = io.StringIO(text, newline="\n").readlines(HEADER_BYTES)[:HEADER_LINES]
    found = []
    for separator in SEPARATORS:
        reader = csv.reader(lines, delimiter=separator)
        header, taken = next(reader, []), reader.line_num
        if "".join(lines[:taken]).count('"') % 2:  # a quote never closed
            header, taken = next(csv.reader([lines[0].replace('"', "")], delimiter=separator), []), 1
        found.append((separator, header, taken))
    separator, header, taken = max(found, key=lambda f: len(f[1]))
    return separator, header, text[sum(map(len, lines[:taken])) :]


def _missing_words(values: pl.Series, *, is_target: bool) -> tuple[str, ...]:
    """What stands for a missing value in a column."""
    if not is_target:
        return MISSING_FEATURE
    signs = set(values.drop_nulls().unique().to_list()) - {""} == SIGNS
    return tuple(w for w in MISSING_WORDS if not (signs and w in SIGNS))


def _names(header: Sequence[str], notes: list[Text]) -> list[str]:
    """Unique names; a repeated one gets its number, an empty one its place."""
    seen: Counter[str] = Counter()
    names: list[str] = []
    for i, raw in enumerate(header, 1):
        name = raw.strip() or f"unnamed {i}"
        seen[name] += 1
        if seen[name] > 1:
            name = f"{name}.{seen[name]}"
            notes.append(Text(zh=f"列名重复，改称 {name}", en=f"repeated column name, now {name}"))
        names.append(name)
    return names


def _target(values: Column, name: str, positive: str | None, notes: list[Text]) -> tuple[str, Floats]:
    """The bad value and the outcome of every row, NaN where the target is missing."""
    counts = Counter(v for v in values.tolist() if v is not None)
    known = sorted(counts, key=lambda v: (counts[v], v))
    if positive is None:
        if len(known) != 2:  # noqa: PLR2004 - a binary target
            fail("FLT-TARGET", name, values=", ".join(known[:10]), count=len(known))
        bad = known[1] if counts[known[0]] == counts[known[1]] else known[0]
        notes.append(Text(zh=f"以较少的取值 {bad} 为坏", en=f"the rarer value {bad} is taken as bad"))
    else:
        bad = next((v for v in known if v == positive or _same_number(v, positive)), "")
        if known and not bad:
            fail("FLT-POSITIVE", name, positive=positive, values=", ".join(known[:10]))
        if len(known) < 2:  # noqa: PLR2004 - both outcomes
            fail("FLT-TARGET", name, values=", ".join(known[:10]), count=len(known))
        if len(known) > 2:  # noqa: PLR2004 - more than two values
            notes.append(
                Text(
                    zh=f"其余 {len(known) - 1} 个取值都算好",
                    en=f"the {len(known) - 1} other values count as good",
                )
            )
    lost = sum(v is None for v in values.tolist())
    if lost:
        notes.append(Text(zh=f"{lost} 行没有目标，略去", en=f"{lost} rows without a target left out"))
    outcome = [np.nan if v is None else float(v == bad) for v in values.tolist()]
    return bad, np.asarray(outcome)


def _same_number(a: str, b: str) -> bool:
    try:
        return float(a) == float(b)
    except ValueError:
        return False


def _column(name: str, values: Column, bad: Floats, notes: list[Text]) -> Column | None:
    """Numbers, or texts, or None for a column that can't be used; every choice is noted."""
    present = values[pd.notna(values)]
    distinct = pd.unique(present)
    numbers = _numbers(values, len(present), name, notes)
    reason = _unfit(name, values, numbers, bad)
    if reason is None and numbers is None and len(distinct) > max(MANY_TEXTS * len(present), LEAST_ROWS):
        reason = ("几乎每行不同的文字", "texts that differ in almost every row")
    if reason is not None:
        notes.append(Text(zh=f"略去 {name}：{reason[0]}", en=f"{name} left out: {reason[1]}"))
        return None
    if numbers is not None:
        return numbers
    return _common(name, values, present, notes) if len(distinct) > MOST_TEXTS else values


def _unfit(name: str, values: Column, numbers: Floats | None, bad: Floats) -> tuple[str, str] | None:
    """Why a column says nothing, or too much."""
    codes, distinct = pd.factorize(values, use_na_sentinel=False)
    if len(distinct) < 2:  # noqa: PLR2004 - one value
        return "只有一个取值", "one value only"
    if len(distinct) == 2 and len({*zip(codes.tolist(), bad.tolist(), strict=True)}) == 2:  # noqa: PLR2004 - two values, two outcomes
        return "与目标一一对应", "it is the target under another name"
    dates = isinstance(values[0], str) and DATE.fullmatch(values[0])
    if numbers is not None and not dates and _counts_rows(name, numbers):
        return "是编号", "it numbers the rows"
    return None


def _common(name: str, values: Column, present: Column, notes: list[Text]) -> Column:
    """``values`` with all but the commonest texts as one."""
    counts = Counter(present.tolist())
    kept = set(sorted(counts, key=lambda v: (-counts[v], v))[:MOST_TEXTS])
    notes.append(
        Text(
            zh=f"{name}：{len(counts)} 种文字，只留最常见的 {MOST_TEXTS} 种",
            en=f"{name}: {len(counts)} texts, the {MOST_TEXTS} commonest kept",
        )
    )
    return np.asarray([v if v is None or v in kept else RARE for v in values.tolist()], dtype=object)


def _numbers(values: Column, present: int, name: str, notes: list[Text]) -> Floats | None:
    """``values`` as numbers, or dates as days, if nearly all present are; else None."""
    series = pd.Series(values, dtype=object)
    plain = pd.to_numeric(series, errors="coerce")
    if plain.notna().sum() < MOSTLY * present or _dots_group(series):
        plain = _written(series, plain, name, notes)
    if plain.notna().sum() < MOSTLY * present:
        days = _days(series, present)
        if days is None:
            return None
        plain = days
        notes.append(Text(zh=f"{name}：日期，按天数计", en=f"{name}: dates, read as days"))
    out = np.array(plain, dtype=np.float64)
    out[np.isinf(out)] = np.nan
    lost = present - int((~np.isnan(out)).sum())
    if lost:
        notes.append(
            Text(
                zh=f"{name}：{lost} 个值不是数，按缺失",
                en=f"{name}: {lost} values are no numbers, read as missing",
            )
        )
    return out


def _written(series: pd.Series, plain: pd.Series, name: str, notes: list[Text]) -> pd.Series:
    """Numbers with units, thousands separators or decimal commas: the way of writing that fits most."""
    bare = series.str.replace(r"[$¥￥€£%\s]", "", regex=True)
    grouped, comma = (bare.where(bare.str.fullmatch(p).eq(True)) for p in (GROUPED, COMMA))  # noqa: FBT003 - a value
    ways = (
        plain,
        pd.to_numeric(grouped.str.replace(",", "", regex=False), errors="coerce"),
        pd.to_numeric(
            comma.str.replace(".", "", regex=False).str.replace(",", ".", regex=False), errors="coerce"
        ),
        pd.to_numeric(bare.str.replace(",", "", regex=False), errors="coerce"),
    )
    best = max(ways, key=lambda w: int(w.notna().sum()))
    if best is ways[2]:
        notes.append(Text(zh=f"{name}：逗号按小数点读", en=f"{name}: commas read as decimal points"))
    return best


def _dots_group(series: pd.Series) -> bool:
    """Whether some value reads 1.234.567 and every one fits that way of writing."""
    many = series.str.count(r"\.").gt(1).any()
    return bool(many and series.dropna().str.fullmatch(COMMA).all())


def _days(series: pd.Series, present: int) -> pd.Series | None:
    """Days since 1970 of a column of dates, else None."""
    if series.str.fullmatch(DATE).sum() < MOSTLY * present:
        return None
    plain = series.str.replace(r"[年月]", "-", regex=True).str.replace(r"日|-$", "", regex=True)
    found = pd.to_datetime(plain, errors="coerce", format="mixed", utc=True)
    if found.notna().sum() < MOSTLY * present:
        return None
    days = (found - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)
    return days.astype(np.float64)


def _counts_rows(name: str, numbers: Floats) -> bool:
    """Whether whole numbers, none twice, are rising or consecutive or named like an id."""
    if (
        np.isnan(numbers).any()
        or (numbers != np.round(numbers)).any()
        or len(np.unique(numbers)) < len(numbers)
    ):
        return False
    steps = np.diff(numbers)
    consecutive = np.ptp(numbers) == len(numbers) - 1
    return bool((steps > 0).all() or (steps < 0).all() or consecutive or ID_NAME.search(name))
