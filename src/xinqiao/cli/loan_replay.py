"""``xinqiao loan replay``: worked loan cases beside what the engine makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from xinqiao.kernel.errors import fail
from xinqiao.kernel.writing import write_whole
from xinqiao.loan.replaying import SHOWN, Replayed, replay

NAMED = 12
"""Wrong events or terms told of one case under the table at most."""
LISTED = 200
"""Cases of the table at most; of more, those that don't agree come first."""
MANY = 100
"""So many cases take long enough to show how far they are."""


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
    replayed, done = replay(document, _tracked)
    write_whole(out, (json.dumps(replayed, ensure_ascii=False, indent=1) + "\n").encode())
    console = Console(soft_wrap=True)
    shown = sorted(done, key=lambda each: each.agrees)[:LISTED] if len(done) > LISTED else done
    console.print(_table(shown))
    for each in shown:
        for told in each.errors[:NAMED]:
            console.print(f"[yellow]{told.code}[/] {escape(told.where)}: {escape(told.what.zh)}")
            console.print(f"  [dim]{escape(told.what.en)}[/]")
    if len(shown) < len(done):
        console.print(f"列出 listed {len(shown)} / {len(done)}", highlight=False)
    agree = sum(each.agrees and each.expects for each in done)
    asked = sum(each.expects or bool(each.errors) for each in done)
    console.print(f"一致 agree {agree} / {asked}  ->  {out}", highlight=False)
    if asked < len(done):
        console.print(f"未给预期，仅计算 nothing expected, worked out {len(done) - asked}", highlight=False)


def _tracked(cases: Sequence[Any]) -> Iterable[Any]:
    return track(
        cases,
        "算例 cases",
        console=Console(stderr=True),
        transient=True,
        disable=len(cases) < MANY,
    )


def _table(done: Sequence[Replayed]) -> Table:
    table = Table("算例 case", "约定 conventions", "一致 agrees", "差异 expected / worked out")
    for each in done:
        told = [*each.differences[:SHOWN], *(["…"] if len(each.differences) > SHOWN else [])]
        sign = "[green]是 yes[/]" if each.agrees else "[red]否 no[/]"
        sign = sign if each.expects or each.errors else "-"
        needs = each.case.get("needs") or ()
        needs = ", ".join(map(str, needs)) if isinstance(needs, list | tuple) else str(needs)
        table.add_row(escape(str(each.case.get("id"))), escape(needs), sign, escape("\n".join(told)))
    return table
