"""``xinqiao ingest``: files into the lake, with a table of what became of every row."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from xinqiao.kernel.errors import fail
from xinqiao.source.contract import contract
from xinqiao.source.ingest import Ingested, IngestReport, ingest_files
from xinqiao.source.lake import Lake
from xinqiao.source.mapping import Entry, Mapping, load_mapping

_NUMBERS = ("读入 read", "保留 kept", "其中修复 repaired", "隔离 quarantined")


def ingest(
    source: Annotated[str, typer.Argument(help="数据契约，如 invoice / a data contract")],
    files: Annotated[list[Path], typer.Argument(help="CSV、CSV.GZ、XLSX 或 Parquet 文件 / files")],
    mapping: Annotated[Path, typer.Option(help="映射文件 / the mapping file")],
    lake: Annotated[Path, typer.Option(help="数据湖目录 / folder of the lake")] = Path("xinqiao-out/lake"),
) -> None:
    """把文件读入数据湖，坏行隔离，重复导入不改变任何内容 / files into the lake; again changes nothing."""
    contract(source)
    jobs = find_jobs(source, files, load_mapping(mapping))
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def follow(label: str, done: int, total: int) -> None:
            if label not in tasks:
                tasks[label] = bar.add_task(escape(label), total=total)
            bar.update(tasks[label], completed=done, total=total)

        report = ingest_files(jobs, Lake(lake), follow)
    show_report(report, lake, console)


def find_jobs(source: str, files: list[Path], mapping: Mapping) -> list[tuple[Path, Entry]]:
    """The entries of contract ``source`` each file matches; raises UserError SRC-NO-ENTRY."""
    jobs: list[tuple[Path, Entry]] = []
    for path in files:
        entries = mapping.entries_for(path.name, source)
        if not entries:
            patterns = ", ".join(f"{e.match} ({e.source})" for e in mapping.files)
            fail("SRC-NO-ENTRY", path.name, source=source, patterns=patterns or "-")
        jobs += [(path, entry) for entry in entries]
    return jobs


def show_report(report: IngestReport, lake: Path, console: Console) -> None:
    """Print what was read, kept, repaired and quarantined per file, then every rule that applied."""
    table = Table("文件 file", *_NUMBERS, "", title="读入结果 Rows")
    for file in report.files:
        table.add_row(*_row(file))
    table.add_section()
    totals = (report.read, report.kept, report.repaired, report.quarantined)
    table.add_row("合计 total", *(f"{n:,}" for n in totals), "")
    table.columns[0].overflow = "fold"
    for column in table.columns[1:-1]:
        column.justify = "right"
    console.print(table)
    if traps := report.traps():
        named = Table(
            "处理 what", "文件 file", "规则 rule", "字段 field", "行 rows", title="逐项说明 By rule"
        )
        named.columns[-1].justify = "right"
        for kind, manifest, count in traps:
            field = escape(count.field) or "-"
            named.add_row(
                str(kind), escape(manifest.label), escape(str(count.name)), field, f"{count.rows:,}"
            )
        console.print(named)
    for file in report.files:
        if file.manifest.quarantine:
            console.print(
                f"隔离文件 quarantine: {escape(str(lake / file.manifest.quarantine))}", soft_wrap=True
            )


def _row(file: Ingested) -> list[str]:
    manifest = file.manifest
    numbers = (manifest.read, manifest.kept, manifest.repaired, manifest.quarantined)
    note = "已在数据湖中 already in the lake" if file.already else ""
    return [f"{escape(manifest.label)} ({escape(manifest.file)})", *(f"{n:,}" for n in numbers), note]
