"""``xinqiao policy import``: decision tables from a workbook back into their policy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from xinqiao.kernel.writing import write_whole
from xinqiao.policy.compiled import compile_policy
from xinqiao.policy.load import read_policy
from xinqiao.policy.workbook_import import import_tables
from xinqiao.source.scan import UTF8_BOM


def policy_import(
    file: Annotated[Path, typer.Argument(help="改好的 XLSX / the workbook")],
    policy: Annotated[str, typer.Option(help="表所属的政策 / file or id of the policy the tables are of")],
    out: Annotated[Path, typer.Option(help="新政策文件 / the policy file to write")],
) -> None:
    """用工作簿里的行替换决策表的行，其余逐字保留 / replace the rows of the tables, keep all else."""
    text, origin = read_policy(policy)
    new, changes = import_tables(file, compile_policy(text, origin), origin)
    write_whole(out, _byte_order_mark(policy) + new.encode())
    console = Console(soft_wrap=True)
    for each in changes:
        console.print(
            f"{escape(each.table)}：改 {each.changed} 行，增 {each.added} 行，删 {each.removed} 行 / "
            f"{each.changed} rows changed, {each.added} added, {each.removed} removed"
        )
    console.print(f"{escape(str(out))}；下一步 next: xinqiao policy check {escape(str(out))}")


def _byte_order_mark(policy: str) -> bytes:
    """The mark that a policy file begins with, if it does: it stays like every other byte."""
    path = Path(policy)
    return UTF8_BOM if path.is_file() and path.read_bytes().startswith(UTF8_BOM) else b""
