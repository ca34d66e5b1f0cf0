from __future__ import annotations

import gzip
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.source.conftest import (
    HEADER,
    MAPPING,
    ROW,
    SMALL,
    Write,
    ingest_into,
    quarantine_of,
    rows_of,
    small_mapping,
    tree_of,
)
from xinqiao.kernel.errors import UserError
from xinqiao.source.ingest import ingest_file, ingest_folder
from xinqiao.source.lake import Lake
from xinqiao.source.mapping import load_mapping, parse_mapping

DIRTY = [
    "E1,101,2018-02-01,A1,-100.00,13.00,-87.00,有效发票",  # adds up
    "E1,102,2018-02-01,A1,-100.00,13.00,-113.00,有效发票",  # the tax's sign is lost: repaired
    "E1,103,2018-02-01,A1,100.00,13.00,999.00,有效发票",  # does not add up: quarantined
    "E1,104,2018-02-01,A1,0,0,0,有效发票",  # zero yet valid: flagged
    "E1,105,2018-02-01,A1,0,0,0, 作废发票",  # blank trimmed
    "E1,106,2018-02-30,A1,1,0,1,有效发票",  # no such day
    ",107,2019-02-01,A1,x,0,1,草稿",  # three faults, one row
    'E1,108,2019-02-01,"A\n2","1,234.50",0,1234.5,有效发票',  # control character in an id
    'E1,109,2019-02-01,"A2","1,234.50",0,1234.5,有效发票',  # thousands
    "E1,110",  # ragged
]


def test_every_row_is_kept_repaired_flagged_or_quarantined_and_named(write: Write, tmp_path: Path) -> None:
    found = ingest_into(write("a.csv", [ROW, *DIRTY]), tmp_path / "lake").manifest
    assert (found.read, found.kept, found.repaired, found.flagged, found.quarantined) == (11, 6, 3, 1, 5)
    assert [(c.rule, c.field, c.rows) for c in found.repairs] == [
        ("blank_trimmed", "status", 1),
        ("thousands", "amount_cents", 1),
        ("total_is_sum", "tax_cents", 1),
    ]
    assert [(c.rule, c.rows) for c in found.flags] == [("zero_is_void", 1)]
    assert quarantine_of(tmp_path / "lake") == [
        (5, "", "total_is_sum"),
        (8, "开票日期", "not_a_date"),
        (9, "企业代号", "missing"),
        (9, "发票状态", "enum_unknown"),
        (9, "金额", "not_a_number"),
        (10, "对手", "control_characters"),
        (13, "", "ragged"),
    ]
    observed = {c.rule: c.rows for c in found.observations}
    assert observed == {"red_letter": 2, "void": 1, "zero_and_void": 1}
    assert all(c.name.zh and c.name.en for c in (*found.repairs, *found.faults, *found.observations))


def test_rows_land_typed_in_their_partition(write: Write, tmp_path: Path) -> None:
    ingest_into(write("a.csv", [ROW, ROW.replace("2018", "2019")]), tmp_path / "lake")
    paths = [
        str(p.relative_to(tmp_path / "lake" / "data").parent)
        for p in Lake(tmp_path / "lake").files("invoice")
    ]
    assert paths == ["invoice/direction=input/year=2018", "invoice/direction=input/year=2019"]
    row = rows_of(tmp_path / "lake").row(0, named=True)
    assert row["amount_cents"] == 10_000
    assert row["issued_on"] == row["known_on"] == date(2018, 1, 31)
    assert (row["status"], row["direction"], row["goods_code"], row["_line"]) == ("valid", "input", None, 2)
    assert Lake(tmp_path / "lake").fields("invoice") == set(small_mapping().files[0].fields)


def test_repeated_numbers_are_observed_and_never_merged(write: Write, tmp_path: Path) -> None:
    other = ROW.replace("100,", "999,", 1)
    found = ingest_into(write("a.csv", [ROW, ROW, other, ROW]), tmp_path / "lake").manifest
    assert found.kept == rows_of(tmp_path / "lake").height == 4
    assert {c.rule: c.rows for c in found.observations}["number_repeats"] == 3


def test_the_same_file_again_changes_no_byte(write: Write, tmp_path: Path) -> None:
    path = write("a.csv", [ROW, *DIRTY])
    assert not ingest_into(path, tmp_path / "lake").already
    before = tree_of(tmp_path / "lake")
    assert ingest_into(path, tmp_path / "lake").already
    packed = tmp_path / "again.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert ingest_into(packed, tmp_path / "lake").already  # the content counts, not the wrapping
    assert tree_of(tmp_path / "lake") == before


def test_another_mapping_takes_the_place_of_the_old_rows(write: Write, tmp_path: Path) -> None:
    path, lake = write("a.csv", [ROW, *DIRTY]), Lake(tmp_path / "lake")
    ingest_into(path, lake.root)
    changed = MAPPING.replace("作废发票: void", "作废发票: void, 草稿: void")
    entry = parse_mapping(changed, "m").files[0]
    ingest_file(path, entry, lake, limits=SMALL)
    assert len(lake.manifests("invoice")) == 1
    assert rows_of(lake.root).height == 6
    ingest_file(path, entry, Lake(tmp_path / "fresh"), limits=SMALL)
    assert tree_of(tmp_path / "fresh") == tree_of(lake.root)


def test_csv_gzip_xlsx_and_parquet_give_the_same_rows(write: Write, tmp_path: Path) -> None:
    plain = write("a.csv", [ROW, *DIRTY[:7]])
    rows = [line.split(",") for line in plain.read_text("utf-8").splitlines()]
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    pl.DataFrame(rows[1:], schema=rows[0], orient="row").write_parquet(tmp_path / "a.parquet")
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr] # a new workbook has an active sheet
    book.save(tmp_path / "a.xlsx")
    frames = []
    for name in ("a.csv", "a.csv.gz", "a.xlsx", "a.parquet"):
        ingest_into(tmp_path / name, tmp_path / f"lake-{name}")
        frames.append(rows_of(tmp_path / f"lake-{name}").drop("_line"))
    assert frames[0].height == 5
    assert all(frame.equals(frames[0]) for frame in frames)


def test_typed_cells_of_sheets_and_parquet(tmp_path: Path) -> None:
    values = ["E1", 100, date(2018, 1, 31), "A1", 943.4, 56.6, 1000.0, "有效发票"]
    book = openpyxl.Workbook()
    book.active.append(HEADER.split(","))  # type: ignore[union-attr] # a new workbook has an active sheet
    book.active.append(values)  # type: ignore[union-attr] # as above
    book.save(tmp_path / "a.xlsx")
    pl.DataFrame([values], schema=HEADER.split(","), orient="row").write_parquet(tmp_path / "a.parquet")
    (tmp_path / "a.csv").write_text(f"{HEADER}\nE1,100,2018-01-31,A1,943.4,56.6,1000.0,有效发票\n", "utf-8")
    frames = []
    for name in ("a.csv", "a.xlsx", "a.parquet"):
        found = ingest_into(tmp_path / name, tmp_path / f"lake-{name}").manifest
        assert (found.kept, found.repaired) == (1, 0)
        frames.append(rows_of(tmp_path / f"lake-{name}").drop("_line"))
    assert all(frame.equals(frames[0]) for frame in frames)


CELL = st.text(alphabet='aE19.-,"\n\r 有效发票中\t', max_size=8)
LINE = st.sampled_from([ROW, *DIRTY]) | st.lists(CELL, max_size=9).map(",".join)


@settings(max_examples=60, deadline=None)
@given(lines=st.lists(LINE, max_size=30), size=st.integers(1, 400))
def test_nothing_is_lost_and_blocks_do_not_show(
    lines: list[str], size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("dirty")
    path = folder / "a.csv"
    path.write_bytes("\n".join([HEADER, *lines]).encode())
    whole = ingest_into(path, folder / "whole").manifest
    assert whole.kept + whole.quarantined == whole.read
    assert whole.kept == rows_of(folder / "whole").height
    assert whole.quarantined == len({line for line, _, _ in quarantine_of(folder / "whole")})
    parts = ingest_into(path, folder / "parts", replace(SMALL, block_bytes=size)).manifest
    assert parts == whole
    assert rows_of(folder / "parts").equals(rows_of(folder / "whole"))
    assert quarantine_of(folder / "parts") == quarantine_of(folder / "whole")


KILLED = """
import sys
from pathlib import Path
from tests.source.conftest import ingest_into
print("go", flush=True)
ingest_into(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.mark.slow
def test_killed_at_any_moment_and_run_again_is_as_if_never_killed(write: Write, tmp_path: Path) -> None:
    years = [
        ROW.replace("2018", str(year)).replace("100,", f"{i},", 1)
        for i in range(20_000)
        for year in (2016, 2020)
    ]
    path = write("a.csv", [*years, *DIRTY])
    start = time.monotonic()
    ingest_into(path, tmp_path / "whole")
    length = time.monotonic() - start
    wanted, dice = tree_of(tmp_path / "whole"), random.Random(7)  # noqa: S311 - when to kill is no secret
    for attempt in range(6):
        root = tmp_path / f"killed{attempt}"
        command = [sys.executable, "-c", KILLED, str(path), str(root)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(dice.uniform(0, 1.5 * length))
            process.send_signal(signal.SIGKILL)
        ingest_into(path, root)
        assert tree_of(root) == wanted


def test_killed_between_the_moves_and_the_manifest(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("a.csv", [ROW, *DIRTY])
    ingest_into(path, tmp_path / "whole")

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "commit", die)
        with pytest.raises(KeyboardInterrupt):
            ingest_into(path, tmp_path / "lake")
    assert Lake(tmp_path / "lake").files("invoice") == []  # data without a manifest does not count
    with Lake(tmp_path / "lake").writing():
        assert tree_of(tmp_path / "lake") == {}  # and is swept away
    ingest_into(path, tmp_path / "lake")
    assert tree_of(tmp_path / "lake") == tree_of(tmp_path / "whole")


def test_only_one_writes_at_a_time(write: Write, tmp_path: Path) -> None:
    path = write("a.csv", [ROW])
    with Lake(tmp_path / "lake").writing(), pytest.raises(UserError, match="SRC-LOCKED"):
        ingest_into(path, tmp_path / "lake")


def test_a_damaged_manifest_is_named(write: Write, tmp_path: Path) -> None:
    ingest_into(write("a.csv", [ROW]), tmp_path / "lake")
    path = next((tmp_path / "lake" / "manifests").rglob("*.json"))
    path.write_text("{", "utf-8")
    with pytest.raises(UserError, match=f"SRC-LAKE.*{path.name}"):
        Lake(tmp_path / "lake").files("invoice")


def test_an_empty_lake_has_nothing(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "none")
    assert (lake.files("invoice"), lake.fields("invoice"), lake.manifests("invoice")) == ([], frozenset(), [])


def test_a_folder_lacking_a_file_is_refused(tmp_path: Path) -> None:
    mapping = parse_mapping(MAPPING.replace('match: "*"', "match: sales*.csv"), "m")
    with pytest.raises(UserError, match=r"SRC-NO-FILE.*sales\*\.csv"):
        ingest_folder(tmp_path, mapping, Lake(tmp_path / "lake"))
    with pytest.raises(UserError, match="SRC-NOT-A-FILE"):
        ingest_folder(tmp_path / "none", mapping, Lake(tmp_path / "lake"))


def test_progress_ends_at_all_the_work(write: Write, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    path = write("a.csv", [ROW] * 10)
    ingest_file(path, small_mapping().files[0], Lake(tmp_path / "lake"), lambda *step: seen.append(step))
    assert seen[-1] == ("进项", 2 * path.stat().st_size, 2 * path.stat().st_size)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


@pytest.mark.real_data
def test_the_contest_data_is_read_in_full_and_its_traps_are_named(cumcm: Path, tmp_path: Path) -> None:
    mapping = load_mapping(Path(__file__).parent.parent / "mappings" / "cumcm2020c.yaml")
    report = ingest_folder(cumcm, mapping, Lake(tmp_path / "lake"))
    read = {f.manifest.label: f.manifest.read for f in report.files if f.manifest.contract == "invoice"}
    assert read == {"a1 进项": 210_947, "a1 销项": 162_484, "a2 进项": 395_175, "a2 销项": 330_835}
    assert all(f.manifest.kept + f.manifest.quarantined == f.manifest.read for f in report.files)
    rules: dict[tuple[str, str], int] = {}
    for _, _, count in report.traps():
        rules[count.rule, count.field] = rules.get((count.rule, count.field), 0) + count.rows
    assert rules["blank_trimmed", "status"] == 95
    assert rules["total_is_sum", "tax_cents"] == 5
    assert ("zero_is_void", "") not in rules  # all zero amounts are void
    assert rules["zero_and_void", ""] > 0
    assert rules["red_letter", ""] > 0
    assert rules["number_repeats", ""] > 0
    lake = Lake(tmp_path / "lake")
    assert rows_of(lake.root, "registry").height == 425
    assert rows_of(lake.root, "credit").get_column("defaulted").sum() == 27
    assert not any(name.endswith(" ") for name in rows_of(lake.root, "registry")["name"])
    assert all(f.already for f in ingest_folder(cumcm, mapping, lake).files)


def test_a_lost_or_cut_data_file_is_made_again(write: Write, tmp_path: Path) -> None:
    source, lake = write("a.csv", [ROW, *DIRTY]), tmp_path / "lake"
    ingest_into(source, lake)
    whole = tree_of(lake)
    first = Lake(lake).files("invoice")[0]
    for damage in (first.unlink, lambda: first.write_bytes(b"cut")):
        damage()
        assert not ingest_into(source, lake).already
        assert tree_of(lake) == whole
