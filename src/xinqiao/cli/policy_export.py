"""``xinqiao policy export``: the decision tables of a policy as a workbook."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from xinqiao.kernel.writing import write_whole
from xinqiao.policy.load import load_policy
from xinqiao.policy.workbook import export_tables


def policy_export(
    policy: Annotated[str, typer.Argument(help="政策文件或编号 / file or id of a policy")],
    out: Annotated[Path, typer.Option(help="写到这个 XLSX 文件 / the XLSX file to write")],
) -> None:
    """把决策表导出为 XLSX，每表一页 / write the decision tables as XLSX, one sheet a table."""
    loaded = load_policy(policy)
    write_whole(out, export_tables(loaded))
    tables = len(loaded.file.tables)
    rows = sum(len(table.rows) for table in loaded.file.tables)
    Console(soft_wrap=True).print(
        f"{escape(str(out))}：{tables} 张表，{rows} 行 / {tables} tables, {rows} rows"
    )
