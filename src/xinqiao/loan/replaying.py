"""Replaying worked cases (算例重放): each case's own figures beside what it expects.

Only the keys and the days of what is expected are read, to give the same shape; never its amounts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from xinqiao.kernel.errors import UserError, user_error
from xinqiao.loan.case_event import event_of
from xinqiao.loan.case_format import Given, moved_from, terms_of
from xinqiao.loan.changing import rescheduled, shifted
from xinqiao.loan.engine import Loan, apply, begin, rows
from xinqiao.loan.event import Event, MoveDue, Payoff, Repay
from xinqiao.loan.figures import figures
from xinqiao.loan.standing import Row

SHOWN = 3
"""Differences told of one case at most."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A case worked out. ``differences``: where it is not as expected; ``errors``: what could not be read."""

    case: dict[str, Any]
    differences: tuple[str, ...]
    errors: tuple[UserError, ...]

    @property
    def agrees(self) -> bool:
        """Whether all that is expected came out."""
        return not self.differences and not self.errors


def replay(document: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[Replayed, ...]]:
    """The document with ``actual`` in every case, and how each compares. Raises LON-CASE-FILE."""
    cases = document.get("cases")
    if not isinstance(cases, list) or not all(isinstance(case, dict) for case in cases):
        raise user_error("LON-CASE-FILE", "cases", detail="cases")
    done = tuple(replay_case(case) for case in cases)
    return {**document, "cases": [each.case for each in done]}, done


def replay_case(case: Mapping[str, Any]) -> Replayed:
    """One case with its ``actual``, as far as it could be worked out."""
    name, wrong = str(case.get("id")), _misshapen(case)
    if wrong:
        fault = user_error("LON-CASE-FILE", name, detail=wrong)
        return Replayed({**case, "actual": {"errors": _told([fault])}}, (), (fault,))
    expect = case.get("expect") or {}
    given = Given(name, case.get("terms") or {})
    actual: dict[str, Any] = {}
    events = [dict(each) for each in case.get("events") or ()]
    try:
        if "snapshots" in expect:
            _play(case, given, events, actual)
        else:
            found = figures(given, expect)
            actual.update({key: found[key] for key in expect if found.get(key) is not None})
            unknown = [key for key in expect if found.get(key) is None]
            given.faults += [user_error("LON-CASE-ASKED", name, key=key) for key in unknown]
        given.finish()
    except UserError as error:
        given.faults.append(error)
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:  # a malformed case
        given.faults.append(user_error("LON-CASE-FILE", name, detail=f"{type(error).__name__}: {error}"))
    if given.faults:
        actual["errors"] = _told(given.faults)
    done = {**case, "actual": actual}
    if events and "events" in case:
        done["events"] = events
    differences = tuple(_differences(expect, actual, "")) + tuple(_splits(events))
    return Replayed(done, differences, tuple(given.faults))


def _misshapen(case: Mapping[str, Any]) -> str | None:
    """The part of a case that isn't of the shape it should have."""
    shapes: tuple[tuple[str, type[dict[str, Any] | list[Any]], type], ...] = (
        ("terms", dict, str),
        ("expect", dict, str),
        ("events", list, dict),
        ("needs", list, str),
    )
    for name, shape, inner in shapes:
        part = case.get(name)
        if part is None:
            continue
        if not isinstance(part, shape) or not all(isinstance(each, inner) for each in part):
            return name
    return None


def _told(faults: Sequence[UserError]) -> list[dict[str, str]]:
    return [{"code": each.code, "zh": each.what.zh, "en": each.what.en} for each in faults]


def _play(
    case: Mapping[str, Any], given: Given, events: list[dict[str, Any]], actual: dict[str, Any]
) -> None:
    """Snapshots after the events that are asked for."""
    asked = case["expect"]["snapshots"]
    places = int((given.values.get("rounding") or {}).get("money_decimals", 2))
    terms = terms_of(given, family=str(case.get("family")), events=events)
    before_move = moved_from(given, terms, case.get("needs") or ())
    loan = begin(before_move)
    actual["snapshots"] = []
    for number, plain in enumerate([{}, *events]):
        if number:
            before = loan
            event = event_of(given.case, plain, [each.due for each in loan.instalments])
            loan = _after(loan, event, given)
            if number == 1 and before_move is not terms:
                loan = rescheduled(loan, terms.periods)
            if "expect_split" in plain:
                plain["actual_split"] = _split(before, loan, plain["expect_split"], places)
        for snapshot in asked:
            if snapshot.get("after_event") == number:
                actual["snapshots"].append(_snapshot(loan, snapshot, number, places))


def _after(loan: Loan, event: Event, given: Given) -> Loan:
    """The loan after an event of a case: a moved due date moves all that follow it too."""
    if isinstance(event, MoveDue):
        return rescheduled(loan, shifted(loan, event))
    try:
        return apply(loan, event)
    except UserError as error:
        if error.code != "LON-PAYOFF" or not isinstance(event, Payoff) or event.amount is None:
            raise
        given.faults.append(error)
        return apply(loan, Repay(on=event.on, amount=event.amount, early="next"))


def _split(before: Loan, after: Loan, asked: Mapping[str, Any], places: int) -> dict[str, str]:
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


def _snapshot(loan: Loan, asked: Mapping[str, Any], number: int, places: int) -> dict[str, Any]:
    on = loan.state.as_of or loan.instalments[0].start
    if asked.get("as_of"):
        on = max(on, date.fromisoformat(asked["as_of"]))
    found = rows(loan, on)
    wanted = {row.get("n") for row in asked.get("rows") or ()}
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
    amounts = {
        "instalment": row.principal + row.interest,
        "principal": row.principal,
        "interest": row.interest,
        "fees": row.fee,
        "penalties": row.penalty,
        "total": row.total,
        "scheduled_balance_after": row.balance_after,
        "outstanding_after": row.outstanding_after,
        "paid": row.paid,
        "waived": row.waived,
        "open": row.open,
    }
    out: dict[str, Any] = {"n": row.n, "due": row.due.isoformat(), "days": (row.due - row.start).days}
    out |= {key: _text(amount, places) for key, amount in amounts.items()}
    if row.settled_on is not None:
        out["settled_on"] = row.settled_on.isoformat()
    return {
        key: value for key, value in out.items() if key in keys or (key == "settled_on" and "paid" in keys)
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


def _splits(events: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        told
        for number, event in enumerate(events, start=1)
        if "expect_split" in event
        for told in _differences(event["expect_split"], event.get("actual_split"), f"event {number}")
    ]


def _differences(expect: Any, actual: Any, where: str) -> list[str]:  # noqa: ANN401 - plain JSON
    """Where ``actual`` is not as ``expect`` says; what it says beyond that is not compared, but rows are."""
    if isinstance(expect, Mapping):
        if not isinstance(actual, Mapping):
            return [f"{where}: {expect} / {actual}"]
        told = [
            each
            for key, value in expect.items()
            for each in _differences(value, actual.get(key), f"{where} {key}".strip())
        ]
        if "paid" in expect and "settled_on" in actual and "settled_on" not in expect:
            told.append(f"{where} settled_on: - / {actual['settled_on']}")
        return told
    if isinstance(expect, list):
        if not isinstance(actual, list) or len(actual) != len(expect):
            return [f"{where}: {len(expect)} / {len(actual) if isinstance(actual, list) else actual}"]
        return [
            each
            for number, pair in enumerate(zip(expect, actual, strict=True), start=1)
            for each in _differences(*pair, f"{where} {number}")
        ]
    return [] if _same(expect, actual) else [f"{where}: {expect} / {actual}"]


def _same(expect: object, actual: object) -> bool:
    if expect == actual:
        return True
    try:
        return Decimal(str(expect)) == Decimal(str(actual))
    except ArithmeticError:
        return False
