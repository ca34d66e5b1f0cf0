"""Building an operators' list: pseudonyms under all keys, totals under encryption, origin unlinkable.

Operators O_1 … O_N hold lists of ids with counts; the chain is O_1 … O_N and, where there is one, the
keeper; its last member is the builder. Every job draws fresh secrets: each operator a factor k_i for
hashing, each in the chain a share of the mix key, each operator a share x_i of the key of counts.

1. Each publishes its shares, with a proof that it knows the secrets.
2. Each operator hashes its ids onto the group, adds random points as dummies with count 0 up to the
   bound of the manifest, encrypts points under the mix key and counts under the key of counts, shuffles
   and sends them to O_1.
3. Each in the chain in turn multiplies the encrypted points by its k_i, takes its layer of the mix key
   off, randomises both ciphertexts anew, shuffles all rows, hands them on (a re-encryption mix net: Chaum
   1981; Park, Itoh, Kurosawa 1993). After the last turn the points are pseudonyms k_1⋯k_N·H(id).
4. The builder adds up the counts under equal pseudonyms, still encrypted, puts them into an oblivious
   store (``crypto.cipher_store``) whose size follows from the bounds alone, and gives that to the bank.
   Mix keys are forgotten; operators keep k_i and x_i, the bank the store.

What each sees (semi-honest; decisional Diffie-Hellman, random oracle), as a simulator makes it:
- an operator that is not last: bounds, and ciphertexts under a key of which it lacks a share: random points.
- the builder: besides, pseudonyms. While one operator but itself keeps its k_i they are random points,
  equal where the same id stands in several lists. So it learns how many pseudonyms came from one, two, …
  lists (dummies are among those from one), not which ids, and not which operators: each row went through
  an honest shuffle. A simulator draws that histogram's random points. A keeper who is no operator and
  answers no questions is the better builder: then operators learn nothing at all.
- the bank: a store of random points of the known size. It learns nothing.

Collusion: the bank and the builder together learn for each id that the bank asks how many lists hold it.
All of the chain together learn the lists. Any coalition that lacks one operator can't hash, and so can't
look a person up outside the quota, nor tell that operator's rows from others'. A party that deviates can
mark its own rows (related points) or falsify its counts; that is not prevented.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

import numpy as np

from xinqiao.kernel.errors import fail
from xinqiao.privacy.crypto.cipher_store import CipherStore, encode, received
from xinqiao.privacy.crypto.elgamal import (
    Ciphers,
    Share,
    add,
    checked,
    encrypt,
    joint,
    multiples,
    new_share,
    rerandomise,
    turn,
)
from xinqiao.privacy.crypto.group import Group, Points, random_scalar, the_group
from xinqiao.privacy.crypto.stream import shuffled
from xinqiao.privacy.job.kind import Job
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.job.wire import pack, unpack
from xinqiao.privacy.lists.list_setting import Setting, bound, hashed, listed, published, rows_of
from xinqiao.privacy.lists.list_state import ListState, file_of, locked


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows on their way through the chain: points of ids under the mix key, counts under theirs."""

    points: Ciphers
    counts: Ciphers

    def __len__(self) -> int:
        return len(self.points)

    def take(self, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> _Rows:
        return _Rows(self.points.take(rows), self.counts.take(rows))


def build(job: Job, link: Link) -> ListState:
    """This party's part of the list, kept in ``job.state``. Raises UserError PRV-LIST-*, PRV-MESSAGE."""
    manifest, shares = job.manifest, {"mix": new_share(the_group()), "counts": new_share(the_group())}
    setting = published(manifest, link, shares)
    hashing = random_scalar() if link.me in setting.operators else None
    state = _state(manifest, setting, hashing, shares["counts"])
    if link.me == setting.bank:
        _keep(job, setting, state)
    else:
        _take_part(job, setting, state, shares["mix"])
    if link.me in setting.operators:
        link.receive(setting.bank, "list-kept")  # a job that fails before leaves the list that stood
        state.save(job.state)
    return state


def _state(manifest: Manifest, setting: Setting, hashing: int | None, opening: Share) -> ListState:
    given = manifest.only("bank").input
    return ListState(
        name=manifest.params["list"],
        bank=setting.bank,
        built=manifest.digest,
        key_kind=(given.key_kind if given else None) or "text",
        publics={name: setting.counts[name].tobytes().hex() for name in setting.operators},
        rows=rows_of(manifest),
        count_at_most=manifest.params["count_at_most"],
        answer=manifest.params["answer"],
        threshold=manifest.params.get("threshold"),
        quota=manifest.params["quota"],
        hashing=None if hashing is None else f"{hashing:064x}",
        opening=None if hashing is None else f"{opening.secret:064x}",
    )


def _encrypted(setting: Setting, job: Job, state: ListState) -> _Rows:
    """The own list, padded with dummies to its bound, encrypted and shuffled."""
    group, at_most = setting.group, bound(job.me)
    totals = listed(job.rows, state.count_at_most, job.me.name)
    dummies = at_most - len(totals)
    if dummies < 0:
        fail("PRV-LIST-ROWS", job.me.name, rows=len(totals), at_most=at_most)
    points = hashed(group, list(totals), state.key_kind)
    random = group.from_uniform(np.frombuffer(os.urandom(64 * dummies), np.uint8).reshape(-1, 64))
    counts = multiples(group, state.count_at_most)[[*totals.values(), *[0] * dummies]]
    mix_key = joint(group, list(setting.mix.values()))
    rows = _Rows(
        encrypt(group, mix_key, np.concatenate([points, random])), encrypt(group, setting.count_key, counts)
    )
    return rows.take(shuffled(len(rows)))


def _take_part(job: Job, setting: Setting, state: ListState, share: Share) -> None:
    """A turn in the chain, handed on to the next; the last builds the store for the bank."""
    link, position = setting.link, setting.chain.index(setting.link.me)
    after = (*setting.chain, setting.bank)[position + 1]
    rows = _my_turn(job, setting, state)
    job.progress((position + 1) / (len(setting.chain) + 1))
    factor = state.secret("hashing") if state.hashing is not None else 1
    rows = _Rows(
        turn(setting.group, rows.points, factor, share.secret, setting.left_after(position)),
        rerandomise(setting.group, setting.count_key, rows.counts),
    ).take(shuffled(len(rows)))
    last = after == setting.bank
    payload = _store(setting, rows, state.rows) if last else _packed(rows)
    link.send(after, "list-store" if last else "list-rows", payload)


def _store(setting: Setting, rows: _Rows, at_most: int) -> bytes:
    pseudonyms, counts = merged(setting.group, rows.points.two, rows.counts)
    store = encode(setting.group, pseudonyms, counts, at_most)
    return pack({"seed": store.seed, "one": store.slots.one, "two": store.slots.two})


def merged(group: Group, pseudonyms: Points, counts: Ciphers) -> tuple[Points, Ciphers]:
    """Distinct pseudonyms with the sums of their counts."""
    distinct, which = np.unique(pseudonyms, axis=0, return_inverse=True)
    order = np.argsort(which.ravel(), kind="stable")
    first = np.searchsorted(which.ravel()[order], np.arange(len(distinct)))
    number = np.bincount(which.ravel(), minlength=len(distinct))
    one, two = (part[order[first]].copy() for part in (counts.one, counts.two))
    for nth in range(1, int(number.max(initial=0))):
        more = np.flatnonzero(number > nth)
        summed = add(group, Ciphers(one[more], two[more]), counts.take(order[first[more] + nth]))
        one[more], two[more] = summed.one, summed.two
    return distinct, Ciphers(one, two)


def _keep(job: Job, setting: Setting, state: ListState) -> None:
    """The bank's part: it keeps the store, and then tells the operators that it has."""
    builder, link = setting.chain[-1], setting.link
    payload = link.receive(builder, "list-store")
    told = unpack(payload, builder, seed=bytes, one=np.ndarray, two=np.ndarray)
    received(setting.group, told["seed"], Ciphers(told["one"], told["two"]), state.rows, builder)
    state.save(job.state, payload)
    for name in setting.operators:
        link.send(name, "list-kept", b"")


def load_store(job: Job, state: ListState) -> CipherStore:
    """The store that the bank keeps of the list as in ``state``. Raises UserError PRV-LIST-STATE."""
    try:
        with locked(job.state, state.name, state.bank):
            state.still(job.state)
            payload = file_of(job.state, state.name, state.bank, "store").read_bytes()
    except OSError as error:
        fail("PRV-LIST-STATE", state.bank, name=state.name, detail=type(error).__name__)
    told = unpack(payload, state.bank, seed=bytes, one=np.ndarray, two=np.ndarray)
    return CipherStore(told["seed"], Ciphers(told["one"], told["two"]))


def _my_turn(job: Job, setting: Setting, state: ListState) -> _Rows:
    """All rows, once it is this party's turn: the first of the chain gathers them from the operators."""
    link, first = setting.link, setting.chain[0]
    if link.me == first:
        own = _encrypted(setting, job, state)
        others = [p for p in job.manifest.having("operator") if p.name != link.me]
        return _joined([own, *(_receive(setting, p.name, bound(p)) for p in others)])
    if link.me in setting.operators:
        link.send(first, "list-rows", _packed(_encrypted(setting, job, state)))
    return _receive(setting, setting.chain[setting.chain.index(link.me) - 1], state.rows)


def _joined(parts: list[_Rows]) -> _Rows:
    def all_of(which: Literal["points", "counts"]) -> Ciphers:
        ciphers: list[Ciphers] = [getattr(part, which) for part in parts]
        return Ciphers(*(np.concatenate([getattr(c, n) for c in ciphers]) for n in ("one", "two")))

    return _Rows(all_of("points"), all_of("counts"))


def _packed(rows: _Rows) -> bytes:
    points, counts = rows.points, rows.counts
    return pack({"p": points.one, "q": points.two, "c": counts.one, "d": counts.two})


def _receive(setting: Setting, source: str, count: int) -> _Rows:
    fields = dict.fromkeys("pqcd", np.ndarray)
    told = unpack(setting.link.receive(source, "list-rows"), source, **fields)
    points = checked(setting.group, told["p"], told["q"], count, source)
    return _Rows(points, checked(setting.group, told["c"], told["d"], count, source))
