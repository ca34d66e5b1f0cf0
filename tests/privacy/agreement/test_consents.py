from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.privacy.agreeing import SUBJECTS, identity, party
from tests.privacy.manifests import data, signing_key
from xinqiao.db.database import Database
from xinqiao.kernel.clock import now, standing
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.agreement.consents import (
    ConsentList,
    Granted,
    covered,
    hashed,
    read_list,
    signed_list,
    take_in,
)
from xinqiao.privacy.agreement.store import Store

ISSUERS = {"bureau": signing_key("bureau").public.hex()}


def _grant(
    subject: str, *, receiver: str = "bank", purpose: str = "credit", revoked: bool = False
) -> Granted:
    until = now() + timedelta(days=30)
    return Granted(subject=subject, receiver=receiver, purpose=purpose, until=until, revoked=revoked)


def _list(*grants: Granted, hours: float = 0) -> ConsentList:
    made = now() + timedelta(hours=hours)
    told = ConsentList(issuer="bureau", made_at=made, key_kind="text", grants=grants)
    return signed_list(told, identity("bureau"))


@pytest.fixture
def tax(database: Database, tmp_path: Path) -> Store:
    return party(database, tmp_path, "tax")


def _kept(store: Store, *ids: str, to: tuple[str, ...] = ("bank",), purpose: str = "credit") -> list[str]:
    table = pa.table({"id": list(ids), "sales": list(range(len(ids)))})
    with store.transaction() as tx:
        kept = covered(tx, store.identity, table, data("sales", consents=SUBJECTS), to=to, purpose=purpose)
    told: list[str] = kept.column("id").to_pylist()
    return told


def _taken(store: Store, told: ConsentList) -> int:
    with store.transaction() as tx:
        return take_in(tx, store.identity, store.institution, told)


def test_a_list_counts_only_as_its_known_issuer_signed_it() -> None:
    told = _list(_grant("a"))
    data_ = told.model_dump_json().encode()
    assert read_list(data_, "list.json", ISSUERS) == told
    unsigned = told.model_copy(update={"signature": ""})
    changed = told.model_copy(update={"grants": (_grant("b"),)})
    other = signed_list(told, identity("bank"))
    for wrong in (unsigned, changed, other, told.model_copy(update={"issuer": "nobody"})):
        with pytest.raises(UserError, match="PRV-CONSENT-LIST"):
            read_list(wrong.model_dump_json().encode(), "list.json", ISSUERS)
    with pytest.raises(UserError, match="PRV-CONSENT-LIST"):
        read_list(data_, "list.json", {})
    with pytest.raises(UserError, match="made_at"):
        read_list(_list(_grant("a"), hours=1).model_dump_json().encode(), "list.json", ISSUERS)


@given(st.binary(max_size=200))
def test_whatever_a_list_holds_the_answer_is_an_error_of_ours(data_: bytes) -> None:
    with pytest.raises(UserError, match="PRV-CONSENT-LIST"):
        read_list(data_, "list.json", ISSUERS)


def test_an_error_shows_no_subject() -> None:
    told = _list(_grant("a")).model_dump_json().replace('"receiver":"bank"', '"receiver":"NOT A NAME"')
    with pytest.raises(UserError) as found:
        read_list(told.replace('"subject":"a"', '"subject":"110105194912310021"').encode(), "x", ISSUERS)
    assert "110105" not in str(found.value)


def test_only_rows_of_subjects_who_let_every_receiver_have_them(tax: Store) -> None:
    both = [_grant("a"), _grant("a", receiver="insurer")]
    _taken(tax, _list(*both, _grant("b"), _grant("c", purpose="marketing")))
    assert _kept(tax, "a", "b", "c", "d") == ["a", "b"]
    assert _kept(tax, "a", "b", "c", "d", to=("bank", "insurer")) == ["a"]
    assert _kept(tax, "a", "b", "c", "d", purpose="marketing") == ["c"]
    assert _kept(tax, "a", "d", to=()) == ["a", "d"]
    with standing(now() + timedelta(days=31)):
        assert _kept(tax, "a", "b") == []


def test_the_later_word_holds_in_whatever_order_it_comes(tax: Store) -> None:
    assert _taken(tax, _list(_grant("a", revoked=True), _grant("b", revoked=True), hours=2)) == 2
    assert _taken(tax, _list(_grant("a"), hours=1)) == 0
    assert _kept(tax, "a", "b") == []
    assert _taken(tax, _list(_grant("b"), hours=3)) == 1
    assert _kept(tax, "a", "b") == ["b"]
    _taken(tax, _list(_grant("c", revoked=True), _grant("c"), _grant("d"), _grant("d", revoked=True)))
    assert _kept(tax, "c", "d") == []


def test_a_missing_grant_may_refuse_the_job_and_rows_without_a_key_always_do(tax: Store) -> None:
    _taken(tax, _list(_grant("a")))
    table = pa.table({"id": ["a", "b"]})
    strict = data(consents=SUBJECTS.model_copy(update={"missing": "refuse"}))
    with tax.transaction() as tx:
        for brought in (strict, data("id", key=None, consents=SUBJECTS)):
            with pytest.raises(UserError, match="PRV-CONSENT"):
                covered(tx, tax.identity, table, brought, to=("bank",), purpose="credit")


def test_subjects_are_kept_as_keyed_hashes_only(tax: Store) -> None:
    _taken(tax, _list(_grant("subject-one")))
    with tax.transaction() as tx:
        rows = tx.execute("SELECT subject FROM privacy_consent").fetchall()
    assert [bytes(r["subject"]) for r in rows] == hashed(tax.identity, "text", ["subject-one"])
    assert hashed(identity("bank"), "text", ["subject-one"]) != hashed(tax.identity, "text", ["subject-one"])
    told = ConsentList(issuer="bureau", made_at=now(), key_kind="uscc", grants=(_grant("no code"),))
    with pytest.raises(UserError, match="PRV-CONSENT-LIST"):
        _taken(tax, told)
