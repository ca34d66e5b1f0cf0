"""Asking an operators' list: the bank learns the agreed answer, the operators only how many ids it asks.

The bank holds the store that ``lists.list_build`` made. For a batch of ids, or for one:

1. It draws a factor r for each id and sends r·H(id) through the operators, each multiplying by its k_i;
   dividing by r leaves the pseudonym k_1⋯k_N·H(id) (a chain of oblivious pseudo-random functions: Freedman,
   Ishai, Pinkas, Reingold, TCC 2005; 2HashDH: Jarecki, Kiayias, Krawczyk, ASIACRYPT 2014).
2. The store gives it the ciphertext of the total under the operators' key or, for an id in no list, that
   of a random point; it can't tell which. It randomises the ciphertext anew.
3a. Answer ``total``: each operator multiplies the first half tG by its x_i; the bank takes all off and
   finds the total in a table of small multiples, or nothing there, which means 0.
3b. Answers ``at_least`` and ``hit`` (at least 1): the bank puts a layer of its own, fresh in every batch,
   on the ciphertext. O_1 subtracts each value v from the threshold to the largest total; each operator in
   turn multiplies by random factors, takes its layer off, randomises anew and shuffles each id's values.
   The bank takes its layer off: a neutral element is there if and only if the total is at least the
   threshold. Everything else is random points, also for an id in no list (zero tests: Cramer, Gennaro,
   Schoenmakers 1997). Randomising anew matters: with factors alone, whoever knows the logarithm of
   the first half could undo them and read off the total.

What each sees, as a simulator makes it:
- an operator: r·(…), uniform whatever the id; for ``total`` a fresh tG, uniform too. Both are independent of
  ids, hits and totals, whatever all operators know together. For ``at_least``: ciphertexts with a layer of
  the bank's on, random points under the decisional Diffie-Hellman assumption, also to all operators together.
  So an operator learns how many ids are asked and when, and nothing else.
- the bank, ``total``: the pseudonym (a random point, the same when an id is asked again) and shares that
  add up to what its total says, all but one of them random. ``at_least``, ``hit``: besides the pseudonym,
  ciphertexts of random points, one of them neutral if the answer is yes, at a random place.

Collusion: the bank with all operators but one learns that operator's counts of the ids it asks where the
answer is a total (it follows from the answer), and where it is a bit what the bit says of them.
Semi-honest. A bank that deviates gets no more than one evaluated id and one opened ciphertext (for
``total``) or one bit (else) for each unit of its quota; operators that deviate can falsify answers.
"""

from __future__ import annotations

from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import numpy as np

from xinqiao.kernel.errors import fail
from xinqiao.privacy.crypto.cipher_store import decode
from xinqiao.privacy.crypto.elgamal import (
    ZERO,
    Ciphers,
    checked,
    checked_points,
    joint,
    multiples,
    new_share,
    opened,
    rerandomise,
    scalars,
    turn,
)
from xinqiao.privacy.crypto.group import Points, invert, the_group
from xinqiao.privacy.crypto.stream import shuffled
from xinqiao.privacy.job.kind import Job
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.job.wire import pack, unpack
from xinqiao.privacy.lists.list_build import load_store
from xinqiao.privacy.lists.list_setting import hashed
from xinqiao.privacy.lists.list_state import ListState, load

ROWS_AT_ONCE = 20_000
"""Ciphertexts in one message."""


class Asker:
    """The bank's end: loads the store once, then asks for one id or many; a job may ask many times."""

    def __init__(self, job: Job, link: Link) -> None:
        self._job, self._link, self._group = job, link, the_group()
        self._state = _load(job)
        self._store = load_store(job, self._state)
        self._operators = operators_of(job.manifest)
        publics = [self._state.public(name) for name in self._operators]
        self._key = joint(self._group, publics)
        small = multiples(self._group, self._state.total_at_most)
        self._totals = {point.tobytes(): total for total, point in enumerate(small)}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        if kind is None:
            self._tell({"count": 0, "built": self._state.built, "layer": ZERO})

    def ask(self, ids: list[str]) -> list[int]:
        """For each id its total, or 1 where it is at least the threshold, else 0.

        Raises UserError PRV-LIST-QUOTA.
        """
        if not ids:
            return []
        self._state = self._state.spend(self._job.state, len(ids))
        layer = new_share(self._group)
        self._tell({"count": len(ids), "built": self._state.built, "layer": layer.public})
        ciphers = decode(self._group, self._store, self._pseudonyms(ids))
        ciphers = rerandomise(self._group, self._key, ciphers)
        if threshold_of(self._job.manifest) is None:
            return self._opened(ciphers)
        own = self._group.multiply(layer.secret, ciphers.one)
        return self._tested(Ciphers(ciphers.one, self._group.add(ciphers.two, own)), layer.secret)

    def _tell(self, fields: dict[str, Any]) -> None:
        for name in self._operators:
            self._link.send(name, "list-ask", pack(fields))

    def _pseudonyms(self, ids: list[str]) -> Points:
        factors = scalars(len(ids))
        blinded = self._group.multiply(factors, hashed(self._group, ids, self._state.key_kind))
        self._link.send(self._operators[0], "list-blinded", pack({"points": blinded}))
        told = _points(self._link, self._operators[-1], "list-blinded", len(ids))
        return self._group.multiply([invert(factor) for factor in factors], told)

    def _opened(self, ciphers: Ciphers) -> list[int]:
        for name in self._operators:
            self._link.send(name, "list-open", pack({"points": ciphers.one}))
        left = ciphers.two
        for name in self._operators:
            left = self._group.subtract(left, _points(self._link, name, "list-open", len(ciphers)))
        return [self._totals.get(point.tobytes(), 0) for point in left]

    def _tested(self, ciphers: Ciphers, layer: int) -> list[int]:
        fields = {"one": ciphers.one, "two": ciphers.two}
        self._link.send(self._operators[0], "list-test", pack(fields))
        width = len(values_of(self._job.manifest, self._state))
        told = _ciphers(self._link, self._operators[-1], len(ciphers) * width)
        messages = opened(self._group, layer, told).reshape(len(ciphers), width, -1)
        neutral = (messages == 0).all(axis=2)
        return [int(each) for each in neutral.any(axis=1).tolist()]


def ask_all(job: Job, link: Link, ids: list[str]) -> list[int]:
    """The bank's part of a job: all ``ids`` in batches, then the end."""
    with Asker(job, link) as asker:
        told: list[int] = []
        step = batch_of(job.manifest, load(job.state, job.params["list"], job.me.name))
        for start in range(0, len(ids), step):
            told += asker.ask(ids[start : start + step])
            job.progress(len(told) / len(ids))
        return told


def answer_all(job: Job, link: Link) -> int:
    """An operator's part: batches until the bank ends; how many ids it asked.

    Raises UserError PRV-LIST-QUOTA, PRV-LIST-STATE, PRV-MESSAGE, PRV-POINT.
    """
    state, bank, asked = _load(job), job.manifest.only("bank"), 0
    while True:
        told = unpack(link.receive(bank.name, "list-ask"), bank.name, count=int, built=str, layer=np.ndarray)
        count = told["count"]
        if told["built"] != state.built:
            fail("PRV-LIST-STATE", bank.name, name=state.name, detail="built by another job")
        if count == 0:
            return asked
        asked += count
        allowed = bank.input.rows_at_most if bank.input is not None else 0
        if not 0 < count <= batch_of(job.manifest, state) or asked > allowed:
            fail("PRV-MESSAGE", bank.name, detail=f"{count} ids")
        state = state.spend(job.state, count)
        _answer(job, link, state, told["layer"], count)


def operators_of(manifest: Manifest) -> tuple[str, ...]:
    """In the order in which messages pass them."""
    return tuple(party.name for party in manifest.having("operator"))


def threshold_of(manifest: Manifest) -> int | None:
    """The least total that is told as yes; None where totals are told."""
    answer = manifest.params["answer"]
    return None if answer == "total" else 1 if answer == "hit" else int(manifest.params["threshold"])


def values_of(manifest: Manifest, state: ListState) -> range:
    """The totals that mean yes."""
    return range(threshold_of(manifest) or 1, state.total_at_most + 1)


def batch_of(manifest: Manifest, state: ListState) -> int:
    """Ids that may be asked at once."""
    width = 1 if threshold_of(manifest) is None else len(values_of(manifest, state))
    return max(1, ROWS_AT_ONCE // width)


def _load(job: Job) -> ListState:
    name, bank = job.params["list"], job.manifest.only("bank").name
    state = load(job.state, name, bank)
    if set(state.publics) != set(operators_of(job.manifest)):
        fail("PRV-LIST-STATE", bank, name=name, detail="built by other operators")
    brought = job.manifest.only("bank").input
    if brought is not None and brought.key_kind != state.key_kind:
        fail("PRV-LIST-STATE", bank, name=name, detail=f"built with keys of kind {state.key_kind}")
    wanted = (job.params["answer"], job.params.get("threshold"))
    if state.answer != "total" and wanted != (state.answer, state.threshold):
        fail("PRV-LIST-STATE", bank, name=name, detail=f"built for {state.answer}")
    if threshold_of(job.manifest) is not None and not values_of(job.manifest, state):
        fail("PRV-LIST-STATE", bank, name=name, detail=f"no total above {state.total_at_most}")
    return state


def _answer(job: Job, link: Link, state: ListState, layer: Points, count: int) -> None:
    group, chain, bank = the_group(), operators_of(job.manifest), state.bank
    at = chain.index(link.me)
    before, after = chain[at - 1] if at else bank, chain[at + 1] if at + 1 < len(chain) else bank
    points = _points(link, before, "list-blinded", count)
    told = group.multiply(state.secret("hashing"), points)
    link.send(after, "list-blinded", pack({"points": told}))
    if threshold_of(job.manifest) is None:
        points = _points(link, bank, "list-open", count)
        told = group.multiply(state.secret("opening"), points)
        link.send(bank, "list-open", pack({"points": told}))
        return
    width = len(values_of(job.manifest, state))
    ciphers = _ciphers(link, before, count * (width if at else 1))
    ciphers = ciphers if at else _less(job.manifest, state, ciphers)
    left = joint(
        group, [checked_points(group, layer, 1, bank), *(state.public(name) for name in chain[at + 1 :])]
    )
    done = turn(group, ciphers, scalars(len(ciphers)), state.secret("opening"), left)
    done = done.take(np.concatenate([n * width + shuffled(width) for n in range(count)]))
    link.send(after, "list-test", pack({"one": done.one, "two": done.two}))


def _less(manifest: Manifest, state: ListState, ciphers: Ciphers) -> Ciphers:
    """Each ciphertext less each value that means yes."""
    group, values = the_group(), values_of(manifest, state)
    small = multiples(group, state.total_at_most)[values.start :]
    each = ciphers.take(np.repeat(np.arange(len(ciphers)), len(values)))
    return replace(each, two=group.subtract(each.two, np.tile(small, (len(ciphers), 1))))


def _points(link: Link, source: str, tag: str, count: int) -> Points:
    told = unpack(link.receive(source, tag), source, points=np.ndarray)["points"]
    return checked_points(the_group(), told, count, source)


def _ciphers(link: Link, source: str, count: int) -> Ciphers:
    told = unpack(link.receive(source, "list-test"), source, one=np.ndarray, two=np.ndarray)
    return checked(the_group(), told["one"], told["two"], count, source)
