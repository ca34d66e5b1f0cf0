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
from xinqiao.scoring.overlay import deepest
from xinqiao.scoring.segment import GENERAL


class Target(StrEnum):
    """What a card can be written as."""

    python = "python"
    sql_duckdb = "sql-duckdb"
    sql_postgres = "sql-postgres"
    pmml = "pmml"
    json = "json"


def card_export(  # noqa: PLR0917 - one parameter an option
    to: Annotated[Target, typer.Option(help="目标格式 / what to write")],
    run: Annotated[Path | None, typer.Option(help="运行结果文件夹 / folder of a run")] = None,
    card: Annotated[Path | None, typer.Option(help="评分卡或模型 JSON / card or model file")] = None,
    table: Annotated[str, typer.Option(help="SQL 读取的表 / table the SQL reads")] = "applicants",
    out: Annotated[Path | None, typer.Option(help="输出文件，默认打印 / file to write")] = None,
    segment: Annotated[
        str | None,
        typer.Option(help="客群（分客群的模型）/ segment, of a model that has them; general: 通用卡"),
    ] = None,
    industry: Annotated[
        str | None, typer.Option(help="行业代码，取其叠加分值 / industry whose overlay is exported")
    ] = None,
) -> None:
    """把评分卡导出为别的引擎可用的形式，得分逐位相同 / a card for another engine, same scores."""
    if (run is None) == (card is None):
        fail("SCR-OPTION", "card export", detail="--run DIR | --card FILE")
    found = _card(card if card is not None else Path(run or "") / "model" / "model.json", segment, industry)
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


def _card(path: Path, segment: str | None, industry: str | None) -> Card:
    """The card in a card's or a model's JSON file; raises UserError SCR-CARD-FORMAT, SCR-OPTION."""
    try:
        data = path.read_bytes()
        kind = json.loads(data).get("format")
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise user_error("SCR-CARD-FORMAT", str(path), detail=str(error)) from error
    model = Model.from_json(data) if kind == "xinqiao.model" else None
    if model is not None and model.routes:
        return _routed(model, segment, industry)
    if segment is not None or industry is not None:
        fail(
            "SCR-OPTION",
            "card export",
            detail="--segment, --industry: 只用于分客群的模型 / only of a segmented model",
        )
    return Card.from_json(data) if model is None else model.card


def _routed(model: Model, segment: str | None, industry: str | None) -> Card:
    """The card that serves an industry of a segment: one export a card, as each is one table of points."""
    known = [route.segment for route in model.routes]
    if segment == GENERAL and industry is None:
        return model.card
    if segment not in known:
        fail("SCR-OPTION", "card export", detail=f"--segment {' | '.join([*known, GENERAL])}")
    route = model.route(segment)
    return route.part(deepest(industry, route.codes)).card
