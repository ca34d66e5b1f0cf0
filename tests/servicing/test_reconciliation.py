"""The book compared with a core system over a real HTTP server, and with files that differ."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.servicing.lent import START, Books, books
from xinqiao.db.database import Database, new_id
from xinqiao.kernel.errors import UserError
from xinqiao.loan.event import WriteOff
from xinqiao.servicing import day_end, repayment
from xinqiao.servicing.core_bank import CoreBank, day_file, send, serving
from xinqiao.servicing.reconciliation import (
    Difference,
    Reconciliation,
    differences,
    files,
    read,
    reconcile,
    settle,
)


@pytest.fixture
def bank(database: Database) -> Books:
    return books(database)


def _compare(bank: Books, data: bytes, on: int = 0) -> tuple[Reconciliation, list[Difference]]:
    officer = bank.place.officer
    with bank.database.transaction(officer.scope) as tx:
        made = reconcile(tx, officer, START + timedelta(days=on), data, "core.csv")
        return made, differences(tx, bank.bank, reconciliation=made.id)


def test_a_core_that_booked_all_we_sent_agrees(bank: Books, tmp_path: Path) -> None:
    of = bank.facility()
    first, second = bank.draw(of, 50_000), bank.draw(of, 60_000)
    day_end.run(bank.database, bank.bank, START)
    later = START + timedelta(days=1)
    bank.repay(first, 10_000)
    bank.post(second, WriteOff(on=later))
    day_end.run(bank.database, bank.bank, later)
    with serving(CoreBank(tmp_path / "core.jsonl")) as url:
        assert send(bank.database, bank.bank, START, url) > 0
        assert send(bank.database, bank.bank, later, url) > 0
        assert send(bank.database, bank.bank, later, url) == 0
        told = [day_file(url, START), day_file(url, later)]
    for on, data in enumerate(told):
        made, found = _compare(bank, data, on)
        assert found == []
        assert made.rows == made.agreeing > 0
    again = CoreBank(tmp_path / "core.jsonl")
    assert again.file(later) == told[1], "its books are in its file"


def test_a_posting_sent_twice_is_booked_once(bank: Books, tmp_path: Path) -> None:
    bank.draw(bank.facility())
    core = CoreBank(tmp_path / "core.jsonl")
    with serving(core) as url:
        send(bank.database, bank.bank, START, url)
        key, entry = next(iter(core.entries.items()))
        assert core.book(key, {"lines": entry["lines"], "day": entry["day"]}) == entry["number"]
        assert len(core.entries) == 1
        with pytest.raises(ValueError, match="zero"):
            core.book(str(new_id()), {"lines": {"cash": "1"}})
    with pytest.raises(UserError, match="SRV-CORE"):
        day_file(url, START)


def test_differences_are_told_by_kind_and_settled(bank: Books) -> None:
    of = bank.facility()
    loan, gone, strange = bank.draw(of, 50_000), bank.draw(of, 60_000), new_id()
    lines = [f"balance,{loan},49000.00,open", f"balance,{strange},5.00,open"]
    data = ("record,id,amount_cny,status\n" + "\n".join(lines) + "\n").encode()
    made, found = _compare(bank, data)
    kinds = {(each.kind, each.subject.split(":")[1]) for each in found if each.subject.startswith("balance")}
    assert kinds == {
        ("amount", str(loan)),
        ("missing_here", str(strange)),
        ("missing_there", str(gone)),
    }
    assert (made.rows, made.agreeing) == (2, 0)
    again, same = _compare(bank, data)
    assert again.again
    assert [each.id for each in same] == [each.id for each in found]
    officer = bank.place.officer
    with bank.database.transaction(officer.scope) as tx:
        settle(tx, officer, found[0].id, "晚记一天")
        assert len(differences(tx, bank.bank, state="open")) == len(found) - 1
    with bank.database.transaction(officer.scope) as tx, pytest.raises(UserError, match="SRV-DIFFERENCE"):
        settle(tx, officer, found[0].id, "twice")
    newer, left = _compare(
        bank, b"record,id,amount_cny,status\n" + f"balance,{loan},50000.00,closed\n".encode()
    )
    assert {each.kind for each in left} == {"status", "missing_there"}
    with bank.database.transaction(officer.scope) as tx:
        told = differences(tx, bank.bank, state="open")
        assert {each.reconciliation_id for each in told} == {newer.id}, "a later file takes the place"
        assert len(files(tx, bank.bank)) == 2


def test_a_repaid_loan_need_not_be_told(bank: Books) -> None:
    loan = bank.draw(bank.facility())
    with bank.database.transaction(bank.place.officer.scope) as tx:
        repayment.settle_whole(tx, bank.place.officer, loan)
    _, found = _compare(bank, b"record,id,amount_cny,status\n")
    assert not [each for each in found if each.subject.startswith("balance")]
    assert bank.see(loan).principal_cny == Decimal(0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a,b\n",
        "record,id,amount_cny,status\nbalance,x,1.00,open\n",
        "record,id,amount_cny,status\nbalance,01a204de-a3c4-79c9-bef4-5ba541e0299f,1.001,open\n",
        "record,id,amount_cny,status\nbalance,01a204de-a3c4-79c9-bef4-5ba541e0299f,NaN,open\n",
        "record,id,amount_cny,status\nposting,01a204de-a3c4-79c9-bef4-5ba541e0299f,1.00,open\n",
        "record,id,amount_cny,status\nbalance,01a204de-a3c4-79c9-bef4-5ba541e0299f,1.00\n",
        "record,id,amount_cny,status\n" + "balance,01a204de-a3c4-79c9-bef4-5ba541e0299f,1.00,open\n" * 2,
    ],
)
def test_a_file_that_can_t_be_read_names_its_line(text: str) -> None:
    with pytest.raises(UserError, match="SRV-FILE"):
        read(text.encode(), "core.csv")


def test_a_file_in_another_encoding_is_refused() -> None:
    with pytest.raises(UserError, match="SRV-FILE"):
        read("record,编号".encode("gb18030"), "core.csv")
