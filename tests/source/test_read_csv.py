from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.source.conftest import HEADER, ROW, SMALL, Write, ingest_into, quarantine_of, rows_of
from xinqiao.source.block import Limits
from xinqiao.source.read_csv import CsvReader
from xinqiao.source.scan import Opened, file_kind, guess_encoding, scan

WANTED = ("a", "b")


def read(path: Path, limits: Limits = SMALL) -> tuple[list[tuple[int, str, str]], list[tuple[int, str]], int]:
    """(records with their line, (line, rule) of rejected rows, rows read)."""
    with path.open("rb") as handle:
        file = Opened(handle, file_kind(handle, path.name), path.name, limits, lambda _: None)
        reader = CsvReader(file, scan(file), WANTED, ",")
        found = list(reader.blocks())
    records = [(line, a, b) for block in found for a, b, line in block.frame.iter_rows()]
    return records, [(f.line, f.rule) for block in found for f in block.faults], sum(b.rows for b in found)


def test_lines_of_records_with_embedded_newlines(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'a,b\r\n1,"x\r\ny"\r\n2,z\r\n"3\n\n","w ""q"""\r\n\r\n4,v')
    records, faults, _ = read(path)
    assert records == [(2, "1", "x\r\ny"), (4, "2", "z"), (5, "3\n\n", 'w "q"'), (9, "4", "v")]
    assert faults == []


def test_ragged_and_malformed_rows_are_rejected_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'a,b\n1,2\n3\n4,5,6\n"7"x,8\n9,1\r0\n\n11,12\n13,"14')
    records, faults, count = read(path)
    assert records == [(2, "1", "2"), (8, "11", "12")]
    assert faults == [(3, "ragged"), (4, "ragged"), (5, "malformed"), (6, "malformed"), (9, "malformed")]
    assert count == 7


def test_a_header_in_quotes_over_two_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'\xef\xbb\xbf"a","b","c\nd"\n1,2,3\n')
    for size in (1, 5, 1000):
        assert read(path, replace(SMALL, block_bytes=size))[0] == [(3, "1", "2")]


def test_gzip_of_two_members_and_padding(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n3,") + gzip.compress(b"4\n") + bytes(512))
    assert read(path)[0] == [(2, "1", "2"), (3, "3", "4")]


CELLS = st.text(alphabet='ab1 ,"\n\r中é\ufeff', max_size=6)


@settings(max_examples=150, deadline=None)
@given(
    text=st.lists(st.lists(CELLS, min_size=1, max_size=3).map(",".join), max_size=25).map("\n".join),
    size=st.integers(1, 60),
)
def test_the_size_of_blocks_never_shows(
    text: str, size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "blocks.csv"
    path.write_bytes(f"a,b\n{text}".encode())
    assert read(path, replace(SMALL, block_bytes=size)) == read(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_encodings_give_the_same_rows(encoding: str, tmp_path: Path) -> None:
    plain, other = tmp_path / "plain.csv", tmp_path / "other.csv"
    text = f"{HEADER}\n" + f"{ROW.replace('A1', '客户甲𠮷')}\n" * 50
    plain.write_text(text, "utf-8")
    other.write_bytes(text.encode(encoding))
    ingest_into(plain, tmp_path / "lake1")
    ingest_into(other, tmp_path / "lake2")
    assert rows_of(tmp_path / "lake1").equals(rows_of(tmp_path / "lake2"))


def test_a_few_broken_lines_are_quarantined_in_either_encoding(tmp_path: Path) -> None:
    for encoding in ("utf-8", "gb18030"):
        lines = [f"{HEADER}".encode(encoding), *[ROW.encode(encoding)] * 300]
        lines[150] = lines[150].replace("有效".encode(encoding), b"\xff\xff\xff")
        path = tmp_path / f"{encoding}.csv"
        path.write_bytes(b"\n".join(lines))
        found = ingest_into(path, tmp_path / encoding).manifest
        assert (found.encoding, found.read, found.kept) == (encoding, 300, 299)
        assert quarantine_of(tmp_path / encoding) == [(151, "", "undecodable")]


def test_utf8_that_would_decode_as_gb18030_stays_utf8() -> None:
    text = "有效发票".encode()
    assert text.decode("gb18030")  # the trap: it does decode, into other characters
    assert guess_encoding(b"\n".join([text] * 5 + [b"\xff"])) == "utf-8"
    assert guess_encoding("有效发票".encode("gb18030")) == "gb18030"


def test_one_undecodable_line_of_a_short_file_is_not_let_pass(write: Write, tmp_path: Path) -> None:
    path = write("a.csv", [ROW] * 3)
    path.write_bytes(path.read_bytes() + b"E1,\xff\xff\n")
    with pytest.raises(Exception, match="SRC-ENCODING"):
        ingest_into(path, tmp_path / "lake")


def test_clean_blocks_take_the_fast_parser(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: CsvReader) -> None:
        raise AssertionError

    monkeypatch.setattr(CsvReader, "_by_line", refuse)
    assert ingest_into(write("a.csv", [ROW] * 500), tmp_path / "lake").manifest.kept == 500
    assert rows_of(tmp_path / "lake")["_line"].to_list() == list(range(2, 502))
    assert isinstance(rows_of(tmp_path / "lake"), pl.DataFrame)


@settings(max_examples=300, deadline=None)
@given(
    lines=st.lists(st.text(alphabet="1,é", max_size=6), min_size=1, max_size=12),
    last=st.sampled_from(["", "\n", "\r\n"]),
)
def test_lines_at_once_are_what_the_csv_module_finds(
    lines: list[str], last: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "once.csv"
    path.write_bytes(f"a,b,c\n{chr(10).join(lines)}{last}".encode())
    whole = read(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CsvReader, "_at_once", lambda *_: None)
        assert read(path) == whole
