"""``xinqiao resolve``: firms of a register found again in somebody else's records."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import polars as pl
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from xinqiao.cli.sheet import Sheet, read_sheet, write_sheet
from xinqiao.enterprise.heading import Found, find_headings
from xinqiao.enterprise.party import Party
from xinqiao.enterprise.resolution import NO_RIVAL, Match, Register

FIELDS = ("id", "code", "name", "former_names", "address", "phone_hash", "representative_hash")
OUTCOMES = {"same": "同一企业 same", "review": "人工核对 review", "different": "未找到 different"}
SHOWN = 20
"""Bad rows named on the screen."""
_BETWEEN_NAMES = re.compile(r"[;；|、\n]")

RegisterFile = Annotated[
    Path,
    typer.Option(
        "--register",
        help="名册：名称必填，代码、曾用名、地址等可选 / the register: names, and what else is known",
    ),
]
RecordsFile = Annotated[
    Path, typer.Option("--records", help="待识别的记录，列同名册 / records to find, same columns")
]
Out = Annotated[Path, typer.Option("--out", help="结果表 / where to write the result")]


def resolve(register: RegisterFile, records: RecordsFile, out: Out) -> None:
    """跨来源识别同一企业，绝不悄悄合并 / the same firm across sources; nothing is merged silently."""
    known, asked = read_sheet(register), read_sheet(records)
    firms, parties = _parties(known, register.name), _parties(asked, records.name)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("识别 resolving", total=None)
        found = Register(firms)
        progress.update(task, total=len(parties))
        matches = list(found.resolve(parties, lambda done: progress.advance(task, done)))
    write_sheet(out, _table(asked, matches))
    _summary(matches, (register.name, known), (records.name, asked), out)


def _parties(sheet: Sheet, where: str) -> list[Party]:
    """The rows of a sheet; one without an id is called by its line."""
    found = find_headings(sheet.columns, FIELDS, ("name",), where)
    lines = sheet.frame["_line"].to_list()
    columns = {field: _cells(sheet, found, field, len(lines)) for field in FIELDS}
    return [
        Party(
            id=columns["id"][place] or str(line),
            name=columns["name"][place],
            code=columns["code"][place],
            former_names=tuple(
                filter(None, map(str.strip, _BETWEEN_NAMES.split(columns["former_names"][place])))
            ),
            address=columns["address"][place],
            phone_hash=columns["phone_hash"][place],
            representative_hash=columns["representative_hash"][place],
        )
        for place, line in enumerate(lines)
    ]


def _cells(sheet: Sheet, found: dict[str, Found], field: str, rows: int) -> list[str]:
    if field not in found:
        return [""] * rows
    return [cell.strip() for cell in sheet.frame[found[field].column].to_list()]


def _table(asked: Sheet, matches: Iterable[Match]) -> pl.DataFrame:
    """A row for every line of the records, in their order; lines that are no record say why."""
    rows = [_row(line, match) for line, match in zip(asked.frame["_line"].to_list(), matches, strict=True)]
    bad = [
        {"line": fault.line, "evidence": f"{fault.rule} {fault.value}: {fault.row}"} for fault in asked.faults
    ]
    columns = (
        "line",
        "record_id",
        "name",
        "outcome",
        "firm_id",
        "firm_name",
        "score",
        "rival_id",
        "rival_score",
    )
    kinds: dict[str, type[pl.DataType]] = {"line": pl.Int64, "score": pl.Float64, "rival_score": pl.Float64}
    schema = {name: kinds.get(name, pl.String) for name in (*columns, "evidence")}
    return pl.DataFrame([*rows, *bad], schema=schema).sort("line", maintain_order=True)


def _row(line: int, match: Match) -> dict[str, str | int | float | None]:
    firm, rival = match.firm, match.rival
    return {
        "line": line,
        "record_id": match.record.id,
        "name": match.record.name,
        "outcome": match.outcome,
        "firm_id": firm.id if firm else None,
        "firm_name": firm.name if firm else None,
        "score": None if match.score == NO_RIVAL else round(match.score, 2),
        "rival_id": rival.id if rival else None,
        "rival_score": None if match.rival_score == NO_RIVAL else round(match.rival_score, 2),
        "evidence": "; ".join(str(each.told.text) for each in match.evidence),
    }


def _summary(
    matches: Iterable[Match], register: tuple[str, Sheet], records: tuple[str, Sheet], out: Path
) -> None:
    console = Console(soft_wrap=True)
    counts: Counter[str] = Counter(match.outcome for match in matches)
    for outcome, words in OUTCOMES.items():
        console.print(f"{words}: {counts[outcome]:,}")
    for name, sheet in (register, records):
        console.print(f"{escape(name)}: {sheet.frame.height:,} 行 rows, 有误 bad {len(sheet.faults):,}")
        for fault in sheet.faults[:SHOWN]:
            console.print(f"  第 {fault.line} 行 line {fault.line}: {fault.rule} {escape(fault.value)}")
    console.print(f"→ {escape(str(out))}")
