from __future__ import annotations

import time
from uuid import UUID

import pytest

from tests.consent.people import granted, institution
from tests.lending.bank import person
from tests.portrait.files import sample_file
from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Database
from xinqiao.db.jobs import working
from xinqiao.kernel.errors import UserError
from xinqiao.lending import backtest, bank_policy, bank_release, own_card, own_data, preapproval
from xinqiao.lending.bank_release import Proposal
from xinqiao.portrait.credit_file import publish

A, B, C = "91330100900000011A", "91330100900000022B", "91330100900000033C"
LIST = f"uscc,amount_cny\n{A},300000\n{B},\n{C},100000\n9133010090000XXXX9,\n".encode()
GOOD = {"INV28": 40.0, "INV05": 0.4}


@pytest.fixture
def officer(database: Database) -> Actor:
    bank = institution(database)
    with database.transaction(SYSTEM) as tx:
        publish(tx, [sample_file(A, indicators=GOOD), sample_file(B), sample_file(C)])
    granted(database, bank, purposes=["pre_approval"])
    granted(database, bank, purposes=["pre_approval"], company=C, data_sets=["TAX"])
    return person("officer", name="客户经理", institution=bank)


def _start(database: Database, officer: Actor, data: bytes = LIST) -> UUID:
    with database.transaction(officer.scope) as tx:
        return preapproval.start(tx, officer, data, "名单.csv", "small_firm_credit")


def _rows(database: Database, officer: Actor, batch: UUID) -> dict[str, dict[str, object]]:
    with database.transaction(officer.scope) as tx:
        return {row["company_id"]: row for row in preapproval.rows_of(tx, batch)}


def test_only_companies_that_granted_it_are_read_and_decided(database: Database, officer: Actor) -> None:
    batch = _start(database, officer)
    preapproval.run(database, str(batch))
    rows = _rows(database, officer, batch)
    assert [rows[key]["state"] for key in (A, B, C, "9133010090000XXXX9")] == [
        "decided",
        "no_grant",
        "not_covered",
        "no_grant",
    ]
    assert rows[A]["grade"] == "R4"
    assert rows[A]["outcome"] in ("approve", "refer")
    assert rows[A]["query_id"] is not None
    assert rows[B]["query_id"] is None
    with database.transaction(officer.scope) as tx:
        told = preapproval.one(tx, batch)
        reads = tx.execute("SELECT company_id, purpose FROM query_log").fetchall()
    assert (told.done, told.rows) == (4, 4)
    assert told.ended_at is not None
    assert {row["company_id"] for row in reads} == {A, C}


def test_the_job_goes_on_where_it_stopped_and_runs_twice_without_harm(
    database: Database, officer: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preapproval, "CHUNK", 1)
    batch = _start(database, officer)
    with database.transaction(officer.scope) as tx:
        found = preapproval.one(tx, batch)
    assert preapproval._chunk(database, found)
    with database.transaction(officer.scope) as tx:
        assert preapproval.one(tx, batch).done == 1
    preapproval.run(database, str(batch))
    first = _rows(database, officer, batch)
    preapproval.run(database, str(batch))
    assert _rows(database, officer, batch) == first


def test_the_worker_takes_the_list_by_itself(database: Database, officer: Actor) -> None:
    batch = _start(database, officer)
    with working(database, concurrency=2):
        for _ in range(100):
            with database.transaction(officer.scope) as tx:
                if preapproval.one(tx, batch).ended_at is not None:
                    break
            time.sleep(0.1)
    assert _rows(database, officer, batch)[A]["state"] == "decided"


def test_own_card_and_released_policy_decide(database: Database, officer: Actor) -> None:
    editor = person("product", name="产品", institution=officer.institution)  # type: ignore[arg-type]
    approver = person("approver", name="复核", institution=officer.institution)  # type: ignore[arg-type]
    with database.transaction(editor.scope) as tx:
        own_data.upload(tx, editor, f"uscc,日均存款,客户分层\n{A},1,普通\n".encode(), "d.csv")
        card = own_card.propose(tx, editor, own_card.TEMPLATE.encode(), "c.csv")
        own_card.agree(tx, approver, card)
        draft = bank_policy.start(tx, editor, "small_firm_credit")
        text = bank_policy.version(tx, draft).text.replace("评级 in ['R10', 'D']", "违约概率 > 0.015")
        bank_policy.save(tx, draft, 1, text)
        made = bank_release.propose(tx, editor, Proposal(draft))
        bank_release.decide(tx, approver, made, released=True)
    batch = _start(database, officer)
    preapproval.run(database, str(batch))
    row = _rows(database, officer, batch)[A]
    assert row["outcome"] == "reject"  # 1.2 % as the platform sees it; the own card took 12 points
    assert "GRADE_LOW" in str(row["reasons"])


@pytest.mark.parametrize("data", [b"uscc,amount_cny\nA,x\n", b"uscc,amount_cny\nA,-1\n"])
def test_a_faulty_list_is_refused(database: Database, officer: Actor, data: bytes) -> None:
    with pytest.raises(UserError) as caught:
        _start(database, officer, data)
    assert caught.value.code == "BWB-ROW"
    with pytest.raises(UserError), database.transaction(officer.scope) as tx:
        preapproval.start(tx, officer, LIST, "x.csv", "no_such_policy")


def test_a_back_test_on_the_anonymous_sample(database: Database, officer: Actor) -> None:
    with database.transaction(SYSTEM) as tx:
        files = [
            sample_file(f"9133010090{i:07d}T", indicators={"INV28": float(i), "INV05": 0.3 + i / 100})
            for i in range(60)
        ]
        publish(tx, files)
    with database.transaction(officer.scope) as tx:
        draft = bank_policy.start(tx, officer, "small_firm_credit")
        old = bank_policy.version(tx, draft)
        new = bank_policy.compiled(old.text.replace("开票历史月数 < 6", "开票历史月数 < 24"), "new.yaml")
        diff = backtest.backtest(tx, (bank_policy.compiled(old.text, old.origin), new), "sample")
        assert tx.execute("SELECT xq_side() AS side").fetchone() == {"side": "bank"}
        with pytest.raises(UserError) as caught:
            backtest.backtest(tx, (new, new), "own")
        assert caught.value.code == "BWB-HISTORY"
    before, after = diff.figures
    assert before.companies == 63
    assert int(diff.moved.sum()) == 18
    assert after.rejected - before.rejected == 18
    assert diff.ids[0] == "1"
    assert diff.causes()[0].gained == ("SHORT_HISTORY",)
