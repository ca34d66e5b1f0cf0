"""Red flags of the new sources, those that look at companions above all."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from tests.indicator.lakes import T
from xinqiao.indicator.definition import indicators
from xinqiao.indicator.flag import red_flags
from xinqiao.indicator.snapshot import MISSING_SCHEMA, Snapshot

SOURCES = ["TAX", "SOC", "HPF", "ELE", "WGS", "BNK", "XC"]
CASES = [
    ("TAX01", {"TAX01": 29_999.99}, {"TAX01": 30_000}),
    ("TAX06", {"TAX06": 2.01}, {"TAX06": 2}),
    ("TAX07", {"TAX07": 0.01, "TAX07L": 0.02, "TAX07H": 0.1}, {"TAX07": 0.02, "TAX07L": 0.02, "TAX07H": 0.1}),
    ("TAX07", {"TAX07": 0.2, "TAX07L": 0.02, "TAX07H": 0.1}, {"TAX07": 0.2, "TAX07L": None, "TAX07H": None}),
    ("TAX08", {"TAX08": 0.01, "TAX08L": 0.02}, {"TAX08": 0.01, "TAX08L": 0.01}),
    ("TAX14", {"TAX14": 3}, {"TAX14": 4}),
    ("TAX15", {"TAX15": -1}, {"TAX15": 0}),
    ("TAX20", {"TAX20": 0.6, "TAX20X": 0}, {"TAX20": 0.6, "TAX20X": 0.1}),
    ("SOC01", {"SOC01": 2}, {"SOC01": 3}),
    ("SOC08", {"SOC08": 101, "SOC08H": 100}, {"SOC08": 100, "SOC08H": 100}),
    ("HPF03", {"HPF03": 1, "HPF03G": -0.21}, {"HPF03": 1, "HPF03G": -0.2}),
    ("ELE03", {"ELE03": -0.4, "ELE03P": -0.31}, {"ELE03": -0.4, "ELE03P": -0.3}),
    ("ELE06", {"ELE06": 0.5, "ELE06Y": -0.41}, {"ELE06": 0.1, "ELE06Y": -0.4}),
    ("ELE08", {"ELE08": 0.5, "ELE08H": 0.4}, {"ELE08": 0.5, "ELE08H": 0.5}),
    ("ELE16", {"ELE16": 0.5, "ELE16Z": 3.1}, {"ELE16": -1, "ELE16Z": 3}),
    ("WGS05", {"WGS05": -3.1}, {"WGS05": 3}),
    ("BNK03", {"BNK03": 1.51}, {"BNK03": 0.5}),
    ("BNK10", {"BNK10": 0.9, "BNK10M": 1}, {"BNK10": -1, "BNK10M": 0}),
    ("XC10", {"XC10": 3.1}, {"XC10": -3}),
]


def raised(values: dict[str, float | None]) -> list[str]:
    columns = {"company_id": pa.array(["A"])}
    columns |= {name: pa.array([value], pa.float64()) for name, value in values.items()}
    snapshot = Snapshot(pa.table(columns), MISSING_SCHEMA.empty_table(), T)
    flags: list[str] = red_flags(snapshot)["indicator"].to_pylist()
    return flags


@pytest.mark.parametrize(("name", "worse", "better"), CASES)
def test_flag_is_raised_beyond_its_threshold(
    name: str, worse: dict[str, float | None], better: dict[str, float | None]
) -> None:
    assert name in raised(worse)
    assert name not in raised(better)


def test_every_indicator_of_the_data_catalogue_is_there() -> None:
    numbers = {"TAX": 20, "SOC": 9, "HPF": 5, "ELE": 17, "WGS": 5, "BNK": 16, "XC": 15}
    wanted = [f"{source}{n:02}" for source, most in numbers.items() for n in range(1, most + 1)]
    assert set(wanted) <= set(indicators())


@pytest.mark.parametrize("source", SOURCES)
def test_every_indicator_is_worked_by_hand_in_a_test(source: str) -> None:
    files = {"TAX": "tax", "SOC": "social", "HPF": "fund", "ELE": "power", "WGS": "water_gas", "BNK": "bank"}
    text = (Path(__file__).parent / f"test_{files.get(source, 'cross_check')}_indicators.py").read_text(
        "utf-8"
    )
    assert [i.id for i in indicators().values() if i.source == source and f'"{i.id}"' not in text] == []
