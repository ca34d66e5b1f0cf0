from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.indicator.lakes import RowLake, firm, sale
from xinqiao.indicator.compute import compute
from xinqiao.portrait.build import Portrait, build

T = date(2024, 12, 31)
FIRMS = [f"F{i:02d}" for i in range(40)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty wholesalers with four years of sales; F00 sells a hundred times as much as the others."""
    root = tmp_path_factory.mktemp("portrait")
    rows = [
        sale(company, date(year, month, 15), 1_000_000 if company == "F00" else 10_000 + 100 * place)
        for place, company in enumerate(FIRMS)
        for year in range(2021, 2025)
        for month in range(1, 13)
    ]
    staff = [
        {
            "company_id": c,
            "insurance": "pension",
            "month": date(2024, 12, 1),
            "insured": 60 if c == "F00" else 3,
        }
        | {"known_on": T}
        for c in FIRMS
    ]
    tables = {"registry": [firm(c) for c in FIRMS], "invoice": rows, "social_insurance": staff}
    lake = RowLake(root / "lake", tables)
    ids = ["INV01", "INV02", "INV03", "INV04", "INV05", "INV12", "INV15", "REG01", "REG14", "SOC01"]
    out = root / "out"
    out.mkdir()
    build(out, lake, compute(lake, T, ids=ids), dict.fromkeys(FIRMS, "F51"))
    return out


def test_the_size_class_follows_staff_and_what_was_invoiced(folder: Path) -> None:
    """Wholesale: F00 has 60 people and 12 million CNY (1,200 in 10,000 CNY): small; the others are micro."""
    found = Portrait.read(folder)
    assert found.sizes["F00"] == "small"
    assert {found.sizes[c] for c in FIRMS[1:]} == {"micro"}


def test_peers_are_those_of_the_section_and_size_where_there_are_enough(folder: Path) -> None:
    found = Portrait.read(folder)
    assert found.peers["F01"] == "F|micro"
    assert found.peers["F00"] == "F"  # the only small one is compared with the whole section


def test_scores_tags_and_what_cannot_be_told(folder: Path) -> None:
    found = Portrait.read(folder)
    assert "compliance" not in found.radar["F01"]  # no court, no penalty is in the lake
    assert found.radar["F00"]["operations"] > found.radar["F01"]["operations"]
    assert "SMALL_TEAM" in found.tags["F01"]
    assert "SMALL_TEAM" not in found.tags["F00"]
    assert "DISHONEST" in found.unknown["F01"]


def test_sales_are_forecast_and_cash_is_not_for_there_are_no_flows(folder: Path) -> None:
    found = Portrait.read(folder)
    assert set(found.ahead) == {"sales"}
    months = found.ahead["sales"]["F05"]
    assert [m.month for m in months][:2] == [date(2025, 1, 1), date(2025, 2, 1)]
    assert months[0].value == pytest.approx(10_500, rel=0.05)
    assert all(m.low <= m.value <= m.high for m in months)
    assert len(found.tested["sales"]) == 6
