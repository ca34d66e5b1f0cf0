"""``xinqiao run``: the main job, from raw files to decisions and the pages that explain them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from xinqiao.cli.show import Steps, show_results
from xinqiao.kernel.errors import fail
from xinqiao.policy.release import load_release
from xinqiao.policy.runs import remember_run
from xinqiao.run.job import DEMO_AS_OF, Job, Source, generated_source
from xinqiao.run.settings import read_date
from xinqiao.run.stages import exclusive
from xinqiao.source.mapping import load_mapping

OURS = {".lock", "city", "lake", "indicators", "model", "decisions", "portrait", "report"}


def run(
    *,
    data: Annotated[
        Path | None, typer.Option(help="原始文件目录；不给则生成示范区域 / folder of raw files")
    ] = None,
    mapping: Annotated[Path | None, typer.Option(help="映射文件 / mapping of files to contracts")] = None,
    as_of: Annotated[str | None, typer.Option(help="评估日 YYYY-MM-DD / date of the decisions")] = None,
    out: Annotated[Path, typer.Option(help="输出目录 / output folder")] = Path("xinqiao-out/run"),
    model: Annotated[
        Path | None, typer.Option(help="用已训练的模型 JSON，不再训练 / a trained model instead of training")
    ] = None,
    release: Annotated[
        Path | None, typer.Option(help="冠军/挑战者发布文件 / release file: champion and challengers")
    ] = None,
    seed: Annotated[int, typer.Option(help="示范区域的随机种子 / seed of the generated region")] = 1,
) -> None:
    """从原始文件到信贷决策；中断后重跑即可继续 / raw files to credit decisions; run again to resume."""
    console = Console()
    if (data is None) != (mapping is None):
        fail("RUN-MAPPING", "--data, --mapping")
    default = DEMO_AS_OF if data is None else date.today()  # noqa: DTZ011 - a user's own calendar day
    day = default if as_of is None else read_date(as_of, "--as-of")
    _only_ours(out)
    with exclusive(out):
        with Steps(Console(stderr=True)) as steps:
            if data is None or mapping is None:
                source = generated_source(out, seed, steps)
            else:
                source = Source(data, load_mapping(mapping), str(mapping))
            trial = None if release is None else load_release(release)
            report = Job(out, source, day, steps, model, release=trial).run()
        remember_run(out)
        if source.mapping.generated:
            console.print("[bold yellow]生成数据，非真实企业 / generated data, no real companies[/]")
        show_results(out, report, console)


def _only_ours(out: Path) -> None:
    """Refuse a folder that holds anything a run did not make; raises UserError RUN-NOT-OURS."""
    file = next((p for p in (out, *out.parents) if p.exists() and not p.is_dir()), None)
    if file is not None:
        fail("RUN-NOT-OURS", str(file), found=file.name)
    if not out.exists():
        return
    others = sorted(p.name for p in out.iterdir() if p.name.removesuffix(".partial") not in OURS)
    if others:
        fail("RUN-NOT-OURS", str(out), found=", ".join(others[:3]))
