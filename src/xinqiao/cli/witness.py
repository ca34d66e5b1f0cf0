"""``xinqiao witness``: follow a log and cosign it, as long as it only grows."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import httpx2
import typer
from rich.console import Console

from xinqiao.cli.main import show
from xinqiao.evidence.log_client import LogClient
from xinqiao.evidence.note import SigningKey
from xinqiao.evidence.trust import Trust, text_of
from xinqiao.evidence.witness import Witness
from xinqiao.kernel.errors import UserError, fail
from xinqiao.kernel.suite import SUITES, suite_named
from xinqiao.kernel.writing import write_whole


def witness(
    *,
    log: Annotated[str, typer.Option(help="平台网址 / address of the platform")],
    key: Annotated[Path, typer.Option(help="签名密钥文件；没有时生成 / signing key; made if there is none")],
    state: Annotated[Path, typer.Option(help="状态文件夹 / folder of what was seen")],
    keys: Annotated[
        Path | None,
        typer.Option(help="从平台以外得到的公钥文件；没有时记住首次所见 / public keys got elsewhere"),
    ] = None,
    name: Annotated[str, typer.Option(help="生成密钥时的见证方名称 / name for a new key")] = "",
    suite: Annotated[
        str, typer.Option(help=f"新密钥的套件 / suite of a new key: {', '.join(SUITES)}")
    ] = "international",
    every: Annotated[float, typer.Option(min=1, help="间隔秒数 / seconds between looks")] = 5,
    once: Annotated[bool, typer.Option("--once", help="只做一次 / once only")] = False,
) -> None:
    """为日志共同签名；回退或分叉时拒绝 / cosign a log; refuse one that is rolled back or forked."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    signing = _signing_key(key, name, suite, console)
    with httpx2.Client(base_url=log, timeout=30) as web:
        client = LogClient(web)
        trusted = Trust.read(keys).log if keys is not None else client.key()
        mine = Witness.opened(state, signing, trusted)
        while True:
            try:
                size = client.round(mine)
                if size is not None:
                    console.print(f"已签 cosigned  {trusted.name}  {size}")
            except UserError as error:
                if once or error.code == "EVD-FORK":
                    raise
                show(error, console)
            if once:
                return
            time.sleep(every)


def _signing_key(path: Path, name: str, suite: str, console: Console) -> SigningKey:
    """The key of the file, made where there is none; its public half is shown for the operator."""
    if not path.exists():
        if not name:
            fail("EVD-NAME", str(path))
        made = SigningKey.generate(name, "witness", suite_named(suite, "--suite"))
        write_whole(path, f"{made.write()}\n".encode(), 0o600)
    key = SigningKey.read(text_of(path), str(path))
    if key.public.use != "witness":
        fail("EVD-KEY", str(path), detail="not a witness's key")
    console.print(f"公钥 public key  {key.public}", markup=False)
    return key
