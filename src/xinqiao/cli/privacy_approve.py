"""``xinqiao privacy approve``: let a waiting job be signed; the node signs it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from xinqiao.cli.privacy_jobs import ConfigFile, JobId, store_of
from xinqiao.cli.privacy_show import asked, learnt
from xinqiao.privacy.agreement import job_rows
from xinqiao.privacy.agreement.job_rows import job_id


def privacy_approve(
    job: JobId,
    config: ConfigFile = Path("node.toml"),
    by: Annotated[str, typer.Option(help="批准人 / who approves")] = "command line",
    words: Annotated[str, typer.Option(help="说明 / words")] = "",
) -> None:
    """批准等待中的任务（先用 show 查看）/ approve a waiting job; `show` tells beforehand who learns what."""
    console = Console(soft_wrap=True, highlight=False, markup=False)
    with store_of(config) as store, store.transaction() as tx:
        row = job_rows.approve(tx, job_id(job), by, words)
        for line in (*asked(row.manifest), *learnt(row.manifest)):  # what can't be told is not approved
            console.print(line)
    console.print(f"任务 job  {row.id}  {row.state}")
