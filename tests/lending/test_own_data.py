from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

import openpyxl
import pytest

from tests.lending.bank import APPROVER, EDITOR, FIRST, OFFICER, STRANGER
from tests.portrait.files import sample_file
from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel.errors import UserError
from xinqiao.lending import outcome, own_card, own_data, own_validation
from xinqiao.lending.outcome import Outcome
from xinqiao.lending.upload import MOST_BYTES, read_sheet
from xinqiao.portrait.credit_file import publish

A, B = "91330100900000011A", "91330100900000022B"
DATA = f"uscc,日均存款,客户分层\n{A},120000,重点\n{B.lower()},30000,\n".encode()


def _workbook() -> bytes:
    book = openpyxl.Workbook()
    for row in (("company_id", "日均存款"), (A, 5.5), (B, None)):
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_own_data_stay_with_the_bank_and_the_last_upload_counts(database: Database) -> None:
    with database.transaction(SYSTEM) as tx:
        publish(tx, [sample_file(A), sample_file(B)])
    with database.transaction(EDITOR.scope) as tx:
        own_data.upload(tx, EDITOR, DATA, "存款.csv")
        assert own_data.facts(tx, FIRST, A) == {"日均存款": 120000.0, "客户分层": "重点"}
        assert own_data.facts(tx, FIRST, B) == {"日均存款": 30000.0}
        data = own_data.in_use(tx)
        assert data is not None
        assert data.columns == {"日均存款": "number", "客户分层": "text"}
        assert [row["filled"] for row in own_data.summary(tx, data)] == [2, 1]
        own_data.upload(tx, EDITOR, _workbook(), "存款.xlsx")
        assert own_data.as_application(own_data.facts(tx, FIRST, A)) == {"own_日均存款": 5.5}
        assert len(own_data.uploads(tx)) == 2
    with database.transaction(STRANGER.scope) as tx:
        assert own_data.in_use(tx) is None
        assert own_data.facts(tx, FIRST, A) == {}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"name,x\na,1\n", "BWB-FILE"),
        (b"uscc,x\n", "BWB-FILE"),
        (b"uscc\nA\n", "BWB-FILE"),
        (b"uscc,a b\nA,1\n", "BWB-FILE"),
        ("uscc,宗教\nA,1\n".encode(), "BWB-FILE"),
        (b"uscc,x\nA,1\nA,2\n", "BWB-ROW"),
        (b"uscc,x\nA,1\nB\n", "BWB-ROW"),
        (b"uscc,x\nA," + b"y" * 65 + b"\n", "BWB-ROW"),
        (b"x" * (MOST_BYTES + 1), "BWB-FILE"),
        (b"", "SRC-EMPTY"),
    ],
)
def test_a_file_that_is_not_as_required_is_refused_whole(database: Database, data: bytes, code: str) -> None:
    with database.transaction(EDITOR.scope) as tx:
        with pytest.raises(UserError) as caught:
            own_data.upload(tx, EDITOR, data, "x.csv")
        assert caught.value.code == code
        assert own_data.in_use(tx) is None


def test_a_points_table_becomes_a_card() -> None:
    card = own_card.read_card(own_card.TEMPLATE.encode(), "card.csv")
    assert own_card.points(card, {}, {"日均存款": 50_000.0, "客户分层": "战略"}).points == 10
    assert own_card.points(card, {}, {"日均存款": 1.0}).points == -12
    assert own_card.points(card, {}, {"日均存款": "x", "客户分层": 3.0}).points == -5
    assert own_card.read_card(card.to_json(), "card.json") == card


@pytest.mark.parametrize(
    "rows",
    [
        "a,,1,,5\na,2,,,5",
        "a,1,,,5",
        "a,,,x,1\na,,,,2",
        "a,,,,x",
        "a,,,,",
        "base,,,,3",
        "a,,,,nan",
    ],
)
def test_a_faulty_points_table_is_refused(rows: str) -> None:
    with pytest.raises(UserError) as caught:
        own_card.read_card(f"variable,low,high,words,points\n{rows}\n".encode(), "card.csv")
    assert caught.value.code == "BWB-CARD"


def test_two_people_use_a_card_and_its_points_go_on_top(database: Database) -> None:
    with database.transaction(SYSTEM) as tx:
        publish(tx, [sample_file(A)])
    with database.transaction(EDITOR.scope) as tx:
        with pytest.raises(UserError):
            own_card.propose(tx, EDITOR, own_card.TEMPLATE.encode(), "card.csv")  # no such columns yet
        own_data.upload(tx, EDITOR, DATA, "存款.csv")
        made = own_card.propose(tx, EDITOR, own_card.TEMPLATE.encode(), "card.csv")
        with pytest.raises(UserError) as caught:
            own_card.agree(tx, EDITOR, made)
        assert caught.value.code == "BWB-SELF-FORBIDDEN"
        assert own_card.points_of(tx, FIRST, A, {}) is None
        own_card.agree(tx, APPROVER, made)
        added = own_card.points_of(tx, FIRST, A, {})
        assert added is not None
        assert added.points == 10
        card = own_card.one(tx, made).card
    score = own_card.on_top({"points": 640.0, "pd": 0.02, "grade": "R6"}, card, added)
    assert score["points"] == 650
    assert score["pd"] == pytest.approx(1 / (1 + 49 * 2**0.5), rel=1e-6)


def _loan(company: str, number: int, **told: object) -> Outcome:
    base = {"granted_on": date(2024, 1, 10), "seen_on": date(2025, 1, 10), "kind": "repaid"}
    return Outcome(company, f"L{number}", **{**base, **told})  # type: ignore[arg-type]


def test_outcomes_become_labels(database: Database) -> None:
    told = [
        _loan(A, 1),
        _loan(A, 2, kind="performing", seen_on=date(2024, 6, 1)),
        _loan(A, 3, kind="overdue", days_overdue=95, seen_on=date(2024, 6, 1)),
        _loan(A, 4, kind="default", seen_on=date(2025, 6, 1)),
        _loan(A, 5, kind="overdue", days_overdue=95, seen_on=date(2024, 6, 1)),
    ]
    with database.transaction(OFFICER.scope) as tx:
        assert outcome.report(tx, OFFICER, told) == 5
        assert outcome.report(tx, OFFICER, told) == 0
        outcome.report(
            tx, OFFICER, [_loan(A, 5, kind="performing", seen_on=date(2024, 6, 1))]
        )  # a correction
        found = {label.loan: label.bad for label in outcome.labels(tx)}
        assert found == {"L1": False, "L3": True, "L4": False}
        assert outcome.counts(tx) == {"repaid": 1, "performing": 2, "overdue": 1, "default": 1}
        assert outcome.latest(tx)[0]["kind"] == "default"
    with database.transaction(STRANGER.scope) as tx:
        assert outcome.labels(tx) == []


def test_outcomes_come_from_a_file(database: Database) -> None:
    head = "uscc,loan,granted_on,seen_on,kind,days_overdue,balance_cny\n"
    with database.transaction(SYSTEM) as tx:
        publish(tx, [sample_file(A)])
    with database.transaction(OFFICER.scope) as tx:
        rows = f'{A},HT1,2024-01-10,2024-06-30,逾期,35,"12,000.50"\n'
        assert outcome.upload(tx, OFFICER, (head + rows).encode(), "o.csv") == (1, 1)
        assert outcome.upload(tx, OFFICER, (head + rows).encode(), "o.csv") == (1, 0)
        assert outcome.latest(tx)[0]["balance_cny"] == Decimal("12000.50")
        bad = [f"{B},H,2024-01-10,2024-06-30,repaid,,", f"{A},H,2024-1-10,2024-06-30,repaid,,"]
        bad += [f"{A},H,2024-01-10,2024-06-30,good,,", f"{A},H,2024-01-10,2023-06-30,repaid,,"]
        bad += [f"{A},H,2024-01-10,2024-06-30,repaid,x,", f"{A},H,2024-01-10,2999-06-30,repaid,,"]
        for row in bad:
            with pytest.raises(UserError) as caught:
                outcome.upload(tx, OFFICER, (head + row + "\n").encode(), "o.csv")
            assert caught.value.code == "BWB-ROW"


def test_too_few_loans_give_no_figure() -> None:
    found = own_validation._measure([], {}, 3)
    assert (found.loans, found.without_grant, found.measured) == (0, 3, ())


def test_both_scores_together_are_measured_with_intervals() -> None:
    labels = [outcome.Label(f"c{i}", f"L{i}", date(2024, 1, 1), bad=i % 4 == 0) for i in range(200)]
    points = {
        f"c{i}": (600.0 + (i * 37 % 50) - (10 if i % 4 == 0 else 0), -20.0 if i % 4 == 0 else float(i % 7))
        for i in range(200)
    }
    found = own_validation._measure(labels, points, 0)
    ours, own, both = found.measured
    assert own.auc == 1
    assert ours.low < ours.auc < ours.high < both.auc
    assert found.gain is not None
    assert found.gain.low > 0


def test_a_sheet_tells_its_columns() -> None:
    sheet = read_sheet(DATA, "x.csv")
    assert sheet.columns == ["日均存款", "客户分层"]
    assert sheet.frame["uscc"].to_list() == [A, B]
