from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tests.account.conftest import PASSWORD
from tests.conftest import COSTLY
from xinqiao.account import notifier, seed
from xinqiao.account.code import MAX_AN_HOUR, check_code, send_code
from xinqiao.account.person import set_password
from xinqiao.account.quota import count
from xinqiao.account.session import IDLE, end_others, end_session, find_session, hashed, open_session, wear
from xinqiao.account.sign_in import (
    LOCKED_FOR,
    MAX_FAILURES,
    ask_code,
    by_code,
    by_password,
    check_again,
    limit_address,
)
from xinqiao.account.tidying import tidy
from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel.clock import standing
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.protect import Keyring

PHONE = "13700000001"
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)


@pytest.fixture
def person(database: Database, ring: Keyring) -> UUID:
    with database.transaction(SYSTEM) as tx:
        return seed.person(tx, ring, name="周一", phone=PHONE, password=PASSWORD, company_id="C1")


def _try(database: Database, ring: Keyring, password: str, phone: str = PHONE) -> UUID | str:
    with database.transaction(SYSTEM) as tx:
        told = by_password(tx, ring, phone, password)
    return told.code if isinstance(told, UserError) else told


def _sent(database: Database, ring: Keyring) -> str:
    with database.transaction(SYSTEM) as tx:
        found = re.search(r"[0-9]{6}", notifier.kept(tx, ring)[0].text.zh)
    assert found is not None
    return found[0]


def test_a_password_opens_and_another_does_not(database: Database, ring: Keyring, person: UUID) -> None:
    assert _try(database, ring, PASSWORD) == person
    assert _try(database, ring, PASSWORD + "x") == "ACC-REFUSED"
    assert _try(database, ring, PASSWORD, "13700000009") == "ACC-REFUSED"
    assert _try(database, ring, PASSWORD, "not a phone") == "ACC-PHONE"


def test_five_failures_lock_the_account_for_a_while(database: Database, ring: Keyring, person: UUID) -> None:
    with standing(NOON):
        for _ in range(MAX_FAILURES):
            assert _try(database, ring, "wrong") == "ACC-REFUSED"
        assert _try(database, ring, PASSWORD) == "ACC-LOCKED"
    with standing(NOON + LOCKED_FOR + timedelta(seconds=1)):
        assert _try(database, ring, PASSWORD) == person


def test_nobody_learns_from_a_password_hash_what_it_was(database: Database, person: UUID) -> None:
    with database.transaction(SYSTEM) as tx:
        row = tx.execute("SELECT * FROM credential WHERE person_id = %s", [person]).fetchone()
    assert row is not None
    assert row["password_hash"].startswith("$argon2id$")
    assert PHONE not in str(row)
    assert COSTLY().hash(PASSWORD).startswith("$argon2id$v=19$m=65536,t=3,p=4$")


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaa", "abababababab", "x" * 129])
def test_a_weak_password_is_refused(database: Database, person: UUID, password: str) -> None:
    with pytest.raises(UserError, match="ACC-PASSWORD"), database.transaction(SYSTEM) as tx:
        set_password(tx, person, password)


def test_a_code_is_good_once_and_for_minutes(database: Database, ring: Keyring, person: UUID) -> None:
    box = notifier.Outbox()
    with standing(NOON), database.transaction(SYSTEM) as tx:
        ask_code(tx, ring, box, PHONE)
    code = _sent(database, ring)
    with standing(NOON + timedelta(minutes=6)), database.transaction(SYSTEM) as tx:
        assert isinstance(by_code(tx, ring, PHONE, code), UserError)
    with standing(NOON + timedelta(minutes=4)), database.transaction(SYSTEM) as tx:
        assert by_code(tx, ring, PHONE, code) == person
        assert isinstance(by_code(tx, ring, PHONE, code), UserError)


def test_codes_are_for_one_purpose_and_few_tries(database: Database, ring: Keyring) -> None:
    with database.transaction(SYSTEM) as tx:
        send_code(tx, ring, notifier.Outbox(), PHONE, "register")
    code = _sent(database, ring)
    other = f"{(int(code) + 1) % 10**6:06}"
    with database.transaction(SYSTEM) as tx:
        assert check_code(tx, ring, PHONE, "sign-in", code) is not None
        for _ in range(5):
            assert check_code(tx, ring, PHONE, "register", other) is not None
        assert check_code(tx, ring, PHONE, "register", code) is not None


def test_a_phone_gets_few_codes_an_hour_and_an_unknown_one_none(
    database: Database, ring: Keyring, person: UUID
) -> None:
    del person
    box = notifier.Outbox()
    with standing(NOON):
        with database.transaction(SYSTEM) as tx:
            ask_code(tx, ring, box, "13700000008")
            assert notifier.kept(tx, ring) == []
        for _ in range(MAX_AN_HOUR):
            with database.transaction(SYSTEM) as tx:
                ask_code(tx, ring, box, PHONE)
        with pytest.raises(UserError, match="ACC-RATE"), database.transaction(SYSTEM) as tx:
            ask_code(tx, ring, box, PHONE)
    with standing(NOON + timedelta(hours=1)), database.transaction(SYSTEM) as tx:
        ask_code(tx, ring, box, PHONE)


def test_the_outbox_is_sealed_at_rest(database: Database, ring: Keyring) -> None:
    with database.transaction(SYSTEM) as tx:
        send_code(tx, ring, notifier.Outbox(), PHONE, "register")
        (row,) = tx.execute("SELECT sealed FROM message").fetchall()
        assert PHONE not in row["sealed"]
        assert notifier.kept(tx, ring)[0].phone == PHONE


def test_a_session_lives_by_its_token_and_ends(database: Database, person: UUID) -> None:
    with standing(NOON), database.transaction(SYSTEM) as tx:
        token = open_session(tx, person, "password")
        session = find_session(tx, token)
        assert session is not None
        assert (session.actor.side, session.actor.company) == ("enterprise", "C1")
        assert session.actor.may("company.act")
        stored = tx.execute("SELECT token_hash FROM session").fetchall()
        assert [bytes(row["token_hash"]) for row in stored] == [hashed(token)]
        assert find_session(tx, token + "x") is None
    with standing(NOON + IDLE - timedelta(seconds=1)), database.transaction(SYSTEM) as tx:
        assert find_session(tx, token) is not None
    with standing(NOON + 2 * IDLE), database.transaction(SYSTEM) as tx:
        assert find_session(tx, token) is None, "idle for longer than it may be"
    with standing(NOON), database.transaction(SYSTEM) as tx:
        end_session(tx, token)
        assert find_session(tx, token) is None


def test_a_session_does_not_live_for_ever(database: Database, person: UUID) -> None:
    with standing(NOON), database.transaction(SYSTEM) as tx:
        token = open_session(tx, person, "code")
    for minutes in range(20, 13 * 60, 20):
        with standing(NOON + timedelta(minutes=minutes)), database.transaction(SYSTEM) as tx:
            alive = find_session(tx, token) is not None
        assert alive == (minutes < 12 * 60)


def test_a_role_that_ends_counts_at_the_next_request(database: Database, person: UUID) -> None:
    with database.transaction(SYSTEM) as tx:
        token = open_session(tx, person, "password")
        tx.execute("UPDATE membership SET ended_at = now()")
        session = find_session(tx, token)
        assert session is not None
        assert session.actor.side == "public"
        assert not session.actor.may("company.own")
        assert session.actor.may("account.own")


def test_another_hat_is_put_on_only_if_it_is_ones_own(
    database: Database, ring: Keyring, person: UUID
) -> None:
    with database.transaction(SYSTEM) as tx:
        seed.person(tx, ring, name="周一", phone=PHONE, company_id="C2")
        token = open_session(tx, person, "password")
        session = find_session(tx, token)
        assert session is not None
        wear(tx, session, "C2")
        again = find_session(tx, token)
        assert again is not None
        assert again.actor.company == "C2"
    with pytest.raises(UserError, match="ACC-HAT-ABSENT"), database.transaction(SYSTEM) as tx:
        wear(tx, session, "C3")


def test_signing_out_elsewhere_keeps_this_session(database: Database, person: UUID) -> None:
    with database.transaction(SYSTEM) as tx:
        one, two = open_session(tx, person, "password"), open_session(tx, person, "password")
        session = find_session(tx, one)
        assert session is not None
        end_others(tx, person, session.id)
        assert find_session(tx, two) is None
        assert find_session(tx, one) is not None


def test_the_password_is_asked_again(database: Database, person: UUID) -> None:
    with database.transaction(SYSTEM) as tx:
        assert check_again(tx, person, PASSWORD) is None
        told = check_again(tx, person, "wrong")
        assert told is not None
        assert told.code == "ACC-CONFIRM"


def test_calls_are_counted_by_window(database: Database) -> None:
    with standing(NOON):
        for left in (1, 0):
            with database.transaction(SYSTEM) as tx:
                assert count(tx, "c1", "minute", limit=2, seconds=60) == left
        with pytest.raises(UserError, match="ACC-RATE"), database.transaction(SYSTEM) as tx:
            count(tx, "c1", "minute", limit=2, seconds=60)
        with database.transaction(SYSTEM) as tx:
            count(tx, "c2", "minute", limit=2, seconds=60)
            limit_address(tx, "127.0.0.1")
    with standing(NOON + timedelta(seconds=60)), database.transaction(SYSTEM) as tx:
        assert count(tx, "c1", "minute", limit=2, seconds=60) == 1


def test_what_has_run_out_is_taken_away(database: Database, ring: Keyring, person: UUID) -> None:
    with standing(NOON), database.transaction(SYSTEM) as tx:
        open_session(tx, person, "password")
        send_code(tx, ring, notifier.Outbox(), PHONE, "register")
        assert tidy(tx) == 0
    with standing(NOON + timedelta(days=3)), database.transaction(SYSTEM) as tx:
        assert tidy(tx) == 4  # session, code, message and the count of codes
