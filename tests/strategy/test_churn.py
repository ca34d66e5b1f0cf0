from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from xinqiao.kernel.errors import UserError
from xinqiao.policy.mandate import load_mandate
from xinqiao.strategy.churn import Churn, generated_churn, read_churn

MANDATE = load_mandate("small_firm_loan")
GOOD = "rate,A,B,C\n0.04,0,0,0\n0.08,0.5,0.4,0.3\n0.15,0.9,0.9,0.9\n"


def _csv(folder: Path, text: str) -> Path:
    path = folder / "churn.csv"
    path.write_text(text, "utf-8-sig")
    return path


def test_csv_and_workbook_read_the_same(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["贷款年利率", "客户流失率"])
    sheet.append([None, "信誉评级A", "信誉评级B", "信誉评级C"])
    for row in ((0.04, 0, 0, 0), (0.08, 0.5, 0.4, 0.3), (0.15, 0.9, 0.9, 0.9)):
        sheet.append(row)
    book.save(tmp_path / "churn.xlsx")
    first, second = read_churn(_csv(tmp_path, GOOD)), read_churn(tmp_path / "churn.xlsx")
    assert first.rates == second.rates == (Decimal("0.04"), Decimal("0.08"), Decimal("0.15"))
    assert (first.table == second.table).all()
    assert first.table.tolist()[1] == [0.0, 0.4, 0.9]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0.04,0,0,0\n0.08,0.5,0.4,0.3\n",  # no head
        "rate,A,B\n0.04,0,0\n0.08,1,1\n",  # C is missing
        "rate,A,B,C,A\n0.04,0,0,0,0\n0.08,0,0,0,0\n",  # A twice
        GOOD.replace("0.5", "1.5"),
        GOOD.replace("0.5", "nan"),
        GOOD.replace("0.5", ""),
        GOOD.replace("0.08", "0.04"),  # does not rise
        "rate,A,B,C\n0.04,0,0,0\n",  # one rate only
    ],
)
def test_faulty_tables_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UserError, match="STR-CHURN"):
        read_churn(_csv(tmp_path, text))


def test_the_line_of_a_fault_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"churn.csv:3"):
        read_churn(_csv(tmp_path, GOOD.replace("0.5", "high")))


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "bad.xlsx").write_bytes(b"no workbook")
    for path in (tmp_path / "absent.csv", tmp_path / "absent.xlsx", tmp_path / "bad.xlsx"):
        with pytest.raises(UserError, match="STR-FILE"):
            read_churn(path)


def test_only_rates_of_the_mandate_are_kept() -> None:
    rates = tuple(Decimal(n) / 100 for n in (3, 4, 10, 15, 16))
    kept = Churn(rates, np.zeros((3, 5))).within(MANDATE, "x")
    assert kept.rates == rates[1:4]
    assert kept.table.shape == (3, 3)
    with pytest.raises(UserError, match="STR-CHURN"):
        Churn(rates[:2], np.zeros((3, 2))).within(MANDATE, "x")


def test_the_smooth_curve_rises_starts_at_nothing_and_fits_its_own_kind() -> None:
    made = generated_churn()
    smooth = made.smooth()
    assert made.generated
    assert smooth.generated
    assert (smooth.table[:, 0] == 0).all()
    assert (np.diff(smooth.table, axis=1) > 0).all()
    assert np.abs(smooth.table - made.table).max() < 1e-4
    assert all(fit.r2 > 0.9999 and fit.falls == 0 for fit in made.fits())


@pytest.mark.real_data
def test_the_contests_table_falls_back_in_places_and_the_curve_does_not(real_data: Path) -> None:
    churn = read_churn(real_data / "cumcm2020c" / "churn_by_rate.xlsx").within(MANDATE, "x")
    assert len(churn.rates) == 29
    assert churn.rates[0] == Decimal("0.04")
    assert churn.table[0, 1] == 0.0945741262057566
    fits = churn.fits()
    assert [fit.falls for fit in fits] == [3, 2, 2]
    assert min(fit.r2 for fit in fits) > 0.997
    assert (np.diff(churn.smooth().table, axis=1) > 0).all()
