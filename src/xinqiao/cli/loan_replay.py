"""``xinqiao loan replay``: worked loan cases beside what the engine makes of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from xinqiao.kernel.errors import fail
from xinqiao.kernel.writing import write_whole
from xinqiao.loan.replaying import SHOWN, Replayed, replay

NAMED = 12
"""Wrong events or terms told under the table at most."""


def loan_replay(
    file: Annotated[Path, typer.Argument(metavar="FILE.json", help="贷款算例 / worked loan cases")],
    out: Annotated[Path, typer.Option(help="结果文件 / the same cases with `actual` beside `expect`")],
) -> None:
    """按条件和事项重算贷款算例，与预期并列 / loans worked out from their terms and events."""
    try:
        document = json.loads(file.read_text("utf-8"))
        json.dumps(document, ensure_ascii=False).encode()  # half a character can't be written back
    except OSError as error:
        fail("LON-CASE-FILE", str(file), detail=error.strerror or "")
    except (ValueError, RecursionError) as error:
        fail("LON-CASE-FILE", str(file), detail=str(error))
    if not isinstance(document, dict):
        fail("LON-CASE-FILE", str(file), detail="{}")
    replayed, done = replay(document)
    write_whole(out, (json.dumps(replayed, ensure_ascii=False, indent=1) + "\n").encode())
    console = Console(soft_wrap=True)
    console.print(_table(done))
    for each in done:
        for told in each.errors[:NAMED]:
            console.print(f"[yellow]{told.code}[/] {escape(told.where)}: {escape(told.what.zh)}")
            console.print(f"  [dim]{escape(told.what.en)}[/]")
    agree = sum(each.agrees for each in done)
    console.print(f"一致 agree {agree} / {len(done)}  ->  {out}", highlight=False)


def _table(done: tuple[Replayed, ...]) -> Table:
    table = Table("算例 case", "约定 conventions", "一致 agrees", "差异 expected / worked out")
    for each in done:
        told = [*each.differences[:SHOWN], *(["…"] if len(each.differences) > SHOWN else [])]
        sign = "[green]是 yes[/]" if each.agrees else "[red]否 no[/]"
        needs = each.case.get("needs") or ()
        needs = ", ".join(map(str, needs)) if isinstance(needs, list | tuple) else str(needs)
        table.add_row(escape(str(each.case.get("id"))), escape(needs), sign, escape("\n".join(told)))
    return table
