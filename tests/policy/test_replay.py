"""Records, the store and replay: identical when untouched, reported when any byte is changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.policy.conftest import SMALL
from xinqiao.kernel.canonical import canonical_json, digest
from xinqiao.kernel.errors import UserError
from xinqiao.policy.compiled import compile_policy
from xinqiao.policy.record import Basis, DecisionRecord, Scorer, Subject, record_decision
from xinqiao.policy.replay import Replay, replay
from xinqiao.policy.store import INDEX, RECORDS, DecisionStore

MODEL = canonical_json({"weight": 2.5, "base": 500})


def read_model(data: bytes) -> Scorer:
    """A model of one variable, as plain as can be."""
    model = json.loads(data)

    def score(values: Mapping[str, float | None], _application: Mapping[str, Any]) -> dict[str, Any]:
        points = model["base"] + model["weight"] * (values.get("INV28") or 0)
        return {"points": points, "pd": 1 / points, "grade": "A" if points > 550 else "B"}

    return score


BASIS = Basis("m1", MODEL, read_model(MODEL), compile_policy(SMALL, "small.yaml"))


def _subject(i: int, **changes: float | None) -> Subject:
    values: dict[str, float | None] = {"INV01": 1e6 + i / 3, "INV28": float(i), "INV05": 0.1 * i, **changes}
    missing = {name: "NO_RECORDS" for name, value in values.items() if value is None}
    return Subject(f"企业{i:03d}", date(2020, 12, 31), values, missing, {"amount_cny": 300000}, "none stated")


def _records(n: int = 12) -> list[DecisionRecord]:
    return [record_decision(BASIS, _subject(i, **({"INV05": None} if i % 5 == 0 else {}))) for i in range(n)]


@pytest.fixture
def store(tmp_path: Path) -> DecisionStore:
    store = DecisionStore(tmp_path / "decisions")
    store.write(BASIS, _records())
    return store


def _replay(store: DecisionStore, decision_id: str) -> Replay:
    return replay(DecisionStore(store.root), decision_id, read_model)


def test_every_decision_replays_to_the_same_bytes(store: DecisionStore) -> None:
    for record in _records():
        result = _replay(store, record.decision_id)
        assert result == (record.to_bytes(), True, ())


def test_a_record_holds_all_it_came_from() -> None:
    content = json.loads(record_decision(BASIS, _subject(7, INV05=None)).to_bytes())
    assert content["indicators"] == {
        "INV01": {"value": 1e6 + 7 / 3},
        "INV28": {"value": 7.0},
        "INV05": {"missing": "NO_RECORDS"},
    }
    assert content["model"] == {"id": "m1", "digest": digest(MODEL)}
    assert content["policy"] == {"id": "small", "version": "1", "digest": digest(SMALL.encode())}
    assert content["consent"] == "none stated"
    assert content["application"] == {"amount_cny": 300000}
    assert content["score"]["points"] == 517.5
    assert content["decision"]["trace"]


@given(st.integers(0, 40), st.none() | st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_the_id_follows_the_content(i: int, value: float | None) -> None:
    one, same = (record_decision(BASIS, _subject(i, INV05=value)) for _ in range(2))
    assert one.to_bytes() == same.to_bytes()
    other = record_decision(BASIS, _subject(i + 1, INV05=value))
    assert other.decision_id != one.decision_id


def test_two_writes_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        DecisionStore(tmp_path / name).write(BASIS, iter(_records()))
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file())
    assert len(files) == 4
    assert all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files)


def test_records_must_come_in_order(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="sorted"):
        DecisionStore(tmp_path).write(BASIS, reversed(_records()))
    assert not (tmp_path / INDEX).exists()


def test_a_decision_is_found_by_prefix_and_by_company(store: DecisionStore) -> None:
    record = _records()[3]
    assert store.full_id(record.decision_id[:8]) == record.decision_id
    assert store.full_id(record.decision_id[:7]) is None
    assert store.full_id("f" * 32) is None
    assert store.of_company("企业003") == [record.decision_id]
    with pytest.raises(UserError, match="POL-DECISION"):
        store.line("f" * 32)


@pytest.mark.parametrize("broken", [b"", b"{", b"[]", b'{"a":[1]}', b'{"a":[-1,2,"x"]}', b"\xff"])
def test_a_broken_index_is_reported(store: DecisionStore, broken: bytes) -> None:
    (store.root / INDEX).write_bytes(broken)
    with pytest.raises(UserError, match="POL-STORE"):
        _ = DecisionStore(store.root).index


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_changed_byte_of_the_record_is_reported(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    store = DecisionStore(tmp_path_factory.mktemp("store"))
    records = _records(3)
    store.write(BASIS, records)
    record = records[1]
    offset, length, _ = store.index[record.decision_id]
    place = data.draw(st.integers(offset, offset + length))
    _change(store.root / RECORDS, place, data.draw(st.integers(1, 255)))
    result = _replay(store, record.decision_id)
    assert not result.identical
    assert result.faults


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_changed_byte_of_an_artifact_is_reported(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    store = DecisionStore(tmp_path_factory.mktemp("store"))
    store.write(BASIS, _records(1))
    path = data.draw(st.sampled_from(sorted((store.root / "artifacts").iterdir())))
    _change(path, data.draw(st.integers(0, path.stat().st_size - 1)), data.draw(st.integers(1, 255)))
    assert not _replay(store, _records(1)[0].decision_id).identical


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_changed_index_misleads_nobody(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    store = DecisionStore(tmp_path_factory.mktemp("store"))
    store.write(BASIS, _records(3))
    record = _records(3)[1]
    path = store.root / INDEX
    _change(path, data.draw(st.integers(0, path.stat().st_size - 1)), data.draw(st.integers(1, 255)))
    try:
        result = _replay(store, record.decision_id)
    except UserError as error:
        refused = error
    else:
        assert not result.identical or result.data == record.to_bytes()
        return
    assert refused.code in {"POL-STORE", "POL-DECISION"}


def _change(path: Path, place: int, flip: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= flip
    path.write_bytes(bytes(data))


def test_a_forged_record_with_a_fitting_id_is_still_found_out(store: DecisionStore) -> None:
    """A forger who also recomputes the id and the index meets the re-evaluation."""
    content = dict(_records()[1].content)
    content["decision"] = {**content["decision"], "outcome": "approve", "limit_cny": "990000"}
    forged_id = digest(canonical_json(content))[:32]
    line = canonical_json({**content, "decision_id": forged_id})
    (store.root / RECORDS).write_bytes(line + b"\n")
    (store.root / INDEX).write_bytes(canonical_json({forged_id: [0, len(line), content["company_id"]]}))
    result = _replay(store, forged_id)
    assert not result.identical
    assert [fault.en for fault in result.faults] == ["the decision made again differs from the stored one"]


def test_a_record_of_another_format_is_left_to_the_version_that_made_it(store: DecisionStore) -> None:
    content = {**_records()[1].content, "format": 1}
    old_id = digest(canonical_json(content))[:32]
    line = canonical_json({**content, "decision_id": old_id})
    (store.root / RECORDS).write_bytes(line + b"\n")
    (store.root / INDEX).write_bytes(canonical_json({old_id: [0, len(line), content["company_id"]]}))
    result = _replay(store, old_id)
    assert not result.identical
    assert ["format" in fault.en for fault in result.faults] == [True]


def test_a_record_is_canonical_json_of_its_content() -> None:
    for record in _records(3):
        assert record.to_bytes() == canonical_json({**record.content, "decision_id": record.decision_id})


def test_a_record_pointing_out_of_the_store_is_not_followed(store: DecisionStore) -> None:
    content = dict(_records()[1].content)
    content["model"] = {"id": "m1", "digest": "../../secret"}
    forged_id = digest(canonical_json(content))[:32]
    line = canonical_json({**content, "decision_id": forged_id})
    (store.root / RECORDS).write_bytes(line + b"\n")
    (store.root / INDEX).write_bytes(canonical_json({forged_id: [0, len(line), content["company_id"]]}))
    assert not _replay(store, forged_id).identical


def test_a_lost_artifact_is_an_error_of_the_store(store: DecisionStore) -> None:
    (store.root / "artifacts" / f"{digest(MODEL)}.json").unlink()
    with pytest.raises(UserError, match="POL-STORE"):
        _replay(store, _records()[0].decision_id)


def test_a_policy_decides_only_while_in_force() -> None:
    late = Subject("E", date(2031, 1, 1), {}, {}, {}, "none stated")
    with pytest.raises(UserError, match="POL-NOT-EFFECTIVE"):
        record_decision(BASIS, late)
