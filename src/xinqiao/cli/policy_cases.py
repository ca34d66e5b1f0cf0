"""``xinqiao policy cases``: generated cases for a policy, in a file other verbs read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pyarrow.parquet as pq
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from xinqiao.city.cases import generate_cases
from xinqiao.policy.load import load_policy


def policy_cases(
    policy: Annotated[
        str, typer.Option(help="政策编号或文件 / id or file of a policy")
    ] = "small_firm_credit",
    rows: Annotated[int, typer.Option(help="案例数 / how many cases")] = 10_000,
    seed: Annotated[int, typer.Option(help="随机种子 / seed of the draws")] = 1,
    out: Annotated[Path, typer.Option(help="写出的 Parquet 文件 / file to write")] = Path("cases.parquet"),
) -> None:
    """为政策生成测试案例（模拟数据）/ generate cases for a policy (generated data)."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("生成案例 generating cases", total=rows)
        table = generate_cases(
            load_policy(policy), rows, seed, lambda done: progress.update(task, completed=done)
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{out.name}.part")
    pq.write_table(table, part, compression="zstd")
    part.replace(out)
    Console().print(f"{table.num_rows:,} 个模拟案例 / generated cases: {escape(str(out))}")
