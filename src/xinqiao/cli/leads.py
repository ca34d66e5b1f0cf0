"""``xinqiao leads``: fraud leads of everyone in a lake as of a date, as a page, lines of JSON and a table."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import pyarrow.parquet as pq
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.errors import fail, user_error
from xinqiao.kernel.quantity import percent
from xinqiao.kernel.writing import write_whole
from xinqiao.relation.leads.find import Leads, find_leads
from xinqiao.relation.leads.rule import rules
from xinqiao.relation.leads.score import TOGETHER, TRUTH, Found, score
from xinqiao.report.leads import leads_page
from xinqiao.report.page import write_page
from xinqiao.run.settings import find_lake, read_date
from xinqiao.source.as_of import AsOf
from xinqiao.source.lake import Lake

AsOfDate = Annotated[str, typer.Option(help="时点 YYYY-MM-DD / the date T")]
LakeFolder = Annotated[Path, typer.Option(help="数据湖 / folder of the lake")]
Out = Annotated[Path, typer.Option(help="结果文件夹 / folder for the results")]
RuleIds = Annotated[list[str] | None, typer.Option("--rule", help="只查这些规则，可重复 / only these rules")]
TruthFile = Annotated[
    Path | None,
    typer.Option(help="生成区域的真值 fraud.parquet，比较召回与准确 / truth of a generated region"),
]
Generated = Annotated[bool, typer.Option("--generated", help="数据为生成数据 / the data is generated")]


def leads(  # noqa: PLR0917 - every option of a command is named by its user
    as_of: AsOfDate,
    lake: LakeFolder = Path("xinqiao-out/demo/lake"),
    out: Out = Path("xinqiao-out/leads"),
    rule: RuleIds = None,
    truth: TruthFile = None,
    generated: Generated = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """查找欺诈待核线索，附记录与关联子图 / leads to verify, with records and subgraph."""
    console = Console()
    day, known = read_date(as_of, "--as-of"), Lake(find_lake(lake))
    planted = None if truth is None else _truth(truth)
    bar = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*bar, console=Console(stderr=True)) as progress:
        task = progress.add_task("规则 rules", total=len(set(rule or rules())))
        found = find_leads(
            known,
            day,
            rule,
            tick=lambda name, done, _: progress.update(task, completed=done, description=name),
        )
        progress.update(task, completed=len(found.asked), description="规则 rules")
    judged = [] if planted is None else score(found, planted)
    write_whole(out / "leads.jsonl", b"".join(canonical_json(one.as_json()) + b"\n" for one in found.leads))
    write_whole(out / "leads.csv", _csv(found).encode("utf-8-sig"))
    page = leads_page(found, _names(known, found), generated=generated or planted is not None, judged=judged)
    write_page(out / "index.html", page)
    console.print(_table(found, judged))
    console.print(escape(f"{out / 'index.html'}, {out / 'leads.jsonl'}, {out / 'leads.csv'}"))


def _truth(path: Path) -> pa.Table:
    """What was planted; raises UserError CAT-FILE."""
    try:
        table = pq.read_table(path)
        if lacking := sorted(set(TRUTH.names) - set(table.column_names)):
            fail("CAT-FILE", str(path), detail=", ".join(lacking))
        return table.select(TRUTH.names).cast(TRUTH)
    except (OSError, pa.ArrowException) as error:
        raise user_error("CAT-FILE", str(path), detail=str(error)[:200]) from error


def _names(lake: Lake, found: Leads) -> dict[str, str]:
    with AsOf(lake, found.as_of, ["registry"]) as at:
        rows = at.rows("SELECT company_id, name FROM registry")
    return {row["company_id"]: row["name"] for row in rows}


def _csv(found: Leads) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["rule", "name", "company_id", "severity", "figures", "records", "edges"])
    for lead in found.leads:
        figures = "; ".join(f"{name}={value}" for name, value in lead.figures.items())
        name = rules()[lead.rule].name.zh
        row = [lead.rule, name, lead.company_id, lead.severity, figures, lead.records_total, lead.edges_total]
        writer.writerow(row)
    return text.getvalue()


def _table(found: Leads, judged: list[Found]) -> Table:
    table = Table(title=f"欺诈待核线索 leads to verify, {found.as_of}")
    table.add_column("规则 rule", no_wrap=True)
    table.add_column("线索 leads", justify="right")
    for heading in ("植入 planted", "召回 recall", "准确 precision", "误列 accused") if judged else ():
        table.add_column(heading, justify="right")
    counts, scores = found.counts(), {one.rule: one for one in judged}
    for key in found.asked:
        said = "缺数据 no data" if key in found.silent else str(counts[key])
        table.add_row(f"{key} {rules()[key].name.zh}", said, *_judged(scores.get(key)))
    if judged:
        everyone = str(len({lead.company_id for lead in found.leads}))
        table.add_row("全部 together", everyone, *_judged(scores[TOGETHER]))
    return table


def _judged(found: Found | None) -> list[str]:
    if found is None:
        return []
    shares = ["—" if share is None else percent(share) for share in (found.recall, found.precision)]
    return [str(found.planted), *shares, f"{found.accused}/{found.innocents}"]
