"""``xinqiao card export``: a points card for another engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from xinqiao.kernel.errors import fail, user_error
from xinqiao.kernel.writing import write_whole
from xinqiao.scoring.card import Card
from xinqiao.scoring.export.pmml import to_pmml
from xinqiao.scoring.export.python import to_python
from xinqiao.scoring.export.sql import to_sql
from xinqiao.scoring.model import Model


class Target(StrEnum):
    """What a card can be written as."""

    python = "python"
    sql_duckdb = "sql-duckdb"
    sql_postgres = "sql-postgres"
    pmml = "pmml"
    json = "json"


def card_export(
    to: Annotated[Target, typer.Option(help="目标格式 / what to write")],
    run: Annotated[Path | None, typer.Option(help="运行结果文件夹 / folder of a run")] = None,
    card: Annotated[Path | None, typer.Option(help="评分卡或模型 JSON / card or model file")] = None,
    table: Annotated[str, typer.Option(help="SQL 读取的表 / table the SQL reads")] = "applicants",
    out: Annotated[Path | None, typer.Option(help="输出文件，默认打印 / file to write")] = None,
) -> None:
    """把评分卡导出为别的引擎可用的形式，得分逐位相同 / a card for another engine, same scores."""
    if (run is None) == (card is None):
        fail("SCR-OPTION", "card export", detail="--run DIR | --card FILE")
    found = _card(card if card is not None else Path(run or "") / "model" / "model.json")
    writers: dict[Target, Callable[[], str]] = {
        Target.python: lambda: to_python(found),
        Target.sql_duckdb: lambda: to_sql(found, "duckdb", table),
        Target.sql_postgres: lambda: to_sql(found, "postgres", table),
        Target.pmml: lambda: to_pmml(found),
        Target.json: lambda: found.to_json().decode(),
    }
    data = writers[to]().encode()
    if out is None:
        typer.echo(data, nl=False)
        return
    write_whole(out, data)
    told = f"{len(found.variables)} 个变量 variables, {len(data):,} 字节 bytes"
    Console(soft_wrap=True).print(f"{escape(str(out))}: {to.value}, {told}")


def _card(path: Path) -> Card:
    """The card in a card's or a model's JSON file; raises UserError SCR-CARD-FORMAT."""
    try:
        data = path.read_bytes()
        kind = json.loads(data).get("format")
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise user_error("SCR-CARD-FORMAT", str(path), detail=str(error)) from error
    return Model.from_json(data).card if kind == "xinqiao.model" else Card.from_json(data)
