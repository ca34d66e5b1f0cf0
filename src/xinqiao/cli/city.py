"""``xinqiao city``: a generated region as raw files, with the mapping that reads them and the truth."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.console import Console
from rich.table import Table

from xinqiao.city.calibration import calibration_report
from xinqiao.city.deliveries import CODES
from xinqiao.city.generate import generate
from xinqiao.cli.show import Steps
from xinqiao.kernel.errors import fail
from xinqiao.kernel.writing import write_whole
from xinqiao.run.job import DEMO_COMPANIES, DEMO_MONTHS, DEMO_START
from xinqiao.run.settings import code_digest, read_date
from xinqiao.run.stages import MARK, stage
from xinqiao.source.mapping import load_mapping

MAPPING = "city.yaml"


def city(
    *,
    out: Annotated[Path, typer.Option(help="输出目录 / folder to write")],
    companies: Annotated[int, typer.Option(help="企业数 / companies, up to 1,000,000")] = DEMO_COMPANIES,
    months: Annotated[int, typer.Option(help="月数 / months")] = DEMO_MONTHS,
    start: Annotated[str, typer.Option(help="起始月首日 / first day of the first month")] = str(DEMO_START),
    seed: Annotated[int, typer.Option(help="随机种子 / seed")] = 1,
    sources: Annotated[
        str, typer.Option(help=f"数据源代码，逗号分隔 / sources: all or some of {','.join(CODES)}")
    ] = "all",
    clean: Annotated[bool, typer.Option("--clean", help="不掺入错误 / without faults in the files")] = False,
    calibrate: Annotated[
        Path | None, typer.Option(help="真实数据目录：只比较，不生成 / real sets: compare, don't generate")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="要比较的区域，默认 --out / region to compare, by default --out")
    ] = None,
) -> None:
    """生成示范区域（模拟数据，非真实企业）/ generate a demo region; no real companies."""
    if calibrate is not None:
        Console().print(calibration_report(calibrate, data or out, out), soft_wrap=True)
        return
    first_day = read_date(start, "--start")
    chosen = CODES if sources == "all" else tuple(code.strip() for code in sources.split(","))
    told = {
        "companies": companies,
        "months": months,
        "start": start,
        "seed": seed,
        "sources": sorted(chosen),
        "clean": clean,
        "code": code_digest("city"),
    }
    _only_ours(out)
    with Steps(Console(stderr=True)) as steps:

        def work(folder: Path) -> None:
            truth = generate(
                folder,
                companies,
                months,
                first_day,
                seed,
                dirt=not clean,
                sources=chosen,
                progress=lambda done, total: steps.step("city", done, total),
            )
            write_mapping(folder / MAPPING, truth.rows)

        stage(out, told, work)
    _show(out)


def _only_ours(out: Path) -> None:
    """Refuse a folder this verb did not make; raises UserError RUN-NOT-OURS."""
    if out.is_dir() and not (out / MARK).exists() and (found := sorted(p.name for p in out.iterdir())):
        fail("RUN-NOT-OURS", str(out), found=", ".join(found[:3]))


def write_mapping(path: Path, delivered: Iterable[str]) -> None:
    """The mapping of the region, kept to the files delivered."""
    whole = load_mapping(Path(str(files("xinqiao").joinpath("catalog", "mappings", MAPPING))))
    wanted = {id(entry) for name in delivered for entry in whole.entries_for(name)}
    kept = whole.model_copy(update={"files": [entry for entry in whole.files if id(entry) in wanted]})
    text = yaml.safe_dump(kept.model_dump(exclude_defaults=True), allow_unicode=True, sort_keys=False)
    write_whole(path, text.encode())


def _show(out: Path) -> None:
    console = Console()
    console.print("[bold yellow]生成数据，非真实企业 / generated data, no real companies[/]")
    table = Table("文件 file", "字节 bytes")
    table.columns[1].justify = "right"
    for path in sorted((out / "data").iterdir()):
        table.add_row(path.name, f"{path.stat().st_size:,}")
    console.print(table)
    console.print(
        f"映射 mapping: {out / MAPPING}\n真相 truth: {out / 'truth' / 'truth.parquet'}", soft_wrap=True
    )
