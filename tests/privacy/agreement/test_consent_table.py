from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.privacy.agreeing import identity
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.agreement.consent_table import issued
from xinqiao.privacy.agreement.consents import read_list

HEAD = "subject,receiver,purpose,until,revoked\n"


def written(folder: Path, text: str) -> Path:
    file = folder / "grants.csv"
    file.write_text(text, "utf-8-sig")
    return file


def test_a_table_becomes_a_list_that_its_issuer_signed(tmp_path: Path) -> None:
    text = HEAD + "a,bank,credit,2099-01-31,\nb,bank,credit,2099-01-31T10:00+00:00,是\n"
    told = issued(written(tmp_path, text), identity("bureau"), "text")
    assert [(g.subject, g.revoked) for g in told.grants] == [("a", False), ("b", True)]
    assert told.grants[0].until == datetime(2099, 1, 31, 16, tzinfo=UTC)  # the end of that day in China
    assert told.grants[1].until == datetime(2099, 1, 31, 10, tzinfo=UTC)
    known = {"bureau": identity("bureau").signing_key}
    assert read_list(told.model_dump_json().encode(), "list", known) == told
    with pytest.raises(UserError, match="signature of bureau"):
        read_list(told.model_dump_json().replace("bank", "back").encode(), "list", known)


def test_no_column_of_revocations_is_needed(tmp_path: Path) -> None:
    told = issued(
        written(tmp_path, "until,purpose,receiver,subject\n2099-01-31,credit,bank,a\n"),
        identity("bureau"),
        "text",
    )
    assert told.grants[0].revoked is False


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("subject,receiver\n", "purpose, until"),
        (HEAD + "a,bank,credit,2099-01-31,\na,bank,credit,soon,\n", r"csv:3.*until: soon"),
        (HEAD + "a,bank,credit,2099-01-31,perhaps\n", r"csv:2.*revoked: perhaps"),
        (HEAD + "a,The Bank,credit,2099-01-31,\n", r"csv:2.*receiver"),
        (HEAD + "a\n", "csv:2"),
    ],
)
def test_faults_are_named_by_line(tmp_path: Path, text: str, word: str) -> None:
    with pytest.raises(UserError, match=word) as caught:
        issued(written(tmp_path, text), identity("bureau"), "text")
    assert caught.value.code == "PRV-CONSENT-LIST"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="PRV-CONSENT-LIST"):
        issued(tmp_path / "absent.csv", identity("bureau"), "text")
