"""``xinqiao privacy propose``: a job from a draft, signed by this party; its node tells the others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from xinqiao.cli.privacy_jobs import ConfigFile, store_of, text_of
from xinqiao.cli.privacy_show import learnt
from xinqiao.privacy.agreement.draft import manifest_of, read_draft


def privacy_propose(
    draft: Annotated[Path, typer.Argument(help="任务草稿 .toml / draft of the job")],
    config: ConfigFile = Path("node.toml"),
    by: Annotated[str, typer.Option(help="提出人 / who proposes it")] = "command line",
) -> None:
    """提出并签署一项任务 / propose a job and sign it: the others decide by their own rules."""
    console = Console(soft_wrap=True, highlight=False, markup=False)
    with store_of(config) as store:
        manifest = manifest_of(
            read_draft(text_of(draft), str(draft)), store.identity, store.policy, str(draft)
        )
        row = store.propose(manifest, by)
    console.print(f"任务 job  {row.id}  {row.state}")
    for line in learnt(manifest):
        console.print(line)
