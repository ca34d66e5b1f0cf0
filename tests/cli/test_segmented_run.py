"""A run whose mapping asks for a segmented model, from files to records, pages, replay and exports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.cli.command import call
from tests.cli.small import Small, city_mapping, job, run_small
from xinqiao.kernel.errors import UserError
from xinqiao.policy.replay import replay
from xinqiao.policy.scorer import read_scorer
from xinqiao.policy.store import DecisionStore
from xinqiao.run.settings import RunSettings, run_settings
from xinqiao.scoring.card import Card
from xinqiao.scoring.model import Model
from xinqiao.scoring.segment import segments
from xinqiao.source.mapping import Mapping, load_mapping


@pytest.fixture(scope="module")
def out(region: Small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("segmented")
    mapping = folder / "city.yaml"
    text = region.mapping.read_text("utf-8")
    assert "run: {}\n" in text
    mapping.write_text(
        text.replace("run: {}\n", "run: {model: segmented, policy: small_firm_3nx}\n"), "utf-8"
    )
    run_small(region.data, mapping, folder / "run")
    return folder / "run"


def records(out: Path) -> list[dict[str, Any]]:
    lines = (out / "decisions" / "decisions.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_every_record_names_its_segment_and_the_facts_it_was_chosen_by(out: Path) -> None:
    model = Model.from_json((out / "model" / "model.json").read_bytes())
    assert [r.segment for r in model.routes] == [s.id for s in segments()]
    found = records(out)
    for record in found:
        facts = {name: record["application"].get(name) for name in model.facts}
        row = {name: entry.get("value") for name, entry in record["indicators"].items()} | facts
        assert record["score"]["segment"] == model.part(row).segment
        assert record["score"]["points"] == model.score_one(row).points
    kinds = {r["score"]["segment"] for r in found if r["application"]["company_kind"] == "self_employed"}
    assert kinds == {"self_employed"}
    assert {r["policy"]["id"] for r in found} == {"small_firm_3nx"}


def test_results_tell_segments_and_records_replay(out: Path) -> None:
    results = pq.read_table(out / "decisions" / "results.parquet").to_pylist()
    by_id = {record["decision_id"]: record for record in records(out)}
    assert all(row["segment"] == by_id[row["decision_id"]]["score"]["segment"] for row in results)
    store = DecisionStore(out / "decisions")
    for segment in {row["segment"] for row in results}:
        chosen = next(row["decision_id"] for row in results if row["segment"] == segment)
        assert replay(store, chosen, read_scorer).identical


def test_the_model_is_validated_beside_one_card_for_everyone(out: Path) -> None:
    roles = [v["role"] for v in json.loads((out / "model" / "validation.json").read_bytes())]
    assert roles[:3] == ["champion", "single", "challenger"]


def test_pages_show_segments_and_no_drift_where_all_is_of_one_day(out: Path) -> None:
    card = (out / "report" / "model_card.html").read_text("utf-8")
    assert "客群与行业叠加" in card
    assert not (out / "report" / "drift.html").exists()
    assert "drift.html" not in card
    page = next((out / "report" / "companies").glob("*.html")).read_text("utf-8")
    assert "评分模型：" in page


def test_one_card_at_a_time_is_exported(out: Path, tmp_path: Path) -> None:
    file = tmp_path / "card.json"
    model = Model.from_json((out / "model" / "model.json").read_bytes())
    export = ("card", "export", "--run", out, "--to", "json")
    told = call(*export, "--segment", "self_employed", "--industry", "F5211", "--out", file)
    assert told.code == 0, told.err
    assert Card.from_json(file.read_bytes()) == model.part_named("self_employed", None).card
    assert call(*export, "--segment", "general", "--out", file).code == 0
    assert Card.from_json(file.read_bytes()) == model.card
    for words in ((), ("--segment", "nobody"), ("--segment", "general", "--industry", "C13")):
        refused = call(*export, *words)
        assert (refused.code, "established_small" in refused.err) == (2, True)


def test_a_second_run_writes_the_same_model(out: Path, region: Small) -> None:
    again = job(region.data, out.parent / "city.yaml", out)
    assert again.settings.model == "segmented"
    assert again.models["champion"] == again.learned


def test_reject_inference_goes_with_one_card_only(tmp_path: Path) -> None:
    assert RunSettings().model == "single"
    path = tmp_path / "m.yaml"
    path.write_text(city_mapping().replace("run:\n", "run:\n  model: segmented\n  reject_odds: 2\n"), "utf-8")
    mapping: Mapping = load_mapping(path)
    with pytest.raises(UserError, match=r"RUN-SETTINGS.*reject_odds"):
        run_settings(mapping, "m.yaml")
