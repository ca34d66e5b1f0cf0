"""``xinqiao catalogue``: the data catalogue as a page, or the check of a contract before it is registered."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from xinqiao.kernel.errors import fail, user_error
from xinqiao.kernel.quantity import percent
from xinqiao.kernel.text import Text
from xinqiao.report.catalogue import Catalogue, catalogue_of, catalogue_page
from xinqiao.report.page import write_page
from xinqiao.run.settings import find_lake
from xinqiao.scoring.model import Model
from xinqiao.source.contract import load_contract
from xinqiao.source.lake import Lake

LakeFolder = Annotated[Path, typer.Option(help="数据湖 / folder of the lake")]
ModelFile = Annotated[Path | None, typer.Option(help="模型，标出入模指标 / a model, to mark what it uses")]
Out = Annotated[Path, typer.Option(help="写出的网页 / the page to write")]
Generated = Annotated[bool, typer.Option("--generated", help="数据为生成数据 / the data is generated")]
CheckFile = Annotated[
    Path | None, typer.Option("--check", help="登记前检查数据契约 / check a contract before it is registered")
]
MOST_BYTES = 64_000_000
"""Of a contract or a model."""


def catalogue(
    lake: LakeFolder = Path("xinqiao-out/demo/lake"),
    model: ModelFile = None,
    out: Out = Path("xinqiao-out/catalogue.html"),
    generated: Generated = False,  # noqa: FBT002 - a flag of the command line
    check: CheckFile = None,
) -> None:
    """数据目录：持有方、粒度、敏感级、依据、覆盖、质量与血缘 / sources, quality and lineage."""
    console = Console()
    if check is not None:
        contract = load_contract(_read(check), check.name)
        console.print(f"✓ {contract.id}: {len(contract.fields)} 个字段 fields, {contract.level}")
        return
    name = Text(zh=f"数据湖 {lake}", en=f"lake {lake}")
    used = () if model is None else [v.name for v in Model.from_json(_read(model)).card.variables]
    page = catalogue_of(Lake(find_lake(lake)), name, used, generated=generated)
    write_page(out, catalogue_page(page))
    console.print(_table(page))
    console.print(escape(str(out)))


def _read(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            fail("CAT-FILE", str(path), detail="folder or device")
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            fail("CAT-FILE", str(path), detail=f"> {MOST_BYTES:,} bytes")
        return data.decode("utf-8")
    except (OSError, ValueError) as error:
        detail = getattr(error, "strerror", None) or str(error)
        raise user_error("CAT-FILE", str(path), detail=detail) from error


def _table(page: Catalogue) -> Table:
    table = Table(title="数据目录 / data catalogue")
    for heading in ("源 source", "级 level"):
        table.add_column(heading)
    for heading in ("行 rows", "覆盖 coverage", "质量 quality", "指标 indicators"):
        table.add_column(heading, justify="right")
    for entry in page.sources:
        scores = [c.quality.score for c in entry.contracts if c.quality.score is not None]
        shares = [c.quality.coverage for c in entry.contracts if c.quality.coverage is not None]
        table.add_row(
            f"{entry.id} {entry.source.name.zh}",
            entry.source.sensitivity,
            f"{sum(c.quality.kept for c in entry.contracts):,}",
            percent(max(shares), 0) if shares else "—",
            f"{sum(scores) / len(scores):.0f}" if scores else "—",
            str(len(entry.indicators)),
        )
    return table
