"""``xinqiao privacy retry``: try a failed job again, at the party that made it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from xinqiao.cli.privacy_jobs import ConfigFile, JobId, store_of
from xinqiao.privacy.agreement import job_rows
from xinqiao.privacy.agreement.job_rows import job_id


def privacy_retry(
    job: JobId,
    config: ConfigFile = Path("node.toml"),
    by: Annotated[str, typer.Option(help="操作人 / who asks for it")] = "command line",
) -> None:
    """重试失败的任务 / try a failed job again, while attempts are left."""
    with store_of(config) as store, store.transaction() as tx:
        job_rows.retry(tx, job_id(job), by)
    Console(soft_wrap=True, highlight=False).print(f"任务 job  {job}  重试 again")
