"""``xinqiao benchmark table``: our fitters beside other libraries on any flat file, nothing tuned."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from xinqiao.kernel.writing import write_whole
from xinqiao.report.contest import STATES, Entry, Measure, Page, contest_page
from xinqiao.report.page import write_page
from xinqiao.scoring.contest import MEASURES, Method, Outcome, Standing, chosen, contest, standings
from xinqiao.scoring.flat import Flat, read_flat

CsvFile = Annotated[Path, typer.Option("--csv", help="平面表 CSV(.gz/.zip) / a flat table")]
Target = Annotated[str, typer.Option(help="目标列 / the column of outcomes")]
Positive = Annotated[str | None, typer.Option(help="坏的取值，默认较少者 / the bad value, else the rarer")]
Drop = Annotated[str, typer.Option(help="不用的列，逗号分隔 / columns left out, comma-separated")]
Folds = Annotated[int, typer.Option(help="折数 / folds")]
Seed = Annotated[int, typer.Option(help="分折种子 / seed of the folds")]
Out = Annotated[Path, typer.Option(help="结果文件夹，可续跑 / folder for results; run again to go on")]
Only = Annotated[
    str | None, typer.Option(help="只跑这些方法，逗号分隔 / only these methods, comma-separated")
]
Limit = Annotated[
    float, typer.Option(help="每种方法的 CPU 秒上限，0 不限 / CPU-seconds a method, 0: no limit")
]

DIGITS = {"auc": 4, "ks": 3, "brier": 4, "log_loss": 4, "fit_s": 1}


def benchmark_table(  # noqa: PLR0917 - one parameter an option
    file: CsvFile,
    target: Target,
    positive: Positive = None,
    drop: Drop = "",
    folds: Folds = 5,
    seed: Seed = 0,
    out: Out = Path("xinqiao-out/benchmark-table"),
    only: Only = None,
    limit: Limit = 150.0,
) -> None:
    """在同样的折上比较各方法 / compare the methods on the same folds, one table and one page."""
    console = Console()
    methods = chosen(only)
    flat = read_flat(file, target, positive, [name.strip() for name in drop.split(",") if name.strip()])
    for note in flat.notes:
        console.print(f"[dim]{escape(str(note))}[/]")
    outcomes = _run(flat, methods, folds=folds, seed=seed, limit=limit, out=out)
    rows = standings(methods, outcomes)
    console.print(_table(rows, folds))
    write_whole(out / "table.csv", _as_csv(rows).encode())
    page = _page(flat, file.name, target, rows, folds=folds, seed=seed)
    write_page(out / "index.html", contest_page(page))
    console.print(escape(f"{out / 'table.csv'}, {out / 'index.html'}"))


def _run(
    flat: Flat, methods: Sequence[Method], *, folds: int, seed: int, limit: float, out: Path
) -> list[Outcome]:
    outcomes = []
    present = sum(m.present for m in methods)
    bar = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*bar, console=Console(stderr=True)) as progress:
        task = progress.add_task("拟合 fitting", total=present * folds)
        for outcome in contest(flat, methods, folds=folds, seed=seed, limit_s=limit, cache=out / "cache"):
            outcomes.append(outcome)
            progress.update(task, advance=1, description=f"{outcome.method} {outcome.fold + 1}/{folds}")
    return outcomes


def _table(rows: Sequence[Standing], folds: int) -> Table:
    table = Table(title=f"{folds} 折平均 ± 标准差 / mean ± sd of {folds} folds")
    table.add_column("方法 method", no_wrap=True)
    for heading in ("AUC", "KS", "Brier", "对数损失 log-loss", "拟合 fit CPU-s"):
        table.add_column(heading, justify="right", min_width=7)
    for row in rows:
        cells = [
            f"{row.mean[m]:.{DIGITS[m]}f}\n[dim]± {row.sd[m]:.{DIGITS[m]}f}[/]" if m in row.mean else "—"
            for m in MEASURES
        ]
        state = "" if row.state == "done" else f" [yellow]{STATES[row.state]}[/]"
        counted = f" {row.folds}/{folds}" if row.state == "late" else ""
        table.add_row(f"{row.name.zh}{state}{counted}\n[dim]{row.name.en}[/]", *cells)
    return table


def _as_csv(rows: Sequence[Standing]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["method", "state", "folds", *(f"{m}_{s}" for m in MEASURES for s in ("mean", "sd")), "fault"]
    )
    for row in rows:
        values = [f"{v[m]:.6f}" if m in v else "" for m in MEASURES for v in (row.mean, row.sd)]
        writer.writerow([row.method, row.state, row.folds, *values, row.fault])
    return text.getvalue()


def _page(flat: Flat, name: str, target: str, rows: Sequence[Standing], *, folds: int, seed: int) -> Page:
    entries = tuple(
        Entry(
            name=row.name,
            role=row.role,
            state=row.state,
            fault=row.fault,
            folds=row.folds,
            **{m: Measure(row.mean[m], row.sd[m]) for m in MEASURES if m in row.mean},
        )
        for row in rows
    )
    return Page(
        table=name,
        target=target,
        positive=flat.positive,
        rows=len(flat.bad),
        bads=int(flat.bad.sum()),
        columns=len(flat.columns.names),
        folds=folds,
        seed=seed,
        notes=flat.notes,
        entries=entries,
    )
