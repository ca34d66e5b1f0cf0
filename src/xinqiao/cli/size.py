"""``xinqiao size``: the size class of one firm, or of every row of a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import polars as pl
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import track

from xinqiao.cli.sheet import Sheet, read_sheet, write_sheet
from xinqiao.enterprise.heading import Found, find_headings
from xinqiao.enterprise.size import NAMES, SizeClass, read_number, size_class
from xinqiao.enterprise.size_standard import Indicator
from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.errors import UserError, fail

INDICATORS: tuple[Indicator, ...] = ("staff", "revenue_10k", "assets_10k")
ADDED = ("size", "reason")
SHOWN = 20
"""Bad rows named on the screen; all of them are in the output."""

Industry = Annotated[
    str | None, typer.Option(help="GB/T 4754-2017 行业代码 / industry code, e.g. C1311, 1311, 13")
]
Staff = Annotated[str | None, typer.Option(metavar="PERSONS", help="从业人员（人）/ persons employed")]
Revenue = Annotated[str | None, typer.Option(metavar="万元", help="营业收入（万元）/ revenue, 10,000 CNY")]
Assets = Annotated[
    str | None, typer.Option(metavar="万元", help="资产总额（万元）/ total assets, 10,000 CNY")
]
Json = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]
CsvFile = Annotated[Path | None, typer.Option("--csv", help="批量：输入表 / many firms: a table")]
Out = Annotated[Path | None, typer.Option(help="批量：输出表 / many firms: where to write")]


def size(
    industry: Industry = None,
    staff: Staff = None,
    revenue: Revenue = None,
    assets: Assets = None,
    *,
    json_: Json = False,
    csv: CsvFile = None,
    out: Out = None,
) -> None:
    """按国家标准划型：大型、中型、小型、微型 / the size class of a firm by the national standard."""
    single = (industry, staff, revenue, assets)
    if csv is not None and out is not None and not json_ and all(each is None for each in single):
        _many(csv, out)
        return
    if csv is not None or out is not None or industry is None:
        fail("ENT-SIZE-OPTION", "size", detail="--industry | --csv --out")
    answer = _one(industry, {"staff": staff, "revenue_10k": revenue, "assets_10k": assets})
    if json_:
        typer.echo(canonical_json({"size": answer.size, "reason": str(answer.reason)}).decode())
        return
    word = NAMES[answer.size]
    console = Console(soft_wrap=True)
    console.print(f"[bold]{word.zh} {word.en}[/]  {answer.size}")
    console.print(f"  {escape(answer.reason.zh)}\n  [dim]{escape(answer.reason.en)}[/]")


def _one(
    industry: str | None,
    texts: Mapping[Indicator, str | None],
    factors: Mapping[Indicator, Decimal] | None = None,
) -> SizeClass:
    one = Decimal(1)
    values = {
        name: read_number(name, text or "", (factors or {}).get(name, one)) for name, text in texts.items()
    }
    return size_class(industry, **values)


def _many(path: Path, out: Path) -> None:
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
            answer = _one(codes[place].strip() or None, texts, factors)
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
