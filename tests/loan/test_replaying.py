"""Worked cases in the neutral format: what comes out, and what is said where something isn't known."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from xinqiao.kernel.errors import UserError
from xinqiao.loan.replaying import Replayed, replay, replay_case

MONTH = {"unit": "month", "every": 1}
CASE: dict[str, Any] = {
    "id": "X1",
    "family": "equal_principal",
    "needs": ["equal_principal"],
    "terms": {
        "principal": "900.00",
        "annual_rate_pct": "12",
        "period": {**MONTH, "count": 3},
        "start": "2026-01-01",
        "repayment": "equal_principal",
        "interest": "reducing_balance",
        "day_count": "one twelfth of a year per month",
        "rounding": {"money_decimals": 2, "mode": "half_even"},
    },
    "events": [{"type": "disburse", "date": "2026-01-01", "amount": "900.00"}],
    "expect": {
        "snapshots": [
            {
                "after_event": 1,
                "rows": [
                    {"n": 1, "due": "2026-02-01", "days": 31, "principal": "300.00", "interest": "9.00"},
                    {"n": 2, "due": "2026-03-01", "days": 28, "principal": "300.00", "interest": "6.00"},
                    {"n": 3, "due": "2026-04-01", "days": 31, "principal": "300.00", "interest": "3.00"},
                ],
                "totals": {"principal": "900.00", "interest": "18.00", "due": "918.00"},
            }
        ]
    },
}


def changed(events: list[dict[str, Any]] | None = None, **terms: Any) -> Replayed:  # noqa: ANN401 - plain JSON
    """The case with other terms and further events, asked for after the last."""
    case = copy.deepcopy(CASE)
    case["terms"].update(terms)
    case["events"] += events or []
    snapshot = case["expect"]["snapshots"][0]
    snapshot["after_event"] = len(case["events"])
    snapshot["rows"] = [
        dict.fromkeys(["principal", "interest", "fees", "penalties"], "0") | row for row in snapshot["rows"]
    ]
    return replay_case(case)


def column(done: Replayed, name: str) -> list[str]:
    return [row[name] for row in done.case["actual"]["snapshots"][0]["rows"]]


def test_what_agrees_and_what_does_not() -> None:
    document, (same,) = replay({"note": "kept", "cases": [CASE]})
    assert same.agrees
    assert document["cases"][0]["actual"] == CASE["expect"]
    assert (document["note"], document["cases"][0]["terms"]) == ("kept", CASE["terms"])
    wrong = copy.deepcopy(CASE)
    wrong["expect"]["snapshots"][0]["rows"][1]["interest"] = "6.01"
    assert replay_case(wrong).differences == ("snapshots 1 rows 2 interest: 6.01 / 6.00",)


def test_the_expected_amounts_are_never_read() -> None:
    blank = copy.deepcopy(CASE)
    for row in blank["expect"]["snapshots"][0]["rows"]:
        row.update({"principal": "?", "interest": "?"})
    assert replay_case(blank).case["actual"] == CASE["expect"]


@pytest.mark.parametrize(
    ("terms", "name", "expected"),
    [
        ({"interest": "flat"}, "interest", ["9.00", "9.00", "9.00"]),
        ({"principal_grace_periods": 1}, "principal", ["0.00", "450.00", "450.00"]),
        ({"interest_payment_grace_periods": 1}, "interest", ["0.00", "15.00", "3.00"]),
        ({"interest_free_periods": 1}, "interest", ["0.00", "6.00", "3.00"]),
        ({"repayment": "interest_only_then_bullet"}, "principal", ["0.00", "0.00", "900.00"]),
        ({"repayment": "bullet"}, "interest", ["0.00", "0.00", "27.00"]),
        ({"day_count": "ACT/360"}, "interest", ["9.30", "5.60", "3.10"]),
        ({"period": {"unit": "week", "every": 2, "count": 3}}, "interest", ["4.15", "2.77", "1.38"]),
        ({"period": {"unit": "month", "every": 2, "count": 3}}, "interest", ["18.00", "12.00", "6.00"]),
        (
            {"annual_rate_pct": None, "rate_pct": "2", "rate_is_for": "month"},
            "interest",
            ["18.00", "12.00", "6.00"],
        ),
        ({"first_due": "2026-02-15"}, "interest", ["13.50", "6.00", "3.00"]),
        ({"repayment": "equal_instalment", "instalment": "400"}, "principal", ["391.00", "394.91", "114.09"]),
        (
            {"repayment": "equal_instalment", "rounding": {"instalment": "up to a whole unit"}},
            "principal",
            ["298.00", "300.98", "301.02"],
        ),
        (
            {"fee": {"kind": "instalment", "pct_of": "interest", "pct": "50"}},
            "fees",
            ["4.50", "3.00", "1.50"],
        ),
        ({"fee": {"kind": "instalment", "amount": "2"}}, "fees", ["2.00", "2.00", "2.00"]),
        (
            {"fees": [{"kind": "specified", "date": "2026-02-10", "amount": "7"}]},
            "fees",
            ["0.00", "7.00", "0.00"],
        ),
    ],
)
def test_conventions_are_terms(terms: dict[str, Any], name: str, expected: list[str]) -> None:
    done = changed(**terms)
    assert not done.errors
    assert column(done, name) == expected


@pytest.mark.parametrize(
    ("event", "name", "expected"),
    [
        (
            {"type": "extend_term", "date": "2026-01-05", "from_due": "2026-03-01", "extra_instalments": 1},
            "principal",
            ["300.00", "200.00", "200.00"],
        ),
        (
            {"type": "interest_free_window", "first_day": "2026-02-02", "last_day": "2026-02-15"},
            "interest",
            ["9.00", "3.00", "3.00"],
        ),
        (
            {"type": "rate_change", "first_day_at_new_rate": "2026-02-02", "annual_rate_pct": "6"},
            "interest",
            ["9.00", "3.00", "1.50"],
        ),
        (
            {"type": "move_due_date", "date": "2026-01-05", "due": "2026-03-01", "to": "2026-04-01"},
            "due",
            ["2026-02-01", "2026-04-01", "2026-05-01"],
        ),
        ({"type": "charge", "date": "2026-01-05", "amount": "3"}, "fees", ["3.00", "0.00", "0.00"]),
        ({"type": "defer", "date": "2026-01-05", "months": 1}, "interest", ["18.00", "6.00", "3.00"]),
    ],
)
def test_events_are_read(event: dict[str, Any], name: str, expected: list[str]) -> None:
    done = changed([event])
    assert not done.errors
    assert column(done, name)[:3] == expected


def test_a_late_payment_bears_what_the_terms_say() -> None:
    penalty = {"kind": "overdue_once_per_instalment", "pct_of": "principal", "pct": "1"}
    done = changed([{"type": "end_of_day", "date": "2026-03-10"}], penalty=penalty)
    assert column(done, "penalties") == ["3.00", "3.00", "0.00"]
    for until, interest in (("business_day", "6.75"), ("period_end", "9.00"), ("not_at_all", "6.00")):
        event = {"type": "end_of_day", "date": "2026-02-08"}
        terms = {"interest_recalculated_on_actual_balance": True, "overdue_principal_accrues_until": until}
        assert column(changed([event], **terms), "interest")[1] == interest


@pytest.mark.parametrize(
    ("case", "code"),
    [
        ({"terms": {"colour": "red"}}, "LON-CASE-KEY"),
        ({"terms": {"day_count": "ACT/999"}}, "LON-CASE-WORD"),
        ({"terms": {"repayment": "whenever"}}, "LON-CASE-WORD"),
        ({"terms": {"period": {"unit": "fortnight", "count": 3}}}, "LON-CASE-WORD"),
        ({"terms": {"surplus_goes_to": "charity"}}, "LON-CASE-WORD"),
        ({"terms": {"rounding": {"mode": "sideways"}}}, "LON-CASE-WORD"),
        ({"terms": {"principal": "many"}}, "LON-CASE-WORD"),
        ({"terms": {"principal": "1e99"}}, "LON-CASE-WORD"),
        ({"terms": {"annual_rate_pct": "NaN"}}, "LON-CASE-WORD"),
        ({"terms": {"start": "2026-02-30"}}, "LON-CASE-WORD"),
        ({"terms": {"period": {**MONTH, "count": 10**9}}}, "LON-CASE-WORD"),
        ({"terms": {"period": {**MONTH, "count": 3.5}}}, "LON-CASE-WORD"),
        ({"terms": {"period": {**MONTH, "count": 0}}}, "LON-CASE-WORD"),
        ({"terms": {"period": {"unit": "month", "every": 0, "count": 3}}}, "LON-CASE-WORD"),
        ({"terms": {"rounding": "half_even"}}, "LON-CASE-WORD"),
        ({"terms": {"rounding": {"instalment_multiple_of": -1}}}, "LON-CASE-WORD"),
        ({"terms": {"repayment": ""}}, "LON-CASE-WORD"),
        ({"terms": {"fee": 3}}, "LON-CASE-WORD"),
        ({"terms": {"within_instalment_order": "interest"}}, "LON-CASE-WORD"),
        (
            {"terms": {"periods": [["2026-01-01", "2026-02-01"], ["2026-02-02", "2026-03-01"]]}},
            "LON-CASE-WORD",
        ),
        ({"terms": {"periods": [["2026-01-01"]]}}, "LON-CASE-WORD"),
        ({"events": [{"type": "repay", "date": "2026-02-01", "amount": "ten"}]}, "LON-CASE-WORD"),
        ({"events": [{"type": "repay", "date": "2026-02-31", "amount": "1"}]}, "LON-CASE-WORD"),
        ({"events": [{"type": "defer", "date": "2026-01-05", "months": "1.5"}]}, "LON-CASE-WORD"),
        ({"events": [{"type": "celebrate", "date": "2026-02-01"}]}, "LON-CASE-EVENT"),
        ({"events": [{"type": "repay", "amount": "1"}]}, "LON-CASE-ABSENT"),
        (
            {"events": [{"type": "repay", "date": "2026-02-01", "amount": "1", "mood": "good"}]},
            "LON-CASE-KEY",
        ),
        ({"events": [{"type": "payoff", "date": "2026-02-01", "amount": "1.00"}]}, "LON-PAYOFF"),
    ],
)
def test_what_is_not_known_is_told_and_the_rest_worked_out(case: dict[str, Any], code: str) -> None:
    done = changed(case.get("events"), **case.get("terms", {}))
    assert [each.code for each in done.errors] == [code]
    told = done.case["actual"]["errors"][0]
    assert told["code"] == code
    assert told["zh"]
    assert told["en"]
    assert not done.agrees


FIGURES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {
            "principal": "36000",
            "annual_rate_pct": "10",
            "day_count": "ACT/360",
            "from": "2026-03-01",
            "to": "2026-03-10",
            "both_days_count": True,
        },
        {"accrued_interest_rounded": "100", "accrued_interest_2dp": "100.00"},
    ),
    (
        {
            "overdue_amount": "7300",
            "penalty_annual_rate_pct": "20",
            "day_count": "ACT/365F",
            "days_late": 8,
            "grace_days": 3,
        },
        {"chargeable_days": 5, "penalty_2dp": "20.00"},
    ),
    (
        {
            "loan_outstanding": "900",
            "units": "10",
            "haircut_pct": "40",
            "price_then": "200",
            "price_now": "100",
        },
        {"collateral_value_now": "1000", "shortfall_now": "300", "shortfall_after_price_back_to_200": "0"},
    ),
    (
        {"earliest_unpaid_due": "2026-01-31", "ranges": [["A", 0, 30], ["B", 31, 90]], "npa_from_dpd": 91},
        {"as_of": "2026-03-03", "days_past_due": 31, "class": "B"},
    ),
    (
        {
            "period": {**MONTH, "count": 3},
            "requested_first_date": "2026-01-31",
            "rule": "same day each month",
        },
        {"first_due": "2026-01-31", "second_due": "2026-02-28", "last_due": "2026-03-31"},
    ),
    (
        {"period": {**MONTH, "count": 2}, "start": "2026-01-10", "rule": "end of the current month"},
        {"first_due": "2026-01-31", "last_due": "2026-02-28"},
    ),
    (
        {"period": {**MONTH, "count": 2}, "start": "2026-01-10", "rule": "start of the next month"},
        {"first_due": "2026-02-01", "last_due": "2026-03-01"},
    ),
    (
        {"period": {**MONTH, "count": 2}, "start": "2026-01-10", "rule": "5th of each month"},
        {"first_due": "2026-02-05", "last_due": "2026-03-05"},
    ),
    (
        {
            "principal": "1000",
            "annual_rate_pct": "12",
            "repayment": "fixed_instalment_amount",
            "instalment": "400",
            "day_count": "one twelfth of a year per month",
            "period": MONTH,
        },
        {"count": 3, "total_interest": "18.26", "total_paid": "1018.26"},
    ),
    (
        {
            "principal": "1000",
            "annual_rate_pct": "12",
            "repayment": "equal_instalment",
            "day_count": "one twelfth of a year per month",
            "period": {**MONTH, "count": 3},
            "rounding": {"instalment": "up to a whole unit", "interest_each_period": "whole unit"},
        },
        {"instalment": "341", "total_interest": "20", "total_paid": "1020"},
    ),
]


@pytest.mark.parametrize(("terms", "expect"), FIGURES)
def test_single_figures(terms: dict[str, Any], expect: dict[str, Any]) -> None:
    done = replay_case({"id": "F", "terms": terms, "events": [], "expect": expect})
    assert done.agrees, (done.differences, done.errors)


def test_a_figure_that_is_not_known_is_told() -> None:
    done = replay_case({"id": "F", "terms": FIGURES[0][0], "events": [], "expect": {"weather": "fair"}})
    assert [each.code for each in done.errors] == ["LON-CASE-ASKED"]


def test_an_instalment_that_never_repays_is_refused() -> None:
    terms = {
        "principal": "1000",
        "annual_rate_pct": "12",
        "repayment": "fixed_instalment_amount",
        "instalment": "9",
    }
    done = replay_case({"id": "F", "terms": terms, "events": [], "expect": {"count": 1}})
    assert [each.code for each in done.errors] == ["LON-TERMS"]


def test_a_file_without_cases_is_refused() -> None:
    with pytest.raises(UserError, match="LON-CASE-FILE"):
        replay({"cases": {}})


def test_a_case_that_is_none_is_told_and_the_others_worked_out() -> None:
    document, (odd, same) = replay({"cases": ["900.00", CASE]})
    assert [error.code for error in odd.errors] == ["LON-CASE-FILE"]
    assert document["cases"][0]["case"] == "900.00"
    assert same.agrees


def test_a_case_that_expects_nothing_is_worked_out_whole() -> None:
    bare = {key: value for key, value in CASE.items() if key != "expect"}
    bare["events"] = [*CASE["events"], {"type": "repay", "date": "2026-02-01", "amount": "309.00"}]
    done = replay_case(bare)
    assert (done.agrees, done.expects) == (True, False)
    drawn, repaid = done.case["actual"]["snapshots"]
    expected = CASE["expect"]["snapshots"][0]
    for row, told in zip(drawn["rows"], expected["rows"], strict=True):
        assert told.items() <= row.items()
    assert (repaid["rows"][0]["settled_on"], repaid["totals"]["outstanding"]) == ("2026-02-01", "609.00")
    split = {"principal": "300.00", "interest": "9.00", "fees": "0.00", "penalties": "0.00"}
    assert done.case["events"][1]["actual_split"] == split
    again = replay_case(done.case)
    assert again.case == done.case
    pledge = {"loan_outstanding": "900", "units": "10", "haircut_pct": "40", "price_now": "100"}
    assert replay_case({"id": "F", "terms": pledge}).case["actual"]["shortfall_now"] == "300"


def test_snapshots_come_in_the_order_they_are_asked_for() -> None:
    case = copy.deepcopy(CASE)
    case["events"].append({"type": "repay", "date": "2026-02-01", "amount": "309.00"})
    case["expect"]["snapshots"].insert(0, {"after_event": 2, "totals": {"paid": "309.00"}})
    assert replay_case(case).agrees


def test_amounts_have_the_decimals_that_the_case_says() -> None:
    paid = {"type": "repay", "date": "2026-02-01", "amount": "309.125"}
    assert [each.code for each in changed([paid]).errors] == ["LON-AMOUNT"]
    done = changed([paid], rounding={"money_decimals": 3})
    assert not done.errors
    assert column(done, "interest") == ["9.000", "6.000", "3.000"]


def test_what_was_worked_out_before_an_unknown_event_is_kept() -> None:
    case = copy.deepcopy(CASE)
    case["events"].append({"type": "celebrate", "date": "2026-02-01"})
    case["expect"]["snapshots"].append({"after_event": 2, "totals": {"paid": "0.00"}})
    assert replay_case(case).case["actual"]["snapshots"] == CASE["expect"]["snapshots"]


@pytest.mark.parametrize(
    "part",
    [
        {"events": ["disburse"]},
        {"events": 3},
        {"terms": ["principal"]},
        {"expect": "900.00"},
        {"needs": [3]},
    ],
)
def test_a_case_of_another_shape_is_told_and_the_others_worked_out(part: dict[str, Any]) -> None:
    document, (odd, same) = replay({"cases": [CASE | part, CASE]})
    assert [error.code for error in odd.errors] == ["LON-CASE-FILE"]
    assert next(iter(part)) in odd.errors[0].what.en
    assert document["cases"][0]["actual"]["errors"]
    assert same.agrees


@pytest.mark.parametrize(
    "terms",
    [
        {"interest": "compound"},
        {"year_end_split": "june_30"},
        {"leap_basis": "lunar"},
        {"payoff_interest_until": "never"},
        {"interest_recalculated_on_actual_balance": "no"},
        {"rounding": {"interest_each_period": "tens"}},
        {"rounding": {"instalment": "tens"}},
        {"penalty": {"annual_rate_pct": "25", "day_count": "ACT/lunar"}},
    ],
)
def test_a_word_that_is_not_known_is_never_passed_over(terms: dict[str, Any]) -> None:
    assert "LON-CASE-WORD" in [error.code for error in changed(**terms).errors]


def test_a_figure_counts_days_as_the_case_says() -> None:
    terms = {"principal": "36600", "annual_rate_pct": "10", "from": "2024-01-01", "to": "2024-01-11"}

    def earned(day_count: str) -> Replayed:
        case = {"id": "A", "terms": terms | {"day_count": day_count}, "expect": {"accrued_interest_2dp": ""}}
        return replay_case(case)

    found = {name: earned(name).case["actual"]["accrued_interest_2dp"] for name in ("ACT/360", "ACT/364")}
    assert found == {"ACT/360": "101.67", "ACT/364": "100.55"}
    assert earned("ACT/ACT").case["actual"]["accrued_interest_2dp"] == "100.00"
    assert [error.code for error in earned("30/360").errors] == ["LON-CASE-WORD"]


@pytest.mark.parametrize(
    ("figure", "terms"),
    [
        (0, {"both_days_count": "yes"}),
        (3, {"ranges": [["A", 0]]}),
        (8, {"period": {"unit": "fortnight"}}),
        (8, {"interest": "compound"}),
        (4, {"annual_rate_pct": "much"}),
        (2, {"price_then": "much"}),
    ],
)
def test_a_word_of_a_figure_that_is_not_known_is_told(figure: int, terms: dict[str, Any]) -> None:
    known, expect = FIGURES[figure]
    done = replay_case({"id": "F", "terms": known | terms, "expect": expect})
    assert [error.code for error in done.errors] == ["LON-CASE-WORD"]


def test_money_drawn_before_the_first_day_of_the_schedule_is_refused() -> None:
    case = copy.deepcopy(CASE)
    case["events"][0]["date"] = "2025-12-15"
    assert [error.code for error in replay_case(case).errors] == ["LON-TERM-STATE"]


def test_nothing_to_repay_is_told() -> None:
    terms = {"principal": "0", "annual_rate_pct": "5", "repayment": "fixed_instalment_amount"}
    done = replay_case({"id": "F", "terms": terms | {"instalment": "100"}, "expect": {"count": 0}})
    assert [error.code for error in done.errors] == ["LON-TERMS"]
