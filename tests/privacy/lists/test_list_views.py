"""Simulators: each party's real code runs against a world that knows nothing but what it may learn.

Lists, ids and totals of the other parties are not given to the simulated world; if the party's transcript
against it has the tags and sizes of a real one, and points look as random, it learnt nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.privacy.manifests import data, job, manifest, run_all
from xinqiao.privacy.crypto import kept
from xinqiao.privacy.crypto.cipher_store import CipherStore, decode, slots_of
from xinqiao.privacy.crypto.elgamal import Ciphers, Share, encrypt, multiples, new_share, prove
from xinqiao.privacy.crypto.group import Points, the_group
from xinqiao.privacy.crypto.stream import shuffled
from xinqiao.privacy.job.link import Link, Recorded, play
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.job.wire import pack, unpack
from xinqiao.privacy.lists import list_build, operators_list, operators_query
from xinqiao.privacy.lists.list_query import operators_of
from xinqiao.privacy.lists.list_setting import chain_of, hashed, rows_of
from xinqiao.privacy.lists.list_state import ListState, load

GROUP = the_group()
OPERATORS = ("first", "second", "third")
BOUND = 6
TOTALS = {"g1": 2, "g2": 5, "g3": 1, "g4": 4}
LISTS = {"first": {"g1": 2, "g2": 1}, "second": {"g2": 3, "g3": 1}, "third": {"g2": 1, "g4": 4}}
ASKED = ["g2", "x1", "g4", "g2"]
POINTS = {"list-rows", "list-blinded", "list-open", "list-test"}
World = Mapping[str, Callable[[Link], Any]]


def tables() -> dict[str, pa.Table]:
    told = {n: pa.table({"id": list(c), "cards": list(c.values())}) for n, c in LISTS.items()}
    return told | {"bank": pa.table({"id": ASKED})}


def listing() -> Manifest:
    parties: dict[str, Any] = {name: ("operator", data("cards", rows_at_most=BOUND)) for name in OPERATORS}
    parties |= {"bank": ("bank", data(rows_at_most=100))}
    params = {"list": "sims", "answer": "total", "count_at_most": 4, "quota": 100}
    return manifest("operators_list", parties, params)


def asking(answer: str) -> Manifest:
    parties: dict[str, Any] = dict.fromkeys(OPERATORS, "operator")
    parties |= {"bank": ("bank", data(rows_at_most=100))}
    more = {"threshold": 3} if answer == "at_least" else {}
    return manifest("operators_query", parties, {"list": "sims", "answer": answer} | more)


def random_points(count: int) -> Points:
    return GROUP.from_uniform(np.random.default_rng().integers(0, 256, (count, 64), np.uint8))


def random_ciphers(count: int) -> dict[str, Points]:
    return {"one": random_points(count), "two": random_points(count)}


def real(told: Manifest, run: Callable[..., Any], folder: Path) -> dict[str, Recorded]:
    links: dict[str, Recorded] = {}

    def wrap(link: Link) -> Link:
        return links.setdefault(link.me, Recorded(link, keep=True))

    run_all(told, run, tables(), folder, wrap=wrap)
    return links


def against(
    world: World, me: str, part: Callable[[Link], Any], order: tuple[str, ...]
) -> tuple[Recorded, Any]:
    """The recorded link and the result of the real ``part`` of ``me`` in a simulated world."""
    links: list[Recorded] = []

    def mine(link: Link) -> Any:  # noqa: ANN401 - what the part gives
        links.append(Recorded(link, keep=True))
        return part(links[0])

    results = play({name: mine if name == me else world[name] for name in order})
    return links[0], results[me]


def shape(link: Recorded) -> list[tuple[str, str, str, int]]:
    return sorted((line.direction, line.peer, line.tag, line.size_bytes) for line in link.lines)


def seen(link: Recorded) -> np.ndarray:
    """Points received in large messages."""
    bodies = [
        payload[4 + int.from_bytes(payload[:4], "big") :]
        for line, payload in link.payloads
        if line.direction == "received"
        and line.tag in {"list-rows", "list-blinded", "list-open", "list-test"}
    ]
    return np.frombuffer(b"".join(bodies), np.uint8).reshape(-1, 32)


def assert_alike(one: Recorded, other: Recorded) -> None:
    assert shape(one) == shape(other)
    bits = [np.unpackbits(seen(link)[:, 1:31]) for link in (one, other)]
    for each in bits:
        assert abs(each.mean() - 0.5) < 6 * 0.5 / np.sqrt(each.size)


@pytest.mark.parametrize("answer", ["total", "at_least"])
@pytest.mark.parametrize("me", OPERATORS)
def test_an_operators_view_of_questions_from_their_number_alone(answer: str, me: str, tmp_path: Path) -> None:
    run_all(listing(), operators_list.run, tables() | {"bank": tables()["bank"].slice(0, 0)}, tmp_path)
    told = asking(answer)
    wanted = real(told, operators_query.KIND.run, tmp_path)[me]
    state = load(tmp_path / "state" / me, "sims", "bank")
    chain, width = operators_of(told), 1 if answer == "total" else state.total_at_most - 2
    at = chain.index(me)
    before, after = (["bank", *chain][at], [*chain, "bank"][at + 1])

    ask = {"count": 4, "built": state.built, "layer": random_points(1)}
    sent: list[tuple[str, str, dict[str, Any]]] = [("bank", "list-ask", ask)]
    sent += [(before, "list-blinded", {"points": random_points(4)})]
    if answer == "total":
        sent += [("bank", "list-open", {"points": random_points(4)})]
    else:
        sent += [(before, "list-test", random_ciphers(4 * (width if at else 1)))]
    sent += [("bank", "list-ask", ask | {"count": 0})]
    awaited = [(after, "list-blinded"), ("bank", "list-open") if answer == "total" else (after, "list-test")]

    def other(name: str) -> Callable[[Link], None]:
        def part(link: Link) -> None:
            for source, tag, fields in sent:
                if source == name:
                    link.send(me, tag, pack(fields))
            for to, tag in awaited:
                if to == name:
                    link.receive(me, tag)

        return part

    own = job(told, me, None, tmp_path)
    world = {name: other(name) for name in told.names}
    found, result = against(world, me, lambda link: operators_query.KIND.run(own, link), told.names)
    assert result.told == {"asked": 4}
    assert_alike(wanted, found)


@pytest.mark.parametrize("answer", ["total", "at_least"])
def test_the_banks_view_of_questions_from_answers_alone(answer: str, tmp_path: Path) -> None:
    run_all(
        listing(), operators_list.run, tables() | {"bank": tables()["bank"].slice(0, 0)}, tmp_path / "real"
    )
    told = asking(answer)
    wanted = real(told, operators_query.KIND.run, tmp_path / "real")["bank"]
    totals = [TOTALS.get(each, 0) for each in ASKED]
    answers = totals if answer == "total" else [int(total >= 3) for total in totals]
    shares = {name: new_share(GROUP) for name in OPERATORS}  # keys that never saw a list
    rows = len(OPERATORS) * BOUND
    store = CipherStore(bytes(16), Ciphers(*random_ciphers(slots_of(rows)).values()))
    keep_made_up(tmp_path / "made", shares, store, rows)
    world = simulated_operators(answer, answers, shares, store)
    own = job(told, "bank", tables()["bank"], tmp_path / "made")
    found, result = against(world, "bank", lambda link: operators_query.KIND.run(own, link), told.names)
    assert [int(each) for each in result.table.column(1).to_pylist()] == answers
    assert_alike(wanted, found)


def keep_made_up(folder: Path, shares: Mapping[str, Share], store: CipherStore, rows: int) -> None:
    state = ListState(
        name="sims",
        bank="bank",
        built="0" * 64,
        key_kind="text",
        publics={name: share.public.tobytes().hex() for name, share in shares.items()},
        rows=rows,
        count_at_most=4,
        answer="total",
        quota=100,
    )
    (folder / "state" / "bank").mkdir(parents=True)
    state.save(folder / "state" / "bank")
    fields = {"seed": store.seed, "one": store.slots.one, "two": store.slots.two}
    kept.write(folder / "state/bank/list.sims.bank.store", pack(fields))


def simulated_operators(
    answer: str, answers: list[int], shares: Mapping[str, Share], store: CipherStore
) -> World:
    """Operators that know the answers and no list: pseudonyms by a factor of their own, forced openings."""
    pseudonyms = GROUP.multiply(7, hashed(GROUP, ASKED, "text"))
    inside = decode(GROUP, store, pseudonyms)
    whole = sum(share.secret for share in shares.values())
    wrong = GROUP.subtract(inside.two, GROUP.multiply(whole, inside.one))
    small = multiples(GROUP, 12)

    def operator(name: str) -> Callable[[Link], None]:
        def part(link: Link) -> None:
            layer = unpack(link.receive("bank", "list-ask"), "bank", count=int, built=str, layer=np.ndarray)
            if name == OPERATORS[0]:
                points = unpack(link.receive("bank", "list-blinded"), "bank", points=np.ndarray)["points"]
                link.send(OPERATORS[-1], "list-blinded", pack({"points": GROUP.multiply(7, points)}))
            if name == OPERATORS[-1]:
                link.send("bank", "list-blinded", link.receive(OPERATORS[0], "list-blinded"))
            if answer == "total":
                points = unpack(link.receive("bank", "list-open"), "bank", points=np.ndarray)["points"]
                told = GROUP.multiply(shares[name].secret, points)
                if name == OPERATORS[-1]:
                    told = GROUP.subtract(GROUP.add(told, wrong), small[answers])
                link.send("bank", "list-open", pack({"points": told}))
            elif name == OPERATORS[0]:
                link.receive("bank", "list-test")
            if answer != "total" and name == OPERATORS[-1]:
                messages = random_points(len(ASKED) * 10)
                messages[[10 * n + int(shuffled(10)[0]) for n, yes in enumerate(answers) if yes]] = 0
                ciphers = encrypt(GROUP, layer["layer"], messages)
                link.send("bank", "list-test", pack({"one": ciphers.one, "two": ciphers.two}))
            link.receive("bank", "list-ask")

        return part

    return {name: operator(name) for name in OPERATORS}


def publisher(told: Manifest, me: str) -> Callable[[Link], None]:
    """Shares that never saw a list, published to ``me``."""

    def publish(link: Link) -> None:
        context = {n: f"{told.digest}/{link.me}/{n}".encode() for n in ("mix", "counts")}
        own = {n: new_share(GROUP) for n in context}
        fields: dict[str, Any] = {n: share.public for n, share in own.items()}
        fields |= {f"{n}_proof": prove(GROUP, share, context[n]) for n, share in own.items()}
        link.send(me, "list-shares", pack(fields))

    return publish


def hand_over(link: Link, to: str, points: Ciphers, count: int) -> None:
    counts = random_ciphers(count)
    fields = {"p": points.one, "q": points.two, "c": counts["one"], "d": counts["two"]}
    link.send(to, "list-rows", pack(fields))


@pytest.mark.parametrize("me", OPERATORS)
def test_an_operators_view_of_building_from_bounds_and_the_builders_histogram(
    me: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, rows = listing(), rows_of(listing())
    histograms = []
    merged = list_build.merged

    def watched(group: Any, pseudonyms: Points, counts: Ciphers) -> Any:  # noqa: ANN401 - as it is
        numbers = np.unique(pseudonyms, axis=0, return_counts=True)[1]
        histograms.append(np.bincount(numbers).tolist())
        return merged(group, pseudonyms, counts)

    monkeypatch.setattr(list_build, "merged", watched)
    wanted = real(told, list_build.build, tmp_path / "real")[me]
    [histogram] = histograms
    publish = publisher(told, me)
    chain, at = chain_of(told), chain_of(told).index(me)

    def other(name: str) -> Callable[[Link], None]:
        def part(link: Link) -> None:
            if name != "bank":
                publish(link)
            mine = unpack(
                link.receive(me, "list-shares"),
                me,
                **dict.fromkeys(("mix", "counts"), np.ndarray),
                **dict.fromkeys(("mix_proof", "counts_proof"), bytes),
            )["mix"]
            if at == 0 and name != "bank":
                hand_over(link, me, Ciphers(*random_ciphers(BOUND).values()), BOUND)
            if at and name == chain[0]:
                link.receive(me, "list-rows")
            if at and name == chain[at - 1]:
                drawn = [np.repeat(random_points(n), times, axis=0) for times, n in enumerate(histogram)]
                last = me == chain[-1]
                points = np.concatenate(drawn[1:])[shuffled(rows)] if last else random_points(rows)
                hand_over(link, me, encrypt(GROUP, mine, points), rows)
            if name == (*chain, "bank")[at + 1]:
                link.receive(me, "list-store" if name == "bank" else "list-rows")
            if name == "bank":
                link.send(me, "list-kept", b"")

        return part

    own = job(told, me, tables()[me], tmp_path / "made")
    world = {name: other(name) for name in told.names}
    found, _ = against(world, me, lambda link: list_build.build(own, link), told.names)
    assert_alike(wanted, found)
    assert me != chain[-1] or histograms[1] == histogram
