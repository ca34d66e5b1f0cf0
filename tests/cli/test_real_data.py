"""cumcm2020c through the whole command, as of 2020-02-29: 425 real companies, 1.1 million invoices."""

from __future__ import annotations

import csv
import html
import json
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.cli.conftest import Real
from tests.cli.test_run import dead_links, model_of, records, results
from xinqiao.policy.replay import replay
from xinqiao.policy.scorer import read_scorer
from xinqiao.policy.store import DecisionStore
from xinqiao.run.learn import contract_fields, outcome_fields
from xinqiao.source.lake import Lake

pytestmark = [pytest.mark.real_data, pytest.mark.slow]
INVOICES = {"a1 进项": 210_947, "a1 销项": 162_484, "a2 进项": 395_175, "a2 销项": 330_835}
FIRMS = {"a1 企业": 123, "a2 企业": 302, "a1 信贷": 123}


@pytest.fixture(scope="module")
def summary(real: Real) -> str:
    """The words of the summary page, one blank between any two."""
    text = (real.out / "report" / "index.html").read_text("utf-8")
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", text)))


def test_rows_read_are_exactly_those_of_the_files(real: Real, summary: str) -> None:
    lake = Lake(real.out / "lake")
    manifests = [m for c in ("invoice", "registry", "credit") for m in lake.manifests(c)]
    assert {m.label: m.read for m in manifests} == INVOICES | FIRMS
    for m in manifests:
        assert m.read == m.kept + m.quarantined
        assert m.quarantined == 0
    for label, rows in INVOICES.items():
        assert re.search(rf" {label} +{rows:,} ", real.printed)
        assert re.search(rf"{label}（[^）]+） \S+ [A-Za-z ]+ {rows:,} {rows:,} ", summary)
    total = f"{sum((INVOICES | FIRMS).values()):,}"
    assert total in real.printed
    assert total in summary


def test_the_traps_of_the_data_are_named(real: Real, summary: str) -> None:
    lake = Lake(real.out / "lake")
    found: Counter[tuple[str, str, str]] = Counter()
    for m in lake.manifests("invoice"):
        for kind, counts in (("repair", m.repairs), ("flag", m.flags), ("observe", m.observations)):
            for count in counts:
                found[(kind, count.rule, count.field)] += count.rows
    assert found[("repair", "blank_trimmed", "status")] == 95
    assert found[("repair", "total_is_sum", "tax_cents")] == 5
    seen = {rule for kind, rule, _ in found if kind == "observe"}
    assert {"number_repeats", "red_letter", "void", "zero_and_void"} <= seen
    for words in (
        "去除首尾空白",
        "税额符号还原",
        "企业与发票号码重复（不合并）",
        "红字发票",
        "作废发票",
        "金额为零且已作废",
    ):
        assert words in summary


def test_no_amount_of_zero_is_taken_for_a_sale(real: Real) -> None:

    files = [str(path) for path in Lake(real.out / "lake").files("invoice")]
    with duckdb.connect() as connection:
        query = "SELECT count(*) FROM read_parquet(?) WHERE amount_cents = 0 AND status <> 'void'"
        assert connection.execute(query, [files]).fetchall() == [(0,)]


def test_every_company_is_scored_decided_and_explained(real: Real) -> None:
    rows = results(real.out)
    assert len(rows) == len(records(real.out)) == 425
    assert {row["company_id"] for row in rows} == {f"E{n}" for n in range(1, 426)}
    pages = {path.stem for path in (real.out / "report" / "companies").glob("*.html")}
    assert pages == {row["company_id"] for row in rows}
    assert dead_links(real.out / "report") == []
    for row in rows:
        assert 0 < row["pd"] < 1
        if row["outcome"] == "approve":
            assert Decimal(100_000) <= row["limit_cny"] <= Decimal(1_000_000)
            assert Decimal("0.04") <= row["rate"] <= Decimal("0.15")
            assert row["term_months"] == 12
        else:
            assert row["limit_cny"] is None
            assert row["reason_codes"]


def test_the_banks_rating_reaches_no_feature(real: Real) -> None:
    fields = contract_fields()
    assert "credit.bank_rating" in outcome_fields()
    for name in model_of(real.out).card.names:
        assert not fields[name] & outcome_fields()
    for record in records(real.out):
        assert "rating" not in json.dumps(record["indicators"])


def test_it_is_validated_at_three_dates(real: Real) -> None:
    found = json.loads((real.out / "model" / "validation.json").read_bytes())
    assert {(r["role"], r["as_of"]) for r in found} == {
        (role, day)
        for role in ("champion", "challenger")
        for day in ("2017-12-31", "2018-12-31", "2020-02-29")
    }
    for result in found:
        v = result["validation"]
        assert (v["rows"], v["bads"]) == (123, 27)
        low, high = v["auc_interval"]
        assert low < v["auc"] < high
        # the rating alone gives 0.968: more than the invoices can would be a leak
        assert 0.75 < v["auc"] < 0.95


def test_known_defaulters_stand_lower_than_others(real: Real, real_data: Path) -> None:
    with (real_data / "cumcm2020c" / "a1_enterprises.csv").open(encoding="utf-8-sig", newline="") as file:
        bad = {row["企业代号"]: row["是否违约"] == "是" for row in csv.DictReader(file)}
    pd = {row["company_id"]: row["pd"] for row in results(real.out)}
    mean = {
        w: sum(pd[c] for c in bad if bad[c] == w) / sum(b == w for b in bad.values()) for w in (True, False)
    }
    assert mean[True] > 2 * mean[False]


def test_every_decision_is_replayed(real: Real) -> None:
    store = DecisionStore(real.out / "decisions")
    assert len(store.index) == 425
    assert all(replay(store, decision_id, read_scorer).identical for decision_id in store.index)
