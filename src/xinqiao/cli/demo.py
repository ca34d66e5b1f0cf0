"""``xinqiao demo``: a generated city scored, published and served, with people to sign in as."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from xinqiao.cli.serve import Host, Port
from xinqiao.cli.show import Steps
from xinqiao.portal.demo import SignIn, furnish
from xinqiao.portal.serving import Address, opened, run
from xinqiao.run.job import DEMO_AS_OF, Job, generated_source
from xinqiao.run.publish import publish_run
from xinqiao.run.stages import exclusive


def demo(
    out: Annotated[Path, typer.Option(help="输出目录 / output folder")] = Path("xinqiao-out/demo"),
    companies: Annotated[
        int, typer.Option(help="示范企业数 / number of generated firms", min=200, max=20_000)
    ] = 500,
    host: Host = "127.0.0.1",
    port: Port = 8650,
    seed: Annotated[int, typer.Option(help="随机种子 / seed")] = 1,
    *,
    serve: Annotated[bool, typer.Option(help="完成后启动网站 / start the web site at the end")] = True,
) -> None:
    """生成示范城市、评分、入库并启动四个门户 / a generated city, scored and served."""
    console = Console()
    address = Address(host, port)
    with exclusive(out / "run"):
        with Steps(Console(stderr=True)) as steps:
            source = generated_source(out / "run", seed, steps, companies)
            job = Job(out / "run", source, DEMO_AS_OF, steps)
            job.prepare()
        with opened(out / "platform", address, generated=True) as platform:
            with Steps(Console(stderr=True)) as steps:
                publish_run(job, platform.database, steps)
                people = furnish(platform, seed, steps)
            _show(console, address, people)
            if serve:
                run(platform, address)


def _show(console: Console, address: Address, people: list[SignIn]) -> None:
    console.print("[bold yellow]生成数据，非真实企业 / generated data, no real companies[/]")
    table = Table(title=f"打开 open  {address.url}")
    for heading in ("身份 who", "手机号 telephone", "口令 password", "可做 can do"):
        table.add_column(heading, overflow="fold")
    for one in people:
        table.add_row(one.who, one.telephone, one.password, one.can)
    console.print(table)
