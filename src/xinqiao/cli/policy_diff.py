"""``xinqiao policy diff``: two policies on the same companies, as a page and as tables."""

from __future__ import annotations

import dataclasses
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import typer
from rich.console import Console
from rich.progress import Progress

from xinqiao.city.cases import generate_cases
from xinqiao.indicator.definition import indicators
from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.errors import fail
from xinqiao.kernel.quantity import money, percent, rate
from xinqiao.kernel.text import Text
from xinqiao.kernel.writing import write_whole
from xinqiao.policy.batch import OUTCOMES
from xinqiao.policy.compiled import Policy
from xinqiao.policy.diff import Diff, Effect, Figures, changes, compare, effects
from xinqiao.policy.edits import Edit
from xinqiao.policy.frame import Frame, column_names, read_frame
from xinqiao.policy.load import load_policy
from xinqiao.policy.runs import DECISIONS, GENERATED, RESULTS
from xinqiao.report.page import company_file, write_page
from xinqiao.report.policy_diff import DiffPage, render_policy_diff
from xinqiao.report.view import Link

CASES = "generated:"
SEED = 1
PAGE = "diff.html"
STEPS = 5


def policy_diff(
    a: Annotated[str, typer.Argument(metavar="A", help="旧政策：编号或文件 / old policy: id or file")],
    b: Annotated[str, typer.Argument(metavar="B", help="新政策：编号或文件 / new policy: id or file")],
    on: Annotated[
        str,
        typer.Option(
            help="运行文件夹、案例表或 generated:户数 / a run's folder, a table of cases, generated:N"
        ),
    ],
    out: Annotated[Path, typer.Option(help="输出目录 / output folder")] = Path("xinqiao-out/diff"),
    lgd: Annotated[float, typer.Option(help="违约损失率 0–1 / loss given default")] = 0.6,
) -> None:
    """两个政策在同一批企业上的差别 / who would be decided otherwise, why, and at what cost."""
    if not 0 <= lgd <= 1:
        fail("POL-LGD", "--lgd", value=lgd)
    units = {name: indicator.unit.id for name, indicator in indicators().items()}
    policies = load_policy(a, units), load_policy(b, units)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("比对 comparing", total=STEPS)
        frames = _frames(policies, on)
        progress.advance(task)
        diff = compare(*policies, frames, lgd)
        progress.advance(task)
        tried = effects(diff)
        progress.advance(task)
        page = _page(diff, on, out)
        html = render_policy_diff(diff, tried, page)
        progress.advance(task)
        _write(out, diff, summary(diff, tried, generated=page.generated), html)
    _tell(diff, out)


def _frames(policies: tuple[Policy, Policy], on: str) -> tuple[Frame, Frame]:
    """The cases, read for each policy."""
    a, b = policies
    if on.startswith(CASES):
        table = _generated(policies, on)
        return read_frame(a, table), read_frame(b, table)
    old = read_frame(a, Path(on))
    if Path(on).suffix.lower() == ".csv":  # which cells are texts depends on the policy that reads them
        return old, read_frame(b, Path(on))
    return old, read_frame(b, old.table)


def _generated(policies: tuple[Policy, Policy], on: str) -> pa.Table:
    """Generated cases for the old policy, with the columns only the new one reads."""
    count = on.removeprefix(CASES)
    if not count.isascii() or not count.isdecimal():
        fail("POL-CASES", on, detail=f"{CASES}100000")
    old, new = policies
    table = generate_cases(old, int(count), SEED)
    if set(column_names(new).values()) <= set(table.column_names):
        return table
    more = generate_cases(new, int(count), SEED)
    for name in more.column_names:
        if name not in table.column_names:
            table = table.append_column(name, more[name])
    return table


def _page(diff: Diff, on: str, out: Path) -> DiffPage:
    count = f"{len(diff.ids):,}"
    if on.startswith(CASES):
        dataset = Text(zh=f"{count} 户生成企业", en=f"{count} generated companies")
    else:
        name = Path(on).name
        dataset = Text(zh=f"{name}（{count} 户）", en=f"{name}, {count} companies")
    return DiffPage(
        dataset=dataset,
        generated=_is_generated(diff, on),
        names=(_name(diff.a), _name(diff.b)),
        links=(
            Link("changes.csv", Text(zh="决策改变的企业 CSV", en="changed companies as CSV")),
            Link("changes.parquet", Text(zh="决策改变的企业 Parquet", en="changed companies as Parquet")),
            Link("summary.json", Text(zh="全部数字 JSON", en="all figures as JSON")),
        ),
        href=_href(Path(on) / "report" / "companies", out),
    )


def _is_generated(diff: Diff, on: str) -> bool:
    """Whether the companies were made by a program: the table or the run says so."""
    results = Path(on) / DECISIONS / f"{RESULTS}.parquet"
    told = [diff.table.schema.metadata]
    if results.is_file():
        told.append(pq.read_schema(results).metadata)
    return on.startswith(CASES) or any(GENERATED.items() <= (words or {}).items() for words in told)


def _name(policy: Policy) -> Text:
    file = policy.file
    return Text(zh=f"{file.name.zh} {file.version}", en=f"{file.name.en} {file.version}")


def _href(pages: Path, out: Path) -> Callable[[str], str | None]:
    """Leads to a company's page of the run, where the run has written it."""
    known = {path.name for path in pages.glob("*.html")} if pages.is_dir() else set()
    start = Path(os.path.relpath(pages, out)).as_posix()

    def href(company: str) -> str | None:
        name = company_file(company)
        return f"{start}/{name}" if name in known else None

    return href


# what is written ----------------------------------------------------------------------------------


def _write(out: Path, diff: Diff, figures: dict[str, Any], html: str) -> None:
    table = changes(diff)
    columns, sheet = io.BytesIO(), io.BytesIO()
    pq.write_table(table, columns, compression="zstd")
    sheet.write("\ufeff".encode())  # so that spreadsheet programs read it as UTF-8
    pa_csv.write_csv(table, sheet)
    write_whole(out / "changes.parquet", columns.getvalue())
    write_whole(out / "changes.csv", sheet.getvalue())
    write_whole(out / "summary.json", canonical_json(figures))
    write_page(out / PAGE, html)


def summary(diff: Diff, tried: list[tuple[Edit, Effect | None]], *, generated: bool) -> dict[str, Any]:
    """All figures as plain JSON values; amounts in CNY, rates and shares as ratios."""
    groups = {
        "grade": diff.groups("grade"),
        "peer_group": diff.groups("peer_group"),
        "missing_inputs": diff.by_missing(),
        "missing": diff.by_absent(),
    }
    return {
        "policies": [{"id": p.file.id, "version": p.file.version} for p in (diff.a, diff.b)],
        "generated": generated,
        "companies": len(diff.ids),
        "lgd": diff.lgd,
        "moved": int(diff.moved.sum()),
        "changed": int(diff.changed.sum()),
        "figures": [_figures(f) for f in diff.figures],
        "outcomes": list(OUTCOMES),
        "transitions": diff.transitions.tolist(),
        "causes": [dataclasses.asdict(cause) for cause in diff.causes()],
        "groups": {
            key: [
                {
                    "name": g.name,
                    "moved": g.moved,
                    "before": _figures(g.before),
                    "after": _figures(g.after),
                }
                for g in some
            ]
            for key, some in groups.items()
        },
        "edits": [_edit(edit, effect) for edit, effect in tried],
        "shifts": {
            "approved_by_both": int(diff.lent_by_both.sum()),
            "limit": [_shift(s.low, s.high, s.companies) for s in diff.limit_shifts()],
            "rate": [_shift(s.low, s.high, s.companies) for s in diff.rate_shifts()],
        },
    }


def _figures(figures: Figures) -> dict[str, Any]:
    share = figures.expected_loss_share
    return {
        **dataclasses.asdict(figures),
        "approval_rate": round(figures.approval_rate, 9),
        "expected_loss_share": None if share is None else round(share, 9),
    }


def _shift(low: float, high: float, companies: int) -> dict[str, Any]:
    """A step without end on one side has None there."""
    ends = [None if abs(end) == float("inf") else end for end in (low, high)]
    return {"low": ends[0], "high": ends[1], "companies": companies}


def _edit(edit: Edit, effect: Effect | None) -> dict[str, Any]:
    told = None
    if effect is not None:
        told = {
            "moved": effect.moved,
            "changed": effect.changed,
            "before": _figures(effect.before),
            "after": _figures(effect.after),
            "made_last": edit.undone,
        }
    lines = [f"{line.mark} {line.number} {line.text}" for line in edit.lines]
    return {"part": list(edit.part), "kind": edit.kind, "lines": lines, "alone": told}


def _tell(diff: Diff, out: Path) -> None:
    console = Console()
    a, b = diff.figures
    lines = [
        f"{len(diff.ids):,} 户 companies，结论改变 other outcome {int(diff.moved.sum()):,}",
        f"批准率 approval rate {percent(a.approval_rate, 2)} → {percent(b.approval_rate, 2)}",
        f"批准额度 amount {money(a.amount_cny)} → {money(b.amount_cny)}",
    ]
    shares = a.expected_loss_share, b.expected_loss_share
    words = ["—" if share is None else rate(share) for share in shares]
    lines.append(f"预期损失率 expected loss {words[0]} → {words[1]}")
    for line in [*lines, f"页面 page {out / PAGE}"]:
        console.print(line, highlight=False, soft_wrap=True)
