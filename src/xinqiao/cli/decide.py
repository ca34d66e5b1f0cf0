"""``xinqiao decide``: one case, its outcome, its reasons and every step that led there."""

from __future__ import annotations

import json
from dataclasses import replace
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
from xinqiao.policy.release import CHAMPION, load_release
from xinqiao.policy.runs import store_of
from xinqiao.policy.scorer import read_scorer
from xinqiao.policy.versions import policy_on

OUTCOMES = {
    "approve": "[green]批准 approve[/]",
    "refer": "[yellow]人工复核 refer[/]",
    "reject": "[red]拒绝 reject[/]",
}
EFFECTS = {"ignore": "", "approve": "批准", "refer": "复核", "reject": "拒绝"}


def decide(
    policy: Annotated[
        str, typer.Option(help="政策编号、文件或版本文件夹 / id, file or folder of versions")
    ] = "small_firm_credit",
    case: Annotated[Path | None, typer.Option(help="案例 JSON 文件 / case file")] = None,
    run: Annotated[Path | None, typer.Option(help="运行结果文件夹 / folder of a run")] = None,
    company: Annotated[
        str | None, typer.Option(help="企业编号（配合 --run）/ company id, with --run")
    ] = None,
    *,
    release: Annotated[
        Path | None, typer.Option(help="发布文件，代替 --policy / release file, instead of --policy")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """对一户作出决策，或显示一次运行中的决策 / decide one case, or show the decision a run made."""
    console = Console()
    if case is not None and run is None and company is None:
        decision = _decide_case(case, policy) if release is None else _decide_release(case, release)
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


def _read_case(path: Path) -> Case:
    try:
        data = json.loads(path.read_bytes())
        json.dumps(data, ensure_ascii=False).encode()  # half a surrogate pair could not be written again
    except (OSError, ValueError, RecursionError) as error:
        raise user_error("POL-CASE", str(path), detail=str(error)) from error
    return Case.from_json(data, str(path), indicators())


def _decide_case(path: Path, source: str) -> dict[str, Any]:
    case = _read_case(path)
    return _decided(policy_on(source, case.as_of, str(path), _units()), case)


def _decide_release(path: Path, source: Path) -> dict[str, Any]:
    """The decision that stands, and under ``release`` the arm and the silent ones."""
    case, release = _read_case(path), load_release(source)
    policies, models = release.policies(case.as_of, str(path), _units()), release.model_files()
    drawn = release.draw(case.company_id)

    def by(arm: str) -> dict[str, Any]:
        model = models.get(arm) or models.get(CHAMPION)
        return _decided(policies[arm], case if model is None else _scored(case, model))

    silent = [{"arm": arm, **by(arm)} for arm in drawn.silent]
    told = {"id": release.file.id, "mode": release.file.mode, "arm": drawn.arm, "silent": silent}
    return {**by(drawn.arm), "release": told}


def _scored(case: Case, model: Path) -> Case:
    """The case with the score of ``model`` in place of the one it came with."""
    try:
        scorer = read_scorer(model.read_bytes())
    except OSError as error:
        raise user_error("SCR-CARD-FORMAT", str(model), detail=error.strerror or str(error)) from error
    values = {name: case.indicators.get(name) for name in {**indicators(), **case.indicators}}
    return replace(case, score=scorer(values, case.application))


def _decided(policy: Policy, case: Case) -> dict[str, Any]:
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
        trial = {"release": record["release"]} if "release" in record else {}
        return {**record["decision"], **extra, **trial}
    except (ValueError, KeyError, TypeError) as error:
        raise user_error("POL-STORE", str(run), detail=str(error)) from error


def _show(decision: dict[str, Any], console: Console) -> None:
    console.print(f"{escape(decision['company_id'])}  {OUTCOMES[decision['outcome']]}  {decision['policy']}")
    if decision["outcome"] == "approve":
        limit, rate = Decimal(decision["limit_cny"]), Decimal(decision["rate"]) * 100
        term = f"期限 term {decision['term_months']} 个月 months"
        console.print(f"额度 limit {limit:,f} 元 CNY   年利率 annual rate {rate:.2f}%   {term}")
    _show_release(decision.get("release"), console)
    for title, part in (("理由 Reasons", "reasons"), ("说明 Notes", "notes")):
        if decision[part]:
            console.print(f"[bold]{title}[/]")
        for item in decision[part]:
            console.print(f"  {EFFECTS[item['effect']]:　<2} {item['code']}  {escape(item['text']['zh'])}")
            console.print(f"     [dim]{escape(item['text']['en'])}[/]")
    console.print(_trace(decision["trace"]))
    if "decision_id" in decision:
        console.print(f"决策编号 decision id {decision['decision_id']}")


def _show_release(entry: dict[str, Any] | None, console: Console) -> None:
    """Who was drawn to decide, and what the other arms would have said."""
    if entry is None:
        return
    console.print(f"发布 release {entry['id']} ({entry['mode']})   由 decided by {entry['arm']}")
    for silent in entry["silent"]:
        outcome = silent.get("decision", silent)["outcome"]
        console.print(f"  旁录 silent {silent['arm']}: {OUTCOMES[outcome]}")


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
