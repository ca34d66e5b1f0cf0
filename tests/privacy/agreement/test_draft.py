from __future__ import annotations

from datetime import timedelta

import pytest

from tests.privacy.agreeing import ROWS, identity, peers
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.agreement import draft as drafts
from xinqiao.privacy.agreement.draft import manifest_of, read_draft
from xinqiao.privacy.agreement.rules import Policy
from xinqiao.privacy.job import kind
from xinqiao.privacy.job.manifest import Manifest

TEXT = """
kind = "rows"
purpose = "credit"
hours = 2

[params]
count = true

[[parties]]
name = "bank"
role = "holder"
[parties.input]
source = "customers"
key = "uscc"
key_kind = "uscc"
rows_at_most = 1000

[[parties]]
name = "tax"
role = "holder"
[parties.input]
source = "returns"
key = "uscc"
key_kind = "uscc"
columns = ["sales"]
rows_at_most = 100000
basis = "none"
ground = "generated data"
"""


@pytest.fixture(autouse=True)
def _kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kind, "kind_named", {"rows": ROWS}.get)
    monkeypatch.setattr(drafts, "kind_named", {"rows": ROWS}.get)


def _made(text: str) -> Manifest:
    policy = Policy(peers(["bank", "tax"], "bank"))
    return manifest_of(read_draft(text, "job.toml"), identity("bank"), policy, "job.toml")


def test_a_draft_becomes_a_manifest_with_the_keys_that_are_known() -> None:
    manifest = _made(TEXT)
    assert manifest.made_by == "bank"
    assert [p.signing_key for p in manifest.parties] == [identity(n).signing_key for n in ("bank", "tax")]
    assert now() < manifest.expires <= now() + timedelta(hours=2)
    assert manifest.params == {"count": True}
    assert manifest.parties[1].input is not None
    assert manifest.parties[1].input.columns == ("sales",)
    assert manifest.parties[1].input.consents.ground == "generated data"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('kind = "rows"', 'kind = "none"', "PRV-KIND"),
        ('kind = "rows"', "kind = rows", "PRV-DRAFT"),
        ('kind = "rows"', 'kind = "rows"\nextra = 1', "PRV-DRAFT"),
        ('name = "tax"', 'name = "stranger"', "PRV-PEER-UNKNOWN"),
        ('name = "tax"', 'name = "bank"', "PRV-DRAFT"),
        ('role = "holder"', 'role = "judge"', "PRV-MANIFEST"),
        ('ground = "generated data"', "", "PRV-"),
        ("rows_at_most = 1000\n", "rows_at_most = 0\n", "PRV-"),
    ],
)
def test_a_fault_of_a_draft_is_told(old: str, new: str, code: str) -> None:
    with pytest.raises(UserError, match=code):
        _made(TEXT.replace(old, new, 1))
