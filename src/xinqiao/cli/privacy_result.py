"""``xinqiao privacy result``: what this party got of a job, its rows as Parquet, and the job's proof."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from xinqiao.cli.privacy_jobs import ConfigFile, JobId, store_of
from xinqiao.evidence.proof import bundle, log_key
from xinqiao.kernel.errors import fail
from xinqiao.kernel.writing import write_whole
from xinqiao.privacy.agreement import job_rows
from xinqiao.privacy.agreement.certificate import write_secret
from xinqiao.privacy.agreement.job_proof import proof_of
from xinqiao.privacy.agreement.job_rows import job_id


def privacy_result(
    *,
    job: JobId,
    config: ConfigFile = Path("node.toml"),
    rows: Annotated[Path | None, typer.Option(help="结果行写入 .parquet / file for the rows")] = None,
    proof: Annotated[Path | None, typer.Option(help="证明写入 .json / file for the proof")] = None,
    evidence: Annotated[
        Path | None, typer.Option(help="存证写入 .json，用 xinqiao verify 核验 / file for the log's proof")
    ] = None,
    open_: Annotated[
        bool, typer.Option("--open", help="证明中出示结果 / show the result in the proof")
    ] = False,
) -> None:
    """查看结果，导出结果行与证明 / the result; its rows and proof as files."""
    console = Console(soft_wrap=True, highlight=False)
    with store_of(config) as store, store.transaction() as tx:
        row, kept = job_rows.one(tx, job_id(job)), job_rows.result(tx, job_id(job))
        if kept is None:
            fail("PRV-STATE", job, state=row.state, wanted="done")
        if proof is not None:
            write_whole(proof, proof_of(tx, row, store.identity.name, show_result=open_).write())
        if evidence is not None:
            write_whole(evidence, bundle(tx, kept.evidence).write())
            console.print(f"{evidence}  log {log_key(tx)}", markup=False)
    if rows is not None and kept.delivered is not None:
        rows.unlink(missing_ok=True)
        write_secret(rows, kept.delivered)
    for name, value in kept.told.items():
        console.print(f"{name}: {value}", markup=False)
