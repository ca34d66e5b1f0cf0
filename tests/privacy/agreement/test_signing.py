from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.privacy.manifests import manifest, signing_key
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.agreement.signing import (
    CONSENTS,
    MANIFEST,
    RECEIPT,
    Identity,
    check_all,
    check_signature,
    new_pair,
    pair_of,
    read_pair,
    sign,
    sign_manifest,
    signed,
)


def test_a_manifest_holds_when_all_have_signed() -> None:
    told = manifest("rows", {"bank": "dealer", "tax": "dealer"})
    signatures = {name: sign_manifest(told, signing_key(name)) for name in told.names}
    check_all(told, signatures)
    for broken in ({}, {"bank": signatures["bank"]}, {"bank": signatures["tax"], "tax": signatures["tax"]}):
        with pytest.raises(UserError, match="PRV-SIGNATURE"):
            check_all(told, broken)
    changed = told.model_copy(update={"purpose": "marketing"})
    with pytest.raises(UserError, match="PRV-SIGNATURE"):
        check_signature(changed, "bank", signatures["bank"])


@given(st.binary(max_size=64), st.sampled_from([MANIFEST, RECEIPT, CONSENTS]))
def test_a_signature_is_for_one_use(body: bytes, use: bytes) -> None:
    pair = signing_key("bank")
    signature = sign(pair, use, body)
    held = [
        other for other in (MANIFEST, RECEIPT, CONSENTS) if signed(pair.public.hex(), other, body, signature)
    ]
    assert held == [use]
    assert not signed("not hex", use, body, signature)


def test_a_key_file_is_its_owners_only_and_never_told(tmp_path: Path) -> None:
    pair = new_pair(tmp_path / "signing.key")
    assert (tmp_path / "signing.key").stat().st_mode & 0o777 == 0o600
    assert read_pair(tmp_path / "signing.key") == pair == pair_of(pair.private)
    assert pair.private.hex() not in repr(Identity("bank", "0" * 64, pair))
    with pytest.raises(UserError, match="FILE-WRITE"):
        new_pair(tmp_path / "signing.key")
    (tmp_path / "short").write_text(pair.private.hex()[:-2])
    for wrong in ("short", "absent"):
        with pytest.raises(UserError, match="PRV-SIGNING-KEY") as told:
            read_pair(tmp_path / wrong)
        assert pair.private.hex()[:16] not in str(told.value)


def test_secrets_of_two_purposes_differ() -> None:
    bank, tax = (Identity(name, "0" * 64, signing_key(name)) for name in ("bank", "tax"))
    assert len({bank.secret("a"), bank.secret("b"), tax.secret("a")}) == 3
