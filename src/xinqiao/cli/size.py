"""``xinqiao size``: the size class of one firm, or of every row of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from xinqiao.enterprise.size import NAMES, read_size
from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.errors import fail

Industry = Annotated[
    str | None, typer.Option(help="GB/T 4754-2017 行业代码 / industry code, e.g. C1311, 1311, 13")
]
Staff = Annotated[str | None, typer.Option(metavar="PERSONS", help="从业人员（人）/ persons employed")]
Revenue = Annotated[str | None, typer.Option(metavar="万元", help="营业收入（万元）/ revenue, 10,000 CNY")]
Assets = Annotated[
    str | None, typer.Option(metavar="万元", help="资产总额（万元）/ total assets, 10,000 CNY")
]
Json = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]
CsvFile = Annotated[Path | None, typer.Option("--csv", help="批量：输入表 / many firms: a table")]
Out = Annotated[Path | None, typer.Option(help="批量：输出表 / many firms: where to write")]


def size(
    industry: Industry = None,
    staff: Staff = None,
    revenue: Revenue = None,
    assets: Assets = None,
    *,
    json_: Json = False,
    csv: CsvFile = None,
    out: Out = None,
) -> None:
    """按国家标准划型：大型、中型、小型、微型 / the size class of a firm by the national standard."""
    single = (industry, staff, revenue, assets)
    if csv is not None and out is not None and not json_ and all(each is None for each in single):
        from xinqiao.cli.size_table import size_table  # noqa: PLC0415 - one answer need not wait for Polars

        size_table(csv, out)
        return
    if csv is not None or out is not None or industry is None:
        fail("ENT-SIZE-OPTION", "size", detail="--industry | --csv --out")
    answer = read_size(industry, {"staff": staff, "revenue_10k": revenue, "assets_10k": assets})
    if json_:
        typer.echo(canonical_json({"size": answer.size, "reason": str(answer.reason)}).decode())
        return
    word = NAMES[answer.size]
    console = Console(soft_wrap=True)
    console.print(f"[bold]{word.zh} {word.en}[/]  {answer.size}")
    console.print(f"  {escape(answer.reason.zh)}\n  [dim]{escape(answer.reason.en)}[/]")
