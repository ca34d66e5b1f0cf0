"""``xinqiao benchmark city``: what each source adds, and what segments and industry overlays add."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import polars as pl
import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from xinqiao.indicator.definition import indicators
from xinqiao.indicator.snapshot import Snapshot
from xinqiao.kernel.errors import fail, user_error
from xinqiao.kernel.text import Text
from xinqiao.kernel.writing import write_whole
from xinqiao.run.learn import SEED, Learner, Sample, contract_fields, learning_dates, outcome_fields
from xinqiao.run.settings import RunSettings
from xinqiao.scoring.columns import Columns, Floats, read_columns
from xinqiao.scoring.ladder import LEAK, Cases, Measured, Rung, climb, strongest
from xinqiao.scoring.metrics import DIGITS, auc
from xinqiao.scoring.pooling import WAYS, Firms, Spread, Standing, pooled
from xinqiao.scoring.scorecard import Scorecard
from xinqiao.scoring.training import refuse_outcomes
from xinqiao.source.contract import contracts
from xinqiao.source.lake import Lake

STEPS: tuple[tuple[Text, frozenset[str]], ...] = (
    (Text(zh="登记＋司法", en="register + court"), frozenset({"REG", "JUD", "ADM"})),
    (Text(zh="＋税务＋发票", en="+ tax + invoices"), frozenset({"TAX", "INV"})),
    (Text(zh="＋资金流", en="+ cash flow"), frozenset({"BNK", "CRD"})),
    (Text(zh="＋水电气", en="+ power, water"), frozenset({"ELE", "WGS"})),
    (Text(zh="＋用工", en="+ staff"), frozenset({"SOC", "HPF"})),
    (Text(zh="＋其他来源", en="+ other sources"), frozenset({"ENV", "IPR", "CUS", "TEL", "OPN"})),
    (Text(zh="＋关联图谱", en="+ graph"), frozenset({"NET"})),
)
"""An indicator joins as soon as every source it is reckoned from is there."""
SIZES = "500,1000,2000,5000,10000,all"
MONTHS = 12
WAY_NAMES = {
    "global": Text(zh="全体一张卡", en="one global card"),
    "separate": Text(zh="每个行业一张卡", en="separate cards"),
    "overlay": Text(zh="行业叠加", en="overlays"),
    "segmented": Text(zh="客群＋行业叠加", en="segments+overlays"),
}

RunFolder = Annotated[
    Path, typer.Option("--run", help="运行结果文件夹 / folder of a run on a generated city")
]
JsonFile = Annotated[Path | None, typer.Option("--json", help="结果写入 JSON / write the figures to a file")]
Sizes = Annotated[str, typer.Option(help="样本量，逗号分隔 / sample sizes, comma-separated")]
Repeats = Annotated[int, typer.Option(min=1, help="每个样本量重复次数 / repeats a sample size")]
Months = Annotated[int, typer.Option(min=1, help="表现期月数 / months in which a default counts")]


@dataclass(frozen=True, slots=True)
class City:
    """A finished run: samples at the date of the model and one period earlier, with true PDs."""

    now: Sample
    before: Sample | None
    truth: Floats | None


def benchmark_city(
    *,
    run: RunFolder,
    json_: JsonFile = None,
    sizes: Sizes = SIZES,
    repeats: Repeats = 5,
    months: Months = MONTHS,
) -> None:
    """逐源加入数据，再比较一张卡、行业卡与行业叠加 / sources added one by one, then 3+N+X by sample size."""
    console = Console()
    wanted = _sizes(sizes)
    city = _read(run, months)
    signs = {i.id: {"+": 1, "-": -1, "~": 0}[i.direction] for i in indicators().values()}
    with _progress() as told:
        rungs = _climb(city, signs, told)
        standings = _pooled(city, signs, wanted, repeats, told)
    console.print(_rungs_table(rungs, city))
    _warn(rungs, city, signs, console)
    console.print(_standings_table(standings, city))
    if json_ is not None:
        write_whole(json_, _as_json(city, rungs, standings, strongest(_plain(city.now), signs)))
        console.print(escape(str(json_)))


def _sizes(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part == "all" or (part.isascii() and part.isdecimal() and int(part) > 0) for part in parts):
        fail("BEN-SIZES", "--sizes", value=text)
    return [10**9 if part == "all" else int(part) for part in parts]


def _read(run: Path, months: int) -> City:
    """The samples of ``run``; raises UserError BEN-RUN where it holds no outcomes."""
    found = sorted(p.name for p in (run / "indicators").glob("????-??-??"))
    if not found:
        fail("BEN-RUN", str(run), detail="indicators/")
    as_of = date.fromisoformat(found[-1])
    settings = RunSettings(performance_months=months)
    dates = learning_dates(as_of, settings)
    lake = Lake(run / "lake")
    learner = Learner(
        lake, lambda day: Snapshot.read(run / "indicators" / day.isoformat()), settings, as_of, {}
    )
    if dates.final.isoformat() not in found:
        fail("BEN-RUN", str(run), detail=f"indicators/{dates.final}")
    now = learner.sample(dates.final)
    earlier = dates.earlier
    before = learner.sample(earlier) if earlier is not None and earlier.isoformat() in found else None
    if min(now.y.sum(), (1 - now.y).sum()) == 0:
        fail("BEN-RUN", str(run), detail="credit")
    refuse_outcomes(now.plain.columns, outcome_fields(), contract_fields())
    return City(now, before, _truth(run, now))


def _truth(run: Path, sample: Sample) -> Floats | None:
    """The true PD of each company of ``sample``, NaN where unknown; None without a table of the truth."""
    places = (run / "city" / "truth", run / "truth", run.parent / "truth", run.parent / "city" / "truth")
    file = next((p / "truth.parquet" for p in places if (p / "truth.parquet").is_file()), None)
    if file is None:
        return None
    try:
        table = pl.read_parquet(file, columns=["company_id", "as_of", "true_pd_12m"])
    except (OSError, pl.exceptions.PolarsError) as error:
        raise user_error("BEN-RUN", str(file), detail=str(error).splitlines()[0]) from error
    known = dict(
        table.filter(pl.col("as_of") == sample.as_of).select("company_id", "true_pd_12m").iter_rows()
    )
    out = np.array(
        [np.nan if (pd := known.get(c)) is None else pd for c in sample.companies], dtype=np.float64
    )
    return None if np.isnan(out).all() else out


@contextmanager
def _progress() -> Iterator[Any]:
    bar = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*bar, console=Console(stderr=True)) as progress:
        yield progress


def _plain(sample: Sample) -> Cases:
    return Cases(read_columns(sample.plain), sample.y)


def _climb(city: City, signs: Mapping[str, int], told: Progress) -> list[Rung]:
    task = told.add_task("来源 sources", total=len(STEPS))
    groups = [(name, columns) for (name, _), columns in zip(STEPS, _columns_by_step(city.now), strict=True)]
    before = None if city.before is None else _plain(city.before)
    return climb(
        groups,
        _plain(city.now),
        before,
        partial(Scorecard, signs=signs, random_state=SEED),
        seed=SEED,
        tick=lambda name: told.update(task, advance=1, description=f"{name.zh} {name.en}"),
    )


def _columns_by_step(sample: Sample) -> list[list[str]]:
    """The indicators that join at each step: those all of whose sources are there by then."""
    step = {source: i for i, (_, sources) in enumerate(STEPS) for source in sources}
    of_contract = {c.id: c.source for c in contracts().values()}
    out: list[list[str]] = [[] for _ in STEPS]
    for name, fields in contract_fields().items():
        if name in sample.plain.columns:
            read = {of_contract[f.split(".")[0]] for f in fields if f.split(".")[0] in of_contract}
            own = {*read, indicators()[name].source} & set(step)  # a cross-check has no source of its own
            out[max((step[s] for s in own), default=0)].append(name)
    return out


def _pooled(
    city: City, signs: Mapping[str, int], sizes: Sequence[int], repeats: int, told: Progress
) -> list[Standing]:
    task = told.add_task("行业 industries", total=len(set(sizes)) * repeats * len(WAYS))
    firms = Firms(_with_values(city.now), city.now.y, city.truth)
    return pooled(
        firms,
        Scorecard(signs=signs, random_state=SEED),
        {i.id: i.source for i in indicators().values()},
        sizes,
        repeats=repeats,
        seed=SEED,
        tick=lambda rows, way: told.update(task, advance=1, description=f"{rows:,} {WAY_NAMES[way].en}"),
    )


def _with_values(sample: Sample) -> Columns:
    """Facts, and the indicators that have a value for anybody."""
    told = [name for name in sample.plain.columns if sample.X[name].notna().any()]
    return read_columns(sample.X[[*told, *(c for c in sample.X.columns if c not in sample.plain.columns)]])


def _rungs_table(rungs: Sequence[Rung], city: City) -> Table:
    bads = int(city.now.y.sum())
    title = f"{city.now.as_of}，{len(city.now.y):,} 户 firms，{bads:,} 户违约 bad"
    table = Table(
        title=f"逐源增益 what each source adds: AUC [95%]\n{title}",
        box=SIMPLE,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    table.add_column("来源 sources", no_wrap=True)
    for heading in ("指标\ncols", "折外\nunseen", "增益\ngain", "跨期\nlater", "增益\ngain"):
        table.add_column(heading, justify="right", no_wrap=True)
    for rung in rungs:
        inside, later = rung.out_of_fold, rung.out_of_time
        cells = (_auc(inside), _gain(inside), _auc(later), _gain(later))
        table.add_row(
            f"{rung.name.zh}\n[dim]{rung.name.en}[/]", f"{rung.columns}\n[dim]+{rung.added}[/]", *cells
        )
    oracle = _oracle(city)
    if oracle is not None:
        table.add_row(
            "真实违约概率\n[dim]true PD[/]", "", _short(f"{oracle:.4f}"), "", _short(f"{oracle:.4f}"), ""
        )
    return table


def _oracle(city: City) -> float | None:
    """The AUC of the true PD: no model can be expected to do better."""
    if city.truth is None:
        return None
    known = ~np.isnan(city.truth)
    return round(auc(city.truth[known], city.now.y[known]), DIGITS)


def _auc(measured: Measured | None) -> str:
    return (
        "—"
        if measured is None
        else _short(f"{measured.auc:.4f}\n[dim]{measured.low:.3f}–{measured.high:.3f}[/]")
    )


def _gain(measured: Measured | None) -> str:
    if measured is None or measured.gain is None:
        return "—"
    return _short(f"{measured.gain:+.4f}\n[dim]{measured.gain_low:+.3f}…{measured.gain_high:+.3f}[/]")


def _short(text: str) -> str:
    """Shares without the zero before the point, so that a table fits a screen of 80 columns."""
    return text.replace("0.", ".")


def _warn(rungs: Sequence[Rung], city: City, signs: Mapping[str, int], console: Console) -> None:
    """Say so when a model is too good to be true, and which indicators do it."""
    if not any(rung.leak for rung in rungs):
        return
    told = ", ".join(f"{name} {value:.3f}" for name, value in strongest(_plain(city.now), signs))
    console.print(f"[bold red]AUC ≥ {LEAK:.2f}：可能泄漏了结果 a leak of the outcome is likely[/]")
    console.print(f"单项最强 strongest alone: {told}")


def _standings_table(standings: Sequence[Standing], city: City) -> Table:
    beside = "真实违约概率 true PD" if city.truth is not None else "违约率 bad rate"
    table = Table(
        title=f"行业内表现 within industries [95%]\n校准误差对照 calibration error against: {beside}",
        box=SIMPLE,
    )
    for heading in ("样本\nrows", "方法\nway"):
        table.add_column(heading, no_wrap=True)
    for heading in ("行业内\nAUC", "比一张卡\ngain", "误差 pp\nerror", "比一张卡\ngain", "行业数\nown"):
        table.add_column(heading, justify="right", no_wrap=True)
    for s in standings:
        name = WAY_NAMES[s.way]
        gains = ("", "") if s.way == "global" else (_spread(s.auc_gain, 3), _spread(s.error_gain, 2, 100))
        first = f"{s.rows:,}" if s.way == "global" else ""
        table.add_row(
            first,
            f"{name.zh}\n[dim]{name.en}[/]",
            _short(f"{s.auc.mean:.4f}"),
            gains[0],
            f"{s.error.mean * 100:.2f}",
            gains[1],
            f"{s.overlays:g}",
            end_section=s.way == WAYS[-1],
        )
    return table


def _spread(spread: Spread, digits: int, scale: float = 1.0) -> str:
    mean, low, high = (value * scale for value in (spread.mean, spread.low, spread.high))
    return _short(f"{mean:+.{digits}f}\n[dim]{low:+.{digits}f}…{high:+.{digits}f}[/]")


def _as_json(
    city: City, rungs: Sequence[Rung], standings: Sequence[Standing], alone: Sequence[tuple[str, float]]
) -> bytes:
    told = {
        "generated": True,
        "as_of": city.now.as_of.isoformat(),
        "rows": len(city.now.y),
        "bads": int(city.now.y.sum()),
        "oracle_auc": _oracle(city),
        "leak": any(rung.leak for rung in rungs),
        "strongest": [{"indicator": name, "auc": value} for name, value in alone],
        "sources": [{**asdict(r), "name": r.name.model_dump(), "leak": r.leak} for r in rungs],
        "industries": [asdict(s) for s in standings],
    }
    return (json.dumps(_plain_numbers(told), ensure_ascii=False, indent=1) + "\n").encode()


def _plain_numbers(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """NaN as null, which JSON can hold."""
    match value:
        case dict():
            return {name: _plain_numbers(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_plain_numbers(inner) for inner in value]
        case float() if np.isnan(value):
            return None
        case _:
            return value
