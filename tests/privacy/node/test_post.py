from __future__ import annotations

import pytest

from tests.privacy.manifests import manifest
from xinqiao.db.database import new_id
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.node.post import Told, elsewhere, read_told

JOB = manifest("rows", {"bank": "holder", "tax": "holder", "power": "holder"})


@pytest.mark.parametrize(
    ("peer", "told", "shown"),
    [
        ("tax", {"code": "PRV-CONSENT"}, ("PRV-ELSEWHERE", "tax: PRV-CONSENT")),
        ("bank", {"code": "PRV-CONSENT", "at": "tax"}, ("PRV-ELSEWHERE", "tax: PRV-CONSENT")),
        ("bank", {"code": "PRV-STOPPED", "at": "tax"}, ("PRV-STOPPED", "tax")),
        ("bank", {"code": "PRV-PEER-LOST", "where": "tax", "at": "power"}, ("PRV-PEER-LOST", "tax")),
        # not the maker of the job, no party of it, no code of ours
        ("power", {"code": "PRV-CONSENT", "at": "tax"}, ("PRV-ELSEWHERE", "power: PRV-CONSENT")),
        ("bank", {"code": "PRV-CONSENT", "at": "mallory"}, ("PRV-ELSEWHERE", "bank: PRV-CONSENT")),
        ("tax", {"code": "PRV-NO-SUCH"}, ("PRV-ELSEWHERE", "tax: ?")),
        ("tax", {"code": "PRV-PEER-LOST", "where": "mallory"}, ("PRV-ELSEWHERE", "tax: PRV-PEER-LOST")),
    ],
)
def test_whose_fault_a_failure_elsewhere_is(peer: str, told: dict[str, str], shown: tuple[str, str]) -> None:
    error = elsewhere(peer, Told(about="failed", job=JOB.job, **told), JOB)
    assert (error.code, error.where) == shown


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        {"about": "x"},
        {"more": 1},
        {"attempt": 256},
        {"where": "\0"},  # which a database would not keep
        {"code": "[/]"},
        {"at": "../x"},
    ],
)
def test_what_is_no_control_message_is_told_without_its_words(wrong: object) -> None:
    message = {"about": "job", "job": str(new_id()), **wrong} if isinstance(wrong, dict) else wrong
    with pytest.raises(UserError, match="PRV-FRAME") as caught:
        read_told(message, "tax")
    assert caught.value.where == "tax"
