"""Section ``models``: ``xinqiao benchmark table`` on four public credit sets of the folder XINQIAO_DATA."""

from __future__ import annotations

import gzip
import os
import shutil
import zipfile
from pathlib import Path

from benchmarks.measure import measure

SETS = {
    "hmeq/hmeq.csv": ["--target", "BAD"],
    "germancredit/germancredit.csv": ["--target", "creditability", "--positive", "bad"],
    "uci_credit_card/UCI_Credit_Card.csv.gz": ["--target", "default.payment.next.month", "--drop", "ID"],
    "gmsc/cs-training.csv.zip": ["--target", "SeriousDlqin2yrs"],
}


def section(folder: Path) -> list[str]:
    data = os.environ.get("XINQIAO_DATA")
    if not data:
        return ["skipped: XINQIAO_DATA is not set"]
    lines: list[str] = []
    for name, options in SETS.items():
        plain = _plain(Path(data) / name, folder)
        out = folder / f"table-{plain.stem}"
        command = ["benchmark", "table", "--csv", str(plain), *options, "--out", str(out)]
        measured = measure(plain.stem, ["-c", "from xinqiao.cli.main import main; main()", *command])
        lines += [f"**{plain.stem}**, CPU {measured.cpu:.0f} s", "", *_markdown(out / "table.csv"), ""]
    return lines


def _plain(path: Path, folder: Path) -> Path:
    """The CSV of ``path``, unpacked into ``folder`` where it is packed."""
    if path.suffix == ".gz":
        target = folder / path.stem
        with gzip.open(path) as packed, target.open("wb") as out:
            shutil.copyfileobj(packed, out)
        return target
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as packed:
            return Path(packed.extract(packed.namelist()[0], folder))
    return path


def _markdown(path: Path) -> list[str]:
    rows = [line.split(",") for line in path.read_text("utf-8").splitlines()]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [lines[0], "|---" * len(rows[0]) + "|", *lines[1:]]
