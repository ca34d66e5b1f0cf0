"""``xinqiao news``: bad news of firms found in a table of articles, by article and by month."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from xinqiao.kernel.writing import write_whole
from xinqiao.opinion.delivered import Delivered, read_delivered
from xinqiao.opinion.event import NO_EVENT, events
from xinqiao.opinion.monthly import Recognised, monthly_csv, news_csv, recognise
from xinqiao.opinion.recogniser import Recogniser
from xinqiao.opinion.store import load
from xinqiao.run.settings import read_date

Model = Annotated[Path, typer.Option(help="识别模型 .npz，由 benchmark news --save 生成 / the recogniser")]
Articles = Annotated[Path, typer.Option(help="文章表 CSV(.gz) / articles, a row per article and firm")]
Out = Annotated[Path, typer.Option(help="结果文件夹 / folder for results")]
AsOf = Annotated[
    str | None, typer.Option(help="观察日，默认最后获知日 / the day looked back from, else the last known")
]
STEP = 2_000  # rows between two moves of the progress bar


def news(model: Model, articles: Articles, out: Out = Path("xinqiao-out/news"), as_of: AsOf = None) -> None:
    """识别负面舆情，输出逐篇与 36 个月汇总 / find bad news: article by article, and 36 months a firm."""
    console = Console()
    recogniser, rows = load(model), read_delivered(articles)
    day = read_date(as_of, "--as-of") if as_of is not None else max(row.known_on for row in rows)
    found = _run(recogniser, rows)
    write_whole(out / "news.csv", news_csv(found))
    write_whole(out / "monthly.csv", monthly_csv(found, day))
    console.print(_table(found))
    console.print(escape(f"{out / 'news.csv'}, {out / 'monthly.csv'}（as of {day}）"))


def _run(model: Recogniser, rows: list[Delivered]) -> list[Recognised]:
    """Recognised in parts, rows of one article together."""
    order = sorted(range(len(rows)), key=lambda i: rows[i].article_no)
    found: dict[int, Recognised] = {}
    bar = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*bar, console=Console(stderr=True)) as progress:
        task = progress.add_task("识别 recognising", total=len(rows))
        start = 0
        while start < len(order):
            end = min(start + STEP, len(order))
            while end < len(order) and rows[order[end]].article_no == rows[order[end - 1]].article_no:
                end += 1
            part = order[start:end]
            found |= dict(zip(part, recognise(model, [rows[i] for i in part]), strict=True))
            progress.advance(task, end - start)
            start = end
    return [found[i] for i in range(len(rows))]


def _table(found: list[Recognised]) -> Table:
    table = Table(title="负面舆情 / bad news")
    table.add_column("事件 event")
    table.add_column("篇·企业 articles x firms", justify="right")
    count = Counter(one.event_type for one in found)
    for kind, event in events().items():
        table.add_row(str(event.name), f"{count[kind]:,}")
    table.add_row("[dim]非负面 / none[/]", f"[dim]{count[NO_EVENT]:,}[/]")
    return table
