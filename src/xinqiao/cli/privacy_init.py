"""``xinqiao privacy init``: files of a new node, and other parties' cards pinned in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from xinqiao.kernel.errors import fail
from xinqiao.privacy.node.node_files import CONFIG, Card, add_peer, make_node, read_card
from xinqiao.privacy.node.node_files import renew as renewed

Home = Annotated[Path, typer.Option(help="节点文件夹 / the node's folder")]
Named = Annotated[str, typer.Option(help="本方名称，小写字母开头 / this party's name")]
Listen = Annotated[str, typer.Option(help="监听地址 / address to listen on, host:port")]
Public = Annotated[
    str | None, typer.Option("--address", help="对方连接本方的地址 / where the others reach it")
]
Peers = Annotated[
    list[Path] | None, typer.Option("--peer", help="登记对方名片，可多次 / another party's card; repeatable")
]
Renew = Annotated[
    bool, typer.Option("--renew", help="换发本方证书和名片 / a new certificate and card for this party")
]
ANYWHERE = ("0.0.0.0:", "[::]:")


def privacy_init(
    *,
    home: Home = Path("xinqiao-node"),
    name: Named = "",
    listen: Listen = "0.0.0.0:9310",
    address: Public = None,
    peer: Peers = None,
    renew: Renew = False,
) -> None:
    """生成本方节点文件，或登记对方 / make this party's node, or pin other parties."""
    console = Console(soft_wrap=True, highlight=False, markup=False)
    if renew:
        _shown(console, home, renewed(home))
    elif not (home / CONFIG).exists():
        if not name:
            fail("PRV-CONFIG", "--name", detail="--name")
        console.print(f"已生成 made  {home / CONFIG}")
        _shown(console, home, make_node(home, name, listen, address))
    for file in peer or []:
        card = read_card(file)
        add_peer(home, card)
        console.print(f"已登记 pinned  {card.name}\n  {card.fingerprint}")


def _shown(console: Console, home: Path, card: Card) -> None:
    console.print(f"交给对方 give to the others  {home / f'{card.name}.party.json'}")
    if str(card.address).startswith(ANYWHERE):
        console.print(f"名片上的 {card.address} 对方无法连接 nobody can call that address: --address")
    console.print(f"名片指纹（请电话核对）the card's fingerprint, to compare by phone\n  {card.fingerprint}")
