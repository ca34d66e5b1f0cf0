"""What ``xinqiao run`` shows in the terminal: progress, then the table of results."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import pyarrow.parquet as pq
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from xinqiao.cli.decide import OUTCOMES
from xinqiao.source.ingest import IngestReport

STEPS = {
    "city": "生成示范区域 generated region",
    "ingest": "读入 ingest",
    "indicators": "指标 indicators",
    "model": "模型 model",
    "decisions": "决策 decisions",
    "pages": "页面 pages",
}
SHOWN = 12
"""Companies in the closing table; the pages hold them all."""


class Steps:
    """A progress bar with a line for each step; use as a context manager."""

    def __init__(self, console: Console) -> None:
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        """Begin to show."""
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last state on the screen."""
        self._bars.stop()

    def step(self, name: str, done: int = 0, total: int = 0) -> None:
        """``name`` is the step, optionally followed by a blank and what is being worked on."""
        step, _, what = name.partition(" ")
        if step not in self._tasks:
            self._tasks[step] = self._bars.add_task(STEPS[step], total=total or None)
        words = f"{STEPS[step]} {escape(what)}".rstrip()
        self._bars.update(self._tasks[step], description=words, completed=done, total=total or None)


def show_results(out: Path, report: IngestReport, console: Console) -> None:
    """Print rows by file, the mix of decisions, the first companies and where the pages are."""
    _show_rows(report, console)
    rows = pq.read_table(out / "decisions" / "results.parquet").to_pylist()
    _show_companies(rows, console)
    counts = {outcome: sum(row["outcome"] == outcome for row in rows) for outcome in OUTCOMES}
    mix = "   ".join(f"{OUTCOMES[outcome]} {count:,}" for outcome, count in counts.items())
    console.print(f"共 {len(rows):,} 户 companies   {mix}", highlight=False)
    console.print(f"[bold]报告 report[/]  {out / 'report' / 'index.html'}", highlight=False, soft_wrap=True)
    console.print(
        f"[bold]结果 results[/] {out / 'decisions' / 'results.csv'}", highlight=False, soft_wrap=True
    )


def _show_rows(report: IngestReport, console: Console) -> None:
    table = Table(title="读入 rows read", title_justify="left")
    for column in ("文件 file", "读入 read", "保留 kept", "其中修复 repaired", "隔离 quarantined"):
        table.add_column(column, justify="left" if column.startswith("文件") else "right")
    for file in report.files:
        m = file.manifest
        numbers = (m.read, m.kept, m.repaired, m.quarantined)
        table.add_row(escape(m.label), *(f"{n:,}" for n in numbers))
    totals = (report.read, report.kept, report.repaired, report.quarantined)
    table.add_section()
    table.add_row("合计 total", *(f"{n:,}" for n in totals))
    console.print(table)


def _show_companies(rows: list[dict[str, Any]], console: Console) -> None:
    table = Table(
        title=f"企业与决策 companies and decisions（前 {SHOWN} 户 first {SHOWN}）", title_justify="left"
    )
    for column in (
        "企业 company",
        "名称 name",
        "评分",
        "评级",
        "PD",
        "决策 decision",
        "额度 limit",
        "年利率 rate",
        "决策编号 id",
    ):
        table.add_column(column, no_wrap=column.startswith("决策编号"))
    for row in rows[:SHOWN]:
        limit = "" if row["limit_cny"] is None else f"{row['limit_cny']:,.0f}"
        rate = "" if row["rate"] is None else f"{row['rate'] * 100:.2f}%"
        table.add_row(
            escape(row["company_id"]),
            escape(row["name"]),
            f"{row['points']:.0f}",
            row["grade"],
            f"{row['pd']:.1%}",
            OUTCOMES[row["outcome"]],
            limit,
            rate,
            row["decision_id"][:12],
        )
    console.print(table)
