"""All measurements in one run, side by side.

BENCH_ONLY names some of the ``SECTIONS``, by comma.
Environment besides what the sections name: BENCH_DIR (a temporary folder, removed; a named one is
kept and what was generated there used again), BENCH_RESULTS (a file of Markdown whose sections that
ran are replaced, the others kept).
"""

from __future__ import annotations

import os
import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import (
    cards,
    day_end,
    decisions,
    graphs,
    invoices,
    matching,
    models,
    portals,
    privacy_city,
    privacy_intersection,
    privacy_list,
    privacy_lookup,
    privacy_models,
    privacy_network,
    privacy_trees,
    privacy_value,
    schedules,
    warning,
)
from benchmarks.machine import describe

SECTIONS = {
    "invoices": ("Invoices to indicators", invoices.section),
    "decisions": ("Decisions", decisions.section),
    "scoring": ("Fitting and scoring", cards.section),
    "models": ("Models on public sets", models.section),
    "graph": ("Graphs", graphs.section),
    "matching": ("Matching firms with products", matching.section),
    "schedules": ("Loan schedules", schedules.section),
    "warning": ("Early warning after the loan", warning.section),
    "platform": ("The platform under load", portals.section),
    "day_end": ("Day-end of many loans", day_end.section),
    "intersection": ("Private set intersection", privacy_intersection.section),
    "lookup": ("Private look-up and secure sums", privacy_lookup.section),
    "operators_list": ("Lists over operators and joint scores", privacy_list.section),
    "privacy_models": ("Joint scorecards", privacy_models.section),
    "privacy_trees": ("Joint WOE and trees", privacy_trees.section),
    "privacy_city": ("Joint computing beside plain", privacy_city.section),
    "privacy_value": ("Data value against known lifts", privacy_value.section),
    "privacy_network": ("Joint computing on a slow line", privacy_network.section),
}
TITLE = "# Measured side by side"


def main() -> None:
    chosen = os.environ.get("BENCH_ONLY", ",".join(SECTIONS)).split(",")
    if unknown := set(chosen) - set(SECTIONS):
        message = f"BENCH_ONLY: {', '.join(sorted(unknown))}? {', '.join(SECTIONS)}"
        raise SystemExit(message)
    target = os.environ.get("BENCH_RESULTS")
    with tempfile.TemporaryDirectory(prefix="xinqiao-bench-") as temporary:
        folder = Path(os.environ.get("BENCH_DIR", temporary))
        folder.mkdir(parents=True, exist_ok=True)
        for name in SECTIONS:
            if name in chosen:
                text = run(name, folder)
                if target:  # at once: a later section may fail or be stopped
                    keep(Path(target), {name: text})


def run(name: str, folder: Path) -> str:
    """Run a section; its Markdown, which is printed too."""
    title, section = SECTIONS[name]
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    machine = describe()
    print(f"\n## {title}", *machine, sep="\n", flush=True)
    text = "\n".join([f"## {title}", "", f"{day}; " + "  \n".join(machine), "", *section(folder), ""])
    print("\n" + text, flush=True)
    return text


def keep(path: Path, found: dict[str, str]) -> None:
    """Put the sections that ran into ``path``, in order, and leave the others as they are."""
    before = path.read_text("utf-8") if path.exists() else ""
    parts = {part.partition("\n")[0].removeprefix("## "): part for part in re.split(r"\n(?=## )", before)[1:]}
    parts |= {SECTIONS[name][0]: text for name, text in found.items()}
    ordered = [parts[title].strip() for title, _ in SECTIONS.values() if title in parts]
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text("\n\n".join([TITLE, *ordered]) + "\n", encoding="utf-8")
    partial.replace(path)


if __name__ == "__main__":
    main()
