"""``xinqiao privacy verify``: check a job's proof offline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from xinqiao.kernel.errors import user_error
from xinqiao.privacy.agreement.job_proof import parties, verify
from xinqiao.privacy.node.node_files import read_card

BAD = 1
"""Exit code of a proof that does not hold."""
COMPARE = (
    "  文件中的公钥谁都能写：请用 --card 给出这些参与方的名片\n"
    "  [dim]anybody can write keys into a file: give these parties' cards with --card[/]"
)


def privacy_verify(
    file: Annotated[Path, typer.Argument(help="证明 .json / proof of a job")],
    card: Annotated[
        list[Path] | None, typer.Option(help="各方名片 .party.json，核对公钥 / parties' cards")
    ] = None,
) -> None:
    """离线核验任务证明：0 成立，1 不成立 / verify a job's proof offline: exit 0 if all holds, 1 if not."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise user_error("PRV-PROOF", str(file), detail=error.strerror or str(error)) from error
    known = {told.name: told.signing_key for told in map(read_card, card or [])}
    found = verify(data, str(file), known)
    console = Console(soft_wrap=True, highlight=False)
    for told in found:
        mark = "[green]✓[/]" if told.holds else "[red]✗[/]"
        console.print(f"{mark} {escape(told.text.zh)}\n  [dim]{escape(told.text.en)}[/]")
    if all(told.holds for told in found):
        console.print("[bold green]核验通过 verified[/]")
        if names := [name for name in parties(data, str(file)) if name not in known]:
            console.print(f"[yellow]未核对公钥 keys not compared: {', '.join(names)}[/]\n{COMPARE}")
        return
    console.print("[bold red]核验不通过，不要采信 not verified: do not rely on this file[/]")
    raise typer.Exit(BAD)
