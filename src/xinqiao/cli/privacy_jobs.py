"""``xinqiao privacy jobs``: this party's jobs and how they stand."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from xinqiao.kernel.clock import CHINA
from xinqiao.kernel.errors import user_error
from xinqiao.privacy.agreement import job_rows
from xinqiao.privacy.agreement.config import read_config
from xinqiao.privacy.agreement.store import Store
from xinqiao.privacy.node.node import opened_database, opened_store

ConfigFile = Annotated[Path, typer.Option(help="节点配置 node.toml / configuration of the node")]
JobId = Annotated[str, typer.Argument(help="任务编号 / id of the job")]
ID_LETTERS = 36
"""Other commands need an id whole, however narrow the window is."""


def privacy_jobs(config: ConfigFile = Path("node.toml")) -> None:
    """任务列表 / this party's jobs, the latest first."""
    with store_of(config) as store, store.transaction() as tx:
        found = job_rows.jobs(tx)
    table = Table(box=None)
    table.add_column("任务 job", min_width=ID_LETTERS)
    for title in ("类型 kind", "用途 purpose", "提出方 by", "状态 state", "进度", "时间 at", ""):
        table.add_column(title)
    for row in found:
        told, at = row.manifest, row.proposed_at.astimezone(CHINA)
        table.add_row(
            str(row.id),
            told.kind,
            told.purpose,
            told.made_by,
            row.state,
            f"{row.progress:.0%}",
            f"{at:%Y-%m-%d %H:%M}",
            escape(row.error),  # as another party told it
        )
    Console(soft_wrap=True, highlight=False).print(table)


@contextlib.contextmanager
def store_of(config: Path) -> Iterator[Store]:
    """The party's store, beside its node or without it. Raises UserError of the configuration or database."""
    told = read_config(config)
    with opened_database(told) as database:
        yield opened_store(told, database)


def text_of(path: Path) -> str:
    """A file's text. Raises UserError PRV-DRAFT."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise user_error("PRV-DRAFT", str(path), detail=str(error)) from error
