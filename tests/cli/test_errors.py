"""Every fault of a user on the command line: exit code 2, the code, where, what and what to do, twice."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import Told, call
from tests.cli.conftest import Done
from tests.cli.small import AS_OF, Small
from xinqiao.run.stages import exclusive

CJK = re.compile(r"[\u4e00-\u9fff]")
LATIN = re.compile(r"[A-Za-z]{3}")


def told_well(told: Told, code: str, where: str) -> None:
    """Four lines: code and where; what (zh, en); what to do (zh, en)."""
    assert told.code == 2, told
    assert "Traceback" not in told.err + told.out
    lines = told.err[told.err.index("错误 ") :].splitlines()
    head, zh, en, fix_zh, fix_en = lines[0], lines[1], *lines[-3:]
    assert head.startswith(f"错误 {code}  "), told.err
    assert where in head, told.err
    assert CJK.search(zh)
    assert LATIN.search(en)
    assert fix_zh.startswith("怎么办 ")
    assert CJK.search(fix_zh)
    assert LATIN.search(fix_en)
    assert "{" not in head + fix_zh + fix_en  # every value is filled in


@pytest.fixture
def bench(region: Small, tmp_path: Path) -> Path:
    """A folder with a copy of the region: ``data/``, ``m.yaml``."""
    shutil.copytree(region.data, tmp_path / "data")
    shutil.copy(region.mapping, tmp_path / "m.yaml")
    return tmp_path


def run(bench: Path, *more: object, as_of: str = str(AS_OF)) -> Told:
    options = ("--data", bench / "data", "--mapping", bench / "m.yaml", "--as-of", as_of)
    return call("run", *options, "--out", bench / "out", *more)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


# -- run


def test_run_wants_data_and_mapping_together(tmp_path: Path) -> None:
    for option in ("--data", "--mapping"):
        told = call("run", option, tmp_path / "x", "--out", tmp_path / "out")
        told_well(told, "RUN-MAPPING", "--data, --mapping")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["2020-02-30", "yesterday", "2020", "29/02/2020", "２０２０"])
def test_run_wants_a_date(bench: Path, text: str) -> None:
    told_well(run(bench, as_of=text), "RUN-DATE", "--as-of")


def test_run_names_what_is_not_there(bench: Path) -> None:
    (bench / "m.yaml").rename(bench / "gone.yaml")
    told_well(run(bench), "SRC-NOT-A-FILE", "m.yaml")
    (bench / "gone.yaml").rename(bench / "m.yaml")
    (bench / "data" / "registry.csv").rename(bench / "registry.csv")
    told_well(run(bench), "SRC-NO-FILE", "data")
    shutil.rmtree(bench / "data")
    told_well(run(bench), "SRC-NOT-A-FILE", "data")


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("files:\n", "files: [\n", "DOC-SYNTAX", None),
        ("    source: registry\n", "    source: register\n", "CON-UNKNOWN", None),
        ("      name: 企业名称\n", "      nmae: 企业名称\n", "MAP-FIELD", 12),
        ("      company_id: 企业代号\n", "", "MAP-REQUIRED", None),
        ("generated: true", "generated: perhaps", "DOC-SHAPE", 4),
        ("      name: 企业名称\n", "\tname: 企业名称\n", "DOC-SYNTAX", 12),
    ],
)
def test_run_names_the_line_of_a_broken_mapping(
    bench: Path, old: str, new: str, code: str, line: int | None
) -> None:
    edit(bench / "m.yaml", old, new)
    told = run(bench)
    told_well(told, code, f"m.yaml:{line}" if line else "m.yaml:")
    assert re.search(r"m\.yaml:\d+", told.err)


@pytest.mark.parametrize(
    "section",
    ["run: {months: 12}", "run: {performance_months: 0}", "run: {validate_as_of: [soon]}"],
)
def test_run_refuses_settings_it_does_not_know(bench: Path, section: str) -> None:
    edit(bench / "m.yaml", "run: {}", section)
    told_well(run(bench), "RUN-SETTINGS", "m.yaml")


def test_run_never_writes_over_other_files(bench: Path) -> None:
    (bench / "out").mkdir()
    (bench / "out" / "thesis.docx").write_text("years of work")
    told = run(bench)
    told_well(told, "RUN-NOT-OURS", "out")
    assert "thesis.docx" in told.err
    assert [path.name for path in (bench / "out").iterdir()] == ["thesis.docx"]
    (bench / "file").write_text("x")
    told_well(call("run", "--out", bench / "file"), "RUN-NOT-OURS", "file")


def test_run_names_an_output_folder_that_cannot_be(bench: Path) -> None:
    (bench / "file").write_text("x")
    told_well(call("run", "--out", bench / "file" / "below"), "RUN-NOT-OURS", "file")


def test_run_waits_for_no_other_run(bench: Path) -> None:
    with exclusive(bench / "out"):
        told_well(run(bench), "RUN-BUSY", "out")


def test_run_without_outcomes_names_the_way_out(bench: Path, done: Done) -> None:
    text = (bench / "m.yaml").read_text("utf-8")
    (bench / "m.yaml").write_text(text[: text.index("  - label: 信贷记录")], "utf-8")
    shutil.copytree(done.out / "lake", bench / "out" / "lake")
    told = run(bench)
    told_well(told, "RUN-NO-OUTCOMES", "lake")
    assert "--model" in told.err


@pytest.mark.parametrize("data", [None, b"", b"{", b"[]", b'{"format":"xinqiao"}', b"\xff\xfe"])
def test_run_names_a_model_it_cannot_use(bench: Path, done: Done, data: bytes | None) -> None:
    for part in ("lake", "indicators"):
        shutil.copytree(done.out / part, bench / "out" / part)
    if data is not None:
        (bench / "model.json").write_bytes(data)
    told_well(run(bench, "--model", bench / "model.json"), "SCR-CARD-FORMAT", "model.json")


def test_run_before_the_first_record_knows_no_company(bench: Path) -> None:
    told_well(run(bench, as_of="2016-01-01"), "IND-EMPTY", "--as-of")


def test_run_before_the_policy_is_in_force_says_so_at_once(bench: Path) -> None:
    told_well(run(bench, as_of="1990-01-01"), "POL-NOT-EFFECTIVE", "m.yaml")
    assert not (bench / "out" / "lake").exists()


def test_run_takes_no_empty_date_for_today(bench: Path) -> None:
    told_well(run(bench, as_of=""), "RUN-DATE", "--as-of")


def test_run_long_after_the_last_invoice_is_refused(bench: Path) -> None:
    told_well(run(bench, as_of="2099-01-01"), "RUN-BEYOND", "--as-of")


def test_run_names_a_policy_that_is_not_there(bench: Path, done: Done) -> None:
    for part in ("lake", "indicators"):
        shutil.copytree(done.out / part, bench / "out" / part)
    edit(bench / "m.yaml", "run: {}", "run: {policy: generous}")
    told_well(run(bench), "POL-NOT-FOUND", "generous")


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("registry.csv", b"", "SRC-EMPTY"),
        ("registry.csv", "代号,名称\n1,2\n".encode(), "SRC-HEADER"),
        ("sales.csv.gz", gzip.compress(b"a,b\n" * 9999, mtime=0)[:40], "SRC-GZIP"),
        ("credit.xlsx", b"PK\x03\x04 not a workbook", "SRC-XLSX"),
    ],
)
def test_run_names_a_broken_file_and_keeps_the_former_results(
    bench: Path, done: Done, name: str, data: bytes, code: str
) -> None:
    shutil.copytree(done.out, bench / "out")
    (bench / "data" / name).write_bytes(data)
    told_well(run(bench), code, name)
    assert (bench / "out" / "decisions" / "results.csv").read_bytes() == (
        done.out / "decisions" / "results.csv"
    ).read_bytes()


# -- ingest, indicators


def test_ingest_names_the_fault(bench: Path) -> None:
    options = ("--mapping", bench / "m.yaml", "--lake", bench / "lake")
    registry = bench / "data" / "registry.csv"
    told_well(call("ingest", "registers", registry, *options), "CON-UNKNOWN", "registers")
    told_well(call("ingest", "invoice", registry, *options), "SRC-NO-ENTRY", "registry.csv")
    registry.unlink()
    told_well(call("ingest", "registry", registry, *options), "SRC-NOT-A-FILE", "registry.csv")
    (bench / "m.yaml").unlink()
    told_well(call("ingest", "registry", registry, *options), "SRC-NOT-A-FILE", "m.yaml")


def test_indicators_names_the_fault(bench: Path, done: Done) -> None:
    options = ("--lake", done.out / "lake", "--out", bench / "values")
    told_well(call("indicators", "--as-of", "1990-01-01", *options), "IND-EMPTY", "--as-of")
    told_well(call("indicators", "--as-of", AS_OF, "--engine", "abacus", *options), "IND-ENGINE", "--engine")
    told_well(call("indicators", "--as-of", AS_OF, "--ids", "INV99", *options), "IND-UNKNOWN", "--ids")
    told_well(call("indicators", "--as-of", AS_OF, "--lake", bench / "no"), "IND-EMPTY", "--as-of")
    told_well(call("indicators", "--as-of", "2020-02-30", *options), "RUN-DATE", "--as-of")
    assert not (bench / "values").exists()


# -- decide, replay


def test_decide_names_the_fault(done: Done, tmp_path: Path) -> None:
    case, company = tmp_path / "case.json", "C000001"
    told_well(call("decide"), "POL-OPTION", "decide")
    told_well(call("decide", "--case", case), "POL-CASE", "case.json")
    case.write_text("{", "utf-8")
    told_well(call("decide", "--case", case), "POL-CASE", "case.json")
    case.write_text(
        json.dumps({"company_id": "E1", "as_of": "2025-12-31", "indicators": {"INV1": 5}}), "utf-8"
    )
    told_well(call("decide", "--case", case), "POL-CASE", "case.json")
    case.write_text(json.dumps({"company_id": "E1\ud800", "as_of": "2025-12-31"}), "utf-8")
    told_well(call("decide", "--case", case), "POL-CASE", "case.json")
    case.write_text(json.dumps({"company_id": "E1", "as_of": "2025-12-31"}), "utf-8")
    told_well(call("decide", "--case", case, "--policy", "generous"), "POL-NOT-FOUND", "generous")
    told_well(call("decide", "--run", tmp_path, "--company", company), "POL-STORE", str(tmp_path))
    told_well(call("decide", "--run", done.out, "--company", "nobody"), "POL-COMPANY", str(done.out))


def test_decide_names_the_line_of_a_broken_policy(tmp_path: Path) -> None:
    case, policy = tmp_path / "case.json", tmp_path / "p.yaml"
    case.write_text(json.dumps({"company_id": "E1", "as_of": "2025-12-31", "indicators": {}}), "utf-8")
    policy.write_text("id: p\nversion: [\n", "utf-8")
    told_well(call("decide", "--policy", policy, "--case", case), "DOC-SYNTAX", "p.yaml:")
    policy.write_text("id: p\nfoo: 1\n", "utf-8")
    told_well(call("decide", "--policy", policy, "--case", case), "DOC-SHAPE", "p.yaml:")


@pytest.mark.parametrize("bad", ["f" * 32, "xyz", "../../../x", "0123456"])
def test_replay_names_an_unknown_decision(done: Done, bad: str) -> None:
    told_well(call("replay", bad, "--run", done.out), "POL-DECISION", str(done.out))


def test_replay_names_a_folder_without_decisions(tmp_path: Path) -> None:
    told_well(call("replay", "f" * 32, "--run", tmp_path), "POL-STORE", str(tmp_path))
    told_well(call("replay", "f" * 32, "--run", tmp_path / "no"), "POL-STORE", "no")


# -- the process itself


@pytest.mark.slow
def test_a_real_process_ends_with_2_and_no_traceback(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("xinqiao")
    told = subprocess.run(
        [command, "run", "--data", tmp_path], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    told_well(Told(told.returncode, told.stdout, told.stderr), "RUN-MAPPING", "--data, --mapping")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [("runn",), ("run", "--nothing"), ("replay",), ("indicators",)])
def test_a_wrong_call_ends_with_2_and_the_usage(words: tuple[str, ...]) -> None:
    told = call(*words)
    assert told.code == 2
    assert "Usage" in told.err
    assert "Traceback" not in told.err


def test_help_lists_every_verb_in_both_languages() -> None:
    told = call("--help")
    assert told.code == 0
    for verb in ("run", "ingest", "indicators", "decide", "replay"):
        line = next(line for line in told.out.splitlines() if re.search(rf"\b{verb}\b .*/", line))
        assert CJK.search(line)
