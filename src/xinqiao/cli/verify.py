"""``xinqiao verify``: check a proof, report, exported log or contract offline, with public keys alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from xinqiao.evidence.trust import Finding, Trust, text_of
from xinqiao.evidence.verify import verify as findings_of
from xinqiao.servicing.signed_pdf import authorities_of
from xinqiao.servicing.signed_pdf import verify as contract_findings

BAD = 1
"""Exit code of a file that is not what it claims to be."""


def verify(
    file: Annotated[
        Path,
        typer.Argument(
            help="证明 .json、报告 .html、日志 .jsonl 或合同 .pdf / proof, report, log or contract"
        ),
    ],
    keys: Annotated[
        Path,
        typer.Option(
            help="公钥文件：log、witness、needed、authority 各行 / file of public keys, a line each"
        ),
    ],
    since: Annotated[
        Path | None, typer.Option(help="较早的检查点，导出的日志须由其延续 / an older checkpoint to extend")
    ] = None,
) -> None:
    """离线核验：0 全部成立，1 有一项不成立 / verify offline: exit 0 if all holds, 1 if anything does not."""
    if file.suffix.lower() == ".pdf":
        found = contract_findings(file, authorities_of(text_of(keys), str(keys)))
    else:
        found = findings_of(file, Trust.read(keys), since)
    console = Console(soft_wrap=True, highlight=False)
    for told in found:
        _say(console, told)
    if all(told.holds for told in found):
        console.print("[bold green]核验通过 verified[/]")
        return
    console.print("[bold red]核验不通过，不要采信 not verified: do not rely on this file[/]")
    raise typer.Exit(BAD)


def _say(console: Console, told: Finding) -> None:
    mark = "[green]✓[/]" if told.holds else "[red]✗[/]"
    console.print(f"{mark} {escape(told.text.zh)}\n  [dim]{escape(told.text.en)}[/]")
