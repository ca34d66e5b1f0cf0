"""Who takes part in an operators' list and under which keys: shares published, proved and checked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from xinqiao.kernel.errors import fail
from xinqiao.privacy.crypto.elgamal import Share, joint, prove, verify
from xinqiao.privacy.crypto.group import Group, Points, hash_to_group, the_group
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.manifest import Manifest, Party
from xinqiao.privacy.job.wire import pack, unpack

DOMAIN = b"xinqiao/operators_list/1/"


@dataclass(frozen=True, slots=True)
class Setting:
    """What all know once shares are published."""

    group: Group
    link: Link
    chain: tuple[str, ...]
    operators: tuple[str, ...]
    bank: str
    mix: dict[str, Points]
    counts: dict[str, Points]

    def left_after(self, position: int) -> Points | None:
        """The mix key's layers after that position of the chain; None after the last."""
        left = [self.mix[name] for name in self.chain[position + 1 :]]
        return joint(self.group, left) if left else None

    @property
    def count_key(self) -> Points:
        """The key of counts: all operators' shares."""
        return joint(self.group, [self.counts[name] for name in self.operators])


def chain_of(manifest: Manifest) -> tuple[str, ...]:
    """Who mixes, in order; the last builds."""
    return tuple(p.name for p in (*manifest.having("operator"), *manifest.having("keeper")))


def rows_of(manifest: Manifest) -> int:
    """Rows in the chain, dummies included: the sum of the operators' bounds."""
    return sum(bound(party) for party in manifest.having("operator"))


def bound(operator: Party) -> int:
    """Rows that an operator sends, dummies included. Raises UserError PRV-MANIFEST where it brings none."""
    if operator.input is None:
        fail("PRV-MANIFEST", operator.name, detail="input")
    return operator.input.rows_at_most


def hashed(group: Group, ids: list[str], key_kind: str) -> Points:
    """Ids on the group."""
    return hash_to_group(group, [key.encode() for key in ids], DOMAIN + key_kind.encode())


def listed(table: pa.Table, count_at_most: int, who: str) -> dict[str, int]:
    """An operator's list: id to count, rows of one id added up; a table of keys alone counts 1 a row.

    Raises UserError PRV-LIST-COUNT for an empty key or a count that is not 1 … ``count_at_most``.
    """
    keys = table.column(0).cast(pa.string()).to_pylist()
    counts = table.column(1).to_pylist() if table.num_columns > 1 else [1] * len(keys)
    totals: dict[str, int] = {}
    bad = 0
    for key, count in zip(keys, counts, strict=True):
        if not key or not isinstance(count, int) or not 1 <= count <= count_at_most:
            bad += 1
        else:
            totals[key] = totals.get(key, 0) + count
    bad += sum(total > count_at_most for total in totals.values())
    if bad:
        fail("PRV-LIST-COUNT", who, at_most=count_at_most, bad=bad)
    return totals


def published(manifest: Manifest, link: Link, shares: dict[str, Share]) -> Setting:
    """Shares of ``mix`` and ``counts`` exchanged; the bank has none. Raises PRV-LIST-KEY, PRV-MESSAGE."""
    group, chain = the_group(), chain_of(manifest)
    operators = tuple(p.name for p in manifest.having("operator"))
    setting = Setting(group, link, chain, operators, manifest.only("bank").name, {}, {})
    told = {name: (share.public, _context(manifest, link.me, name)) for name, share in shares.items()}
    if link.me in chain:
        mine: dict[str, Points | bytes] = {n: public for n, (public, _) in told.items()}
        mine |= {f"{n}_proof": prove(group, shares[n], context) for n, (_, context) in told.items()}
        for other in link.parties:
            if other != link.me:
                link.send(other, "list-shares", pack(mine))
        setting.mix[link.me], setting.counts[link.me] = shares["mix"].public, shares["counts"].public
    for other in chain:
        if other != link.me:
            setting.mix[other], setting.counts[other] = _shares_of(manifest, group, link, other)
    return setting


def _shares_of(manifest: Manifest, group: Group, link: Link, other: str) -> tuple[Points, Points]:
    fields = {"mix": np.ndarray, "counts": np.ndarray, "mix_proof": bytes, "counts_proof": bytes}
    told = unpack(link.receive(other, "list-shares"), other, **fields)
    checked_shares = [
        verify(group, told[n], told[f"{n}_proof"], _context(manifest, other, n), other)
        for n in ("mix", "counts")
    ]
    return checked_shares[0], checked_shares[1]


def _context(manifest: Manifest, name: str, which: str) -> bytes:
    return f"{manifest.digest}/{name}/{which}".encode()
