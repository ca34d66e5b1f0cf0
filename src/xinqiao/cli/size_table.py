"""The batch form of ``xinqiao size``: a table in, the same table with two more columns out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.progress import track

from xinqiao.cli.sheet import Sheet, read_sheet, write_sheet
from xinqiao.enterprise.heading import Found, find_headings
from xinqiao.enterprise.size import NAMES, read_size
from xinqiao.enterprise.size_standard import INDICATORS
from xinqiao.kernel.errors import UserError, fail

ADDED = ("size", "reason")
SHOWN = 20
"""Bad rows named on the screen; all of them are in the output."""


def size_table(path: Path, out: Path) -> None:
    """Size every row of ``path``; a row that cannot be read stays, with its fault for a reason.

    Raises UserError SRC-*, ENT-HEADING*, ENT-COLUMN-TAKEN, FILE-WRITE.
    """
    sheet = read_sheet(path)
    found = find_headings(sheet.columns, ("industry", *INDICATORS), ("industry",), path.name)
    if taken := [name for name in ADDED if name in sheet.columns]:
        fail("ENT-COLUMN-TAKEN", path.name, columns=", ".join(taken))
    sizes, reasons, bad = _classify(sheet, found)
    answers = {"size": pl.Series(sizes, dtype=pl.String), "reason": pl.Series(reasons, dtype=pl.String)}
    good = sheet.frame.with_columns(**answers)
    lost = [fault.line for fault in sheet.faults]
    broken = pl.DataFrame(
        {
            "_line": pl.Series(lost, dtype=pl.Int64),
            "size": pl.Series([""] * len(lost), dtype=pl.String),
            "reason": pl.Series([f"{f.rule} {f.value}: {f.row}" for f in sheet.faults], dtype=pl.String),
        }
    )
    whole = pl.concat([good, broken], how="diagonal").sort("_line", maintain_order=True)
    write_sheet(out, whole.select(*sheet.columns, *ADDED))
    bad |= {fault.line: f"{fault.rule} {fault.value}" for fault in sheet.faults}
    _summary(Counter(sizes), bad, out)


def _classify(sheet: Sheet, found: Mapping[str, Found]) -> tuple[list[str], list[str], dict[int, str]]:
    """Size and reason of every row, "" and the fault for a bad one; the bad rows by line."""
    named = {name: sheet.frame[found[name].column].to_list() for name in INDICATORS if name in found}
    factors = {name: found[name].factor for name in INDICATORS if name in found}
    codes, lines = sheet.frame[found["industry"].column].to_list(), sheet.frame["_line"].to_list()
    sizes, reasons, bad = [], [], {}
    console = Console(stderr=True)
    for place in track(range(len(lines)), "划型 sizing", console=console, transient=True):
        try:
            texts = {name: column[place] for name, column in named.items()}
            answer = read_size(codes[place].strip() or None, texts, factors)
            sizes.append(str(answer.size))
            reasons.append(str(answer.reason))
        except UserError as error:
            bad[lines[place]] = f"{error.code} {error.what}"
            sizes.append("")
            reasons.append(bad[lines[place]])
    return sizes, reasons, bad


def _summary(counts: Counter[str], bad: Mapping[int, str], out: Path) -> None:
    console = Console(soft_wrap=True)
    for name, word in NAMES.items():
        console.print(f"{word.zh} {word.en}: {counts[name]:,}")
    console.print(f"有误的行 bad rows: {len(bad):,}")
    for line in sorted(bad)[:SHOWN]:
        console.print(f"  第 {line} 行 line {line}: {escape(bad[line])}")
    console.print(f"→ {escape(str(out))}")
