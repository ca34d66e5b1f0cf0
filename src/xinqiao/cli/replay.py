"""``xinqiao replay``: make a stored decision again and say whether every byte is the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from xinqiao.kernel.canonical import digest
from xinqiao.kernel.errors import UserError, fail, user_error
from xinqiao.policy.replay import Replay
from xinqiao.policy.replay import replay as replay_decision
from xinqiao.policy.runs import known_runs, store_of
from xinqiao.policy.scorer import read_scorer
from xinqiao.policy.store import DecisionStore

DIFFERENT = 1
"""Exit code when a replay is not identical."""
OUT = Path("xinqiao-out")
_ID = re.compile(r"[0-9a-f]{8,32}")


def replay(
    decision_id: Annotated[
        str, typer.Argument(help="决策编号或其前8位以上 / decision id, or 8 or more of its characters")
    ],
    run: Annotated[Path | None, typer.Option(help="运行结果文件夹 / folder of the run")] = None,
    *,
    platform: Annotated[
        Path | None,
        typer.Option(help="平台文件夹：重放平台作出的决策 / the platform's folder: a decision it made"),
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help="打印重放所得的存档 / print the record made again")
    ] = False,
) -> None:
    """逐字节重放一项决策：0 一致，1 不一致 / reproduce a decision: exit 0 identical, 1 different."""
    if platform is not None:
        full, result = _on_platform(decision_id, platform)
        where = platform
    else:
        store, full = _find(decision_id, run)
        result, where = replay_decision(store, full, read_scorer), store.root
    if show:
        typer.echo(result.data.decode())
    console = Console(stderr=show, soft_wrap=True)
    console.print(f"决策 decision {full}  ({where})", highlight=False)
    if result.identical:
        size, head = len(result.data), digest(result.data)[:16]
        console.print(f"[green]逐字节一致 identical[/]  {size} 字节 bytes, sha256 {head}…", highlight=False)
        return
    console.print("[red]不一致 different[/]")
    for fault in result.faults:
        console.print(f"  {fault.zh}\n  [dim]{fault.en}[/]")
    raise typer.Exit(DIFFERENT)


def _on_platform(decision_id: str, home: Path) -> tuple[str, Replay]:
    """Full id and replay of a decision on an application; the database is started where it isn't up."""
    from xinqiao.db.database import SYSTEM  # noqa: PLC0415 - a run's replay needs no database
    from xinqiao.lending.decision import full_id  # noqa: PLC0415
    from xinqiao.lending.decision import replay as replay_kept  # noqa: PLC0415
    from xinqiao.portal.serving import Address, opened  # noqa: PLC0415

    if not home.is_dir():
        fail("POL-STORE", str(home), detail="no platform")
    with opened(home, Address("127.0.0.1", 0)) as found, found.database.transaction(SYSTEM) as tx:
        full = full_id(tx, decision_id)
        return full, replay_kept(tx, full)


def _find(decision_id: str, run: Path | None) -> tuple[DecisionStore, str]:
    """The store that holds the decision, and its full id."""
    if not _ID.fullmatch(decision_id):
        fail("POL-DECISION", str(run or ""), decision=decision_id)
    if run is not None and store_of(run) is None:
        fail("POL-STORE", str(run), detail="no decisions")
    folders = [run] if run is not None else _candidates()
    for folder in folders:
        store = store_of(folder)
        full = _full_id(store, decision_id, strict=run is not None) if store is not None else None
        if store is not None and full is not None:
            return store, full
    where = ", ".join(str(folder) for folder in folders) or str(OUT)
    raise user_error("POL-DECISION", where, decision=decision_id)


def _full_id(store: DecisionStore, decision_id: str, *, strict: bool) -> str | None:
    """The full id, if the store knows it; a broken store ends the search only where it was named."""
    try:
        return store.full_id(decision_id)
    except UserError:
        if strict:
            raise
        return None


def _candidates() -> list[Path]:
    near = sorted(path for path in OUT.glob("*") if path.is_dir()) if OUT.is_dir() else []
    return [*near, *known_runs()]
