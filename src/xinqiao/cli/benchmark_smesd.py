"""``xinqiao benchmark smesd``: what lawsuits and the graph add, on firms of a later year."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from xinqiao.kernel.text import Text
from xinqiao.kernel.writing import write_whole
from xinqiao.scoring.smesd.contest import KNOWN, Prepared, Sides, Stage, as_json, contest
from xinqiao.scoring.smesd.read import read_firms
from xinqiao.scoring.smesd.table import STAGES

Train = Annotated[
    Path, typer.Option(help="训练文件夹：多个划分时取 train / folder to learn from; of several splits, train")
]
Test = Annotated[
    Path,
    typer.Option(
        help="测试文件夹：多个划分时取非 train / folder to try on; of several splits, all but train"
    ),
]
Json = Annotated[Path | None, typer.Option("--json", help="结果写为 JSON / write the result as JSON")]

NAMES = {
    "attributes": Text(zh="属性", en="attributes, area, industry"),
    "lawsuits": Text(zh="+ 诉讼", en="+ lawsuits"),
    "graph": Text(zh="+ 关联图谱", en="+ graph"),
    KNOWN: Text(zh="+ 邻居的既往结果", en="+ outcomes of neighbours known from training"),
}


def benchmark_smesd(train: Train, test: Test, file: Json = None) -> None:
    """训练早年企业、检验后来企业 / learn from earlier firms, try on later ones; nothing tuned on the test."""
    console = Console()
    sides = Prepared(read_firms(train, "train"), read_firms(test, "test"))
    stages = _run(sides)
    console.print(_table(stages))
    for note in _notes(sides.sides):
        console.print(f"[dim]{note}[/]")
    if file is not None:
        write_whole(file, as_json(sides.sides, stages))
        console.print(escape(str(file)))


def _run(sides: Prepared) -> list[Stage]:
    bar = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    stages = []
    with Progress(*bar, console=Console(stderr=True)) as progress:
        task = progress.add_task("拟合 fitting", total=len(STAGES) + bool(sides.sides.known_neighbours))
        for stage in contest(sides):
            stages.append(stage)
            progress.advance(task)
    return stages


def _table(stages: Sequence[Stage]) -> Table:
    table = Table(title="破产识别 AUC，95 % 自助法区间 / AUC of bankruptcy, 95 % bootstrap intervals")
    table.add_column("数据 data", no_wrap=True)
    for heading in ("测试 test AUC", "增益 gain", "训练内交叉 CV AUC", "KS", "校准误差 cal. error", "Brier"):
        table.add_column(heading, justify="right")
    for stage in stages:
        gain = "—" if stage.gain is None else f"{stage.gain:+.3f}{_interval(stage.gain_interval, '+.3f')}"
        table.add_row(
            f"{NAMES[stage.stage].zh}\n[dim]{NAMES[stage.stage].en}[/]",
            f"{stage.test.auc:.3f}{_interval(stage.test.auc_interval)}",
            gain,
            f"{stage.cross_validated_auc:.3f}{_interval(stage.cross_validated_interval)}",
            f"{stage.test.ks:.3f}",
            f"{stage.calibration_error:.3f}",
            f"{stage.test.brier:.3f}",
        )
    return table


def _interval(ends: tuple[float, float] | None, form: str = ".3f") -> str:
    return "" if ends is None else f"\n[dim]{ends[0]:{form}} … {ends[1]:{form}}[/]"


def _notes(sides: Sides) -> list[Text]:
    counts = sides.model_dump()
    return [
        Text(
            zh="训练 {train}：{train_firms} 户，破产 {train_bads}；"
            "测试 {test}：{test_firms} 户，破产 {test_bads}；"
            "去掉与训练重复的 {recurring_dropped} 户",
            en="train {train}: {train_firms} firms, {train_bads} bankrupt; test {test}: {test_firms} firms, "
            "{test_bads} bankrupt; {recurring_dropped} that recur in training were left out",
        ).fill(**counts),
        Text(
            zh="测试特征只来自测试文件夹，不含任何结果；{known_neighbours} 户的邻居在训练集中，"
            "末行另用这些邻居当时已知的结果",
            en="test features come from the test folder alone and hold no outcome; {known_neighbours} "
            "firms have neighbours in training, whose outcomes, known by then, only the last row uses",
        ).fill(**counts),
    ]
