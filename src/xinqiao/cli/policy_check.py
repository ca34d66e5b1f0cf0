"""``xinqiao policy check``: all faults of a policy file at once, before its release."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from xinqiao.indicator.definition import indicators
from xinqiao.kernel.canonical import canonical_json
from xinqiao.policy.check import Finding, Severity, check_policy
from xinqiao.policy.load import read_policy
from xinqiao.policy.mandate import load_mandate

FAULTY = 1
"""Exit code when a policy has errors."""

_WORDS: dict[Severity, str] = {"error": "[bold red]错误 error[/]", "warning": "[yellow]提醒 warning[/]"}


def policy_check(
    file: Annotated[str, typer.Argument(help="政策文件或编号 / file or id of a policy")],
    mandate: Annotated[
        str, typer.Option(help="授权书编号或文件 / id or file of the bank's mandate")
    ] = "small_firm_loan",
    *,
    json_: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """检查一份政策的全部问题；有错误时退出码为 1 / check a policy; exit code 1 when it has errors."""
    allowed = load_mandate(mandate)
    text, origin = read_policy(file)
    units = {name: indicator.unit.id for name, indicator in indicators().items()}
    console = Console(soft_wrap=True)
    with Console(stderr=True).status("检查中 checking"):
        findings = check_policy(text, origin, units, allowed)
    counts = Counter(finding.severity for finding in findings)
    if json_:
        found = [finding.as_json() for finding in findings]
        whole = {"file": origin, "mandate": allowed.id, "findings": found}
        typer.echo(
            canonical_json({**whole, "errors": counts["error"], "warnings": counts["warning"]}).decode()
        )
    else:
        _show(findings, console)
        errors, warnings = counts["error"], counts["warning"]
        console.print(
            f"{escape(origin)}：{errors} 个错误，{warnings} 个提醒 / {errors} errors, {warnings} warnings"
        )
    if counts["error"]:
        raise typer.Exit(FAULTY)


def _show(findings: tuple[Finding, ...], console: Console) -> None:
    for finding in findings:
        fault = finding.fault
        console.print(f"{_WORDS[finding.severity]} {fault.code}  {escape(fault.where)}")
        console.print(f"  {escape(fault.what.zh)}\n  [dim]{escape(fault.what.en)}[/]")
        console.print(f"  怎么办 {escape(fault.fix.zh)}\n  [dim]{escape(fault.fix.en)}[/]")
