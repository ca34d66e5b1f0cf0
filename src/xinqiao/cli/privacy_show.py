"""``xinqiao privacy show``: one job as a person needs to see it before deciding."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from xinqiao.cli.privacy_jobs import ConfigFile, JobId, store_of
from xinqiao.kernel.clock import CHINA
from xinqiao.privacy.agreement import job_rows
from xinqiao.privacy.agreement.job_rows import job_id
from xinqiao.privacy.job.kind import kind_of
from xinqiao.privacy.job.manifest import Input, Manifest


def privacy_show(job: JobId, config: ConfigFile = Path("node.toml")) -> None:
    """一项任务：请求了什么、谁会知道什么、经过 / what a job asks, who learns what, what happened."""
    with store_of(config) as store, store.transaction() as tx:
        row, happened = job_rows.one(tx, job_id(job)), job_rows.events(tx, job_id(job))
        signed = job_rows.signers(tx, row.id)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    for line in (*asked(row.manifest), *learnt(row.manifest)):
        console.print(line)
    console.print(f"已签 signed  {', '.join(sorted(signed)) or '-'}")
    for event in happened:
        at = event.at.astimezone(CHINA)
        console.print(f"  {at:%Y-%m-%d %H:%M:%S}  {event.state}  {event.by_name}  {event.words}")


def asked(manifest: Manifest) -> Iterator[str]:
    """What a job is, line by line: plain text, for another party wrote it."""
    yield f"任务 job  {manifest.job}  {manifest.kind}  用途 purpose {manifest.purpose}"
    yield f"提出方 by  {manifest.made_by}  有效至 until {manifest.expires:%Y-%m-%d %H:%M %Z}"
    for name, value in manifest.params.items():
        yield f"  {name!r}: {value!r}"
    for party in manifest.parties:
        yield f"  {party.name}  {party.role}  {'-' if party.input is None else _brought(party.input)}"


def _brought(brought: Input) -> str:
    consents = brought.consents
    ground = f"授权 grants, {consents.missing}" if consents.basis == "subjects" else repr(consents.ground)
    columns = ", ".join([*([] if brought.key is None else [brought.key]), *brought.columns])
    return f"{brought.source} ({columns})  {brought.rows_at_least}-{brought.rows_at_most} 行 rows  {ground}"


def learnt(manifest: Manifest) -> Iterator[str]:
    """Who learns what. Raises UserError PRV-KIND, PRV-MANIFEST where this program can't tell."""
    for name, told in kind_of(manifest).learns(manifest).items():
        for what in told:
            yield f"  {name} 得知 learns: {what.zh}\n    {what.en}"
