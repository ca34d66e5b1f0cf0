from __future__ import annotations

from decimal import Decimal

import psycopg
import pytest

from tests.lending.bank import APPROVER, EDITOR, FIRST, STRANGER
from xinqiao.db.database import SYSTEM, Database, Tx
from xinqiao.kernel.errors import UserError
from xinqiao.lending import bank_policy, bank_release
from xinqiao.lending.bank_release import Proposal
from xinqiao.policy.release import CHAMPION

POLICY = "small_firm_credit"


def _edited(tx: Tx, old: str = "min: 100000", new: str = "min: 150000") -> bank_policy.Version:
    made = bank_policy.start(tx, EDITOR, POLICY)
    text = bank_policy.version(tx, made).text
    bank_policy.save(tx, made, 1, text.replace(old, new))
    return bank_policy.version(tx, made)


def _released(tx: Tx, proposal: Proposal) -> bank_release.BankRelease:
    made = bank_release.propose(tx, EDITOR, proposal)
    return bank_release.decide(tx, APPROVER, made, released=True)


def test_drafts_are_numbered_edited_and_seen_by_their_bank_alone(database: Database) -> None:
    with database.transaction(EDITOR.scope) as tx:
        first, second = _edited(tx), _edited(tx)
        assert (first.number, second.number, first.revision) == (1, 2, 2)
        with pytest.raises(UserError) as caught:
            bank_policy.save(tx, first.id, 1, "stale")
        assert caught.value.code == "BWB-STATE"
    with database.transaction(STRANGER.scope) as tx:
        assert bank_policy.versions(tx) == []
        with pytest.raises(UserError) as caught:
            bank_policy.version(tx, first.id)
        assert caught.value.code == "BWB-ABSENT"
        assert bank_policy.start(tx, STRANGER, POLICY)


def test_a_faulty_text_is_not_proposed(database: Database) -> None:
    with database.transaction(EDITOR.scope) as tx:
        bad = _edited(tx, "if: 断票月数 >= 6", "if: 断票月份 >= 6")
        assert any(f.line for f in bank_policy.findings(bad.text, bad.origin))
        with pytest.raises(UserError) as caught:
            bank_release.propose(tx, EDITOR, Proposal(bad.id))
        assert caught.value.code == "BWB-FAULTY-STATE"


def test_two_people_release_and_the_text_is_frozen(database: Database) -> None:
    with database.transaction(EDITOR.scope) as tx:
        mine = _edited(tx)
        made = bank_release.propose(tx, EDITOR, Proposal(mine.id))
        with pytest.raises(UserError) as caught:
            bank_release.decide(tx, EDITOR, made, released=True)
        assert caught.value.code == "BWB-SELF-FORBIDDEN"
        with pytest.raises(UserError):
            bank_policy.save(tx, mine.id, 2, "other")
        with pytest.raises(UserError) as caught:
            bank_release.propose(tx, EDITOR, Proposal(mine.id))
        assert caught.value.code == "BWB-STATE"
        assert bank_release.deciding(tx, FIRST, POLICY).source is None
    with database.transaction(APPROVER.scope) as tx:
        bank_release.decide(tx, APPROVER, made, released=True)
        with pytest.raises(UserError):
            bank_release.decide(tx, APPROVER, made, released=False)
    with database.transaction(SYSTEM) as tx:
        now = bank_release.deciding(tx, FIRST, POLICY)
        assert now.policies[CHAMPION].text == mine.text
        assert now.draw("x").arm == CHAMPION


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE bank_release SET decided_by = proposed_by, decided_at = now(), released = true",
        "UPDATE bank_release SET champion = champion, salt = 'other'",
        "UPDATE bank_policy_version SET text = 'x'",
        "DELETE FROM bank_policy_version",
        "DELETE FROM bank_release",
    ],
)
def test_the_database_itself_holds_the_rules(database: Database, change: str) -> None:
    with database.transaction(EDITOR.scope) as tx:
        bank_release.propose(tx, EDITOR, Proposal(_edited(tx).id))
    with pytest.raises(psycopg.Error), database.transaction(EDITOR.scope) as tx:
        tx.execute(change)


def test_a_challenger_on_a_share_and_the_way_back(database: Database) -> None:
    with database.transaction(EDITOR.scope) as tx:
        old, new = _edited(tx), _edited(tx, "max: 1000000", "max: 800000")
        with pytest.raises(UserError):
            bank_release.roll_back(tx, EDITOR, POLICY)
        _released(tx, Proposal(old.id))
        _released(tx, Proposal(old.id, new.id, "live", Decimal("0.25")))
        now = bank_release.deciding(tx, FIRST, POLICY)
        drawn = [now.draw(f"firm {i}").arm for i in range(2000)]
        assert 400 < drawn.count("challenger") < 600
        assert now.policies["challenger"].text == new.text
        back = bank_release.roll_back(tx, EDITOR, POLICY)
        bank_release.decide(tx, APPROVER, back, released=True)
        assert set(bank_release.deciding(tx, FIRST, POLICY).policies) == {CHAMPION}


@pytest.mark.parametrize("share", [None, Decimal(0), Decimal(2)])
def test_a_live_challenger_needs_a_share(database: Database, share: Decimal | None) -> None:
    with database.transaction(EDITOR.scope) as tx:
        old, new = _edited(tx), _edited(tx)
        with pytest.raises(UserError):
            bank_release.propose(tx, EDITOR, Proposal(old.id, new.id, "live", share))
        with pytest.raises(UserError):
            bank_release.propose(tx, EDITOR, Proposal(old.id, old.id, "shadow"))
