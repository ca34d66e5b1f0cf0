"""Jobs between real nodes over a line of 100 Mbit/s and 20 ms there and back, beside the same over loopback.

Six nodes, each a process with its own database, keys and certificate, mutual TLS between them; on the line
each in a network namespace of its own (``benchmarks.shaped_line``; without root nothing is measured, and the
section says so). BENCH_NETWORK_ROWS (default 10000): rows of the joint models and of the intersection by our
own protocol; the engine's has ten times as many (left out where XINQIAO_SPU_PYTHON is not set), the lists of
three operators a tenth each. ``job s`` is from the first party's beginning to the last one's kept result,
start of its processes included; ``protocol s`` after they have started.
"""

from __future__ import annotations

import contextlib
import os
import signal
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.network_nodes import Measured, Node, Sources, made, play, running
from benchmarks.privacy_trees import firms
from benchmarks.shaped_line import USED, missing, probe, shaped
from xinqiao.privacy.agreement.draft import Draft, DraftInput, DraftParty
from xinqiao.privacy.spu.engine import VERSION

PYTHON = os.environ.get("XINQIAO_SPU_PYTHON")
OPERATORS = ("operator-a", "operator-b", "operator-c")
NAMES = ("bank", "tax", "regulator", *OPERATORS)
CARDS_AT_MOST, ASKED = 5, 20
GRADES: dict[str, Any] = {
    "answer": "grade",
    "cutoffs": [500, 560, 620, 680],
    "bank_points": [300, 800],
    "holder_points": [-150, 150],
}
Done = Mapping[str, Measured]


@dataclass(frozen=True, slots=True)
class Asked:
    """A job to measure. ``single``: told as one question's time; ``model``: of the job of that name."""

    name: str
    draft: Draft
    single: bool = False
    model: str = ""


def section(folder: Path) -> list[str]:
    if absent := missing():
        return [f"Not measured: a line shaped in network namespaces needs {absent}."]
    rows = int(os.environ.get("BENCH_NETWORK_ROWS", "10000"))
    asked = list(_jobs(rows))
    with (
        _ended_in_order(),
        tempfile.TemporaryDirectory(dir=folder, prefix="network-") as place,
        made(Path(place), _sources(rows)) as homes,
    ):
        with running(homes) as nodes:
            near = _played(nodes, asked, "loopback")
        with shaped(NAMES) as places:
            milliseconds, rate = probe(places["bank"], places["tax"])
            with running(homes, places) as nodes:
                far = _played(nodes, asked, "line")
    used = f"The line: {USED}. Measured by TCP: {milliseconds:.1f} ms there and back, {rate:.0f} Mbit/s."
    return [used, "", *_wholes(asked, near, far), "", *_singles(asked, near, far)]


@contextlib.contextmanager
def _ended_in_order() -> Iterator[None]:
    """A signal to end removes what was made, as an error does."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _wholes(asked: list[Asked], near: Done, far: Done) -> list[str]:
    head = "| job | loopback: job s, protocol s | line: job s, protocol s | protocol, line / loopback | MB |"
    lines = [head, "|---|---|---|---|---|"]
    for name in (each.name for each in asked if not each.single):
        one, other = near[name], far[name]
        cells = (f"{told.job_s:.2f}, {told.protocol_s:.2f}" for told in (one, other))
        ratio = other.protocol_s / one.protocol_s
        lines.append(f"| {name} | {' | '.join(cells)} | {ratio:.2f} | {other.sent_mb:.1f} |")
    return lines


def _singles(asked: list[Asked], near: Done, far: Done) -> list[str]:
    """The median of as many as were asked in a job; a look-up's job asks once."""
    lines = ["| one question | loopback ms | line ms | kB |", "|---|---|---|---|"]
    for name in (each.name for each in asked if each.single):
        taken = [told[name].single_ms or [1000 * told[name].protocol_s] for told in (near, far)]
        medians = " | ".join(f"{statistics.median(each):.1f}" for each in taken)
        lines.append(f"| {name} | {medians} | {1e3 * far[name].sent_mb / len(taken[1]):.1f} |")
    return lines


def _played(nodes: Mapping[str, Node], asked: list[Asked], where: str) -> Done:
    """All jobs, one after the other. ``where`` names the deployment: nothing is kept from one to another."""
    done: dict[str, Measured] = {}
    for each in asked:
        model = {"model": done[each.model].digest} if each.model else {}
        draft = each.draft.model_copy(update={"deployment": where, "params": each.draft.params | model})
        done[each.name] = found = play(nodes, draft)
        told = f"protocol {found.protocol_s:.2f} s, {found.sent_mb:.2f} MB"
        print(f"  {where}: {each.name}: {found.job_s:.2f} s, {told}", flush=True)
    return done


def _sources(rows: int) -> dict[str, Sources]:
    """What each party has."""
    drawn, given, listed = np.random.default_rng(20260630), firms(rows, 20), rows // 10
    told: dict[str, Sources] = {name: {} for name in NAMES}
    for party, first in (("bank", 0), ("tax", 1)):
        told[party] = {"firms": given[party]} | {
            name: pa.table({"id": [f"{n:018d}" for n in range(first * size // 2, first * size // 2 + size)]})
            for name, size in (("some", rows), ("many", 10 * rows))
        }
    told["bank"]["applicants"] = given["bank"].slice(0, ASKED)
    told["bank"]["one"] = given["bank"].slice(0, 1).select(["id"])
    told["bank"]["people"] = pa.table(
        {"id": [f"p{n}" for n in range(3 * listed)][:: 3 * listed // ASKED][:ASKED]}
    )
    told["tax"]["arrears"] = pa.table({"id": given["tax"]["id"], "owed": drawn.integers(1, 10**6, rows)})
    for number, name in enumerate(OPERATORS):
        people = [f"p{n}" for n in range(number * listed // 2, number * listed // 2 + listed)]
        cards = drawn.integers(1, CARDS_AT_MOST + 1, listed)
        told[name]["cards"] = pa.table({"id": people, "cards": cards})
    return told


def _brings(name: str, role: str, source: str, *columns: str, most: int) -> DraftParty:
    told = DraftInput(
        source=source,
        key="id",
        key_kind="text",
        columns=columns,
        rows_at_most=most,
        basis="none",
        ground="generated data of a benchmark",
    )
    return DraftParty(name=name, role=role, input=told)


def _draft(kind: str, *parties: DraftParty, engine: str = "own", **params: Any) -> Draft:  # noqa: ANN401 - parameters of the kind
    version = VERSION if engine == "spu" else "1"
    return Draft(
        kind=kind,
        purpose="credit",
        parties=parties,
        params=params,
        engine=engine,
        engine_version=version,
        hours=2,
    )


def _jobs(rows: int) -> Iterator[Asked]:
    yield from _intersections(rows)
    own, other = ([f"x{n}" for n in range(first, 20, 2)] for first in (0, 1))
    bank = _brings("bank", "bank", "firms", "bad", *own, most=rows)
    tax = _brings("tax", "holder", "firms", *other, most=rows)
    dealer, size = DraftParty(name="regulator", role="dealer"), f"{rows:,} x 20"
    card = f"scorecard, dealer, {size}"
    yield Asked(card, _draft("scorecard", bank, tax, dealer, label="bad"))
    yield Asked(f"20 trees, dealer, {size}", _draft("trees", bank, tax, dealer, label="bad", trees=20))
    applicants = _brings("bank", "bank", "applicants", *own, most=ASKED)
    ways: tuple[dict[str, Any], ...] = ({"answer": "points"}, GRADES)
    for params in ways:
        draft = _draft("joint_score", applicants, tax, **params)
        yield Asked(f"joint score of one firm, {params['answer']}", draft, single=True, model=card)
    yield from _lists(rows)


def _intersections(rows: int) -> Iterator[Asked]:
    for protocol, source, count in (("dh", "some", rows), *([("rr22", "many", 10 * rows)] if PYTHON else [])):
        parties = [_brings(name, "holder", source, most=count) for name in ("bank", "tax")]
        engine = "own" if protocol == "dh" else "spu"
        draft = _draft("intersection", *parties, engine=engine, protocol=protocol)
        yield Asked(f"intersection, {protocol}, {count:,} x {count:,}", draft)


def _lists(rows: int) -> Iterator[Asked]:
    people = _brings("bank", "bank", "people", most=ASKED)
    listed = [_brings(name, "operator", "cards", "cards", most=rows // 10) for name in OPERATORS]
    terms: dict[str, Any] = {
        "list": "sims",
        "answer": "total",
        "count_at_most": CARDS_AT_MOST,
        "quota": 1_000_000,
    }
    built = _draft("operators_list", *listed, people, **terms)
    yield Asked(f"operators' list of 3 x {rows // 10:,}, built and asked {ASKED} at once", built)
    asking = [*(DraftParty(name=name, role="operator") for name in OPERATORS), people]
    answers: dict[str, dict[str, Any]] = {"total": {}, "at_least": {"threshold": 10}}
    for answer, more in answers.items():
        draft = _draft("operators_query", *asking, list="sims", answer=answer, **more)
        told = " ".join([answer, *map(str, more.values())])
        yield Asked(f"operators' list about one person, {told}", draft, single=True)
    client = _brings("bank", "client", "one", most=1)
    server = _brings("tax", "server", "arrears", "owed", most=rows)
    look = _draft("lookup", client, server, epoch="autumn", quota=1000, rows_a_bucket=64)
    yield Asked(f"look-up of one id, list of {rows:,} made for it", look)
    yield Asked("look-up of one id, list kept", look, single=True)
