"""``xinqiao control``: the ultimate holders and the actual controller of one company, with the chains."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.writing import write_whole
from xinqiao.relation.drawing import drawn
from xinqiao.relation.paths import LONGEST
from xinqiao.relation.penetration import Penetration, Step, penetrate
from xinqiao.run.settings import find_lake, read_date
from xinqiao.source.lake import Lake

LakeFolder = Annotated[Path, typer.Option(help="数据湖 / folder of the lake")]
Company = Annotated[str, typer.Option(help="企业代号 / company id")]
AsOf = Annotated[str, typer.Option(help="时点 YYYY-MM-DD / date T")]
Threshold = Annotated[float, typer.Option(help="最终持股门槛 / ultimate stakes from this share on")]
Svg = Annotated[Path | None, typer.Option(help="另存股权图 SVG / draw the chains into this file")]
Json = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]

NOT_LISTED = f"[dim]长于 {LONGEST} 层，未列出 / longer than {LONGEST} layers, not listed[/]"
KINDS = {"company": "企业 company", "person": "个人 person"}


def control(
    company: Company,
    as_of: AsOf,
    lake: LakeFolder = Path("xinqiao-out/lake"),
    *,
    threshold: Threshold = 0.25,
    svg: Svg = None,
    json_: Json = False,
) -> None:
    """穿透一家企业的最终股东与实际控制人 / ultimate holders and the actual controller of a company."""
    found = penetrate(Lake(find_lake(lake)), read_date(as_of, "--as-of"), company, threshold)
    if svg is not None:
        write_whole(svg, drawn(found).encode())
    if json_:
        typer.echo(canonical_json(found.as_json()).decode())
    else:
        _show(found, Console(), svg)


def _show(found: Penetration, console: Console, svg: Path | None) -> None:
    console.print(f"{escape(found.company.id)}  截至 as of {found.as_of}  {found.state.zh}")
    console.print(f"[dim]{found.state.en}[/]")
    if found.controller is not None:
        who = f"{escape(found.controller.id)}（{KINDS[found.controller.kind]}）"
        share = f"最终持股 ultimate stake {found.controller_share:.2%}"
        console.print(f"[bold]实际控制人 actual controller[/] {who}")
        console.print(f"  表决权 votes {found.votes:.2%}   {share}   层级 layers {found.layers}")
        for chain in found.control_chains:
            console.print(f"  {_chain(chain)}")
    console.print(_table(found))
    for zh, en, value in (
        ("未记录的股权", "equity whose holder or share is not recorded", found.unknown),
        ("循环持股、尽头无人", "held in a circle with nobody at its end", found.circular),
        ("过小而未再追溯", "too small to be followed", found.rest),
    ):
        if value > 0:
            console.print(f"{zh} {value:.2%}  [dim]{en}[/]")
    if found.recorded > 1.0 + 1e-9:
        console.print(f"[yellow]登记的持股合计 {found.recorded:.2%}，已按 100% 折算[/]")
        console.print(f"[dim]recorded shares add up to {found.recorded:.2%}; scaled down to 100 %[/]")
    if svg is not None:
        console.print(escape(str(svg)))


def _table(found: Penetration) -> Table:
    table = Table(title=f"最终股东（{found.threshold:.0%} 以上）/ ultimate holders", title_justify="left")
    for heading in ("股东 holder", "类型 kind"):
        table.add_column(heading, overflow="fold")
    for heading in ("最终持股 stake", "至多 at most"):
        table.add_column(heading, justify="right")
    table.add_column("持股路径 chains", overflow="fold")
    for holder in found.holders:
        chains = "\n".join(_chain(chain) for chain in holder.chains) or NOT_LISTED
        stake, most = f"{holder.share:.2%}", f"{holder.at_most:.2%}"
        table.add_row(escape(holder.party.id), KINDS[holder.party.kind], stake, most, chains)
    return table


def _chain(chain: tuple[Step, ...]) -> str:
    """From the holder down to the company, with the share at each step."""
    steps = "".join(f" →{step.share:.2%}→ {escape(step.firm.id)}" for step in reversed(chain))
    return f"{escape(chain[-1].holder.id)}{steps}"
