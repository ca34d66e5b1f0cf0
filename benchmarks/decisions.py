"""Decisions with their trace: ours, zen-engine, Drools; many at once; a long table; many products.

``python -m benchmarks.decisions equal|ours|zen|drools|batch|table|products FOLDER ROWS``; figures go
to ``FOLDER/NAME-ROWS.json``, CPU seconds of the process. The policy is ``small_firm_credit``, the
cases are generated on its edges, a tenth of the values of half of them missing.
"""

# ruff: noqa: PLC0415 - each job pays for its own imports only
from __future__ import annotations

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from tests.peers.cases import Plain, plain_cases

from benchmarks.figures import Figures, cpu, read, write
from benchmarks.measure import ONE_THREAD, measure
from xinqiao.city.cases import generate_cases
from xinqiao.policy.batch import decide_batch
from xinqiao.policy.case import read_inputs
from xinqiao.policy.compiled import Policy, compile_policy
from xinqiao.policy.evaluate import decide_inputs, decide_json
from xinqiao.policy.frame import read_frame
from xinqiao.policy.load import load_policy

SEED = 20260101
ONE_BY_ONE = 20_000
"""Cases that are decided one by one when speed is measured."""
PRODUCTS = 40
LONG_TABLE = 16_000


def shipped() -> Policy:
    return load_policy("small_firm_credit")


def drawn(policy: Policy, rows: int) -> list[Plain]:
    """Generated cases, as plain values and missing reasons."""
    return plain_cases(policy, generate_cases(policy, rows, SEED))


def equal(folder: Path, rows: int) -> Figures:
    """Four engines on ``rows`` cases: how many they decide otherwise than one by one."""
    from tests.peers.cases import differences, generated_cases, line_of_decision, lines_of_batch
    from tests.peers.drools import Drools
    from tests.peers.zen import ZenPolicy

    policy = shipped()
    cases = generated_cases(policy, rows, SEED)
    ours = [line_of_decision(decide_inputs(policy, inputs)) for inputs in cases.inputs]
    zen = ZenPolicy(policy)
    (folder / "java").mkdir(exist_ok=True)
    others = {
        "batch": lines_of_batch(policy, cases.table),
        "zen": [zen.decide(inputs) for inputs in cases.inputs],
        "drools": Drools(policy, folder / "java").decide(cases.inputs),
    }
    found = {name: differences(cases, lines, ours) for name, lines in others.items()}
    for name, each in found.items():
        print(f"  {name}: {rows:,} cases, {len(each)} decided otherwise", *each[:3], sep="\n    ")
    assert not any(found.values())
    return {name: float(len(each)) for name, each in found.items()}


def ours(_folder: Path, rows: int) -> Figures:
    policy = shipped()
    cases = drawn(policy, min(rows, ONE_BY_ONE))
    inputs = [read_inputs(policy, *case) for case in cases]
    complete = [case for case in cases if not read_inputs(policy, *case).reasons]

    def each(chosen: list[Plain]) -> float:
        return cpu(lambda: [decide_json(policy, read_inputs(policy, *c)) for c in chosen]) / len(chosen)

    return {
        "each_s": each(cases),
        "read_s": cpu(lambda: [decide_json(policy, case) for case in inputs]) / len(cases),
        "complete_s": each(complete),
    }


def zen(_folder: Path, rows: int) -> Figures:
    """Static loader; told our rule for missing values with trace, and word by word with and without."""
    from tests.peers.zen import ZenPolicy, context

    policy = shipped()
    known = [read_inputs(policy, *case) for case in drawn(policy, min(rows, ONE_BY_ONE))]
    complete = [inputs for inputs in known if not inputs.reasons]
    figures: Figures = {}
    for name, told, trace, chosen in (
        ("each_s", True, True, known),
        ("complete_s", False, True, complete),
        ("silent_s", False, False, complete),
    ):
        engine = ZenPolicy(policy, exact=False, told=told)
        figures[name] = _zen_each(
            engine, [context(policy, inputs, exact=False) for inputs in chosen], trace=trace
        )
    return figures


def _zen_each(engine: Any, cases: list[dict[str, Any]], *, trace: bool) -> float:  # noqa: ANN401 - the peer may be absent
    return cpu(lambda: [engine.evaluate(case, trace=trace) for case in cases]) / len(cases)


def drools(folder: Path, rows: int) -> Figures:
    """A running JVM, one session used again and again; its own threads (compiler, collector) count."""
    from tests.peers.drools import Drools

    policy = shipped()
    (folder / "java").mkdir(exist_ok=True)
    cases = [read_inputs(policy, *case) for case in drawn(policy, min(rows, ONE_BY_ONE))]
    return {"each_s": float(Drools(policy, folder / "java").decide(cases, "bench", "4")[0])}


def batch(folder: Path, rows: int) -> Figures:
    """Columns in memory to columns in memory; the floor reads every input once and writes the results."""
    policy = shipped()
    path = folder / f"cases-{rows}.parquet"
    if not path.exists():
        pq.write_table(generate_cases(policy, rows, SEED), path)
    frame = read_frame(policy, pq.read_table(path))
    words = {"text", "grade", "date"}
    columns = {
        name: column.combine_chunks().dictionary_encode()
        if policy.file.inputs[name].type in words
        else column.to_numpy()
        for name, column in frame.columns.items()
    }
    reasons = {name: column.combine_chunks().dictionary_encode() for name, column in frame.missing.items()}
    numbers = [column for column in columns.values() if isinstance(column, np.ndarray)]
    outputs: list[NDArray[Any]] = [np.empty(rows), np.empty(rows), np.empty(rows, np.uint8)]

    def floor() -> None:
        for column in numbers:
            column.sum()
        for output in outputs:
            output.fill(0)

    def from_file() -> None:
        cases = read_frame(policy, pq.read_table(path))
        decide_batch(policy, cases.columns, cases.missing).to_arrow()

    decided = decide_batch(policy, columns, reasons)
    return {
        "rows_s": rows / cpu(lambda: decide_batch(policy, columns, reasons)),
        "floor_rows_s": rows / cpu(floor),
        "file_rows_s": rows / cpu(from_file, most=2),
        "alone": decided.exact_rows / rows,
    }


def long_table(rows: int) -> Policy:
    """The shipped policy with a first table of ``rows`` rows: grade, sales in fine steps, variation."""
    head, rest = shipped().text.split("    rows:\n", 1)
    _, rest = rest.split("  - id: spread", 1)
    head = head.replace("inputs: [评级, 开票波动]", "inputs: [评级, 年开票额, 开票波动]")
    grades, lines = 10, []
    steps = rows // (2 * grades)
    for grade in range(1, grades + 1):
        for i in range(steps):
            low, high = i * 40_000, (i + 1) * 40_000
            span = f">= {low}" if i + 1 == steps else f"[{low}..{high})"
            share = round(0.3 - grade * 0.02 + i % 7 / 1000, 4)
            lines += [
                f'      - [R{grade}, "{span}", "< 0.6", {share}]',
                f'      - [R{grade}, "{span}", "-", {share / 2:.4f}]',
            ]
    lines.append('      - ["-", "-", "-", 0]')
    return compile_policy(head + "    rows:\n" + "\n".join(lines) + "\n  - id: spread" + rest, "long.yaml")


def table(_folder: Path, rows: int) -> Figures:
    from tests.peers.zen import ZenPolicy, context

    policy = long_table(LONG_TABLE)
    cases = drawn(policy, min(rows, ONE_BY_ONE))
    complete = [read_inputs(policy, *case) for case in cases[:400] if not read_inputs(policy, *case).reasons]
    engine = ZenPolicy(policy, exact=False, told=False)
    peer = [context(policy, inputs, exact=False) for inputs in complete]
    return {
        "rows": float(sum(len(step.table.rows) for step in policy.steps if hasattr(step, "table"))),
        "each_s": cpu(lambda: [decide_json(policy, read_inputs(policy, *case)) for case in cases])
        / len(cases),
        "zen_s": _zen_each(engine, peer, trace=True),
    }


def products(_folder: Path, rows: int) -> Figures:
    """Forty policies, each with thresholds of its own, for one company after the other."""
    text = shipped().text
    policies = [
        compile_policy(
            text.replace("id: small_firm_credit", f"id: product_{i}", 1)
            .replace("作废率 > 0.4", f"作废率 > {0.3 + i / 400}")
            .replace("expr: 0.0385", f"expr: {0.03 + i / 4000}"),
            f"product{i}.yaml",
        )
        for i in range(PRODUCTS)
    ]
    cases = drawn(policies[0], min(rows, 200))
    for policy in policies:  # each is written out once, when it is first used
        decide_json(policy, read_inputs(policy, *cases[0]))
    return {
        "each_s": cpu(lambda: [decide_json(p, read_inputs(p, *case)) for case in cases for p in policies])
        / len(cases)
    }


def section(folder: Path) -> list[str]:
    """Section ``decisions``. Environment: BENCH_CASES, rows of the batch (1,000,000; compared: a tenth)."""
    if find_spec("zen") is None or find_spec("drools") is None or not shutil.which("javac"):
        return ["skipped: zen-engine, drools-jpy (extra peers) and a JDK are needed"]
    folder = folder / "decisions"
    folder.mkdir(exist_ok=True)
    rows = int(os.environ.get("BENCH_CASES", "1000000"))
    found: dict[str, Figures] = {}
    for job in JOBS:
        count = rows if job == "batch" else rows // 10
        measure(f"decisions: {job}", ["-m", "benchmarks.decisions", job, str(folder), str(count)], ONE_THREAD)
        found[job] = read(folder, job, count)
    return [
        f"Policy small_firm_credit. {rows // 10:,} generated cases decided one by one and by the others: "
        + ", ".join(f"{name} {count:.0f} differences" for name, count in found["equal"].items())
        + ".",
        "",
        *_speeds(found),
        "",
        *_others(found, rows),
    ]


def _speeds(found: dict[str, Figures]) -> list[str]:
    ours, zen, drools = found["ours"], found["zen"], found["drools"]
    rows = [
        ("ours: plain values in, JSON with the whole trace out", ours["each_s"], ours["each_s"]),
        ("ours: inputs already read", ours["read_s"], ours["each_s"]),
        (
            "zen-engine, static loader, trace on, told our rule for missing values",
            zen["each_s"],
            ours["each_s"],
        ),
        ("Drools, one session, JSON of values and fired rules", drools["each_s"], ours["each_s"]),
        ("ours, only cases without a missing value", ours["complete_s"], ours["complete_s"]),
        ("zen-engine word by word, the same cases, trace on", zen["complete_s"], ours["complete_s"]),
        ("zen-engine word by word, the same cases, no trace", zen["silent_s"], ours["complete_s"]),
    ]
    lines = [
        "| one by one | microseconds of CPU | decisions per CPU second | time / ours |",
        "|---|---|---|---|",
    ]
    return lines + [f"| {name} | {s * 1e6:.1f} | {1 / s:,.0f} | {s / base:.1f} |" for name, s, base in rows]


def _others(found: dict[str, Figures], rows: int) -> list[str]:
    batch, table, products = found["batch"], found["table"], found["products"]
    return [
        "| | |",
        "|---|---|",
        f"| {rows:,} cases in columns, rows per CPU second | {batch['rows_s']:,.0f} |",
        f"| the same, from a Parquet file to an Arrow table | {batch['file_rows_s']:,.0f} |",
        f"| floor: inputs read once, results written | {batch['floor_rows_s']:,.0f} |",
        f"| share of rows that had to be decided alone | {batch['alone']:.6f} |",
        f"| tables of {table['rows']:,.0f} rows, with trace, per CPU second | {1 / table['each_s']:,.0f} |",
        f"| the same in zen-engine word by word | {1 / table['zen_s']:,.0f} |",
        f"| {PRODUCTS} products for one company, milliseconds | {products['each_s'] * 1000:.2f} |",
    ]


JOBS = {job.__name__: job for job in (equal, ours, zen, drools, batch, table, products)}


def main() -> None:
    name, folder, rows = sys.argv[1:]
    write(Path(folder), name, int(rows), JOBS[name](Path(folder), int(rows)))


if __name__ == "__main__":
    main()
