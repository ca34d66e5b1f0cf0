"""The stage ``decisions`` of a run: a record for every company, and the table of results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from xinqiao.indicator.snapshot import Snapshot
from xinqiao.policy.record import DecisionRecord, Subject
from xinqiao.policy.release import CHAMPION, Panel
from xinqiao.policy.runs import GENERATED, RESULTS
from xinqiao.policy.scorer import IN_DEFAULT, PEER_GROUP
from xinqiao.policy.store import DecisionStore
from xinqiao.run.companies import Company
from xinqiao.scoring.overlay import industry_path
from xinqiao.scoring.segment import INDUSTRY, KIND

CONSENT = "none:back-test"
"""A batch run on files reads under the holder's own contract; grants come with the platform."""

SCHEMA = pa.schema(
    [
        ("company_id", pa.string()),
        ("name", pa.string()),
        ("as_of", pa.date32()),
        ("points", pa.float64()),
        ("grade", pa.string()),
        ("pd", pa.float64()),
        ("outcome", pa.string()),
        ("limit_cny", pa.decimal128(18, 2)),
        ("rate", pa.decimal128(9, 6)),
        ("term_months", pa.int64()),
        ("reason_codes", pa.string()),
        ("decision_id", pa.string()),
        ("model_id", pa.string()),
        ("policy", pa.string()),
        ("segment", pa.string()),
        ("overlay", pa.string()),
    ]
)

INDUSTRY_LEVELS = ("industry_section", "industry_division", "industry_group")
"""Fields of the application: the levels of GB/T 4754 a company's industry belongs to."""
ARM = "arm"
SILENT = "silent.parquet"
_BESIDE = {"name", "as_of", "decision_id"}
SILENT_SCHEMA = pa.schema(
    [("company_id", pa.string()), (ARM, pa.string())]
    + [(field.name, field.type) for field in SCHEMA if field.name not in _BESIDE | {"company_id"}]
)


def subjects(snapshot: Snapshot, known: Sequence[Company]) -> Iterator[Subject]:
    """One subject a company, by id."""
    reasons: dict[str, dict[str, str]] = {}
    for row in snapshot.missing.to_pylist():
        reasons.setdefault(row["company_id"], {})[row["indicator"]] = row["reason"]
    names = [name for name in snapshot.values.column_names if name != "company_id"]
    by_id = {company.id: company for company in known}
    for row in snapshot.rows():
        key = row["company_id"]
        company = by_id.get(key)
        application = {} if company is None else application_of(company)
        values = {name: row[name] for name in names}
        yield Subject(key, snapshot.as_of, values, reasons.get(key, {}), application, CONSENT)


def application_of(company: Company) -> dict[str, Any]:
    """What the register says of a company, under the names that scorer and policies read."""
    told = {PEER_GROUP: company.peer_group, KIND: company.kind, INDUSTRY: company.industry}
    levels = dict(zip(INDUSTRY_LEVELS, industry_path(company.industry), strict=False))
    found: dict[str, Any] = {name: value for name, value in {**told, **levels}.items() if value is not None}
    return found | {IN_DEFAULT: True} if company.in_default else found


def decide_all(
    folder: Path,
    panel: Panel,
    snapshot: Snapshot,
    known: Sequence[Company],
    tick: Callable[[], None],
    *,
    generated: bool = False,
) -> None:
    """Write the decision store, results.parquet and results.csv into ``folder``.

    Results of ``generated`` companies say so in their metadata. Under a release they name the arm,
    and silent.parquet holds what was decided beside them.
    """
    names = {company.id: company.name for company in known}
    rows: list[dict[str, Any]] = []
    silent: list[dict[str, Any]] = []

    def records() -> Iterator[DecisionRecord]:
        for subject in subjects(snapshot, known):
            record = panel.record(subject)
            rows.append(_row(record, names.get(subject.company_id, subject.company_id), snapshot.as_of))
            silent.extend(_silent(record))
            tick()
            yield record

    others = [basis for arm, basis in panel.bases.items() if arm != CHAMPION]
    release = None if panel.release is None else panel.release.text.encode()
    DecisionStore(folder).write(panel.bases[CHAMPION], records(), others, release)
    schema = SCHEMA
    if panel.release is not None:
        schema = schema.append(pa.field(ARM, pa.string()))
        pq.write_table(pa.Table.from_pylist(silent, SILENT_SCHEMA), folder / SILENT, compression="zstd")
    if generated:
        schema = schema.with_metadata(GENERATED)
    table = pa.Table.from_pylist(rows, schema=schema)
    pq.write_table(table, folder / f"{RESULTS}.parquet", compression="zstd")
    with (folder / f"{RESULTS}.csv").open("wb") as out:
        out.write("\ufeff".encode())  # so that spreadsheet programs read it as UTF-8
        pa_csv.write_csv(table, out)


def _row(record: DecisionRecord, name: str, as_of: date) -> dict[str, Any]:
    return {
        "company_id": record.company_id,
        "name": name,
        "as_of": as_of,
        **_decided(record.content),
        "decision_id": record.decision_id,
        ARM: record.content.get("release", {}).get("arm"),
    }


def _silent(record: DecisionRecord) -> Iterator[dict[str, Any]]:
    """The decisions beside the one that stands."""
    for entry in record.content.get("release", {}).get("silent", ()):
        yield {"company_id": record.company_id, ARM: entry["arm"], **_decided(entry)}


def _decided(part: Mapping[str, Any]) -> dict[str, Any]:
    """Score and decision of a record, or of an arm beside it."""
    score, decision = part["score"], part["decision"]
    return {
        "points": score["points"],
        "grade": score["grade"],
        "pd": score["pd"],
        "outcome": decision["outcome"],
        "limit_cny": _decimal(decision["limit_cny"], Decimal("0.01")),
        "rate": _decimal(decision["rate"], Decimal("0.000001")),
        "term_months": decision["term_months"],
        "reason_codes": " ".join(reason["code"] for reason in decision["reasons"]),
        "model_id": part["model"]["id"],
        "policy": f"{part['policy']['id']} {part['policy']['version']}",
        "segment": score.get("segment"),
        "overlay": score.get("overlay"),
    }


def _decimal(text: str | None, step: Decimal) -> Decimal | None:
    return None if text is None else Decimal(text).quantize(step)
