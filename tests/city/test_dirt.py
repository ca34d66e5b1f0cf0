from __future__ import annotations

from pathlib import Path

import pytest

from tests.city.conftest import COMPANIES
from xinqiao.city.dirt import KINDS
from xinqiao.city.truth import Truth
from xinqiao.source.ingest import IngestReport, ingest_folder
from xinqiao.source.lake import Count, Lake, Manifest
from xinqiao.source.mapping import Mapping

# where the ingest report counts each kind of fault: (kind of count, rule, field or column)
RULES = {
    "blank_before_status": ("repairs", "blank_trimmed", "status"),
    "thousands_separator": ("repairs", "thousands", "amount_cents"),
    "full_width_digits": ("repairs", "full_width", "amount_cents"),
    "tax_sign_lost": ("repairs", "total_is_sum", "tax_cents"),
    "total_is_not_sum": ("faults", "total_is_sum", ""),
    "unknown_status": ("faults", "enum_unknown", "发票状态"),
    "impossible_date": ("faults", "not_a_date", "开票日期"),
    "counterparty_missing": ("faults", "missing", "{side}代号"),
    "known_before_issue": ("faults", "known_after_event", ""),
    "zero_but_valid": ("flags", "zero_is_void", ""),
}
INVOICES = ("sales.csv.gz", "purchases.csv.gz")


def by_file(report: IngestReport) -> dict[str, Manifest]:
    return {Path(item.manifest.file).name: item.manifest for item in report.files}


def test_the_mapping_covers_every_file_and_column(
    region: Truth, mapping: Mapping, dirty: IngestReport
) -> None:
    assert mapping.generated
    names = {path.name for path in region.data.iterdir()}
    assert {name for name in names if len(mapping.entries_for(name)) == 1} == names == set(by_file(dirty))
    assert not any(item.manifest.ignored_columns for item in dirty.files)


def test_rows_are_all_read(region: Truth, dirty: IngestReport) -> None:
    assert {name: manifest.read for name, manifest in by_file(dirty).items()} == region.rows
    assert dirty.read == dirty.kept + dirty.quarantined


@pytest.mark.parametrize("name", INVOICES)
def test_rows_repaired_flagged_and_quarantined_are_those_injected(
    name: str, region: Truth, dirty: IngestReport
) -> None:
    manifest = by_file(dirty)[name]
    assert manifest.repaired == region.expected(name, "repaired") > 20
    assert manifest.flagged == region.expected(name, "flagged") > 0
    assert manifest.quarantined == region.expected(name, "quarantined") > 20


@pytest.mark.parametrize("name", INVOICES)
def test_every_rule_is_counted_as_injected(name: str, region: Truth, dirty: IngestReport) -> None:
    manifest = by_file(dirty)[name]
    side = "购方" if name.startswith("sales") else "销方"
    injected = {
        tuple(part.format(side=side) for part in RULES[fault.kind]): fault.rows
        for fault in region.faults
        if fault.file == name and fault.kind in RULES and fault.rows
    }
    found = {
        (kind, count.rule, count.field): count.rows
        for kind in ("repairs", "faults", "flags")
        for count in list[Count](getattr(manifest, kind))
    }
    assert found == injected


def test_every_kind_occurs_and_has_its_rule(region: Truth) -> None:
    assert {kind.name for kind in KINDS if kind.outcome != "kept"} == set(RULES)
    totals = {kind.name: sum(f.rows for f in region.faults if f.kind == kind.name) for kind in KINDS}
    assert all(totals.values()), totals


def test_small_files_and_clean_invoices_have_no_fault(
    clean: Truth, mapping: Mapping, dirty: IngestReport, tmp_path: Path
) -> None:
    report = ingest_folder(clean.data, mapping, Lake(tmp_path))
    assert report.repaired == report.quarantined == 0
    assert sum(item.manifest.flagged for item in report.files) == 0
    assert clean.faults == ()
    small = [item.manifest for item in dirty.files if Path(item.manifest.file).name not in INVOICES]
    assert sum(m.repaired + m.flagged + m.quarantined for m in small) == 0
    assert sum(m.kept for m in small if m.contract == "credit") == COMPANIES
