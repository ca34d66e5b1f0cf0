"""``xinqiao benchmark warning``: how early and how truly the signals and the hazard model warn."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from xinqiao.kernel.errors import fail
from xinqiao.kernel.writing import write_whole
from xinqiao.monitoring.contest import WAYS, Contest, contest
from xinqiao.monitoring.hazard import MONTHS, QUARTERS, ahead
from xinqiao.monitoring.panel import Book, month_ends, panel, snapshots
from xinqiao.monitoring.review import Figure, Worth
from xinqiao.monitoring.signal import signals
from xinqiao.source.lake import Lake

SETTLING_MONTHS = 11
YEAR = MONTHS * QUARTERS

LakeFolder = Annotated[Path, typer.Option("--lake", help="数据湖 / folder of the lake")]
OutFolder = Annotated[
    Path,
    typer.Option(
        "--out", help="月度快照文件夹，可中断后续跑 / folder of monthly snapshots; goes on where it stopped"
    ),
]
Capacity = Annotated[
    float,
    typer.Option(
        min=0.001, max=1, help="每月可审查的借款人比例 / share of borrowers a bank can look at a month"
    ),
]
Tested = Annotated[int, typer.Option(min=1, help="检验月数 / months to judge on")]
Samples = Annotated[int, typer.Option(min=10, help="自助抽样次数 / bootstrap samples")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="结果写入 JSON / write the figures to a file")]
ModelFile = Annotated[
    Path | None, typer.Option("--model", help="写出最后一次拟合的模型 / write the last model fitted")
]


def benchmark_warning(
    *,
    lake: LakeFolder,
    out: OutFolder,
    capacity: Capacity = 0.05,
    months: Tested = 12,
    samples: Samples = 500,
    json_: JsonFile = None,
    model: ModelFile = None,
) -> None:
    """预警的提前量、准确率和召回率 / lead time, precision and recall, beside days overdue alone."""
    console = Console()
    found = measure(lake, out, capacity=capacity, months=months, samples=samples)
    console.print(_table(found, capacity))
    console.print(_signals_table(found))
    if json_ is not None:
        write_whole(json_, _as_json(found, capacity))
        console.print(escape(str(json_)))
    if model is not None:
        write_whole(model, found.last.to_json())
        console.print(escape(str(model)))


def measure(lake: Path, out: Path, *, capacity: float, months: int, samples: int) -> Contest:
    """The ways of warning compared on the last ``months`` that were seen for a year after.

    Raises UserError MON-BOOK, MON-SHORT, MON-FEW.
    """
    store = Lake(lake)
    book = Book.of_lake(store, date.max)
    first, seen = (getattr(book.months["on"], name)() for name in ("min", "max"))
    dates = month_ends(ahead(first, SETTLING_MONTHS), ahead(seen, -YEAR))
    tested = dates[-months:]
    if len(dates) <= len(tested):
        fail("MON-SHORT", str(lake), months=len(dates), wanted=len(tested) + YEAR)
    with _progress("时点 dates", len(dates)) as step:
        snapshots(store, dates, out, lambda day: step(day.isoformat()))
    rows = panel(out, book, dates, seen)
    with _progress("拟合 fits", math.ceil(len(tested) / MONTHS)) as step:
        return contest(rows, tested, capacity, samples=samples, tick=lambda day: step(day.isoformat()))


@contextmanager
def _progress(name: str, total: int) -> Iterator[Any]:
    bar = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*bar, console=Console(stderr=True)) as progress:
        task = progress.add_task(name, total=total)
        yield lambda told: progress.update(task, advance=1, description=f"{name} {told}")


def _table(found: Contest, capacity: float) -> Table:
    months = f"{found.months[0]:%Y-%m}–{found.months[-1]:%Y-%m}"
    aucs = ", ".join(f"{h}M {value:.3f}" for h, value in found.auc.items())
    table = Table(
        title=f"预警 warning, {months}: {found.borrowers:,} 户 borrowers\n"
        f"{found.bads:,} 户逾期30天，计入召回 reach 30 days overdue and count for recall\n"
        f"每月审查 capacity {capacity:.0%}；模型 AUC of the model {aucs}；坏 base rate {found.base:.1%}",
        box=SIMPLE,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    table.add_column("方法\nway", no_wrap=True)
    for heading in (
        "点名\nnamed",
        "准确率\nprecision",
        "召回\nrecall",
        "提前3月\n3M ahead",
        "提前 30\nlead",
        "提前 90\nlead",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for way in found.ways:
        table.add_row(*_cells(way))
    return table


def _cells(way: Worth) -> tuple[str, ...]:
    name = WAYS[way.way]
    shares = (way.precision, way.recall, way.far)
    leads = (way.lead_30, way.lead_90)
    return (
        f"{name.zh}\n[dim]{name.en}[/]",
        f"{way.named:,}",
        *(_shown(f, 100, 1) for f in shares),
        *(_shown(f, 1, 1) for f in leads),
    )


def _shown(figure: Figure, scale: float, digits: int) -> str:
    if math.isnan(figure.value):
        return "—"
    value, low, high = (x * scale for x in (figure.value, figure.low, figure.high))
    return f"{value:.{digits}f}\n[dim]{low:.{digits}f}–{high:.{digits}f}[/]"


def _signals_table(found: Contest) -> Table:
    table = Table(title="各信号 signals: 12 个月内变坏的比例 turn bad within 12 months", box=SIMPLE)
    for heading in ("信号 signal", "次数 spoke", "变坏 bad", "倍数 lift"):
        table.add_column(heading, justify="left" if heading.startswith("信号") else "right", no_wrap=True)
    for key, spoke, share in sorted(found.by_signal, key=lambda row: -row[2] if row[1] else 1):
        if spoke:
            name = signals().signals[key].name
            lift = f"{share / found.base:.1f}" if found.base else "—"
            table.add_row(f"{key} {name.zh}\n[dim]{name.en}[/]", f"{spoke:,}", f"{share:.1%}", lift)
    return table


def _as_json(found: Contest, capacity: float) -> bytes:
    told = {
        "generated": True,
        "capacity": capacity,
        "months": [day.isoformat() for day in found.months],
        "rows": found.rows,
        "borrowers": found.borrowers,
        "bads": found.bads,
        "base_rate": found.base,
        "auc": {str(h): value for h, value in found.auc.items()},
        "ways": [asdict(way) for way in found.ways],
        "signals": [{"id": key, "spoke": spoke, "bad": share} for key, spoke, share in found.by_signal],
    }
    return (json.dumps(_plain(told), ensure_ascii=False, indent=1) + "\n").encode()


def _plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """NaN as null, which JSON can hold."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value
