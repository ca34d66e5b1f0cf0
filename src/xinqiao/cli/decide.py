"""``xinqiao decide``: one case, its outcome, its reasons and every step that led there."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from xinqiao.indicator.definition import indicators
from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.errors import fail, user_error
from xinqiao.policy.case import Case, bind
from xinqiao.policy.compiled import Policy
from xinqiao.policy.evaluate import decide_inputs
from xinqiao.policy.load import load_policy
from xinqiao.policy.runs import store_of

OUTCOMES = {
    "approve": "[green]批准 approve[/]",
    "refer": "[yellow]人工复核 refer[/]",
    "reject": "[red]拒绝 reject[/]",
}
EFFECTS = {"ignore": "", "approve": "批准", "refer": "复核", "reject": "拒绝"}


def decide(
    policy: Annotated[
        str, typer.Option(help="政策编号或文件 / id or file of a policy")
    ] = "small_firm_credit",
    case: Annotated[Path | None, typer.Option(help="案例 JSON 文件 / case file")] = None,
    run: Annotated[Path | None, typer.Option(help="运行结果文件夹 / folder of a run")] = None,
    company: Annotated[
        str | None, typer.Option(help="企业编号（配合 --run）/ company id, with --run")
    ] = None,
    *,
    json_: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """对一户作出决策，或显示一次运行中的决策 / decide one case, or show the decision a run made."""
    console = Console()
    if case is not None and run is None and company is None:
        decision = _decide_case(load_policy(policy, _units()), case)
    elif run is not None and company is not None and case is None:
        decision = _stored(run, company)
    else:
        fail("POL-OPTION", "decide", detail="--case FILE | --run DIR --company ID")
    if json_:
        typer.echo(canonical_json(decision).decode())
    else:
        _show(decision, console)


def _units() -> dict[str, str]:
    return {name: indicator.unit.id for name, indicator in indicators().items()}


def _decide_case(policy: Policy, path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise user_error("POL-CASE", str(path), detail=str(error)) from error
    case = Case.from_json(data, str(path))
    policy.require_in_force(case.as_of, str(path))
    decision = decide_inputs(policy, bind(policy, case)).as_json()
    return {**decision, "policy": f"{policy.file.id} {policy.file.version}", "company_id": case.company_id}


def _stored(run: Path, company: str) -> dict[str, Any]:
    store = store_of(run)
    if store is None:
        fail("POL-STORE", str(run), detail="no decisions")
    found = store.of_company(company)
    if not found:
        fail("POL-COMPANY", str(run), company=company)
    try:
        record = json.loads(store.line(found[0]))
        policy = f"{record['policy']['id']} {record['policy']['version']}"
        extra = {"policy": policy, "company_id": record["company_id"], "decision_id": record["decision_id"]}
        return {**record["decision"], **extra}
    except (ValueError, KeyError, TypeError) as error:
        raise user_error("POL-STORE", str(run), detail=str(error)) from error


def _show(decision: dict[str, Any], console: Console) -> None:
    console.print(f"{escape(decision['company_id'])}  {OUTCOMES[decision['outcome']]}  {decision['policy']}")
    if decision["outcome"] == "approve":
        limit, rate = Decimal(decision["limit_cny"]), Decimal(decision["rate"]) * 100
        term = f"期限 term {decision['term_months']} 个月 months"
        console.print(f"额度 limit {limit:,f} 元 CNY   年利率 annual rate {rate:.2f}%   {term}")
    for title, part in (("理由 Reasons", "reasons"), ("说明 Notes", "notes")):
        if decision[part]:
            console.print(f"[bold]{title}[/]")
        for item in decision[part]:
            console.print(f"  {EFFECTS[item['effect']]:　<2} {item['code']}  {escape(item['text']['zh'])}")
            console.print(f"     [dim]{escape(item['text']['en'])}[/]")
    console.print(_trace(decision["trace"]))
    if "decision_id" in decision:
        console.print(f"决策编号 decision id {decision['decision_id']}")


def _trace(steps: list[dict[str, Any]]) -> Table:
    table = Table(title="轨迹 Trace", title_justify="left")
    for column in (
        "步骤 step",
        "编号 id",
        "名称 name",
        "输入 inputs",
        "结果 result",
        "作用 effect",
        "备注 detail",
    ):
        table.add_column(column, overflow="fold")
    for step in steps:
        inputs = ", ".join(f"{name}={_word(value)}" for name, value in step["inputs"].items())
        result = step["result"]
        if isinstance(result, dict):
            shown = ", ".join(f"{name}={_word(value)}" for name, value in result.items())
        else:
            shown = "未知" if result is None and step["kind"] == "rule" else _word(result)
        cells = (
            step["kind"],
            step["id"],
            step["name"]["zh"],
            inputs,
            shown,
            EFFECTS[step["effect"]],
            step["detail"],
        )
        table.add_row(*(escape(cell) for cell in cells))
    return table


def _word(value: str | bool | None) -> str:  # noqa: FBT001 - a value of a trace, not a switch
    match value:
        case None:
            return "缺失"
        case bool():
            return "是" if value else "否"
        case _:
            return value
