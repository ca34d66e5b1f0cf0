"""``xinqiao demo-privacy``: seven nodes on loopback play every kind of job over generated data."""

from __future__ import annotations

import json
import math
import shutil
import signal
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from xinqiao.kernel.errors import fail
from xinqiao.privacy.agreement.job_proof import verify
from xinqiao.privacy.demo import demo_nodes
from xinqiao.privacy.demo.demo_compare import beyond, distances
from xinqiao.privacy.demo.demo_data import PARTIES, generate
from xinqiao.privacy.demo.demo_jobs import PLAYS, Play
from xinqiao.privacy.demo.demo_nodes import Ending, Node
from xinqiao.privacy.job.kind import kind_of, kinds
from xinqiao.privacy.job.manifest import Manifest

MARK = "GENERATED"
SHOWN = 240
"""Characters of a result."""
ASKS = "tax"
"""The party whose people approve each job."""
MARKETS = "bank"
"""The party that would like to use the others' data for marketing."""


def demo_privacy(
    out: Annotated[Path, typer.Option(help="文件夹，重新生成 / folder, made anew")] = Path(
        "xinqiao-out/demo-privacy"
    ),
    firms: Annotated[int, typer.Option(help="生成企业数 / generated firms", min=300, max=5_000)] = 800,
    seed: Annotated[int, typer.Option(help="随机种子 / seed")] = 1,
    only: Annotated[
        list[str] | None, typer.Option(help="只演示这些任务，可多次 / only these jobs; repeatable")
    ] = None,
) -> None:
    """七个节点（各有数据库与证书）演示全部隐私计算任务 / seven nodes play every kind of job."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the nodes end with the demo
    console = Console(soft_wrap=True, highlight=False)
    engine = demo_nodes.engine_python()
    plays = [play for play in PLAYS if (not only or play.name in only) and _known(play, engine)]
    console.print("[bold yellow]生成数据，非真实机构与企业 / generated data, no real institution or firm[/]")
    _fresh(out)
    homes = demo_nodes.write_files(out, generate(firms, seed), asks=ASKS, markets=MARKETS, engine=engine)
    console.print(f"启动 {len(homes)} 个节点 starting {len(homes)} nodes  {escape(str(out))}")
    done: dict[str, Manifest] = {}
    wrong: list[str] = []
    with demo_nodes.running(homes) as nodes:
        for name, node in nodes.items():
            console.print(f"  {name}  {PARTIES[name]}  pid {node.process.pid}")
        for place, play in enumerate(plays, 1):
            console.rule(f"{place}/{len(plays)}  {play.title}")
            if not _played(console, nodes, play, done):
                wrong.append(play.name)
    if wrong:
        fail("PRV-DEMO-DIFFERS", ", ".join(wrong))
    console.print(f"[bold green]{len(plays)} 项全部符合 all {len(plays)} as they should be[/]")


def _known(play: Play, engine: Path | None) -> bool:
    """Whether this program has the kind, and the engine where it is needed; not all names are kinds."""
    if play.engine:
        return engine is not None
    return bool(play.error) or play.name in {"coverage", "threshold"} or play.name in kinds()


def _fresh(out: Path) -> None:
    if out.exists():
        if not (out / MARK).exists():
            fail("PRV-DEMO-FOLDER", str(out))
        shutil.rmtree(out)
    out.mkdir(parents=True)
    (out / MARK).touch()


def _played(console: Console, nodes: dict[str, Node], play: Play, done: dict[str, Manifest]) -> bool:
    """Play one job and tell of it; whether it ended as it should."""
    begun = time.monotonic()
    manifest, ended = demo_nodes.play(nodes, play.draft(done))
    done[play.name] = manifest
    console.print(f"[dim]{manifest.kind}  {manifest.job}  {time.monotonic() - begun:.1f} s[/]")
    if play.error:
        return _refused(console, play, ended)
    for name, ending in ended.items():
        _tell(console, name, manifest, ending)
    if any(ending.row.state != "done" for ending in ended.values()):
        return False
    tables = demo_nodes.brought(nodes, done[play.after]) if play.after else {}
    tables |= demo_nodes.brought(nodes, manifest)
    apart = distances(kind_of(manifest).plain(manifest, tables), ended)
    wrong = beyond(apart, play.close)
    shown = wrong or {name: by for name, by in apart.items() if by < math.inf}
    told = ", ".join(f"{name} {by:.2g}" for name, by in sorted(shown.items()) if by) or "0"
    console.print(f"{_mark(right=not wrong)} 与明文计算相差 differs from plain text by: {told}")
    return not wrong and _verified(console, nodes[manifest.made_by], manifest)


def _mark(*, right: bool) -> str:
    return "[green]✓[/]" if right else "[red]✗[/]"


def _refused(console: Console, play: Play, ended: dict[str, Ending]) -> bool:
    for name, ending in ended.items():
        console.print(f"  {name}: {ending.row.state} {ending.row.error} {escape(ending.row.error_where)}")
    codes = {ending.row.error for ending in ended.values()}
    right = play.error in codes and all(ending.kept is None for ending in ended.values())
    console.print(f"{_mark(right=right)} 没有结果 nothing was delivered: {play.error}")
    return right


def _tell(console: Console, name: str, manifest: Manifest, ending: Ending) -> None:
    """What a party got, and everything it learned of the others."""
    got = "" if ending.kept is None else json.dumps(ending.kept.told, ensure_ascii=False)
    table = ending.table
    rows = "" if table is None else f"  + {table.num_rows} 行 rows ({', '.join(table.column_names)})"
    told = (
        ending.row.state if ending.row.state != "done" else f"{got[:SHOWN]}{'…' if len(got) > SHOWN else ''}"
    )
    console.print(f"[bold]{name}[/]  {escape(told)}{escape(rows)} {ending.row.error}")
    for what in kind_of(manifest).learns(manifest)[name]:
        console.print(f"    得知 learns: {escape(what.zh)} [dim]{escape(what.en)}[/]")


def _verified(console: Console, node: Node, manifest: Manifest) -> bool:
    """The maker's proof, checked as an outsider would."""
    path = node.home / f"{manifest.job}.json"
    deadline = time.monotonic() + 20
    while True:  # receipts of the others arrive a moment later
        path.write_bytes(demo_nodes.proof(node, manifest))
        found = verify(path.read_bytes(), str(path))
        holds = all(each.holds for each in found)
        if holds or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    console.print(f"{_mark(right=holds)} 证明 proof: xinqiao privacy verify {escape(str(path))}")
    return holds
