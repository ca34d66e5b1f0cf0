"""What a case's loan shows after an event (算例快照): rows, totals, splits, as they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from xinqiao.loan.engine import Loan, rows
from xinqiao.loan.standing import Row

AMOUNTS = (
    "instalment",
    "principal",
    "interest",
    "fees",
    "penalties",
    "total",
    "scheduled_balance_after",
    "outstanding_after",
    "paid",
    "waived",
    "open",
)
TOTALS = ("principal", "interest", "fees", "penalties", "due", "paid", "outstanding", "overpaid")
PARTS = ("principal", "interest", "fees", "penalties")


def everything(number: int, event: Mapping[str, Any]) -> dict[str, Any]:
    """What is asked for after an event where a case says nothing: all columns, and the totals."""
    rows_ = [dict.fromkeys(("due", "days", *AMOUNTS))]
    day = {"as_of": event["date"]} if event.get("date") else {}
    return {"after_event": number, **day, "rows": rows_, "totals": dict.fromkeys(TOTALS)}


def split(before: Loan, after: Loan, asked: Iterable[str], places: int) -> dict[str, str]:
    """What a payment was for."""
    out = {}
    for part in asked:
        name = {"fees": "fee", "penalties": "penalty"}.get(part, part)
        if name in ("overpaid", "credit"):
            out[part] = _text(after.credit - before.credit, places)
            continue
        sums = [
            sum((each.sum_paid(name, waived=False) for each in loan.instalments), Decimal(0))  # type: ignore[arg-type]
            for loan in (before, after)
        ]
        out[part] = _text(sums[1] - sums[0], places)
    return out


def snapshot(loan: Loan, asked: Mapping[str, Any], number: int, places: int) -> dict[str, Any]:
    """The loan after event ``number``: what ``asked`` names, whatever amounts it holds."""
    on = loan.state.as_of or loan.instalments[0].start
    if asked.get("as_of"):
        on = max(on, date.fromisoformat(asked["as_of"]))
    found = rows(loan, on)
    wanted = {row["n"] for row in asked.get("rows") or () if "n" in row}
    keys = {key for row in asked.get("rows") or () for key in row}
    out: dict[str, Any] = {"after_event": number}
    if "as_of" in asked:
        out["as_of"] = asked["as_of"]
    out["rows"] = [_row(row, keys, places) for row in found if row.n in wanted or not wanted]
    if "totals" in asked:
        out["totals"] = _totals(found, loan, asked["totals"], places)
    if "count" in asked:
        out["count"] = len(found)
    return {key: value for key, value in out.items() if key in asked}


def _row(row: Row, keys: set[str], places: int) -> dict[str, Any]:
    figures = (
        row.principal + row.interest,
        row.principal,
        row.interest,
        row.fee,
        row.penalty,
        row.total,
        row.balance_after,
        row.outstanding_after,
        row.paid,
        row.waived,
        row.open,
    )
    out: dict[str, Any] = {"n": row.n, "due": row.due.isoformat(), "days": (row.due - row.start).days}
    out |= {key: _text(amount, places) for key, amount in zip(AMOUNTS, figures, strict=True)}
    if row.settled_on is not None:
        out["settled_on"] = row.settled_on.isoformat()
    return {
        key: value
        for key, value in out.items()
        if key in keys or key == "n" or (key == "settled_on" and "paid" in keys)
    }


def _totals(found: Sequence[Row], loan: Loan, asked: Mapping[str, Any], places: int) -> dict[str, Any]:
    sums = {
        "principal": sum((row.principal for row in found), Decimal(0)),
        "interest": sum((row.interest for row in found), Decimal(0)),
        "fees": sum((row.fee for row in found), Decimal(0)) + loan.drawing_fees,
        "penalties": sum((row.penalty for row in found), Decimal(0)),
        "due": sum((row.total for row in found), Decimal(0)),
        "paid": sum((row.paid for row in found), Decimal(0)),
        "outstanding": sum((row.open for row in found), Decimal(0)),
        "overpaid": loan.credit,
    }
    sums["total"] = sums["due"]
    return {key: _text(sums[key], places) for key in asked if key in sums}


def _text(amount: Decimal, places: int) -> str:
    return str(amount.quantize(Decimal(1).scaleb(-places)))
