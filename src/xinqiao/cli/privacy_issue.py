"""``xinqiao privacy issue``: a table of grants as the signed list that data holders take in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from xinqiao.cli.privacy_jobs import ConfigFile
from xinqiao.privacy.agreement.certificate import write_secret
from xinqiao.privacy.agreement.config import read_config
from xinqiao.privacy.agreement.consent_table import issued
from xinqiao.privacy.job.keys import KeyKind

Table = Annotated[
    Path,
    typer.Argument(help="授权 .csv：subject, receiver, purpose, until, revoked / grants and revocations"),
]
Kind = Annotated[KeyKind, typer.Option(help="主体编号的种类 / how subjects are told")]


def privacy_issue(
    table: Table,
    out: Annotated[Path, typer.Option(help="签名的清单写入 .json / file for the signed list")],
    config: ConfigFile = Path("node.toml"),
    key_kind: Kind = "uscc",
) -> None:
    """由授权的签发方签名，交数据方 consents 导入 / the issuer signs grants; data holders take them in."""
    identity = read_config(config).identity()
    told = issued(table, identity, key_kind)
    out.unlink(missing_ok=True)
    write_secret(out, told.model_dump_json().encode())  # it names subjects
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(f"{out}  授权 grants {len(told.grants)}")
    console.print("各数据方的 node.toml 须有 node.toml of the holders needs:")
    console.print(f'[issuers]\n{identity.name} = "{identity.signing_key}"')
