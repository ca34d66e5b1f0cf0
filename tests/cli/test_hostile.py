"""What a careless or hostile user hands to the verbs: told as a fault, never a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.command import call
from tests.cli.test_errors import told_well
from tests.cli.test_leads import lake as ingested
from tests.opinion.small import write_labelled

__all__ = ["ingested"]
DAY = ("--as-of", "2024-12-31")


def data_file(lake: Path) -> Path:
    return next((lake / "data" / "registry").rglob("*.parquet"))


def manifest(lake: Path) -> Path:
    return next((lake / "manifests" / "registry").glob("*.json"))


def other_types(lake: Path) -> None:
    """Committed as it should be, with a day that is a text."""
    path = data_file(lake)
    before, table = path.stat().st_size, pq.read_table(path)
    place = table.column_names.index("known_on")
    pq.write_table(table.set_column(place, "known_on", pa.array(["x"] * len(table))), path)
    text = manifest(lake).read_text("utf-8")
    assert f'"size":{before}' in text
    manifest(lake).write_text(text.replace(f'"size":{before}', f'"size":{path.stat().st_size}'), "utf-8")


DAMAGE = {
    "gone": lambda lake: data_file(lake).unlink(),
    "cut": lambda lake: data_file(lake).write_bytes(data_file(lake).read_bytes()[:-9]),
    "overwritten": lambda lake: data_file(lake).write_bytes(b"x" * data_file(lake).stat().st_size),
    "other types": other_types,
}


@pytest.mark.parametrize("damage", list(DAMAGE))
def test_a_damaged_file_of_the_lake_is_named(ingested: Path, tmp_path: Path, damage: str) -> None:
    DAMAGE[damage](ingested)
    lake = ("--lake", ingested)
    told_well(call("control", *lake, "--company", "A", *DAY), "SRC-LAKE-FILE", "data/registry")
    told_well(call("leads", *lake, *DAY, "--out", tmp_path / "o"), "SRC-LAKE-FILE", "data/registry")
    told_well(call("catalogue", *lake, "--out", tmp_path / "c.html"), "SRC-LAKE-FILE", "data/registry")
    assert not (tmp_path / "c.html").exists()


@pytest.mark.parametrize("path", ["data/../../secret.parquet", "/etc/passwd", "manifests/x.json"])
def test_a_manifest_cannot_lead_out_of_the_lake(ingested: Path, tmp_path: Path, path: str) -> None:
    held = json.loads(manifest(ingested).read_text("utf-8"))
    held["data"][0]["path"] = path
    manifest(ingested).write_text(json.dumps(held), "utf-8")
    told_well(call("leads", "--lake", ingested, *DAY, "--out", tmp_path / "o"), "SRC-LAKE", "registry/")


def test_paths_that_look_like_markup_are_shown_as_they_are(ingested: Path, tmp_path: Path) -> None:
    out = tmp_path / "[" / "red]"
    for words in (("leads", "--lake", ingested, *DAY, "--out", out),
                  ("catalogue", "--lake", ingested, "--out", out / "c.html")):  # fmt: skip
        told = call(*words)
        assert told.code == 0
        assert "[/red]" in told.out.replace("\n", "")


@pytest.mark.parametrize("day", ["0001-01-15", "9999-12-31"])
def test_a_date_no_window_can_reach_back_from(ingested: Path, tmp_path: Path, day: str) -> None:
    lake = ("--lake", ingested, "--as-of", day)
    told_well(call("leads", *lake, "--out", tmp_path / "o"), "RUN-DATE", "--as-of")
    told_well(call("control", *lake, "--company", "A"), "RUN-DATE", "--as-of")


@pytest.mark.parametrize("name", ["/dev/zero", "{folder}"])
def test_a_contract_that_never_ends(tmp_path: Path, name: str) -> None:
    path = name.format(folder=tmp_path)
    told_well(call("catalogue", "--check", path), "CAT-FILE", path)


def test_a_contract_with_a_name_for_sql(tmp_path: Path) -> None:
    source = Path(__file__).parents[2] / "src" / "xinqiao" / "catalog" / "contracts" / "invoice.yaml"
    file = tmp_path / "x.yaml"
    file.write_text(source.read_text("utf-8").replace("id: invoice", 'id: "[/red]; DROP"', 1), "utf-8")
    told_well(call("catalogue", "--check", file), "CON-TYPE", "x.yaml:2")


def test_control_without_a_lake_says_so(tmp_path: Path) -> None:
    told_well(call("control", "--lake", tmp_path / "no", "--company", "A", *DAY), "CAT-NO-LAKE", "no")


HEAD = "entity,published_on,title,text\n"


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        (HEAD, "NEWS-FILE", "a.csv"),
        (HEAD + "甲,2024-01-01,题,有,逗号\n", "NEWS-FILE", "a.csv:2"),
        (HEAD + "甲,2024-01-01,题\n", "NEWS-FILE", "a.csv:2"),
        ("entity,entity,published_on,text\n甲,乙,2024-01-01,x\n", "NEWS-FILE", "a.csv"),
        (HEAD + "甲,0001-01-01,题,文\n", "NEWS-CELL", "a.csv:2"),
    ],
)
def test_articles_that_would_be_misread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, code: str, where: str
) -> None:
    monkeypatch.setattr("xinqiao.cli.news.load", lambda _: None)
    (tmp_path / "a.csv").write_text(text, "utf-8")
    words = ("news", "--model", "none", "--articles", tmp_path / "a.csv", "--out", tmp_path / "o")
    told_well(call(*words), code, where)
    assert not (tmp_path / "o").exists()


def test_nothing_to_judge_on(tmp_path: Path) -> None:
    train = write_labelled(tmp_path / "train.json")
    judged = tmp_path / "eval.json"
    judged.write_text(json.dumps([["1", "题", "文", "", "1", ""]]), "utf-8")
    told_well(call("benchmark", "news", "--train", train, "--eval", judged), "NEWS-FEW", "eval.json")
