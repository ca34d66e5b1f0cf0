"""Look-ups equal a join, tell the server nothing, and end at the quota."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.privacy.leaks import leaked
from tests.privacy.manifests import data, job, manifest, run_all
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.crypto import oprf
from xinqiao.privacy.job.kind import Result
from xinqiao.privacy.job.link import Link, Recorded, play
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.job.wire import pack, unpack
from xinqiao.privacy.lists import lookup_list
from xinqiao.privacy.lists.lookup import KIND, run
from xinqiao.privacy.lists.lookup_list import SealedList, opened, sealed_list
from xinqiao.privacy.lists.lookup_terms import shape_of, terms_of

ROWS = 300
PARTIES = {
    "bank": ("client", data(rows_at_most=100)),
    "bureau": ("server", data("amount", "since", "note", rows_at_most=400)),
}
BASE = {"epoch": "e1", "quota": 10_000, "rows_a_bucket": 32}


def listed() -> pa.Table:
    """Generated."""
    return pa.table(
        {
            "id": [f"id-{n}" for n in range(ROWS)],
            "amount": pa.array([n * 1.25 if n % 7 else None for n in range(ROWS)]),
            "since": pa.array([2000 + n % 20 for n in range(ROWS)], pa.int32()),
            "note": [f"备注 {n}" for n in range(ROWS)],
        }
    )


def asks(*ids: str) -> pa.Table:
    return pa.table({"id": pa.array(ids, pa.string())})


def told_by(**params: Any) -> Manifest:  # noqa: ANN401 - as JSON has it
    return manifest("lookup", PARTIES, {**BASE, **params})


def played(told: Manifest, table: pa.Table, tmp_path: Path, **other: Any) -> dict[str, Result]:  # noqa: ANN401
    KIND.check(told)
    return run_all(told, run, {"bank": table, "bureau": listed()}, tmp_path, **other)


@pytest.mark.parametrize("mode", ["oprf", "voprf"])
@pytest.mark.parametrize("bucket", [1, 32, 400])
def test_equal_to_plain(mode: str, bucket: int, tmp_path: Path) -> None:
    told, table = (
        told_by(mode=mode, rows_a_bucket=bucket, batch_to=4),
        asks("id-7", "id-8", "no-1", "id-299", "no-2"),
    )
    found, expected = played(told, table, tmp_path), KIND.plain(told, {"bank": table, "bureau": listed()})
    assert found["bank"].table.equals(expected["bank"].table)
    for name in ("bank", "bureau"):
        assert expected[name].told.items() <= found[name].told.items()
    assert found["bank"].told["found"] == 3
    assert found["bureau"].told["asked"] == 8
    assert found["bank"].table["amount"].to_pylist() == [None, 10.0, None, 373.75, None]


def test_a_list_without_columns_tells_only_who_is_on_it(tmp_path: Path) -> None:
    told = manifest("lookup", {**PARTIES, "bureau": ("server", data(rows_at_most=400))}, BASE)
    table = asks("id-7", "no-1")
    found = run_all(told, run, {"bank": table, "bureau": listed().select(["id"])}, tmp_path)
    assert found["bank"].table.to_pydict() == {"key": ["id-7", "no-1"], "found": [True, False]}


def test_a_server_can_not_show_other_columns_than_agreed(tmp_path: Path) -> None:
    """Their names come to people and into files."""
    for names in (["id", "amount", "since", "=1+1"], ["id", "since", "amount", "note"]):
        with pytest.raises(UserError, match="PRV-MESSAGE"):
            run_all(
                told_by(), run, {"bank": asks("id-1"), "bureau": listed().rename_columns(names)}, tmp_path
            )


def test_the_list_is_made_once_and_again_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[int] = []

    def counted(key: int, inputs: list[bytes], mode: oprf.Mode) -> list[bytes]:
        hashed.append(len(inputs))
        return oprf.evaluate_known(key, inputs, mode)

    monkeypatch.setattr(lookup_list, "evaluate_known", counted)
    roots = [played(told_by(), asks("id-1"), tmp_path)["bank"].told["list_root"] for _ in range(2)]
    assert roots[0] == roots[1]
    assert hashed == [ROWS]
    more = pa.concat_tables(
        [
            listed(),
            pa.table({"id": ["new"], "amount": [1.0], "since": pa.array([1], pa.int32()), "note": ["x"]}),
        ]
    )
    found = run_all(told_by(), run, {"bank": asks("new"), "bureau": more}, tmp_path)
    assert found["bank"].told["found"] == 1
    assert found["bank"].told["list_root"] != roots[0]
    assert hashed == [ROWS, 1]
    run_all(told_by(epoch="e2"), run, {"bank": asks("new"), "bureau": more}, tmp_path)
    assert hashed == [ROWS, 1, ROWS + 1]


def test_what_the_node_keeps_is_its_own_to_read(tmp_path: Path) -> None:
    played(told_by(), asks("id-1"), tmp_path)
    kept = list((tmp_path / "state" / "bureau").rglob("*"))
    assert {file.stat().st_mode & 0o777 for file in kept if file.is_file()} <= {0o600, 0o644}
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in kept if file.is_file())
    content = b"".join(file.read_bytes() for file in kept if file.is_file())
    assert not any(f"id-{n}".encode() in content for n in range(100, ROWS))


def test_enumeration_ends_at_the_quota(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trap: whoever may ask can enumerate; the quota is what stops it, at the server, between jobs."""
    told = told_by(quota=5, batch_to=2)
    assert played(told, asks("id-1", "id-2", "id-3"), tmp_path)["bank"].told["left"] == 1
    with pytest.raises(UserError, match="PRV-LOOKUP-QUOTA"):
        played(told, asks("id-4"), tmp_path)
    later = lookup_list.now() + timedelta(days=1, seconds=1)
    monkeypatch.setattr(lookup_list, "now", lambda: later)
    assert played(told, asks("id-4"), tmp_path)["bank"].told["left"] == 3


def test_both_are_told_of_the_quota(tmp_path: Path) -> None:
    told, codes = told_by(quota=1), []

    def part(name: str, table: pa.Table) -> Any:  # noqa: ANN401 - a part
        def run_it(link: Link) -> None:
            try:
                run(job(told, name, table, tmp_path), link)
            except UserError as error:
                codes.append(error.code)

        return run_it

    play({"bank": part("bank", asks("id-1", "id-2")), "bureau": part("bureau", listed())})
    assert codes == ["PRV-LOOKUP-QUOTA"] * 2


def views(told: Manifest, table: pa.Table, tmp_path: Path) -> Recorded:
    kept: dict[str, Recorded] = {}
    played(told, table, tmp_path, wrap=lambda link: kept.setdefault(link.me, Recorded(link, keep=True)))
    return kept["bureau"]


def test_the_server_s_view_is_the_same_for_hits_and_misses(tmp_path: Path) -> None:
    """The simulator of the server's view: random points, and buckets drawn evenly."""
    told, shapes, wanted = told_by(batch_to=2), set(), Counter()
    for n in range(24):
        ids = (f"id-{n}", f"id-{n + 50}") if n % 2 else (f"no-{n}", f"no-{n + 50}")
        view = views(told, asks(*ids), tmp_path)
        shapes.add(tuple((line.direction, line.tag, line.size_bytes) for line in view.lines))
        payload = next(p for line, p in view.payloads if line.tag == "wanted")
        wanted[n % 2] += int(unpack(payload, "bank", buckets=np.ndarray)["buckets"].sum())
    assert len(shapes) == 1
    buckets = shape_of(told, terms_of(told)).buckets
    assert all(0.2 < total / (24 * (buckets - 1)) < 0.8 for total in wanted.values())


def test_transcripts_hold_no_id_and_no_row(tmp_path: Path) -> None:
    view = views(told_by(), asks(*(f"id-{n}" for n in range(100, 112))), tmp_path)
    table = listed().slice(90, 30)
    assert not leaked([*table["id"].to_pylist(), *table["note"].to_pylist()], [view])
    assert not leaked([*table["amount"].drop_null().to_pylist(), *table["since"].to_pylist()], [view])
    rows = [p for line, p in view.payloads if line.tag == "bucket"]
    ones = np.unpackbits(np.frombuffer(b"".join(rows), np.uint8)).mean()
    assert abs(ones - 0.5) < 0.01
    assert len({len(row) for row in rows}) == 1


def test_two_lists_of_an_epoch_share_no_bytes(tmp_path: Path) -> None:
    """Else who fetches a bucket of both could tell rows that stayed from what fills it up."""
    seen = []
    for rows in (ROWS, ROWS - 1):
        kept: dict[str, Recorded] = {}
        brought = {"bank": asks("id-1"), "bureau": listed().slice(0, rows)}
        wrap: Any = lambda link, kept=kept: kept.setdefault(link.me, Recorded(link, keep=True))  # noqa: E731
        run_all(told_by(), run, brought, tmp_path, wrap=wrap)
        payload = next(p for line, p in kept["bank"].payloads if line.tag == "bucket")
        bucket = unpack(payload, "bureau", rows=np.ndarray, proof=bytes)["rows"]
        seen.append({row[:16].tobytes() for row in bucket})
    assert not seen[0] & seen[1]


def held(told: Manifest, table: pa.Table, tmp_path: Path) -> SealedList:
    terms = terms_of(told)
    return sealed_list(job(told, "bureau", table, tmp_path), table, terms, shape_of(told, terms))


def test_an_output_for_one_list_is_of_no_use_with_another(tmp_path: Path) -> None:
    """Trap: with one key for an epoch, all ids looked up once are open in every list of the epoch."""
    short = ("server", data("amount", rows_at_most=400))
    other = ("server", data("amount", "since", "note", rows_at_most=400, source="other"))
    lists = [told_by(), *(manifest("lookup", {**PARTIES, "bureau": one}, BASE) for one in (short, other))]
    brought = [listed(), listed().select(["id", "amount"]), listed()]
    made = [held(told, table, tmp_path) for told, table in zip(lists, brought, strict=True)]
    assert len({one.key for one in made}) == 3
    (output,) = oprf.evaluate_known(made[0].key, [b"id-7"], "voprf")
    bucket = made[0].shape.bucket(output)
    assert opened(made[0].rows[bucket], output, made[0].salt) is not None
    for one in made[1:]:
        assert all(opened(rows, output, one.salt) is None for rows in one.rows)
    for told, table in zip(lists, brought, strict=True):
        found = run_all(told, run, {"bank": asks("id-7"), "bureau": table}, tmp_path)
        assert found["bank"].told["found"] == 1


def test_two_jobs_at_once_don_t_swap_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trap: a job that opens another's rows finds nobody on the list."""
    filled, fill = threading.Event(), lookup_list._fill

    def slowly(*given: Any) -> None:  # noqa: ANN401 - as given
        fill(*given)
        if not filled.is_set():
            filled.set()
            time.sleep(0.5)

    monkeypatch.setattr(lookup_list, "_fill", slowly)
    told, tables = told_by(), [listed().slice(0, 200), listed().slice(200)]
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(held, told, tables[0], tmp_path)
        assert filled.wait(60)
        second = pool.submit(held, told, tables[1], tmp_path)
        made = [first.result(), second.result()]
    for one, name in zip(made, (b"id-7", b"id-250"), strict=True):
        (output,) = oprf.evaluate_known(one.key, [name], "voprf")
        assert opened(one.rows[one.shape.bucket(output)], output, one.salt) is not None


def cheat(tag: str, change: Any) -> Any:  # noqa: ANN401 - a change of fields
    """A link that alters what the server sends under ``tag``."""

    class Cheat:
        def __init__(self, inner: Link) -> None:
            self.inner, self.me, self.parties = inner, inner.me, inner.parties

        def send(self, to: str, told: str, payload: bytes) -> None:
            self.inner.send(to, told, change(payload) if told == tag and self.me == "bureau" else payload)

        def receive(self, source: str, told: str) -> bytes:
            return self.inner.receive(source, told)

    return Cheat


def other_key(payload: bytes) -> bytes:
    fields = unpack(payload, "bureau", left=int, points=np.ndarray, proof=bytes)
    return pack({**fields, "points": oprf.evaluate(3, fields["points"], "bank")})


def other_row(payload: bytes) -> bytes:
    fields = unpack(payload, "bureau", rows=np.ndarray, proof=bytes)
    rows = fields["rows"].copy()
    rows[0, 40] ^= 1
    return pack({**fields, "rows": rows})


def other_columns(payload: bytes) -> bytes:
    fields = unpack(payload, "bureau", public=bytes, root=bytes, salt=bytes, columns=str)
    return pack({**fields, "columns": '[["found", "bool"]]'})


def other_salt(payload: bytes) -> bytes:
    fields = unpack(payload, "bureau", public=bytes, root=bytes, salt=bytes, columns=str)
    return pack({**fields, "salt": b""})


def other_root(payload: bytes) -> bytes:
    fields = unpack(payload, "bureau", public=bytes, root=bytes, salt=bytes, columns=str)
    return pack({**fields, "root": bytes(32)})


@pytest.mark.parametrize(
    ("tag", "change", "code"),
    [
        ("evaluated", other_key, "PRV-OPRF-PROOF"),
        ("bucket", other_row, "PRV-LOOKUP-LIST"),
        ("offer", other_columns, "PRV-MESSAGE"),
        ("offer", other_root, "PRV-LOOKUP-LIST"),
        ("offer", other_salt, "PRV-MESSAGE"),
        ("offer", lambda payload: payload[:-1], "PRV-MESSAGE"),
    ],
)
def test_a_cheating_server_is_found_out(tag: str, change: Any, code: str, tmp_path: Path) -> None:  # noqa: ANN401
    with pytest.raises(UserError, match=code):
        played(told_by(), asks("id-5"), tmp_path, wrap=cheat(tag, change))


def test_another_public_key_in_an_epoch_is_refused(tmp_path: Path) -> None:
    played(told_by(), asks("id-5"), tmp_path)
    (file,) = (tmp_path / "state" / "bureau").glob("lookup-e1-voprf-*/key")
    file.write_bytes((7).to_bytes(32, "little"))
    with pytest.raises(UserError, match="PRV-LOOKUP-KEY"):
        played(told_by(), asks("id-5"), tmp_path)
    with pytest.raises(UserError, match="PRV-LOOKUP-KEY"):
        played(told_by(epoch="e9", public_key=oprf.public_key(5).hex()), asks("id-5"), tmp_path)


@pytest.mark.parametrize("buckets", [[1 << 31], [0, 1], [0.5]])
def test_a_cheating_client_is_refused(buckets: list[float], tmp_path: Path) -> None:
    told = told_by()

    def client(link: Link) -> None:
        link.receive("bureau", "offer")
        link.send("bureau", "blinded", pack({"points": oprf.blind([b"x"], "voprf").points}))
        link.receive("bureau", "evaluated")
        kind = np.uint32 if buckets != [0.5] else np.float64
        link.send("bureau", "wanted", pack({"buckets": np.array(buckets, kind)}))

    with pytest.raises(UserError, match="PRV-MESSAGE"):
        play({"bank": client, "bureau": lambda link: run(job(told, "bureau", listed(), tmp_path), link)})


@pytest.mark.parametrize("keys", [["a", "a"], ["a", None]])
def test_ids_are_there_and_unlike(keys: list[str | None], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="PRV-LOOKUP-KEYS"):
        played(told_by(), pa.table({"id": keys}), tmp_path)


def test_rows_without_room_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="PRV-LOOKUP-ROW"):
        played(told_by(row_bytes=20), asks("id-1"), tmp_path)
    full = pa.table({"id": [str(n) for n in range(2000)]})
    with pytest.raises(UserError, match="PRV-LOOKUP-FULL"):
        run_all(told_by(), run, {"bank": asks("1"), "bureau": full}, tmp_path)


def test_nobody_asked_is_a_batch_of_noise(tmp_path: Path) -> None:
    found = played(told_by(batch_to=3), asks(), tmp_path)
    assert found["bureau"].told["asked"] == 3
    assert found["bank"].table.num_rows == 0


@pytest.mark.parametrize(
    "params",
    [
        {"epoch": "E 1"},
        {"quota": 0},
        {"mode": "poprf"},
        {"mode": "oprf", "public_key": "0" * 64},
        {"batch_to": 4096, "quota": 100},
        {"surprise": 1},
    ],
)
def test_terms_that_can_t_hold(params: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="PRV-MANIFEST"):
        KIND.check(told_by(**params))


def test_what_each_learns_is_told() -> None:
    learned = KIND.learns(told_by())
    assert "buckets" in learned["bureau"][1].en
    assert "at no further quota" in learned["bank"][2].en
    assert len(KIND.learns(told_by(rows_a_bucket=400))["bureau"]) == 1
