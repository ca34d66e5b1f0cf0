"""``xinqiao indicators``: all indicators of all companies as of a date."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pyarrow.compute as pc
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from xinqiao.indicator.compute import compute
from xinqiao.indicator.definition import indicators as definitions
from xinqiao.indicator.snapshot import MISSING, VALUES, Snapshot
from xinqiao.run.settings import read_date
from xinqiao.source.lake import Lake

AsOf = Annotated[str, typer.Option(help="评分时点 YYYY-MM-DD / date of evaluation T")]
EngineName = Annotated[str, typer.Option(help="duckdb | spark")]
LakeFolder = Annotated[Path, typer.Option(help="数据湖 / folder of the lake")]
OutFolder = Annotated[Path, typer.Option(help="结果文件夹 / folder for the results")]
Ids = Annotated[list[str] | None, typer.Option(help="只算这些指标，可重复 / only these, may be repeated")]


def indicators(
    as_of: AsOf,
    engine: EngineName = "duckdb",
    lake: LakeFolder = Path("xinqiao-out/lake"),
    out: OutFolder = Path("xinqiao-out/indicators"),
    ids: Ids = None,
) -> None:
    """计算全部企业的指标并写出 Parquet / evaluate the indicators of all companies, write Parquet."""
    console = Console()
    snapshot = compute(Lake(lake), read_date(as_of, "--as-of"), engine, ids)
    snapshot.write(out)
    console.print(_table(snapshot))
    rows = snapshot.values.num_rows
    console.print(f"{rows} 家企业 / companies; {escape(f'{out / VALUES}, {out / MISSING}')}")


def _table(snapshot: Snapshot) -> Table:
    table = Table(title=f"指标 / indicators as of {snapshot.as_of}")
    for heading in ("编号 id", "名称 name", "单位 unit"):
        table.add_column(heading)
    for heading in ("覆盖 coverage", "中位数 median"):
        table.add_column(heading, justify="right")
    known = definitions()
    for name in snapshot.values.column_names[1:]:
        indicator, column = known[name], snapshot.values[name]
        covered = len(column) - column.null_count
        median = pc.quantile(column, q=0.5)[0].as_py() if covered else None
        shown = "" if median is None else f"{median:,.{indicator.unit.decimals}f}"
        names = f"{indicator.name.zh}\n[dim]{indicator.name.en}[/]"
        table.add_row(name, names, indicator.unit.name.zh, f"{covered / len(column):.1%}", shown)
    return table
