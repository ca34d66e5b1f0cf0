from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lending.applying import Town, agent_of, town
from tests.lending.bank import STRANGER
from xinqiao.db.database import Database
from xinqiao.kernel.errors import UserError
from xinqiao.lending import case, document

PDF = b"%PDF-1.7 test"


@pytest.fixture
def place(database: Database) -> Town:
    return town(database)


def _hand_in(place: Town, case_id: UUID, data: bytes, name: str = "合同.pdf") -> UUID:
    with place.database.transaction(place.agent.scope) as tx:
        version = place.see(case_id).version
        return document.hand_in(tx, place.agent, case_id, version, kind="合同", name=name, data=data)


def test_both_sides_read_what_was_handed_in_and_nobody_else(place: Town) -> None:
    sent = place.apply()
    made = _hand_in(place, sent, PDF, 'C:\\我的\\合同".pdf')
    for scope in (place.agent.scope, place.officer.scope):
        with place.database.transaction(scope) as tx:
            (found,) = document.documents(tx, sent)
            assert (found.name, found.media_type, found.size) == ("合同.pdf", "application/pdf", len(PDF))
            assert document.body(tx, sent, made)[1] == PDF
    for scope in (STRANGER.scope, agent_of("91330100900000022B").scope):
        with pytest.raises(UserError) as said, place.database.transaction(scope) as tx:
            document.body(tx, sent, made)
        assert said.value.code == "LND-DOCUMENT-ABSENT"


@pytest.mark.parametrize(
    "data", [b"", b"MZ\x90 a program", b"<html><script>", b"%PDF-" + b"x" * document.MOST_BYTES]
)
def test_other_files_are_refused(place: Town, data: bytes) -> None:
    with pytest.raises(UserError) as said:
        _hand_in(place, place.apply(), data)
    assert said.value.code == "LND-DOCUMENT"


def test_the_same_file_twice_and_too_many_are_refused(place: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = place.apply()
    _hand_in(place, sent, PDF)
    with pytest.raises(UserError) as said:
        _hand_in(place, sent, PDF, "again.pdf")
    assert said.value.code == "LND-DOCUMENT-STATE"
    monkeypatch.setattr(document, "MOST_FILES", 1)
    with pytest.raises(UserError) as said:
        _hand_in(place, sent, PDF + b"2")
    assert said.value.code == "LND-DOCUMENT"


def test_a_closed_case_takes_none(place: Town) -> None:
    sent = place.apply()
    with place.database.transaction(place.agent.scope) as tx:
        case.withdraw(tx, place.agent, sent, 1)
    with pytest.raises(UserError) as said:
        _hand_in(place, sent, PDF)
    assert said.value.code == "LND-MOVE-STATE"


@given(st.text(max_size=300))
def test_a_plain_name_breaks_no_header_and_leaves_no_folder(name: str) -> None:
    plain = document.plain_name(name)
    assert 0 < len(plain) <= 120
    assert not set(plain) & set('"<>|;/\\\r\n')
