"""Intersection by the engine, and the traps that running it showed, each with its answer."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.privacy.leaks import leaked
from tests.privacy.manifests import data, job, manifest
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.alignment.engine_intersection import RANDOM_ROWS, read, safe, write
from xinqiao.privacy.alignment.intersection import KIND
from xinqiao.privacy.job.kind import Result
from xinqiao.privacy.job.link import Link, Recorded, play
from xinqiao.privacy.job.manifest import Engine
from xinqiao.privacy.spu.engine import VERSION, Running

ENGINE = os.environ.get("XINQIAO_SPU_PYTHON")
needs_engine = pytest.mark.skipif(ENGINE is None, reason="XINQIAO_SPU_PYTHON names no Python with spu")
ODD = ["NULL", "NA", "a,b", 'say "x"', "line\nline", " 007", "007", "7", "", "~3132", "中文"]
"""Ids that a reader of CSV may mistake."""
Wrap = Callable[[Link], Link]


def run(
    tables: Mapping[str, Sequence[str | None]],
    params: Mapping[str, Any],
    folder: Path,
    wrap: Wrap = lambda link: link,
    python: str | None = ENGINE,
) -> dict[str, Result]:
    parties = {name: ("holder", data()) for name in tables}
    agreed = manifest("intersection", parties, params, engine=Engine(name="spu", version=VERSION))
    KIND.check(agreed)
    told = {name: pa.table({"id": pa.array(keys, pa.string())}) for name, keys in tables.items()}

    def part(name: str) -> Callable[[Link], Result]:
        own = job(agreed, name, told[name], folder, Path(python) if python else None)
        return lambda link: KIND.run(own, link)

    found = play({name: part(name) for name in tables}, wrap)
    assert found == KIND.plain(agreed, told)
    return found


def numbered(low: int, high: int) -> list[str]:
    return [f"91310000{number:010d}" for number in range(low, high)]


def left(folder: Path) -> list[Path]:
    """What jobs left in their folders."""
    return list((folder / "jobs").glob("*/*"))


def test_ids_reach_the_engine_so_that_no_reader_mistakes_them(tmp_path: Path) -> None:
    ids = pa.array(ODD)
    written = safe(ids)
    assert len(set(written.to_pylist())) == len(ODD)
    write(tmp_path / "in.csv", written)
    lines = (tmp_path / "in.csv").read_text("utf-8").splitlines()
    assert lines[0] == "id,row"
    assert lines[1:-RANDOM_ROWS] == [f"{one},{row}" for row, one in enumerate(written.to_pylist())]
    (tmp_path / "out.csv").write_text("\n".join(['"id","row"', *lines[3:6], lines[-1], ""]), "utf-8")
    assert read(tmp_path / "out.csv").tolist() == [2, 3, 4]
    assert safe(pa.array(["007", "g1"])).to_pylist() == ["007", "g1"]
    assert safe(pa.array([], pa.string())).to_pylist() == []


def test_an_empty_set_is_written_as_random_rows_alone(tmp_path: Path) -> None:
    """Trap: of an empty first chunk, pyarrow writes what its memory held before."""
    write(tmp_path / "before.csv", pa.array(numbered(0, 2000)))
    for _ in range(20):
        write(tmp_path / "in.csv", pa.array([], pa.string()))
        head, *rows = (tmp_path / "in.csv").read_text("utf-8").splitlines()
        assert head == "id,row"
        assert len(rows) == RANDOM_ROWS
        assert all(len(bytes.fromhex(row.removesuffix(",-1"))) == 32 for row in rows)


def test_rows_of_256_random_bits_hide_the_hash_of_the_key_set(tmp_path: Path) -> None:
    """Trap 1: the engine tells its peer an unsalted SHA-256 of all keys."""
    told: set[str] = set()
    for name in ("one", "two"):
        write(tmp_path / name, safe(pa.array(["007"])))
        told |= {row.split(",")[0] for row in (tmp_path / name).read_text("utf-8").splitlines()[2:]}
    assert len(told) == 2 * RANDOM_ROWS
    assert all(len(bytes.fromhex(row)) == 32 for row in told)


def test_without_an_engine_the_job_ends_with_a_word_on_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="PRV-ENGINE-MISSING"):
        run({"bank": ["1"], "tax": ["1"]}, {"protocol": "rr22"}, tmp_path, python=None)


@needs_engine
@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({"protocol": "rr22"}, ("bank", "tax")),
        ({"protocol": "rr22", "result_to": ["tax"]}, ("bank", "tax")),
        ({"protocol": "kkrt"}, ("bank", "tax", "power")),
        ({"protocol": "kkrt", "result_to": ["power"]}, ("bank", "tax", "power")),
    ],
)
def test_is_the_plain_intersection_and_tells_no_id(
    params: Mapping[str, Any], names: Sequence[str], tmp_path: Path
) -> None:
    tables = {name: [*numbered(10 * at, 100), *ODD] for at, name in enumerate(names)}
    ends: list[Recorded] = []

    def wrap(link: Link) -> Link:
        ends.append(Recorded(link, keep=True))
        return ends[-1]

    run(tables, params, tmp_path, wrap)
    assert leaked(numbered(0, 100), ends) == []
    whole = hashlib.sha256("".join(sorted(tables["tax"])).encode()).digest()
    assert not any(whole in payload for end in ends for _, payload in end.payloads)
    assert left(tmp_path) == []


@needs_engine
def test_empty_sets_and_rows_that_repeat_neither_hang_nor_fail(tmp_path: Path) -> None:
    """Trap 5."""
    none: list[str | None] = []
    run({"bank": none, "tax": numbered(0, 5)}, {"protocol": "rr22"}, tmp_path)
    run({"bank": none, "tax": none, "power": none}, {"protocol": "kkrt"}, tmp_path)
    run({"bank": ["1", "1", None], "tax": ["1", "2", "2"]}, {"protocol": "rr22"}, tmp_path)


@needs_engine
def test_a_second_job_of_the_same_size_is_not_answered_from_the_first(tmp_path: Path) -> None:
    """Trap 2: beside its input the engine keeps a file that it trusts as long as the size fits."""
    for low in (0, 50):
        told = run({"bank": numbered(low, 60), "tax": numbered(low + 5, 65)}, {"protocol": "rr22"}, tmp_path)
        assert told["bank"].told["common"] == 55 - low


@needs_engine
def test_a_list_is_handed_over_once_and_again_when_it_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    call = Running.call

    def noted(
        self: Running, function: str, arguments: Mapping[str, Any], *, seconds: float
    ) -> dict[str, Any]:
        calls.append(function)
        return call(self, function, arguments, seconds=seconds)

    monkeypatch.setattr(Running, "call", noted)
    params = {"protocol": "unbalanced", "server": "tax", "result_to": ["bank"]}
    for tax in (numbered(0, 300), numbered(0, 300)[::-1], numbered(100, 400)):
        run({"bank": numbered(95, 105), "tax": tax}, params, tmp_path)
    assert calls.count("unbalanced_offline") == 4  # of two parties, the first and the third time
    assert calls.count("unbalanced_online") == 6
    kept = tmp_path / "state" / "tax" / "list-bank"
    assert kept.stat().st_mode & 0o077 == 0
    assert (kept / "key").stat().st_mode & 0o077 == 0
    assert left(tmp_path) == []


@needs_engine
def test_a_party_that_goes_away_ends_the_job_of_the_other_and_leaves_nothing(tmp_path: Path) -> None:
    class Dies:
        """A link that breaks after some messages of the engine."""

        def __init__(self, inner: Link) -> None:
            self.inner, self.me, self.parties, self.sent = inner, inner.me, inner.parties, 0

        def send(self, to: str, tag: str, payload: bytes) -> None:
            self.sent += tag == "engine"
            if self.sent > 5:
                message = "killed"
                raise RuntimeError(message)
            self.inner.send(to, tag, payload)

        def receive(self, source: str, tag: str) -> bytes:
            return self.inner.receive(source, tag)

    began = time.monotonic()
    before = threading.active_count()
    with pytest.raises(UserError, match="PRV-ENGINE"):
        run(
            {"bank": numbered(0, 50), "tax": numbered(0, 50)},
            {"protocol": "rr22"},
            tmp_path,
            lambda link: Dies(link) if link.me == "tax" else link,
        )
    assert time.monotonic() - began < 30
    assert left(tmp_path) == []
    assert threading.active_count() < before + 20
