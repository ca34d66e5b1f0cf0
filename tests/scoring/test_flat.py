from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from xinqiao.kernel.errors import UserError
from xinqiao.scoring.columns import is_text
from xinqiao.scoring.flat import Flat, read_flat

ROWS = 60


def _frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "id": np.arange(ROWS) + 1000,
            "amount": rng.integers(1, 30, ROWS) * 100,
            "trade": rng.choice(["零售", "food, drinks", 'said "x"'], ROWS),
            "one": "same",
            "name": [f"firm {i}" for i in range(ROWS)],
            "day": pd.date_range("2020-01-30", periods=ROWS).strftime("%Y-%m-%d"),
            "y": np.where(np.arange(ROWS) % 4 == 0, "late", "paid"),
        }
    )


def _read(folder: Path, data: bytes, name: str = "t.csv", **more: object) -> Flat:
    path = folder / name
    path.write_bytes(data)
    return read_flat(path, **{"target": "y", **more})  # type: ignore[arg-type]  # options as a mapping


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_every_encoding_and_separator_reads_the_same(tmp_path: Path, encoding: str, separator: str) -> None:
    flat = _read(tmp_path, _frame().to_csv(index=False, sep=separator).encode(encoding))
    assert flat.columns.names == ("amount", "trade", "day")
    assert flat.positive == "late"
    assert flat.bad.sum() == ROWS / 4
    assert set(flat.columns.column("trade")) == {"零售", "food, drinks", 'said "x"'}
    np.testing.assert_array_equal(flat.columns.column("amount"), _frame()["amount"])
    assert np.diff(flat.columns.column("day")).tolist() == [1.0] * (ROWS - 1)
    said = " ".join(n.en for n in flat.notes)
    for words in ("id left out", "one left out", "name left out", "day: dates", "rarer value late"):
        assert words in said


def test_packed_files_are_read(tmp_path: Path) -> None:
    data = _frame().to_csv(index=False).encode()
    wanted = _read(tmp_path, data).columns.column("amount")
    packed = _read(tmp_path, gzip.compress(data), "t.csv.gz")
    np.testing.assert_array_equal(packed.columns.column("amount"), wanted)
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("inside.csv", data)
    np.testing.assert_array_equal(read_flat(tmp_path / "t.zip", "y").columns.column("amount"), wanted)


@pytest.mark.parametrize("word", ["", "NA", "NaN", "null", "?", "-", " n/a "])
def test_missing_is_missing_however_it_is_spelt(tmp_path: Path, word: str) -> None:
    lines = [
        f"{word if i % 3 == 0 else i % 7},{word if i % 5 == 0 else 'a' if i % 2 else 'b'},{i % 2}"
        for i in range(80)
    ]
    flat = _read(tmp_path, "\n".join(["x,t,y", *lines]).encode(), positive="1")
    assert np.isnan(flat.columns.column("x")).sum() == 27
    assert sum(v is None for v in flat.columns.column("t")) == 16


@pytest.mark.parametrize(
    ("written", "value"),
    [("1,234", 1234.0), ("12.5%", 12.5), ("¥3,000", 3000.0), ("1e3", 1000.0), ("inf", np.nan)],
)
def test_numbers_as_people_write_them(tmp_path: Path, written: str, value: float) -> None:
    lines = [f'"{written}",{i % 2}' if i == 5 else f'"{i % 9}",{i % 2}' for i in range(60)]
    flat = _read(tmp_path, "\n".join(["x,y", *lines]).encode(), positive="1")
    np.testing.assert_equal(
        flat.columns.column("x")[5], np.nan if written in {"¥3,000", "12.5%", "1,234"} else value
    )
    every = [f'"{written}",{i % 2}' if i % 2 else f'"{i % 9}",{i % 2}' for i in range(60)]
    both = _read(tmp_path, "\n".join(["x,y", *every]).encode(), positive="1")
    assert not is_text(both.columns.column("x"))
    np.testing.assert_equal(both.columns.column("x")[5], value)


def test_decimal_commas(tmp_path: Path) -> None:
    lines = [f"{i % 9},5;{i % 2}" for i in range(60)]
    flat = _read(tmp_path, "\n".join(["x;y", *lines]).encode(), positive="1")
    assert flat.columns.column("x")[3] == 3.5


def test_repeated_and_empty_names_are_told_apart(tmp_path: Path) -> None:
    lines = [f"{i % 5},{i % 7},{i % 3},{i % 2}" for i in range(60)]
    flat = _read(tmp_path, "\n".join(["a,a,,y", *lines]).encode(), positive="1")
    assert flat.columns.names == ("a", "a.2", "unnamed 3")
    assert any("repeated" in n.en for n in flat.notes)


def test_a_column_that_is_the_target_again_is_left_out(tmp_path: Path) -> None:
    frame = _frame().assign(again=lambda f: f["y"].map({"late": 1, "paid": 0}))
    flat = _read(tmp_path, frame.to_csv(index=False).encode())
    assert "again" not in flat.columns.names


def test_only_the_commonest_of_many_texts_stay(tmp_path: Path) -> None:
    lines = [f"t{i % 150},{i % 2}" for i in range(600)]
    flat = _read(tmp_path, "\n".join(["x,y", *lines]).encode(), positive="1")
    assert len(set(flat.columns.column("x"))) == 101


def test_one_value_against_the_rest_when_it_is_named(tmp_path: Path) -> None:
    lines = [f"{i % 7},{'abc'[i % 3]}" for i in range(60)]
    data = "\n".join(["x,y", *lines]).encode()
    assert _read(tmp_path, data, positive="b").bad.sum() == 20
    with pytest.raises(UserError, match="FLT-TARGET"):
        _read(tmp_path, data)
    with pytest.raises(UserError, match="FLT-POSITIVE"):
        _read(tmp_path, data, positive="z")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "FLT-FORMAT"),
        (b"x,y\n1,0\n", "FLT-FORMAT"),
        (b"x\n" + b"1\n" * 40, "FLT-FORMAT"),
        (b"x,z\n" + b"1,2\n2,1\n" * 40, "FLT-COLUMN"),
        (b"x,y\n" + b"1,2\n1,1\n" * 40, "FLT-NOTHING"),
        (b"x,y\n" + b"1,2\n2,2\n" * 40, "FLT-TARGET"),
        (b"\x1f\x8bno gzip", "FLT-FILE"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, data: bytes, code: str) -> None:
    with pytest.raises(UserError, match=code):
        _read(tmp_path, data)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="FLT-FILE"):
        read_flat(tmp_path / "none.csv", "y")


def test_rows_without_a_target_are_left_out(tmp_path: Path) -> None:
    lines = [f"{i % 7},{'' if i % 10 == 0 else i % 2}" for i in range(60)]
    assert len(_read(tmp_path, "\n".join(["x,y", *lines]).encode(), positive="1").bad) == 54


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (["3,66", "-2.449,31", "0,5", "12.345.678,9"], [3.66, -2449.31, 0.5, 12345678.9]),
        (["0,1234", "-1,2", "895,8474", "7"], [0.1234, -1.2, 895.8474, 7.0]),
        (["308,172", "-499341,936", "4,006", "1,5"], [308.172, -499341.936, 4.006, 1.5]),
        (["12.345.678", "1.234", "999", "2.609"], [12345678.0, 1234.0, 999.0, 2609.0]),
        (["1,234", "12,345,678.5", "$ 7", "-999.25"], [1234.0, 12345678.5, 7.0, -999.25]),
        (["1.234.567"] + ["1.234", "999", "2.609"] * 13, [1234567.0] + [1234.0, 999.0, 2609.0] * 13),
        (["12,34,567", "1,23,456", "5,00,000", "8"], [1234567.0, 123456.0, 500000.0, 8.0]),
        (["1,234", "4,006", "999", "5"], [1234.0, 4006.0, 999.0, 5.0]),
    ],
)
def test_numbers_are_read_as_they_are_written(tmp_path: Path, written: list[str], read: list[float]) -> None:
    lines = [f"{written[i % len(read)]};{int(i % 3 == 0)}" for i in range(ROWS)]
    flat = _read(tmp_path, "\n".join(["x;y", *lines]).encode())
    assert flat.columns.column("x").tolist() == [read[i % len(read)] for i in range(ROWS)]


def test_a_target_of_plus_and_minus_has_two_values(tmp_path: Path) -> None:
    lines = [f"{i * i % 7},{'+-'[i % 3 == 0]}" for i in range(ROWS)]
    flat = _read(tmp_path, "\n".join(["x,y", *lines]).encode())
    assert (flat.positive, flat.bad.sum()) == ("-", ROWS / 3)


@pytest.mark.parametrize(("encoding", "end"), [("utf-16", "\r\n"), ("utf-8", "\r")])
def test_excel_texts_and_lines_that_end_in_a_return_alone_are_read(
    tmp_path: Path, encoding: str, end: str
) -> None:
    lines = [f"{i * i % 7}\t{'是' if i % 3 == 0 else '否'}" for i in range(ROWS)]
    flat = _read(tmp_path, end.join(["金额\ty", *lines]).encode(encoding))
    assert (flat.columns.names, flat.columns.rows, flat.positive) == (("金额",), ROWS, "是")


def test_a_column_name_may_hold_a_line_break(tmp_path: Path) -> None:
    lines = [f"{i * i % 7};{int(i % 3 == 0)}" for i in range(ROWS)]
    flat = _read(tmp_path, "\n".join(['"amount\nof, the, loan";y', *lines]).encode())
    assert flat.columns.names == ("amount\nof, the, loan",)
    assert flat.columns.rows == ROWS


def test_words_for_missing_leave_a_number_a_number(tmp_path: Path) -> None:
    lines = [f"{'None' if i % 5 == 0 else i * i % 47},{'none' if i % 3 else 'late'}" for i in range(ROWS)]
    flat = _read(tmp_path, "\n".join(["x,y", *lines]).encode())
    assert np.isnan(flat.columns.column("x")).sum() == ROWS / 5
    assert flat.positive == "late"
