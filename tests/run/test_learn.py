from __future__ import annotations

import shutil
from pathlib import Path

import openpyxl
import pytest

from tests.cli.small import COMPANIES, FOLDS, REPEATS, Small, job
from xinqiao.run import learn
from xinqiao.scoring.model import Model

NOBODY = {f"C{n:06}" for n in range(1, 41)}  # their credit records are taken out


def test_companies_without_outcome_are_learned_from_only_when_the_settings_say_how(
    region: Small, tmp_path: Path
) -> None:
    mapping = tmp_path / "m.yaml"
    text = region.mapping.read_text("utf-8")
    mapping.write_text(text.replace("run: {}\n", "run: {reject_odds: 2.0}\n"), "utf-8")
    data = tmp_path / "data"
    shutil.copytree(region.data, data)
    book = openpyxl.load_workbook(data / "credit.xlsx")
    for row in reversed(list(book.active.iter_rows(min_row=2))):
        if row[0].value in NOBODY:
            book.active.delete_rows(row[0].row)
    book.save(data / "credit.xlsx")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learn, "FOLDS", FOLDS)
        patch.setattr(learn, "REPEATS", REPEATS)
        work = job(data, mapping, tmp_path / "out")
        work.ingest()
        work.indicators()
        work.model()
    origin = Model.from_json((tmp_path / "out" / "model" / "model.json").read_bytes()).card.provenance
    assert origin.fitter == "woe-logistic+reject-inference"
    assert origin.settings["rejected_odds"] == 2.0
    assert origin.settings["rejected_rows"] == COMPANIES - origin.rows
    assert origin.rows == COMPANIES - len(NOBODY)
