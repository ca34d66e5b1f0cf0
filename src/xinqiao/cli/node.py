"""``xinqiao node``: a party's node, until it is stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xinqiao.privacy.agreement.config import read_config
from xinqiao.privacy.node.node import serve

File = Annotated[Path, typer.Option("--config", help="节点配置 / the node's configuration")]


def node(config: File = Path("node.toml")) -> None:
    """启动本方隐私计算节点，日志写到标准错误 / run this party's node; its log goes to standard error."""
    serve(read_config(config))
