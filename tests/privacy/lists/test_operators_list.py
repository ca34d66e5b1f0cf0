"""The operators' list: equal to the pooled list, and what each party sees is what it may learn."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.privacy.manifests import data, job, manifest, run_all
from xinqiao.kernel.errors import UserError, fail
from xinqiao.privacy.crypto.cipher_store import slots_of
from xinqiao.privacy.crypto.elgamal import Ciphers
from xinqiao.privacy.crypto.group import Group
from xinqiao.privacy.job.kind import Job, Result, kind_of
from xinqiao.privacy.job.link import Link, Recorded, play
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.lists import list_build, operators_list, operators_query
from xinqiao.privacy.lists.list_query import Asker, answer_all
from xinqiao.privacy.lists.list_state import load

OPERATORS = ("first", "second", "third")
LISTS = {
    "first": {"g1": 2, "g2": 1, "g3": 4},
    "second": {"g2": 3, "g4": 1},
    "third": {"g2": 1, "g3": 1, "g5": 2, "g6": 4},
}
ASKED = ["g2", "g3", "g1", "g9", "g5", "g0"]
BOUND = 8


def table(counts: Mapping[str, int]) -> pa.Table:
    return pa.table({"id": list(counts), "cards": pa.array(counts.values(), pa.int64())})


def tables(asked: list[str] | None = None) -> dict[str, pa.Table]:
    told = {name: table(counts) for name, counts in LISTS.items()}
    return told | {"bank": pa.table({"id": pa.array(ASKED if asked is None else asked, pa.string())})}


def listing(
    answer: str = "total", threshold: int | None = None, *, keeper: bool = False, **params: str | int
) -> Manifest:
    parties: dict[str, Any] = {name: ("operator", data("cards", rows_at_most=BOUND)) for name in OPERATORS}
    parties |= {"bank": ("bank", data(rows_at_most=2000))} | ({"platform": "keeper"} if keeper else {})
    told = {"list": "sims", "answer": answer, "count_at_most": 5, "quota": 2000} | params
    return manifest("operators_list", parties, told | ({} if threshold is None else {"threshold": threshold}))


def asking(answer: str = "total", **params: str | int) -> Manifest:
    parties: dict[str, Any] = dict.fromkeys(OPERATORS, "operator")
    parties |= {"bank": ("bank", data(rows_at_most=2000))}
    return manifest("operators_query", parties, {"list": "sims", "answer": answer} | params)


def same(wanted: Mapping[str, Result], found: Mapping[str, Result]) -> None:
    assert {name: dict(r.told) for name, r in found.items()} == {n: dict(r.told) for n, r in wanted.items()}
    assert found["bank"].table is not None
    assert found["bank"].table.equals(wanted["bank"].table)
    assert all(result.table is None for name, result in found.items() if name != "bank")


@pytest.mark.parametrize(
    ("answer", "threshold", "keeper"),
    [
        ("total", None, False),
        ("total", None, True),
        ("at_least", 5, True),
        ("at_least", 15, False),
        ("hit", None, False),
    ],
)
def test_equals_the_pooled_list(answer: str, threshold: int | None, keeper: bool, tmp_path: Path) -> None:  # noqa: FBT001
    told = listing(answer, threshold, keeper=keeper)
    kind_of_list(told)
    found = run_all(told, operators_list.run, tables(), tmp_path)
    same(operators_list.plain(told, tables()), found)


def kind_of_list(told: Manifest) -> None:
    operators_list.KIND.check(told)
    assert set(operators_list.KIND.learns(told)) == set(told.names)


@settings(max_examples=4, deadline=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 5), max_size=4), min_size=3, max_size=3
    ),
    st.lists(st.sampled_from("abcdefgh"), max_size=5),
)
def test_any_lists(
    tmp_path_factory: pytest.TempPathFactory, lists: list[dict[str, int]], asked: list[str]
) -> None:
    given_tables = {n: table(counts) for n, counts in zip(OPERATORS, lists, strict=True)}
    given_tables["bank"] = pa.table({"id": pa.array(asked, pa.string())})
    told = listing("at_least", 4)
    found = run_all(told, operators_list.run, given_tables, tmp_path_factory.mktemp("any"))
    same(operators_list.plain(told, given_tables), found)


def test_a_list_that_stands_is_asked_again_in_other_ways_until_its_quota(tmp_path: Path) -> None:
    run_all(listing(quota=16), operators_list.run, tables([]), tmp_path)
    for told in (asking(), asking("at_least", threshold=2)):
        operators_query.KIND.check(told)
        found = run_all(told, operators_query.KIND.run, tables(), tmp_path)
        same(operators_query.KIND.plain(told, tables()), found)
    with pytest.raises(UserError, match="PRV-LIST-QUOTA"):
        run_all(asking(), operators_query.KIND.run, tables(), tmp_path)


def test_a_list_built_for_one_answer_gives_no_other(tmp_path: Path) -> None:
    run_all(listing("at_least", 3), operators_list.run, tables([]), tmp_path)
    found = run_all(asking("at_least", threshold=3), operators_query.KIND.run, tables(), tmp_path)
    assert found["bank"].told["asked"] == len(ASKED)
    for told in (asking(), asking("hit"), asking("at_least", threshold=2)):
        with pytest.raises(UserError, match="PRV-LIST-STATE"):
            run_all(told, operators_query.KIND.run, tables(), tmp_path)


def test_keys_of_another_kind_are_refused_rather_than_never_found(tmp_path: Path) -> None:
    run_all(listing(), operators_list.run, tables([]), tmp_path)
    told = asking()
    bank = told.party("bank")
    assert bank.input is not None
    other = bank.model_copy(update={"input": bank.input.model_copy(update={"key_kind": "phone"})})
    told = told.model_copy(update={"parties": (*told.parties[:-1], other)})
    with pytest.raises(UserError, match="PRV-LIST-STATE"):
        run_all(told, operators_query.KIND.run, tables(), tmp_path)


def test_a_building_that_fails_leaves_the_list_that_stood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_all(listing(), operators_list.run, tables([]), tmp_path)
    with monkeypatch.context() as broken:
        broken.setattr(list_build, "received", lambda *_: fail("PRV-POINT", "third"))
        with pytest.raises(UserError, match="PRV-POINT"):
            run_all(listing(), operators_list.run, tables([]), tmp_path)
    found = run_all(asking(), operators_query.KIND.run, tables(), tmp_path)
    same(operators_query.KIND.plain(asking(), tables()), found)


def test_each_operator_counts_the_quota_itself(tmp_path: Path) -> None:
    run_all(listing(quota=8), operators_list.run, tables(), tmp_path)
    file = tmp_path / "state" / "bank" / "list.sims.bank.json"
    file.write_text(file.read_text().replace('"used":6', '"used":0'))
    with pytest.raises(UserError, match="PRV-LIST-QUOTA"):
        run_all(asking(), operators_query.KIND.run, tables(), tmp_path)


def test_jobs_side_by_side_share_one_quota(tmp_path: Path) -> None:
    run_all(listing(quota=2 * len(ASKED) - 1), operators_list.run, tables([]), tmp_path)
    told, second = asking(), asking()

    def bank(link: Link) -> None:
        with Asker(job(told, "bank", None, tmp_path), link) as asker:
            run_all(second, operators_query.KIND.run, tables(), tmp_path)
            asker.ask(ASKED)

    parts: dict[str, Any] = {
        name: lambda link, name=name: answer_all(job(told, name, None, tmp_path), link) for name in OPERATORS
    }
    with pytest.raises(UserError, match="PRV-LIST-QUOTA"):
        play(parts | {"bank": bank})


def test_an_asker_does_not_mix_a_list_with_one_built_meanwhile(tmp_path: Path) -> None:
    run_all(listing(), operators_list.run, tables([]), tmp_path)
    told = asking()
    own = job(told, "bank", None, tmp_path)
    before = load(own.state, "sims", "bank")
    run_all(listing(), operators_list.run, tables([]), tmp_path)
    with pytest.raises(UserError, match="PRV-LIST-STATE"):
        list_build.load_store(own, before)


def test_secrets_are_the_nodes_own_and_the_bank_has_none(tmp_path: Path) -> None:
    run_all(listing(keeper=True), operators_list.run, tables([]), tmp_path)
    files = {file.relative_to(tmp_path / "state"): file for file in (tmp_path / "state").rglob("*.*")}
    assert {str(name) for name in files} == {
        *(f"{name}/list.sims.bank.{end}" for name in (*OPERATORS, "bank") for end in ("json", "lock")),
        "bank/list.sims.bank.store",
    }
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files.values())
    assert '"hashing":null' in files[Path("bank/list.sims.bank.json")].read_text()


def test_one_job_asks_many_times(tmp_path: Path) -> None:
    run_all(listing(), operators_list.run, tables([]), tmp_path)
    told = asking()

    def bank(link: Link) -> list[int]:
        with Asker(job(told, "bank", None, tmp_path), link) as asker:
            return [asker.ask([each])[0] for each in ("g2", "g9", "g6")]

    parts: dict[str, Any] = {
        name: lambda link, name=name: answer_all(job(told, name, None, tmp_path), link) for name in OPERATORS
    }
    assert play(parts | {"bank": bank})["bank"] == [5, 0, 4]


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ({f"g{n}": 1 for n in range(BOUND + 1)}, "PRV-LIST-ROWS"),
        ({"g1": 6}, "PRV-LIST-COUNT"),
        ({"": 1}, "PRV-LIST-COUNT"),
    ],
)
def test_a_list_outside_what_was_agreed_is_refused(rows: dict[str, int], code: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=code):
        run_all(listing(), operators_list.run, tables() | {"second": table(rows)}, tmp_path)


def test_without_a_list_there_is_nothing_to_ask(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="PRV-LIST-STATE"):
        run_all(asking(), operators_query.KIND.run, tables(), tmp_path)


@pytest.mark.parametrize(
    "params",
    [
        {"answer": "names"},
        {"threshold": 3},
        {"answer": "at_least"},
        {"answer": "at_least", "threshold": 16},
        {"quota": 0},
        {"count_at_most": True},
        {"list": "../x"},
        {"more": 1},
    ],
)
def test_parameters_that_do_not_fit_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="PRV-MANIFEST"):
        operators_list.KIND.check(listing(**({"answer": "total"} | params)))


def recorded(
    told: Manifest, run: Callable[[Job, Link], Result], given: Mapping[str, pa.Table], folder: Path
) -> dict[str, Recorded]:
    links: dict[str, Recorded] = {}

    def wrap(link: Link) -> Link:
        links[link.me] = Recorded(link, keep=True)
        return links[link.me]

    run_all(told, run, given, folder, wrap=wrap)
    return links


def sizes(link: Recorded) -> list[tuple[str, str, str, int]]:
    return sorted((line.direction, line.peer, line.tag, line.size_bytes) for line in link.lines)


def received_points(link: Recorded, *tags: str) -> np.ndarray:
    payloads = [p for line, p in link.payloads if line.direction == "received" and line.tag in tags]
    bodies = [payload[4 + int.from_bytes(payload[:4], "big") :] for payload in payloads]
    return np.frombuffer(b"".join(bodies), np.uint8).reshape(-1, 32)


def test_an_operators_view_of_1000_questions_does_not_depend_on_hits(tmp_path: Path) -> None:
    run_all(listing(), operators_list.run, tables([]), tmp_path)
    views = {}
    for what, asked in (("hits", ["g2", "g3"] * 250), ("misses", [f"x{n}" for n in range(500)])):
        views[what] = recorded(asking(), operators_query.KIND.run, tables(asked), tmp_path)
    for name in OPERATORS:
        hits, misses = views["hits"][name], views["misses"][name]
        assert sizes(hits) == sizes(misses)
        both = [received_points(link, "list-blinded", "list-open") for link in (hits, misses)]
        assert all(len(np.unique(seen, axis=0)) == 1000 for seen in both)  # nothing twice, though ids are
        bits = [np.unpackbits(seen[:, 1:31], axis=1).mean(axis=0) for seen in both]
        assert max(abs(each - 0.5).max() for each in bits) < 6 * 0.5 / np.sqrt(1000)


def test_threshold_messages_have_one_size_and_no_repeats(tmp_path: Path) -> None:
    run_all(listing(), operators_list.run, tables([]), tmp_path)
    told = asking("at_least", threshold=14)
    views = [
        recorded(told, operators_query.KIND.run, tables(asked), tmp_path)
        for asked in (["g2", "g2"], ["g3", "g2"], ["x1", "x2"])
    ]
    for name in (*OPERATORS, "bank"):
        assert sizes(views[0][name]) == sizes(views[1][name]) == sizes(views[2][name])
        for view in views:
            seen = received_points(view[name], "list-test", "list-blinded")
            assert len(np.unique(seen, axis=0)) == len(seen)


def test_sizes_of_building_follow_from_bounds_alone(tmp_path: Path) -> None:
    few = {name: table({"z": 1}) for name in OPERATORS} | {"bank": tables([])["bank"]}
    views = [
        recorded(listing(keeper=True), operators_list.run, given, tmp_path / str(n))
        for n, given in enumerate((tables([]), few))
    ]
    for name in views[0]:
        assert sizes(views[0][name]) == sizes(views[1][name])


def test_the_builder_sees_how_many_lists_hold_a_pseudonym_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[np.ndarray] = []
    merged = list_build.merged

    def watched(group: Group, pseudonyms: np.ndarray, counts: Ciphers) -> tuple[np.ndarray, Ciphers]:
        seen.append(pseudonyms)
        return merged(group, pseudonyms, counts)

    monkeypatch.setattr(list_build, "merged", watched)
    run_all(listing(keeper=True), operators_list.run, tables([]), tmp_path)
    run_all(listing(keeper=True), operators_list.run, tables([]), tmp_path)
    one, other = ({p.tobytes() for p in points} for points in seen)
    assert not one & other  # every building has pseudonyms of its own
    numbers = np.unique(np.unique(seen[0], axis=0, return_counts=True)[1], return_counts=True)
    assert [n.tolist() for n in numbers] == [[1, 2, 3], [3 * BOUND - 2 - 3, 1, 1]]  # g3 in two, g2 in three


def test_transcripts_hold_no_id_and_no_plain_hash_of_one(tmp_path: Path) -> None:
    ids = {name: {f"person-{name}-{n}": 1 for n in range(4)} | {"person-all": 3} for name in OPERATORS}
    given = {name: table(counts) for name, counts in ids.items()}
    given["bank"] = pa.table({"id": ["person-all", "person-first-1", "person-none"]})
    links = recorded(listing("at_least", 4), operators_list.run, given, tmp_path)
    sent = b"".join(payload for link in links.values() for _, payload in link.payloads)
    for key in {key for counts in ids.values() for key in counts} | {"person-none"}:
        for name in ("sha256", "sha512", "md5", "sha1", "sm3", "blake2b"):
            digest = hashlib.new(name, key.encode()).digest()
            assert digest not in sent
            assert digest.hex().encode() not in sent
        assert key.encode() not in sent
        assert key.encode().hex().encode() not in sent
    assert np.int64(3).tobytes() * 2 not in sent


def test_a_bank_can_not_tell_from_its_store_whether_lists_are_empty(tmp_path: Path) -> None:
    empty = {name: table({}) for name in OPERATORS} | {"bank": tables([])["bank"]}
    for n, lists in enumerate((tables([]), empty)):
        run_all(listing(), operators_list.run, lists, tmp_path / str(n))
    stores = [(tmp_path / str(n) / "state/bank/list.sims.bank.store").stat().st_size for n in (0, 1)]
    assert stores[0] == stores[1]
    assert stores[0] > 64 * slots_of(3 * BOUND)


def test_a_share_without_proof_ends_the_job_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xinqiao.privacy.lists.list_setting.prove", lambda *_: bytes(64))
    with pytest.raises(UserError, match=r"PRV-LIST-KEY|PRV-POINT"):
        run_all(listing(), operators_list.run, tables(), tmp_path)


def test_the_registry_knows_both_kinds() -> None:
    assert kind_of(listing()) is operators_list.KIND
    assert kind_of(asking()) is operators_query.KIND
