"""A joint scorecard: our shares with a dealer beside the SPU engine and beside plain data.

BENCH_PRIVACY_MODELS: rows x columns, by comma (default 10000x20,100000x50), half of the columns the bank's.
Parties are threads of one process on a memory link, so seconds are those of all together; ours are also
counted in CPU-seconds of each party. The engine runs in processes of its own (XINQIAO_SPU_PYTHON; left out
where that is not set) and, for it takes minutes, at the first size only.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from tests.privacy.manifests import data, job, manifest

from benchmarks.privacy_trees import firms
from xinqiao.privacy.job.kind import Job, Kind
from xinqiao.privacy.job.link import Link, Recorded, play
from xinqiao.privacy.job.manifest import Engine, Manifest
from xinqiao.privacy.modelling import data_value, scorecard
from xinqiao.privacy.modelling.columns import SHRINK
from xinqiao.privacy.modelling.joint_logistic import Own, Plan, deal, fit, fit_plain, rate
from xinqiao.privacy.protocol.dealer import Dealer
from xinqiao.privacy.protocol.sharing import Member
from xinqiao.privacy.spu.engine import VERSION, engine
from xinqiao.scoring.columns import Floats
from xinqiao.scoring.metrics import auc

STEPS = 100
NAMES = ("bank", "tax", "regulator")


@dataclass(frozen=True, slots=True)
class Measured:
    """Wall seconds, CPU-seconds and MB sent by each party (none where a party's work is not a thread's)."""

    wall_s: float
    cpu_s: Mapping[str, float]
    sent_mb: Mapping[str, float]
    told: Mapping[str, Any]

    def cells(self) -> str:
        """Three cells of a row."""
        cpu = ", ".join(f"{s:.1f}" for s in self.cpu_s.values()) or "own processes"
        sent = ", ".join(f"{mb:.1f}" for mb in self.sent_mb.values())
        return f"{self.wall_s:.1f} | {cpu} | {sent}"


def section(folder: Path) -> list[str]:  # noqa: ARG001 - the shape of a section
    lines = [
        "| what | way | seconds | CPU-s: bank, holder, third | MB sent: bank, holder, third | AUC | plain |",
        "|---|---|---|---|---|---|---|",
    ]
    python = os.environ.get("XINQIAO_SPU_PYTHON")
    ways = ["dealer", *(["ABY3", "CHEETAH"] if python else [])]
    for size in os.environ.get("BENCH_PRIVACY_MODELS", "10000x20,100000x50").split(","):
        rows, columns = (int(n) for n in size.split("x"))
        tables = firms(rows, columns)
        for way in ways:
            lines.append(_steps(size, way, tables, python))
            print(lines[-1], flush=True)
        for kind in (scorecard.KIND, data_value.KIND):
            lines.append(_job(size, kind, tables))
            print(lines[-1], flush=True)
        ways = ["dealer"]
    return lines


def played(parts: Mapping[str, Callable[[Link], Any]], *, threads_count: bool = True) -> Measured:
    """Play ``parts`` and measure."""
    cpu: dict[str, float] = {}
    ends: dict[str, Recorded] = {}

    def recorded(link: Link) -> Link:
        ends[link.me] = Recorded(link)
        return ends[link.me]

    def timed(name: str) -> Callable[[Link], Any]:
        def run(link: Link) -> Any:  # noqa: ANN401 - whatever the part gives
            start = time.thread_time()
            told = parts[name](link)
            cpu[name] = time.thread_time() - start
            return told

        return run

    began = time.perf_counter()
    told = play({name: timed(name) for name in parts}, recorded)
    wall = time.perf_counter() - began
    sent = {
        name: sum(s.size_bytes for s in ends[name].lines if s.direction == "sent") / 1e6 for name in parts
    }
    return Measured(wall, {name: cpu[name] for name in parts} if threads_count else {}, sent, told)


def _blocks(tables: Mapping[str, pa.Table]) -> tuple[list[Floats], Floats]:
    """The columns as they are, the bank's with ones first, and the outcome: no bins, no turn."""
    bank, tax = (
        np.column_stack([tables[n][c].to_numpy() for c in tables[n].column_names if c.startswith("x")])
        for n in NAMES[:2]
    )
    return [np.column_stack([np.ones(len(bank)), bank]), tax], tables["bank"]["bad"].to_numpy() * 1.0


def _steps(size: str, way: str, tables: Mapping[str, pa.Table], python: str | None) -> str:
    """One fit of so many steps on bare columns."""
    blocks, bad = _blocks(tables)
    with tempfile.TemporaryDirectory(prefix="xinqiao-bench-") as folder:
        measured = (
            _dealt(blocks, bad) if way == "dealer" else _by_engine(blocks, bad, way, python, Path(folder))
        )
    matrix = np.hstack(blocks)
    theta = fit_plain(matrix, bad, np.ones(len(bad)))
    found = auc(matrix @ np.concatenate([measured.told[n] for n in NAMES[:2]]), bad)
    plain = auc(matrix @ theta, bad)
    return f"| {STEPS} steps, {size} | {way} | {measured.cells()} | {found:.4f} | {plain:.4f} |"


def _dealt(blocks: list[Floats], bad: Floats) -> Measured:
    members = NAMES[:2]
    rows = len(bad)
    widths = tuple((n, b.shape[1]) for n, b in zip(members, blocks, strict=True))
    plan = Plan(rows, widths, STEPS, 1)

    def member(place: int) -> Callable[[Link], Floats]:
        own = Own(blocks[place], np.ones((rows, 1), np.uint64), None if place else bad)

        def run(link: Link) -> Floats:
            party = Member(link, members, NAMES[2])
            parts = plan.parts(fit(party, plan, own, lambda _: None).theta)
            told = [party.told(n, part) for n, part in zip(members, parts, strict=True)]
            (mine,) = (whole for whole in told if whole is not None)
            return mine[:, 0].view(np.int64) / 2.0**20

        return run

    parts: dict[str, Callable[[Link], Any]] = {n: member(place) for place, n in enumerate(members)}
    return played(parts | {NAMES[2]: lambda link: deal(Dealer(link, members), plan)})


def _by_engine(blocks: list[Floats], bad: Floats, way: str, python: str | None, folder: Path) -> Measured:
    names = NAMES if way == "ABY3" else NAMES[:2]
    told = manifest("scorecard", dict.fromkeys(names, "bank"), engine=Engine(name="spu", version=VERSION))
    given = {
        "protocol": way,
        "rows": len(bad),
        "widths": [b.shape[1] for b in blocks],
        "steps": STEPS,
        "rate": rate(2),
        "ridge": SHRINK,
        "used": np.ones((len(bad), 1), np.float32),
        "fold": np.zeros(len(bad), np.int64),
    }
    share = bad.mean()
    own: list[dict[str, Any]] = [
        {"matrix": blocks[0], "bad": bad, "base": float(np.log(share / (1 - share)))},
        {"matrix": blocks[1]},
        {},
    ]

    def part(place: int, mine: Job) -> Callable[[Link], Any]:
        def run(link: Link) -> Any:  # noqa: ANN401 - coefficients, or None at the third
            with engine(mine, link, names) as running:
                found = running.call("fit", given | own[place], module="engine_scorecard")
                return found.get("coefficients")

        return run

    jobs = [job(told, name, None, folder, Path(python or "")) for name in names]
    return played({n: part(p, jobs[p]) for p, n in enumerate(names)}, threads_count=False)


def _job(size: str, kind: Kind, tables: Mapping[str, pa.Table]) -> str:
    """A whole job: alignment, bins, five folds and validation."""
    asked: Manifest = manifest(
        kind.name,
        {
            "bank": ("bank", data(*tables["bank"].column_names[1:])),
            "tax": ("holder", data(*tables["tax"].column_names[1:])),
            "regulator": "dealer",
        },
        {"label": "bad"},
    )
    with tempfile.TemporaryDirectory(prefix="xinqiao-bench-") as folder:
        jobs = {name: job(asked, name, tables.get(name), Path(folder)) for name in NAMES}
        measured = played({name: partial(kind.run, jobs[name]) for name in NAMES})
    plain = kind.plain(asked, tables)["bank"].told["auc_joint"][0]
    found = measured.told["bank"].told["auc_joint"][0]
    return f"| {kind.name}, {size} | dealer | {measured.cells()} | {found:.4f} | {plain:.4f} |"
