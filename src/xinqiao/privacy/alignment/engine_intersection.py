"""Intersection by the SPU engine, with what running it showed to be needed.

Each party adds rows of 256 random bits: the engine tells the peer an unsalted SHA-256 of the whole key set,
from which a small or guessable set could be found. They also keep it from empty sets, at which it waits for
ever, and from small ones, at which RR22 crashes now and then (seen with up to 33 rows, not with 200). Ids are
distinct, for it refuses others; it runs in a fresh folder (``engine``).
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.privacy.alignment.key_order import Positions, arrow, positions
from xinqiao.privacy.job.kind import Job, Protocol
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.job.wire import pack, unpack
from xinqiao.privacy.protocol.group_intersection import Sets, exchange_sizes
from xinqiao.privacy.spu.engine import Running, engine

PROTOCOLS = {"rr22": "RR22", "kkrt": "KKRT_NPC", "unbalanced": "ECDH_OPRF_UB"}
RANDOM_ROWS, RANDOM_BYTES = 512, 32
SECONDS, SECONDS_A_ROW = 180.0, 0.002
"""How long the engine may take: far more than it needs."""
_TWO = 2


def check(manifest: Manifest, receivers: int) -> None:
    """Raise UserError PRV-MANIFEST for what the engine's protocols can't do."""
    params, parties = manifest.params, len(manifest.parties)
    protocol, server = params["protocol"], params.get("server")
    faults = {
        "count: dh only": params.get("count", False),
        f"{protocol}: parties": (parties > _TWO) != (protocol == "kkrt"),
        f"{protocol}: result_to one or all": receivers not in {1, parties},
    }
    if protocol == "unbalanced":
        faults["server"] = server not in manifest.names
        faults["unbalanced: result_to the other"] = receivers != 1 or server in params.get("result_to", ())
    for detail, found in faults.items():
        if found:
            fail("PRV-MANIFEST", str(manifest.job), detail=detail)


def common(job: Job, link: Link, sets: Sets, ids: pa.Array) -> Positions | None:
    """Positions in ``ids``, which are distinct, of those that all have; None where nothing is received.

    Raises UserError PRV-ENGINE, PRV-ENGINE-MISSING and PRV-SET-SIZE.
    """
    protocol = job.params["protocol"]
    with engine(job, link, sets.holders) as running:
        seconds = SECONDS + sum(exchange_sizes(sets, len(ids)).values()) * SECONDS_A_ROW
        if protocol != "unbalanced":
            running.connect()
        write(running.folder / "in.csv", safe(ids))
        if protocol == "unbalanced":
            _unbalanced(job, running, sets, ids, seconds)
        else:
            receiver = sets.holders.index(sets.receivers[0])
            told = {"receiver": receiver, "protocol": PROTOCOLS[protocol]}
            running.call("psi", told | {"broadcast": len(sets.receivers) > 1}, seconds=seconds)
        return read(running.folder / "out.csv") if link.me in sets.receivers else None


def _unbalanced(job: Job, running: Running, sets: Sets, ids: pa.Array, seconds: float) -> None:
    """The client's ids against the server's list, handed over only where the client has not got it."""
    server, link = job.params["server"], sets.link
    (other,) = sets.others
    place = job.state / f"list-{other}"
    place.mkdir(mode=0o700, exist_ok=True)
    kept = _kept(place)
    if link.me == server:
        fresh = kept if kept.get("ids") == _digest(kept.get("salt", ""), ids) else _new_list(place, ids)
        link.send(other, "list", pack({"list": fresh["list"]}))
        ready = unpack(link.receive(other, "ready"), other, ready=int)["ready"]
    else:
        fresh = {"list": unpack(link.receive(server, "list"), server, list=str)["list"]}
        ready = int(kept.get("list") == fresh["list"])
        if not ready:
            shutil.rmtree(place)
            place.mkdir(mode=0o700)
        link.send(server, "ready", pack({"ready": ready}))
    told = {"server": sets.holders.index(server), "state": str(place)}
    if not ready:
        running.call("unbalanced_offline", told, seconds=seconds)
        (place / "list.json").write_text(json.dumps(fresh), "utf-8")
    running.call("unbalanced_online", told | {"output": link.me != server}, seconds=seconds)


def _kept(place: Path) -> dict[str, str]:
    """What is known of the list that is kept there."""
    path = place / "list.json"
    told: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return told


def _new_list(place: Path, ids: pa.Array) -> dict[str, str]:
    """A new name and key for the server's list, whose ids are no longer those that were handed over."""
    shutil.rmtree(place)
    place.mkdir(mode=0o700)
    with os.fdopen(os.open(place / "key", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as key:
        key.write(secrets.token_bytes(32))
    salt = secrets.token_hex(16)
    return {"list": secrets.token_hex(16), "salt": salt, "ids": _digest(salt, ids)}


def _digest(salt: str, ids: pa.Array) -> str:
    """Of the set of ids, whatever their order."""
    state = hashlib.blake2b(key=salt.encode(), digest_size=32)
    for one in sorted(ids.to_pylist()):
        state.update(f"{len(one)} {one}".encode())
    return state.hexdigest()


def safe(ids: pa.Array) -> pa.Array:
    """Ids as the engine's readers of CSV can't mistake them: those with other than plain characters in hex.

    Ids without a digit are in hex too, for some of those mean null.
    """
    plain = pc.match_substring_regex(ids, "^[A-Za-z0-9_-]*[0-9][A-Za-z0-9_-]*$")
    if pc.all(plain).as_py() is not False:
        return ids
    told = zip(plain.to_pylist(), ids.to_pylist(), strict=True)
    return pa.array([one if kept else "~" + one.encode().hex() for kept, one in told], pa.string())


def write(path: Path, safe_ids: pa.Array) -> None:
    """The engine's input: ids with their positions, which its output repeats, and the random rows."""
    random = pa.py_buffer(secrets.token_hex(RANDOM_BYTES * RANDOM_ROWS).encode())
    places = pa.py_buffer(2 * RANDOM_BYTES * np.arange(RANDOM_ROWS + 1, dtype=np.int32))
    # one chunk: of an empty first one pyarrow writes what its memory held before
    ids = pa.concat_arrays([safe_ids, pa.StringArray.from_buffers(RANDOM_ROWS, places, random)])
    rows = arrow(np.append(np.arange(len(safe_ids)), np.full(RANDOM_ROWS, -1)))
    table = pa.Table.from_arrays([ids, rows], ["id", "row"])
    with path.open("wb") as out:
        out.write(b"id,row\n")
        csv.write_csv(table, out, csv.WriteOptions(include_header=False, quoting_style="none"))


def read(path: Path) -> Positions:
    """The positions that the engine's output names."""
    options = csv.ConvertOptions(column_types={"row": pa.int64()}, include_columns=["row"])
    found = positions(csv.read_csv(path, convert_options=options).column("row").combine_chunks())
    return found[found >= 0]


_HONEST = Text(
    zh="各方按协议执行、但会分析所见（半诚实）",
    en="parties follow the protocol and are curious (semi-honest)",
)
_NO_THIRD = Text(zh="仅两方", en="two parties only")
ROWS = (
    Protocol(
        "rr22 (SPU)",
        "Raghuraman, Rindal 2022; Boyle, Couteau, Gilboa, Ishai, Kohl, Scholl 2019",
        _HONEST,
        _NO_THIRD,
        Text(zh="每行约 35 字节，百万行数秒", en="some 35 bytes a row; a million rows in seconds"),
    ),
    Protocol(
        "kkrt (SPU)",
        "Kolesnikov, Matania, Pinkas, Rosulek, Trieu 2017",
        _HONEST,
        Text(
            zh="接收方与其余各方中除一方外的全部串通，可知接收方的哪些主体在那一方",
            en="the receiver and all others but one learn which of the receiver's ids that one has",
        ),
        Text(zh="对称密码为主，随行数线性增长", en="symmetric cryptography, linear in rows"),
    ),
    Protocol(
        "unbalanced (SPU)",
        "Jarecki, Liu 2010; Kiss, Liu, Schneider, Asokan, Pinkas 2017",
        _HONEST,
        _NO_THIRD,
        Text(
            zh="大名单加密后一次性交给对方保存；此后每次只与小集合的行数有关",
            en="the large list is handed over once, each id under a key; then only the small set's rows cost",
        ),
    ),
)
_HASH = Text(
    zh="对方主体集合连同随机行的哈希，不能据此验证猜测",
    en="a hash of the others' sets together with random rows, against which no guess can be tested",
)
_LIST = Text(
    zh="名单是否自上次以来有变化（名单方的密钥下的伪名保存在本方）",
    en="whether the list changed since the last job (its pseudonyms, under its holder's key, are kept here)",
)
ASIDE = {"rr22": (_HASH,), "kkrt": (_HASH,), "unbalanced": (_HASH, _LIST)}
"""What parties learn besides the result and sizes, by protocol."""
