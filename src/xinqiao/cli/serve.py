"""``xinqiao serve``: the four portals and the API, with the database inside or beside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from xinqiao.portal.serving import Address, opened, run

Home = Annotated[Path, typer.Option(help="平台文件夹：数据库、密钥 / folder of the platform: database, keys")]
Host = Annotated[str, typer.Option(help="监听地址 / address to listen on")]
Port = Annotated[int, typer.Option(help="端口 / port", min=1, max=65535)]
Public = Annotated[
    str | None, typer.Option(help="对外网址，https 时启用安全 Cookie / the address people type")
]


def serve(
    home: Home = Path("xinqiao-home"),
    host: Host = "127.0.0.1",
    port: Port = 8650,
    public: Public = None,
) -> None:
    """启动平台：四个门户与接口 / start the platform: four portals and the API."""
    address = Address(host, port, public)
    console = Console()
    with opened(home, address) as platform:
        console.print(f"信桥 Xinqiao  {address.url}  （Ctrl-C 停止 / stops）")
        run(platform, address)
    console.print("已停止 / stopped")
