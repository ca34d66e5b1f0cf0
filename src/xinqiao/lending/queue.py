"""The work queue of an institution: which cases wait, for whom, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.db.database import Tx
from xinqiao.kernel.clock import now
from xinqiao.kernel.text import Text
from xinqiao.lending.case_product import product_of
from xinqiao.lending.case_state import Case, case_of
from xinqiao.lending.proposal import who

View = Literal["open", "new", "mine", "second", "late", "offered", "signing", "closed"]
VIEWS: dict[View, Text] = {
    "open": Text(zh="待办", en="Open"),
    "new": Text(zh="待受理", en="To take up"),
    "mine": Text(zh="我经办的", en="Mine"),
    "second": Text(zh="待复核", en="For a second person"),
    "late": Text(zh="已超时", en="Overdue"),
    "offered": Text(zh="待客户答复", en="With the company"),
    "signing": Text(zh="签约中", en="Being signed"),
    "closed": Text(zh="已办结", en="Closed"),
}
_WHERE: dict[View, str] = {
    "open": "state IN ('applied', 'screened', 'in_review', 'proposed', 'half_signed')",
    "new": "state = 'screened'",
    "mine": "state IN ('in_review', 'proposed') AND handler_id = %(me)s",
    "second": "state = 'proposed'",
    "late": "state IN ('applied', 'screened', 'in_review', 'proposed', 'half_signed') AND due_at <= %(now)s",
    "offered": "state IN ('offered', 'returned', 'contracted')",
    "signing": "state IN ('accepted', 'contracted', 'half_signed', 'signed')",
    "closed": "closed_at IS NOT NULL",
}
MOST = 100
SOON = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Line:
    """A case in the queue, with the names people know firm and product by."""

    case: Case
    company: str
    product: Text

    @property
    def urgency(self) -> Literal["late", "soon", "new", ""]:
        """How it is marked: overdue, due within twelve hours, or not yet taken up."""
        due = self.case.due_at
        if due is not None and due <= now():
            return "late"
        if due is not None and due <= now() + SOON:
            return "soon"
        return "new" if self.case.state == "screened" else ""


def queue(tx: Tx, actor: Actor, view: View, *, after: int = 0) -> list[Line]:
    """The cases of ``view``, the most urgent first, closed ones the latest; ``after``: how many to skip."""
    order = "closed_at DESC, id" if view == "closed" else "due_at NULLS LAST, id"
    rows = tx.execute(
        "SELECT c.*, f.name AS company FROM lending_case AS c LEFT JOIN company AS f ON f.id = c.company_id "  # noqa: S608 - our own texts
        f"WHERE {_WHERE[view]} ORDER BY {order} LIMIT %(most)s OFFSET %(after)s",
        {"me": who(actor), "now": now(), "most": MOST, "after": after},
    ).fetchall()
    names: dict[tuple[UUID, str, str], Text] = {}
    lines = []
    for row in rows:
        case = case_of(row)
        key = case.institution_id, case.product_id, case.product_version
        if key not in names:
            names[key] = product_of(tx, *key).name
        lines.append(Line(case, row["company"] or case.company_id, names[key]))
    return lines


def counts(tx: Tx, actor: Actor) -> dict[View, int]:
    """How many cases each view holds."""
    parts = ", ".join(f"count(*) FILTER (WHERE {where}) AS {view}" for view, where in _WHERE.items())
    row = tx.execute(f"SELECT {parts} FROM lending_case", {"me": who(actor), "now": now()}).fetchone()  # noqa: S608 - our own texts
    assert row is not None  # noqa: S101 - a count has a row
    return {view: row[view] for view in VIEWS}
