from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from xinqiao.account.institution import (
    add_institution,
    filing_faults,
    get_institution,
    institutions,
    operator_filed,
    rename,
    set_filing,
    set_status,
)
from xinqiao.db.database import PUBLIC, SYSTEM, Database
from xinqiao.kernel.clock import standing, today
from xinqiao.kernel.errors import UserError

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
USCC = "91350200MA0000001X"


def test_Z02_a_filing_that_is_due_is_told(database: Database) -> None:  # noqa: N802 - the requirement's id
    with standing(NOON), database.transaction(SYSTEM) as tx:
        made = add_institution(tx, kind="operator", name="示范平台", uscc=USCC)
        day = today()
        assert filing_faults(get_institution(tx, made), day) == ["absent"]
        set_filing(tx, made, "示范备案-1", day + timedelta(days=100))
        assert filing_faults(get_institution(tx, made), day) == []
        assert filing_faults(get_institution(tx, made), day + timedelta(days=70)) == ["expires"]
        assert filing_faults(get_institution(tx, made), day + timedelta(days=101)) == ["expired"]
    with standing(NOON + timedelta(days=10)), database.transaction(SYSTEM) as tx:
        rename(tx, made, "示范平台二号", "")
        found = get_institution(tx, made)
        assert filing_faults(found, today() + timedelta(days=19)) == []
        assert filing_faults(found, today() + timedelta(days=20)) == ["change"]
        set_filing(tx, made, "示范备案-2", None)
        assert filing_faults(get_institution(tx, made), today() + timedelta(days=400)) == []


def test_B02_the_operators_filing_is_what_counts(database: Database) -> None:  # noqa: N802 - the requirement's id
    with standing(NOON), database.transaction(SYSTEM) as tx:
        made = add_institution(tx, kind="operator", name="示范平台", uscc=USCC)
        set_status(tx, made, "active")
        assert not operator_filed(tx, today())
        set_filing(tx, made, "示范备案-1", today())
        assert operator_filed(tx, today())
        assert not operator_filed(tx, today() + timedelta(days=1))


def test_a_code_is_used_once_and_names_are_public(database: Database) -> None:
    with database.transaction(SYSTEM) as tx:
        add_institution(tx, kind="bank", name="示范一号银行", uscc=USCC)
    with database.transaction(PUBLIC) as tx:
        assert [each.name for each in institutions(tx, kind="bank")] == ["示范一号银行"]
        with pytest.raises(UserError, match="ACC-USCC-STATE"):
            add_institution(tx, kind="bank", name="另一家", uscc=USCC)
