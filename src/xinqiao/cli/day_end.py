"""``xinqiao day-end``: close the business days of an institution, killed and resumed as one likes."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel.clock import today
from xinqiao.kernel.errors import user_error
from xinqiao.kernel.quantity import fixed
from xinqiao.portal.serving import Address, opened
from xinqiao.servicing.day_end import DayEnd, run_until

Home = Annotated[Path, typer.Option(help="平台文件夹 / folder of the platform")]
Institution = Annotated[str, typer.Option(help="机构编号（见机构管理页）/ id of the institution")]
Until = Annotated[
    str | None, typer.Option(help="到哪一天，默认昨天 / up to which day, yesterday if not told")
]


def day_end(home: Home, institution: Institution, until: Until = None) -> None:
    """日终：逐日计提、逾期、分类、拨备和提醒 / accrual, arrears, classes, allowance, day by day."""
    last = _day(until) if until else today() - timedelta(days=1)
    with opened(home, Address("127.0.0.1", 0)) as platform:
        bank = _institution(platform.database, institution)
        closed = _shown(platform.database, bank, last)
    for done in closed:
        _say(done)
    if not closed:
        Console().print(f"{last}  没有未结束的营业日 / no business day up to then is open")


def _shown(database: Database, bank: UUID, last: date) -> list[DayEnd]:
    """The day-ends, with a bar that fills batch by batch."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("批次 batches", total=None)
        return run_until(
            database, bank, last, progress=lambda done, total: bar.update(task, completed=done, total=total)
        )


def _say(done: DayEnd) -> None:
    console = Console()
    if done.again:
        console.print(f"{done.day}  已完成 / closed before")
        return
    console.print(
        f"{done.day}  {fixed(done.loans)} 笔贷款 loans（引擎 by engine {fixed(done.by_engine)}）  "
        f"分类变化 reclassified {done.reclassified}  提醒 reminders {done.reminders}"
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise user_error("SRV-DAY-END", "--until", detail=text) from error


def _institution(database: Database, text: str) -> UUID:
    try:
        found = UUID(text)
    except ValueError as error:
        raise user_error("SRV-DAY-END", "--institution", detail=text) from error
    with database.transaction(SYSTEM) as tx:
        if tx.execute("SELECT 1 FROM institution WHERE id = %s", [found]).fetchone() is None:
            raise user_error("SRV-DAY-END", "--institution", detail=text)
    return found
