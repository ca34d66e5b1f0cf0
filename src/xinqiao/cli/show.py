"""What ``xinqiao run`` shows in the terminal: progress, then the table of results."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

import pyarrow.parquet as pq
from rich import box
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
    "portrait": "画像 portrait",
    "model": "模型 model",
    "decisions": "决策 decisions",
    "pages": "页面 pages",
    "publish": "入库 publish",
    "history": "示范业务 demo business",
    "contracts": "合同与签约 contracts",
    "loans": "贷款与日终 loans, day-ends",
}
SHORT = {"approve": "[green]批准[/]", "refer": "[yellow]复核[/]", "reject": "[red]拒绝[/]"}
HEADINGS: tuple[tuple[str, Literal["left", "right"]], ...] = (
    ("企业\nid", "left"),
    ("名称\nname", "left"),
    ("评分\npoints", "right"),
    ("评级\ngrade", "left"),
    ("违约率\nPD", "right"),
    ("决策\noutcome", "left"),
    ("额度 元\nlimit", "right"),
    ("年利率\nrate", "right"),
    ("决策编号\ndecision", "left"),
)
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
    console.print(f"共 {len(rows):,} 户 companies   {mix}", highlight=False, soft_wrap=True)
    page, results = (escape(str(out / name)) for name in ("report/index.html", "decisions/results.csv"))
    console.print(f"[bold]报告 report[/]  {page}", highlight=False, soft_wrap=True)
    console.print(f"[bold]结果 results[/] {results}", highlight=False, soft_wrap=True)


def _show_rows(report: IngestReport, console: Console) -> None:
    table = Table(
        title="读入 rows read",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for column in ("文件\nfile", "读入\nread", "保留\nkept", "其中修复\nrepaired", "隔离\nquarantined"):
        table.add_column(column, justify="left" if column.startswith("文件") else "right", no_wrap=True)
    for file in report.files:
        m = file.manifest
        numbers = (m.read, m.kept, m.repaired, m.quarantined)
        table.add_row(escape(m.label), *(f"{n:,}" for n in numbers))
    totals = (report.read, report.kept, report.repaired, report.quarantined)
    table.add_section()
    table.add_row("合计 total", *(f"{n:,}" for n in totals))
    console.print(table)


def _show_companies(rows: list[dict[str, Any]], console: Console) -> None:
    """The first companies in 79 columns, so that a narrow terminal or a log file shows every cell whole."""
    title = f"企业与决策 companies and decisions（前 first {min(SHOWN, len(rows))}）"
    table = Table(
        title=title,
        title_justify="left",
        box=None,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        header_style="underline",
    )
    for heading, justify in HEADINGS:
        name = heading.startswith("名称")
        table.add_column(heading, justify=justify, no_wrap=True, max_width=16 if name else None)
    for row in rows[:SHOWN]:
        table.add_row(
            escape(row["company_id"]),
            escape(row["name"]),
            f"{row['points']:.0f}",
            row["grade"],
            f"{row['pd']:.1%}",
            SHORT[row["outcome"]],
            "" if row["limit_cny"] is None else f"{row['limit_cny']:,.0f}",
            "" if row["rate"] is None else f"{row['rate'] * 100:.2f}%",
            row["decision_id"][:8],
        )
    console.print(table)
