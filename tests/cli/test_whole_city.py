"""The main job on every source of the region: all contracts, all indicators, portrait and pages."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.cli.small import AS_OF, city_mapping, run_small
from xinqiao.city.generate import generate
from xinqiao.indicator.definition import indicators
from xinqiao.indicator.snapshot import Snapshot
from xinqiao.portrait.build import Portrait
from xinqiao.source.contract import contracts
from xinqiao.source.lake import Lake

COMPANIES = 120


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    truth = generate(folder, companies=COMPANIES, months=48, start=date(2022, 1, 1), seed=7)
    mapping = folder / "city.yaml"
    mapping.write_text(city_mapping().replace("run:\n  performance_months: 12\n", "run: {}\n"), "utf-8")
    run_small(truth.data, mapping, folder / "run")
    return folder / "run"


@pytest.mark.slow
def test_every_contract_is_delivered_and_every_indicator_has_a_column(out: Path) -> None:
    lake = Lake(out / "lake")
    assert [name for name in contracts() if not lake.files(name)] == []
    frame = Snapshot.read(out / "indicators" / AS_OF.isoformat()).frame()
    assert set(frame.columns) == set(indicators())
    known = frame.notna().mean()
    assert (known > 0).mean() > 0.9  # what a hundred firms can't tell is null with its reason


@pytest.mark.slow
def test_every_company_has_a_portrait_and_its_page_shows_it(out: Path) -> None:
    portrait = Portrait.read(out / "portrait")
    assert set(portrait.ahead) == {"sales", "cash"}
    assert sum(len(tags) for tags in portrait.tags.values()) > 5 * len(portrait.tags)
    pages = sorted((out / "report" / "companies").iterdir())
    assert len(pages) == len(portrait.sizes)
    html = pages[0].read_text("utf-8")
    for words in ("信用画像", 'class="radar"', "企业规模", "生成数据"):
        assert words in html
