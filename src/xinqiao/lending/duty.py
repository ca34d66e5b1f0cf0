"""The duty checklist of a case (尽职清单): answered by who works on it, kept with the judgement, exported."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from xinqiao.account.actor import Actor
from xinqiao.db.database import Tx, new_id
from xinqiao.kernel.clock import now
from xinqiao.kernel.document import parse
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.lending.case_event import events
from xinqiao.lending.case_state import get
from xinqiao.lending.proposal import Proposal, proposals, who

ANSWERS = {
    "done": Text(zh="已做", en="done"),
    "not_applicable": Text(zh="不适用", en="does not apply"),
    "not_done": Text(zh="未做", en="not done"),
}
MOST_WORDS = 500
STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Item(BaseModel):
    """A duty, and for which judgement it is owed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Text
    for_: list[Literal["offer", "refuse"]] = Field(alias="for")


class Checklist(BaseModel):
    """All duties, and what a person is not held to account for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    items: dict[str, Item]
    exemptions: dict[str, Text]


@dataclass(frozen=True, slots=True)
class Check:
    """An answer to one item; ``proposal_id``: the judgement it belongs to, once there is one."""

    item: str
    answer: str
    note: str
    by_name: str
    at: datetime
    proposal_id: UUID | None


_COLUMNS = ", ".join(field.name for field in fields(Check))


@cache
def checklist() -> Checklist:
    """The checklist of the catalog."""
    file = files("xinqiao").joinpath("catalog", "cases", "duty.yaml")
    return parse(file.read_text("utf-8"), Checklist, file.name)[0]


def answer(tx: Tx, actor: Actor, case_id: UUID, given: Mapping[str, tuple[str, str]]) -> None:
    """Answer items: (answer, note) by item. An item that was not done, or does not apply, needs a note.

    Answers given while a judgement waits for its second person belong to it. Raises UserError LND-DUTY,
    LND-CASE-ABSENT.
    """
    case = get(tx, case_id)
    waiting = [each for each in proposals(tx, case_id) if each.verdict is None]
    for item, (told, note) in given.items():
        words = note.strip()[:MOST_WORDS]
        if item not in checklist().items or told not in ANSWERS or (told != "done" and not words):
            fail("LND-DUTY", item[:40], known=", ".join(checklist().items))
        tx.execute(
            "INSERT INTO duty_check (id, case_id, institution_id, proposal_id, item, answer, note, by_who, "
            "by_name, at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                new_id(),
                case.id,
                case.institution_id,
                waiting[-1].id if waiting else None,
                item,
                told,
                words,
                who(actor),
                actor.name,
                now(),
            ],
        )


def checks(tx: Tx, case_id: UUID) -> list[Check]:
    """All answers, the first first; a later one stands for an earlier one."""
    rows = tx.execute(f"SELECT {_COLUMNS} FROM duty_check WHERE case_id = %s ORDER BY id", [case_id])  # noqa: S608 - our own names
    return [Check(**row) for row in rows]


def missing(tx: Tx, proposal: Proposal) -> list[str]:
    """Items owed for a judgement that had no answer, or were not done, when it was decided (or are now)."""
    until = proposal.decided_at or now()
    found = {each.item: each.answer for each in checks(tx, proposal.case_id) if each.at <= until}
    owed = [name for name, item in checklist().items.items() if proposal.kind in item.for_]
    return [name for name in owed if found.get(name) in (None, "not_done")]


def export(tx: Tx, case_id: UUID) -> str:
    """Answers, judgements with what was missing, and events, as CSV: what shows that duties were done."""
    get(tx, case_id)
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["at", "kind", "what", "result", "by", "note"])
    for row in sorted(_rows(tx, case_id)):
        table.writerow([_plain(value) for value in row])
    return "\ufeff" + out.getvalue()


def _plain(value: str) -> str:
    """No spreadsheet takes a note for a formula."""
    return f"'{value}" if value.startswith(STARTS_FORMULA) else value


def _rows(tx: Tx, case_id: UUID) -> Iterator[tuple[str, str, str, str, str, str]]:
    for each in checks(tx, case_id):
        name = checklist().items[each.item].name
        yield each.at.isoformat(), "duty", str(name), str(ANSWERS[each.answer]), each.by_name, each.note
    for made in proposals(tx, case_id):
        at = made.proposed_at.isoformat()
        yield at, "proposal", made.kind, ",".join(made.codes), made.proposed_name, made.note
        if made.decided_at is not None:
            gaps = ", ".join(missing(tx, made)) or "-"
            told = f"checklist open: {gaps}"
            yield (
                made.decided_at.isoformat(),
                "approval",
                made.kind,
                str(made.verdict),
                made.decided_name or "",
                told,
            )
    for event in events(tx, case_id):
        yield event.at.isoformat(), "event", str(event.name), event.to_state, event.by_name, ""
