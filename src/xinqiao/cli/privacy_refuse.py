"""``xinqiao privacy refuse``: refuse a job that does not run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from xinqiao.cli.privacy_jobs import ConfigFile, JobId, store_of
from xinqiao.privacy.agreement import job_rows
from xinqiao.privacy.agreement.job_rows import job_id


def privacy_refuse(
    job: JobId,
    config: ConfigFile = Path("node.toml"),
    by: Annotated[str, typer.Option(help="拒绝人 / who refuses")] = "command line",
    words: Annotated[str, typer.Option(help="理由，不告知对方 / reason, kept here")] = "",
) -> None:
    """拒绝一项任务 / refuse a job; the others learn that, not why."""
    with store_of(config) as store, store.transaction() as tx:
        row = job_rows.refuse(tx, job_id(job), by, words)
    Console(soft_wrap=True, highlight=False).print(f"任务 job  {row.id}  {row.state}")
