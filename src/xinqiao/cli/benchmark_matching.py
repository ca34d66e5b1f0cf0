"""``xinqiao benchmark matching``: rankings judged on a generated market whose truth is known."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from xinqiao.city.market import ON, WORTH, History, Market, generate_market, market_firms, market_shelf, past
from xinqiao.kernel.text import Text
from xinqiao.kernel.writing import write_whole
from xinqiao.lending.chance import Chances, Logit, firm_features
from xinqiao.lending.matching import Firm, Matcher
from xinqiao.lending.matching_batch import Shelf, match_batch, score
from xinqiao.lending.matching_fit import fit_chances, judge, rival_rankings
from xinqiao.policy.case import Case

Companies = Annotated[int, typer.Option(min=100, help="评判用企业数 / firms that judge")]
Before = Annotated[int, typer.Option("--history", min=500, help="历史申请的企业数 / firms with a past")]
Rows = Annotated[
    int, typer.Option(min=0, help="批量计时的企业数，0 不计时 / firms of the timed batch, 0: none")
]
Seed = Annotated[int, typer.Option(help="随机种子 / seed")]
Json = Annotated[Path | None, typer.Option("--json", help="结果写为 JSON / write the result as JSON")]
Keep = Annotated[Path | None, typer.Option("--chances", help="保存拟合的模型 / keep the fitted models")]

NAMES = {
    "matching": Text(zh="信桥匹配", en="Xinqiao"),
    "rate": Text(zh="按利率由低到高", en="by rate"),
    "limit": Text(zh="按额度由高到低", en="by limit"),
    "popularity": Text(zh="按热门程度", en="by popularity"),
}
Figures = dict[str, dict[str, tuple[float, float]]]


@dataclass(frozen=True)
class Result:
    """What was measured."""

    figures: Figures
    shown: int
    ineligible: int
    products: int
    applications: int
    single_ms: float
    batch_rows: int
    batch_cpu_s: float
    batch_s: float


def benchmark_matching(
    *,
    companies: Companies = 4000,
    history: Before = 12_000,
    rows: Rows = 100_000,
    seed: Seed = 20260630,
    json_: Json = None,
    chances: Keep = None,
) -> None:
    """在已知真相的生成市场上评判产品匹配 / matching judged on a generated market with known truth."""
    console = Console()
    with Console(stderr=True).status("生成市场 generating the market"):
        result, fitted = measure(companies, history, rows, seed)
    console.print(_table(result))
    for line in _notes(result):
        console.print(f"[dim]{line}[/]")
    if json_ is not None:
        write_whole(json_, (json.dumps(vars(result), ensure_ascii=False, indent=1) + "\n").encode())
        console.print(escape(str(json_)))
    if chances is not None:
        write_whole(chances, without_lenders(fitted).to_json().encode())
        console.print(escape(str(chances)))


def measure(companies: int, history: int, rows: int, seed: int) -> tuple[Result, Chances]:
    """Fit on the past of one market, judge on the firms of another; time one firm and a batch."""
    shelf = market_shelf()
    before = generate_market(history, seed, shelf)
    made = past(before, seed + 1)
    fitted = _fit(before, made)
    judged = generate_market(companies, seed + 2, shelf)
    figures, shown, wrong = _judged(judged, made, fitted)
    cpu, wall = _batch(shelf, fitted, rows, seed) if rows else (0.0, 0.0)
    one = single_ms(judged, fitted)
    return Result(figures, shown, wrong, len(shelf), len(made.firm), one, rows, cpu, wall), fitted


def _fit(market: Market, made: History) -> Chances:
    return fit_chances(
        market.shelf,
        market.firms,
        market.found,
        (made.firm, made.product),
        (made.approved, made.accepted),
        worth=WORTH,
        generated=True,
    )


def without_lenders(fitted: Chances) -> Chances:
    """The common weights alone: lenders of a made market are nobody."""
    return replace(
        fitted,
        approve=Logit(fitted.approve.firm, fitted.approve.terms),
        accept=Logit(fitted.accept.firm, fitted.accept.terms),
    )


def _judged(market: Market, made: History, fitted: Chances) -> tuple[Figures, int, int]:
    """Figures of each ranking; products shown, and how many of them the full decision would refuse."""
    found, truth = market.found, market.expected
    ours = score(market.shelf, found, market.firms, fitted).expected
    rankings = {"matching": ours} | rival_rankings(market.shelf, found, made.product[made.accepted])
    figures = {name: judge(each, truth, found.eligible).figures() for name, each in rankings.items()}
    cases = [case_of(market, row) for row in range(min(len(market.firms), 200))]
    matcher = _matcher(market.shelf, fitted)
    shown = wrong = 0
    for row, firm in enumerate(cases):
        matches = matcher.match(firm)
        names = {match.product.id for match in matches.ranked}
        held = {p.id for p, good in zip(market.shelf.products, found.eligible[row], strict=True) if good}
        shown, wrong = shown + len(names), wrong + len(names - held)
    return figures, shown, wrong


def case_of(market: Market, row: int) -> Firm:
    """One firm of a market as matching reads a single one."""
    firms = market.firms
    parts: dict[str, dict[str, object]] = {"indicator": {}, "score": {}, "application": {}}
    missing: dict[str, str] = {}
    for name, column in firms.columns.items():
        family, field = name.split(".", 1)
        value = column[row]
        plain = value.as_py() if hasattr(value, "as_py") else None if np.isnan(value) else float(value)
        if plain is None:
            missing[field] = firms.reasons[name][row].as_py() if name in firms.reasons else "NO_RECORDS"
        parts[family][field] = plain
    indicators, score_, application = parts["indicator"], parts["score"], parts["application"]
    known = {
        "pd": score_["pd"],
        "sales_cny": indicators.get("INV01") or indicators.get("TAX05") or indicators.get("BNK01"),
        "years": indicators.get("REG01"),
        "lenders": indicators.get("CRD04"),
        "size": application.get("size"),
        "section": application.get("industry_section"),
    }
    case = Case(f"M{row}", ON, indicators, missing, score_, application)
    return Firm(case, firm_features(known), float(firms.need_cny[row]), int(firms.months[row]))


def _matcher(shelf: Shelf, fitted: Chances) -> Matcher:
    lenders = {product.id: lender for product, lender in zip(shelf.products, shelf.lenders, strict=True)}
    return Matcher(shelf.products, ON, fitted, lenders=lenders)


def single_ms(market: Market, fitted: Chances, firms: int = 200) -> float:
    """CPU milliseconds for one firm and 40 products: the least of five rounds, for others' load only adds."""
    cases = [case_of(market, row) for row in range(min(firms, len(market.firms)))]
    matcher = _matcher(market.shelf, fitted)
    for case in cases:
        matcher.match(case)
    took = []
    for _ in range(5):
        before = time.process_time()
        for case in cases:
            matcher.match(case)
        took.append(time.process_time() - before)
    return min(took) / len(cases) * 1000 * 40 / len(market.shelf)


def _batch(shelf: Shelf, fitted: Chances, rows: int, seed: int) -> tuple[float, float]:
    """CPU and wall seconds of matching ``rows`` firms; making them is not counted."""
    cpu = wall = 0.0
    left, part = rows, 0
    while left > 0:
        count = min(left, 65_536)
        firms, _ = market_firms(count, np.random.default_rng(seed + 100 + part))
        before, began = time.process_time(), time.perf_counter()
        match_batch(shelf, firms, fitted)
        cpu, wall = cpu + time.process_time() - before, wall + time.perf_counter() - began
        left, part = left - count, part + 1
    return cpu, wall


def _table(result: Result) -> Table:
    title = "生成市场上的排序，95 % 区间 / rankings on a generated market, 95 % intervals"
    table = Table(title=title, box=SIMPLE)
    table.add_column("排序 ranking", no_wrap=True)
    for heading in ("NDCG@5", "首选损失 regret of first", "前三命中 hit@3"):
        table.add_column(heading, justify="right")
    for name, figures in result.figures.items():
        cells = [f"{mean:.3f} [dim]± {half:.3f}[/]" for mean, half in figures.values()]
        table.add_row(f"{NAMES[name].zh} {NAMES[name].en}", *cells)
    return table


def _notes(result: Result) -> list[str]:
    shown = f"展示 {result.shown} 个产品，其中不合准入 {result.ineligible} 个 shown, ineligible"
    one = f"一户 40 个产品 one firm, 40 products: {result.single_ms:.2f} ms CPU"
    said = f"{result.products} 个产品 products，10 家机构 lenders，"
    said += f"{result.applications} 笔历史申请 past applications；{shown}"
    notes = [said, one]
    if result.batch_rows:
        notes.append(
            f"{result.batch_rows:,} 户 × {result.products} 个产品 firms x products: "
            f"{result.batch_cpu_s:.1f} CPU-s, {result.batch_s:.1f} s"
        )
    return notes
