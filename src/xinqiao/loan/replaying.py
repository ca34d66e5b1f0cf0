"""Replaying worked cases (算例重放): each case's own figures beside what it expects.

Only the keys and the days of what is expected are read, to give the same shape; never its amounts. Where a
case expects nothing all that is known is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xinqiao.kernel.errors import UserError, user_error
from xinqiao.loan.case_comparison import differences, splits
from xinqiao.loan.case_event import event_of
from xinqiao.loan.case_format import moved_from, places_of, terms_of
from xinqiao.loan.case_given import Given
from xinqiao.loan.case_snapshot import PARTS, everything, snapshot, split
from xinqiao.loan.changing import rescheduled, shifted
from xinqiao.loan.engine import Loan, apply, begin
from xinqiao.loan.event import Event, MoveDue, Payoff, Repay
from xinqiao.loan.figures import figures

SHOWN = 3
"""Differences told of one case at most."""
PAYING = ("repay", "payoff")


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

    @property
    def expects(self) -> bool:
        """Whether the case says what should come out."""
        events = self.case.get("events")
        told = [each for each in events if isinstance(each, dict)] if isinstance(events, list) else []
        return bool(self.case.get("expect")) or any("expect_split" in each for each in told)


def _each(cases: Sequence[Any]) -> Iterable[Any]:
    return cases


def replay(
    document: Mapping[str, Any], track: Callable[[Sequence[Any]], Iterable[Any]] = _each
) -> tuple[dict[str, Any], tuple[Replayed, ...]]:
    """The document with ``actual`` in every case, and how each compares. Raises LON-CASE-FILE.

    ``track`` hands the cases on one by one, to show how far it is.
    """
    cases = document.get("cases")
    if not isinstance(cases, list):
        raise user_error("LON-CASE-FILE", "cases", detail="cases")
    done = tuple(replay_case(case) for case in track(cases))
    return {**document, "cases": [each.case for each in done]}, done


def replay_case(case: Any) -> Replayed:  # noqa: ANN401 - plain JSON
    """One case with its ``actual``, as far as it could be worked out."""
    wrong = _misshapen(case)
    if wrong:
        shaped = case if isinstance(case, dict) else {"case": case}
        fault = user_error("LON-CASE-FILE", str(shaped.get("id")), detail=wrong)
        return Replayed({**shaped, "actual": {"errors": _told([fault])}}, (), (fault,))
    name = str(case.get("id"))
    given = Given(name, case.get("terms") or {})
    actual: dict[str, Any] = {}
    events = [dict(each) for each in case.get("events") or ()]
    try:
        _work_out(case, given, events, actual)
        given.finish()
    except UserError as error:
        given.faults.append(error)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:  # a malformed case
        given.faults.append(user_error("LON-CASE-FILE", name, detail=f"{type(error).__name__}: {error}"))
    if given.faults:
        actual["errors"] = _told(given.faults)
    done = {**case, "actual": actual}
    if events:
        done["events"] = events
    told = (*differences(case.get("expect") or {}, actual, ""), *splits(events))
    return Replayed(done, told, tuple(given.faults))


def _work_out(
    case: Mapping[str, Any], given: Given, events: list[dict[str, Any]], actual: dict[str, Any]
) -> None:
    expect = case.get("expect") or {}
    if "snapshots" in expect:
        _play(case, given, events, actual, asked=expect["snapshots"])
    elif not expect and events:
        every = [everything(number, event) for number, event in enumerate(events, start=1)]
        _play(case, given, events, actual, asked=every)
    else:
        found = figures(given, expect)
        wanted = expect or found
        actual.update({key: found[key] for key in wanted if found.get(key) is not None})
        unknown = [key for key in expect if found.get(key) is None]
        given.faults += [user_error("LON-CASE-ASKED", given.case, key=key) for key in unknown]


def _misshapen(case: Any) -> str | None:  # noqa: ANN401 - plain JSON
    """The part of a case that isn't of the shape it should have."""
    if not isinstance(case, dict):
        return "case: {}"
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
    case: Mapping[str, Any],
    given: Given,
    events: list[dict[str, Any]],
    actual: dict[str, Any],
    *,
    asked: Sequence[Mapping[str, Any]],
) -> None:
    """Snapshots after the events that are asked for, in the order they are asked for."""
    places = places_of(given)
    terms = terms_of(given, family=str(case.get("family")), events=events)
    before_move = moved_from(given, terms, case.get("needs") or ())
    loan, found = begin(before_move), {}
    try:
        for number, plain in enumerate([{}, *events]):
            if number:
                before = loan
                plain.pop("actual_split", None)  # of a file that was replayed before
                parts = plain.get("expect_split") or (None if case.get("expect") else _parts(plain))
                event = event_of(given.case, plain, [each.due for each in loan.instalments])
                loan = _after(loan, event, given)
                if number == 1 and before_move is not terms:
                    loan = rescheduled(loan, terms.periods)
                if parts is not None:
                    plain["actual_split"] = split(before, loan, parts, places)
            for k, each in enumerate(asked):
                if each.get("after_event") == number:
                    found[k] = snapshot(loan, each, number, places)
    finally:
        actual["snapshots"] = [found[k] for k in sorted(found)]


def _parts(plain: Mapping[str, Any]) -> Sequence[str] | None:
    return PARTS if plain.get("type") in PAYING else None


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
