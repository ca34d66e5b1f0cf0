"""The operators' list and the joint score: CPU-milliseconds and bytes of each party, time of one question.

BENCH_PRIVACY_LIST: ids of each of three operators, none of them dummies (default 5000);
BENCH_PRIVACY_SCORES: subjects scored in one batch (default 5000). Parties are threads of one process on a
memory link, each timed by its own CPU clock; a single question's time is the wall time of all parties, one
after the other. What a line adds, ``benchmarks.privacy_network`` measures.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from tests.privacy.manifests import data, job, manifest
from tests.privacy.sample_score import CARDS, GRADES, MODEL, keep_parts

from xinqiao.privacy.job.kind import Kind
from xinqiao.privacy.job.link import Link, Recorded, play
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.lists import operators_list, operators_query
from xinqiao.privacy.lists.list_query import Asker, answer_all
from xinqiao.privacy.modelling.model_part import ModelPart
from xinqiao.privacy.scores.joint_score import KIND as JOINT_SCORE
from xinqiao.privacy.scores.joint_score import Scorer

OPERATORS = ("first", "second", "third")
CARDS_AT_MOST = 5
ASKED = 500
SINGLES = 20
Parts = Mapping[str, Callable[[Link], Any]]


@dataclass(frozen=True, slots=True)
class Measured:
    """One job: CPU-seconds and megabytes sent by each party, and their results."""

    cpu_s: Mapping[str, float]
    sent_mb: Mapping[str, float]
    results: Mapping[str, Any]

    def row(self, what: str, count: int, bank: str = "bank") -> str:
        others = [name for name in self.cpu_s if name != bank]
        most = max(self.cpu_s[name] for name in others)
        sent, scale = 1e6 * sum(self.sent_mb.values()), 1e3 / count
        return f"| {what} | {most * scale:.2f} | {self.cpu_s[bank] * scale:.2f} | {sent / count:,.0f} |"


def section(folder: Path) -> list[str]:
    with tempfile.TemporaryDirectory(dir=folder, prefix="privacy-list-") as name:
        return [*_lists(Path(name)), "", *_scores(Path(name))]


def measured(parts: Parts) -> Measured:
    cpu: dict[str, float] = {}
    links: dict[str, Recorded] = {}

    def timed(name: str) -> Callable[[Link], Any]:
        def part(link: Link) -> object:
            links[name] = Recorded(link)
            begin = time.thread_time()
            found = parts[name](links[name])
            cpu[name] = time.thread_time() - begin
            return found

        return part

    results = play({name: timed(name) for name in parts})
    sent = {
        name: sum(line.size_bytes for line in link.lines if line.direction == "sent") / 1e6
        for name, link in links.items()
    }
    return Measured(cpu, sent, results)


def _run(kind: Kind, told: Manifest, tables: Mapping[str, pa.Table], folder: Path) -> Measured:
    kind.check(told)

    def part(name: str) -> Callable[[Link], Any]:
        own = job(told, name, tables.get(name), folder)
        return lambda link: kind.run(own, link)

    return measured({name: part(name) for name in told.names})


def _lists(folder: Path) -> list[str]:
    size = int(os.environ.get("BENCH_PRIVACY_LIST", "5000"))
    random = np.random.default_rng(7)
    tables = {}
    for number, name in enumerate(OPERATORS):
        keys = [f"g{n}" for n in range(number * size // 2, number * size // 2 + size)]
        counts = random.integers(1, CARDS_AT_MOST + 1, size)
        tables[name] = pa.table({"id": keys, "cards": pa.array(counts, pa.int64())})
    asked = pa.table({"id": [f"g{n}" for n in random.integers(0, 3 * size, ASKED)]})
    built = _run(operators_list.KIND, _listing(size), tables | {"bank": asked.slice(0, 0)}, folder)
    sizes = f"{len(OPERATORS)} operators with {size:,} ids each"
    head = ["| what | CPU-ms: busiest operator | CPU-ms: bank | bytes sent by all |", "|---|---|---|---|"]
    lines = [f"{sizes}; figures for each id of a list, or for each id asked.", "", *head]
    lines.append(built.row("build, each id of all lists", len(OPERATORS) * size))
    single = ["", "| one question at a time | median ms |", "|---|---|"]
    for answer, params in (("total", {}), ("at_least", {"threshold": 10}), ("hit", {})):
        told = _asking(answer, params)
        found = _run(operators_query.KIND, told, {"bank": asked}, folder)
        wanted = operators_query.KIND.plain(told, tables | {"bank": asked})["bank"]
        assert found.results["bank"].table.equals(wanted.table)
        lines.append(found.row(f"ask {ASKED} at once: {answer} {params or ''}", ASKED))
        single.append(_median(f"list: {answer} {params or ''}", _singles(told, folder)))
    return lines + single


def _listing(size: int) -> Manifest:
    parties: dict[str, Any] = {name: ("operator", data("cards", rows_at_most=size)) for name in OPERATORS}
    params = {"list": "sims", "answer": "total", "count_at_most": CARDS_AT_MOST, "quota": 1_000_000}
    return manifest("operators_list", parties | {"bank": ("bank", data())}, params)


def _asking(answer: str, more: Mapping[str, Any]) -> Manifest:
    parties: dict[str, Any] = dict.fromkeys(OPERATORS, "operator")
    return manifest(
        "operators_query", parties | {"bank": ("bank", data())}, {"list": "sims", "answer": answer} | more
    )


def _singles(told: Manifest, folder: Path) -> list[float]:
    def bank(link: Link) -> list[float]:
        with Asker(job(told, "bank", None, folder), link) as asker:
            return [_timed(lambda n=n: asker.ask([f"g{n}"])) for n in range(SINGLES)]

    def operator(name: str) -> Callable[[Link], Any]:
        own = job(told, name, None, folder)
        return lambda link: answer_all(own, link)

    return list(play({"bank": bank} | {name: operator(name) for name in OPERATORS})["bank"])


def _timed(work: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - begin)


def _median(what: str, taken: list[float]) -> str:
    return f"| {what} | {statistics.median(taken):.1f} |"


def _scores(folder: Path) -> list[str]:
    size = int(os.environ.get("BENCH_PRIVACY_SCORES", "5000"))
    lines = [
        f"Joint scores, {size:,} subjects in a batch; 501 points at the bank, 301 at each holder.",
        "",
        "| what | CPU-ms: busiest holder | CPU-ms: bank | bytes sent by all |",
        "|---|---|---|---|",
    ]
    single = ["", "| one subject at a time | median ms |", "|---|---|"]
    for holders in (("tax",), ("tax", "power")):
        tables = _subjects(size, ("bank", *holders))
        keep_parts(tables, folder / "state")
        for params in ({"answer": "points"}, GRADES):
            parties = {"bank": ("bank", data("income"))}
            parties |= {name: ("holder", data(CARDS[name].names[0])) for name in holders}
            told = manifest("joint_score", parties, {"model": MODEL} | params)
            found = _run(JOINT_SCORE, told, tables, folder)
            wanted = JOINT_SCORE.plain(told, tables)["bank"].table
            assert found.results["bank"].table.equals(wanted)
            what = f"{params['answer']}, {len(holders)} holder(s)"
            lines.append(found.row(what, size))
            single.append(_median(f"score: {what}", _single_scores(told, tables, folder)))
    return lines + single


def _subjects(size: int, names: tuple[str, ...]) -> dict[str, pa.Table]:
    random, keys = np.random.default_rng(8), [f"g{n}" for n in range(size)]
    told = {}
    for name in names:
        part = ModelPart(model=MODEL, party=name, parties=names, rows=size, card=CARDS[name])
        table = pa.table({"id": keys, CARDS[name].names[0]: random.uniform(0, 30, size)})
        told[name] = table.replace_schema_metadata({"model_part": part.model_dump_json()})
    return told


def _single_scores(told: Manifest, tables: Mapping[str, pa.Table], folder: Path) -> list[float]:
    def bank(link: Link) -> list[float]:
        own = job(told, "bank", tables["bank"], folder)
        with Scorer(own, link, ModelPart.load(own.state, MODEL, "bank")) as scorer:
            rows = [tables["bank"].slice(n, 1) for n in range(SINGLES)]
            return [_timed(lambda row=row: scorer.score(row)) for row in rows]

    def holder(name: str) -> Callable[[Link], Any]:
        own = job(told, name, tables[name], folder)
        return lambda link: JOINT_SCORE.run(own, link)

    others = {party.name: holder(party.name) for party in told.having("holder")}
    return list(play({"bank": bank} | others)["bank"])
