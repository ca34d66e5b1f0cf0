"""``xinqiao privacy consents``: take in a signed list of grants and revocations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from xinqiao.cli.privacy_jobs import ConfigFile, store_of
from xinqiao.kernel.errors import user_error
from xinqiao.privacy.agreement.consents import read_list, take_in


def privacy_consents(
    file: Annotated[Path, typer.Argument(help="签名的授权清单 .json / signed list of consents")],
    config: ConfigFile = Path("node.toml"),
) -> None:
    """导入授权清单，下一项任务起生效 / import consents; they hold from the next job on."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise user_error("PRV-CONSENT-LIST", str(file), detail=error.strerror or str(error)) from error
    with store_of(config) as store, store.transaction() as tx:
        told = read_list(data, str(file), store.policy.issuers)
        changed = take_in(tx, store.identity, store.institution, told)
    Console(soft_wrap=True, highlight=False).print(
        f"{told.issuer}  授权 grants {len(told.grants)}  更新 changed {changed}"
    )
