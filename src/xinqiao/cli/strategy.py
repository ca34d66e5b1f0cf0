"""``xinqiao strategy``: whom to lend, how much and at what rate, to earn the most under the budget."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Self

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from xinqiao.kernel.errors import fail, user_error
from xinqiao.kernel.quantity import fixed, money, percent, rate
from xinqiao.kernel.text import Text
from xinqiao.policy.mandate import Mandate, load_mandate
from xinqiao.report.page import write_page
from xinqiao.report.strategy import render_strategy
from xinqiao.strategy.applicant import generated_applicants, read_applicants
from xinqiao.strategy.churn import Churn, generated_churn, read_churn
from xinqiao.strategy.output import write_study
from xinqiao.strategy.plan import Statement
from xinqiao.strategy.scored import Scored, read_run
from xinqiao.strategy.shock import load_shock
from xinqiao.strategy.study import Step, Study, study
from xinqiao.strategy.terms import Terms, load_terms

DEMO_COMPANIES = 300
WORDS = {
    "folds": "违约概率区间 PD intervals",
    "plans": "求解 plans solved",
    "simple": "简单方案 simple policies",
}
HEADS = (
    "方案\nplan",
    "企业\nfirms",
    "授信\nlines",
    "预期提款\ndrawn",
    "加权利率\nmean rate",
    "预期利润\nprofit",
)


def strategy(  # noqa: PLR0917 - a command's options, given by name
    run: Annotated[Path | None, typer.Option(help="完成的运行文件夹 / folder of a finished run")] = None,
    companies: Annotated[
        Path | None, typer.Option(help="企业表 CSV/Parquet（company_id, pd, …）/ table of companies")
    ] = None,
    churn: Annotated[Path | None, typer.Option(help="流失率表 XLSX/CSV / churn by rate and rating")] = None,
    plan: Annotated[str, typer.Option(help="方案条件：编号或 YAML / terms: id or file")] = "small_firm_plan",
    budget: Annotated[str | None, typer.Option(help="总额度，元 / total budget, CNY")] = None,
    budget_on: Annotated[
        str | None, typer.Option(help="committed 按授信额 | expected 按预期提款 / what uses the budget")
    ] = None,
    lgd: Annotated[str | None, typer.Option(help="违约损失率 0–1 / loss given default")] = None,
    funds_rate: Annotated[str | None, typer.Option(help="资金成本，年 / cost of funds, a year")] = None,
    mandate: Annotated[str | None, typer.Option(help="授权书：编号或文件 / the bank's mandate")] = None,
    shock: Annotated[
        str, typer.Option(help="冲击情景：编号或 YAML；none 不做 / scenario: id or file; none for none")
    ] = "epidemic",
    out: Annotated[Path, typer.Option(help="输出目录 / output folder")] = Path("xinqiao-out/strategy"),
    seed: Annotated[int, typer.Option(help="示范企业的随机种子 / seed of the generated companies")] = 1,
) -> None:
    """在总额度下求利润最大的信贷方案 / the lending plan of most expected profit under a budget."""
    given = {"budget_cny": budget, "lgd": lgd, "funds_rate": funds_rate}
    changes: dict[str, Any] = {name: _number(name, text) for name, text in given.items() if text is not None}
    changes |= {name: text for name, text in (("budget_on", budget_on), ("mandate", mandate)) if text}
    terms = load_terms(plan, changes)
    bounds = load_mandate(terms.mandate)
    terms = terms.within(bounds, plan)
    console = Console()
    with _Steps(Console(stderr=True)) as steps:
        made = _study(run, companies, _churn(churn, bounds), (bounds, terms, shock, seed), steps.step)
    write_study(out, made)
    write_page(out / "strategy.html", render_strategy(made))
    _show(made, out, console)


def _number(name: str, text: str) -> Decimal:
    try:
        value = Decimal(text.replace(",", "").replace("_", ""))
    except InvalidOperation as error:
        raise user_error("STR-TERMS", f"--{name}", detail=f"{text!r}") from error
    if not value.is_finite():
        fail("STR-TERMS", f"--{name}", detail=f"{text!r}")
    return value


def _churn(path: Path | None, mandate: Mandate) -> Churn:
    found = generated_churn() if path is None else read_churn(path)
    return found.within(mandate, "churn" if path is None else str(path))


def _study(
    run: Path | None,
    companies: Path | None,
    churn: Churn,
    told: tuple[Mandate, Terms, str, int],
    step: Step,
) -> Study:
    mandate, terms, shock, seed = told
    if run is not None and companies is not None:
        fail("STR-OPTION", "strategy", detail="--run, --companies")
    generated = False
    if run is not None:
        scored = read_run(run, terms, step)
        title = Text(zh=f"运行 {run.name} 的企业", en=f"companies of run {run.name}")
    elif companies is not None:
        scored = Scored(tuple(read_applicants(companies, terms)), None, None, None, everyone=False)
        title = Text(zh=f"企业表 {companies.name}", en=f"companies of {companies.name}")
    else:
        made_up = generated_applicants(DEMO_COMPANIES, seed, terms)
        scored, generated = Scored(tuple(made_up), None, None, None, everyone=False), True
        title = Text(zh="生成的示范企业", en="generated companies")
    scenario = None if shock == "none" else load_shock(shock, scored.applicants)
    return study(
        title, scored, churn, generated=generated, mandate=mandate, terms=terms, shock=scenario, step=step
    )


class _Steps:
    """A progress bar with a line for each step."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bars = Progress(*columns, console=console)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def step(self, name: str, done: int, total: int) -> None:
        """Work ``name`` has come to ``done`` of ``total``."""
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(WORDS[name], total=total)
        self._bars.update(self._tasks[name], completed=done, total=total)


def _show(made: Study, out: Path, console: Console) -> None:
    if made.generated or made.churn.generated:
        console.print("[bold yellow]含生成数据 / holds generated data[/]")
    optimum, result = made.plan.optimum, made.plan.statement()
    table = Table(
        box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title=escape(str(made.title)), title_justify="left"
    )
    for head in HEADS:
        table.add_column(head, justify="left" if head == HEADS[0] else "right", no_wrap=True)
    table.add_row("最优 best plan", *_cells(result), style="bold")
    for each in made.simple:
        table.add_row(each.name.zh, *_cells(each.one_rate.statement()))
    if made.shocked:
        kept, again = made.shocked.before.statement(made.shocked.book), made.shocked.after.statement()
        table.add_row("冲击，原方案 shock, kept", *_cells(kept))
        table.add_row("冲击，重求 shock, again", *_cells(again))
    console.print(table)
    if optimum is not None:
        bound, gap = fixed(optimum.bound, 2), percent(optimum.gap, 4)
        console.print(f"利润上界 bound {bound}   差距 gap {gap}   节点 nodes {optimum.nodes}")
    console.print(escape(f"方案 plan     {out / 'plan.csv'}\n报告 report   {out / 'strategy.html'}"))


def _cells(made: Statement) -> list[str]:
    mean = "—" if made.mean_rate is None else rate(made.mean_rate)
    amounts = [money(value).zh for value in (made.committed_cny, made.drawn_cny)]
    return [fixed(made.companies), *amounts, mean, money(made.profit_cny).zh]
