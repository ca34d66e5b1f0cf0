"""On the generated city, private jobs of its holders give what plain ones give.

XINQIAO_CITY_FIRMS: firms of the city; the larger, the slower.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.privacy.manifests import data, manifest, run_all
from tests.privacy.plain_parts import compare
from tests.privacy.sample_models import close
from tests.privacy.samples import same
from tests.privacy.split_sets import Split, city
from xinqiao.privacy.alignment import intersection
from xinqiao.privacy.job.kind import Kind
from xinqiao.privacy.modelling import scorecard, trees, woe
from xinqiao.privacy.sums import statistics

FIRMS = int(os.environ.get("XINQIAO_CITY_FIRMS", "500"))


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Split:
    return city(tmp_path_factory.mktemp("city"), FIRMS)


def test_each_holder_has_its_sources_and_lacks_some_firms(split: Split) -> None:
    assert {n: t.column_names[1][:3] for n, t in split.tables.items()} == {
        "bank": "bad",
        "tax": "tax",
        "power": "ele",
    }
    ids = [set(t.column(0).to_pylist()) for t in split.tables.values()]
    common = set.intersection(*ids)
    assert all(0.9 * len(each) < len(common) < len(each) for each in ids)
    assert 0.03 < sum(split.tables["bank"].column("bad").to_pylist()) / split.rows < 0.3


def test_the_intersection_is_exact(split: Split, tmp_path: Path) -> None:
    told = manifest("intersection", {name: ("holder", data()) for name in split.tables})
    keys = {name: table.select([0]) for name, table in split.tables.items()}
    same(intersection.KIND.plain(told, keys), run_all(told, intersection.KIND.run, keys, tmp_path))


def test_statistics_are_exact(split: Split, tmp_path: Path) -> None:
    columns = {"tax": "tax05", "power": "ele01"}
    parties = {name: ("holder", data(column, key=None)) for name, column in columns.items()}
    params = {"measures": ["sum", "mean", "variance"], "result_to": ["platform"], "decimals": 4}
    told = manifest("statistics", parties | {"platform": "receiver"}, params)
    tables = {name: split.tables[name].select([column]) for name, column in columns.items()}
    same(statistics.KIND.plain(told, tables), run_all(told, statistics.KIND.run, tables, tmp_path))


@pytest.mark.parametrize("kind", [woe.KIND, trees.KIND], ids=lambda kind: kind.name)
def test_counts_and_trees_are_exact(kind: Kind, split: Split, tmp_path: Path) -> None:
    told = split.job(kind.name, 1, params={"trees": 4, "depth": 3} if kind is trees.KIND else None)
    few = split.drawn(300, 1).tables
    private = run_all(told, kind.run, few, tmp_path)
    same(kind.plain(told, few), private)
    assert private["bank"].told["bads"] > 10


def test_scorecard_and_scores_are_near(split: Split, tmp_path: Path) -> None:
    told = split.job("scorecard", 1, params={"folds": 2})
    found = compare(told, split.tables, 10, tmp_path)
    close(scorecard.KIND.plain(told, split.tables), found.fitted)
    assert found.alike
    assert len(found.apart) > 0.8 * split.rows
    assert max(found.apart) < 1
    assert all(abs(a - b) <= 1 for a, b in zip(*found.grades, strict=True))
    assert len(set(found.grades[1])) > 2
