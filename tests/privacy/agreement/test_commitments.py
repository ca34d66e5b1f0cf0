from __future__ import annotations

import random

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.privacy.manifests import manifest, signing_key
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.agreement.commitments import (
    Receipt,
    channels,
    disagreements,
    greet,
    input_commitment,
    new_salt,
    read_receipt,
    result_commitment,
    sign_receipt,
)
from xinqiao.privacy.agreement.signing import Identity
from xinqiao.privacy.job.link import Link, Recorded, Sent, play
from xinqiao.privacy.job.manifest import Manifest

NAMES = ("bank", "tax", "power")


def _links() -> dict[str, Recorded]:
    """The links of three parties after each has told the others its name's length."""

    def part(link: Link) -> Recorded:
        recorded = Recorded(link, keep=True)
        greet(recorded)
        others = [name for name in link.parties if name != link.me]
        for name in others:
            recorded.send(name, "length", bytes([len(link.me)]))
        for name in others:
            recorded.receive(name, "length")
        return recorded

    return play(dict.fromkeys(NAMES, part))


def _receipt(told: Manifest, link: Recorded) -> Receipt:
    return Receipt(
        job=str(told.job),
        manifest=told.digest,
        party=link.me,
        attempt=1,
        input=input_commitment(new_salt(), None),
        result=result_commitment(new_salt(), b"{}", None),
        sent=channels(link.lines, "sent"),
        received=channels(link.lines, "received"),
        at=now(),
    )


def test_both_ends_of_each_channel_agree_and_a_changed_message_shows() -> None:
    told, links = manifest("rows", dict.fromkeys(NAMES, "dealer")), _links()
    receipts = {name: _receipt(told, link) for name, link in links.items()}
    assert disagreements(receipts) == []
    line = links["tax"].lines[-1]
    links["tax"].lines[-1] = Sent(line.direction, line.peer, line.tag, line.size_bytes, "0" * 64)
    changed = receipts | {"tax": _receipt(told, links["tax"])}
    assert disagreements(changed) == [(line.peer, "tax")]


def test_a_channel_can_not_be_guessed_by_others() -> None:
    """The protocol's messages are the same each time; the digests of its channels never are."""
    first, second = _links(), _links()
    assert channels(first["bank"].lines, "sent") != channels(second["bank"].lines, "sent")
    assert len(set(channels(first["bank"].lines, "sent").values())) == 2


@given(st.integers(), st.lists(st.tuples(st.sampled_from("ab"), st.binary(max_size=3)), max_size=8))
def test_a_channel_does_not_depend_on_the_order_of_threads(seed: int, told: list[tuple[str, bytes]]) -> None:
    lines = [Sent("sent", "tax", tag, len(body), body.hex()) for tag, body in told]
    mixed = random.Random(seed).sample(lines, len(lines))  # noqa: S311 - an order for a test
    assert channels(lines, "sent") == channels(mixed, "sent")


@given(st.lists(st.integers(0, 9), min_size=1, max_size=5))
def test_a_commitment_is_to_one_table_under_its_salt(values: list[int]) -> None:
    table, salt = pa.table({"id": values}), new_salt()
    assert input_commitment(salt, table) == input_commitment(
        salt, pa.concat_tables([table.slice(0, 1), table[1:]])
    )
    assert input_commitment(salt, table) != input_commitment(new_salt(), table)
    assert input_commitment(salt, table) != input_commitment(salt, pa.table({"id": [*values, 1]}))
    assert result_commitment(salt, b"{}", None) != result_commitment(salt, b"{}", b"")


def test_a_receipt_counts_as_its_party_signed_it_for_this_job() -> None:
    told = manifest("rows", dict.fromkeys(NAMES, "dealer"))
    receipt = _receipt(told, _links()["bank"])
    bank, tax = (Identity(name, "0" * 64, signing_key(name)) for name in ("bank", "tax"))
    body, signature = receipt.canonical(), sign_receipt(receipt, bank)
    assert read_receipt(told, "bank", body, signature) == receipt
    other = manifest("rows", dict.fromkeys(NAMES, "dealer"))
    for job, name, text, by in (
        (other, "bank", body, signature),
        (told, "tax", body, signature),
        (told, "bank", body, sign_receipt(receipt, tax)),
        (told, "bank", body + b" ", signature),
        (told, "bank", b"{}", signature),
        (told, "bank", body.replace(b'"attempt":1', b'"attempt":2'), signature),
    ):
        with pytest.raises(UserError, match="PRV-RECEIPT"):
            read_receipt(job, name, text, by)
