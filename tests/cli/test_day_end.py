"""``xinqiao day-end`` as it is called: a home with its own database, days closed once and shown."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from tests.cli.command import call
from tests.servicing.lent import START, Books, books
from xinqiao.db.embedded import Access
from xinqiao.portal.serving import Address, opened

LAST = START + timedelta(days=2)
HERE = Address("127.0.0.1", 0)


def test_days_are_closed_by_the_command_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XINQIAO_ROLE", "bank")
    with opened(tmp_path, HERE) as platform:
        made = books(platform.database)
        loan = made.draw(made.facility())
    command = ["day-end", "--home", tmp_path, "--institution", made.bank, "--until", LAST]
    first = call(*command)
    assert first.code == 0, first.err
    told = first.out.splitlines()
    assert [line.split()[0] for line in told] == [str(START + timedelta(days=k)) for k in range(3)]
    assert all("1 笔贷款 loans（引擎 by engine 0）" in line for line in told)
    again = call(*command)
    assert again.code == 0, again.err
    assert again.out.splitlines() == [f"{LAST}  没有未结束的营业日 / no business day up to then is open"]
    with opened(tmp_path, HERE) as platform:
        seen = Books(platform.database, made.place)
        row = seen.see(loan)
        assert row.posted_on == LAST
        assert row.interest_cny > 0
        assert seen.faults() == []


@pytest.mark.parametrize(
    ("institution", "until"), [("nobody", LAST), (UUID(int=7), LAST), (UUID(int=7), "3.3.")]
)
def test_what_is_not_known_is_refused_in_words(
    access: Access, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, institution: object, until: object
) -> None:
    monkeypatch.setenv("XINQIAO_DSN", access.app)
    monkeypatch.setenv("XINQIAO_OWNER_DSN", access.owner)
    told = call("day-end", "--home", tmp_path, "--institution", institution, "--until", until)
    assert told.code != 0
    assert "SRV-DAY-END" in told.err
