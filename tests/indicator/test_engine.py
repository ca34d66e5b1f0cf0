"""DuckDB and Spark give equal values on all indicators, within one unit of precision.

One lake of random rows of every contract and of firms with histories, since Spark takes minutes for any.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.indicator.generated import generated
from tests.indicator.histories import FIRMS, SOURCES, histories
from tests.indicator.lakes import RowLake, T, Tables
from tests.indicator.sparks import tiny_spark
from xinqiao.indicator import engine as engines
from xinqiao.indicator.compute import compute
from xinqiao.indicator.definition import indicators
from xinqiao.indicator.engine import Spark, engine_of
from xinqiao.kernel.errors import UserError

SEED = 20_241_231


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    spark = tiny_spark()
    yield spark
    spark.stop()


def both() -> Tables:
    """Random rows and histories, of different firms."""
    tables = generated(SEED, rows=200)
    for contract, rows in histories().items():
        tables[contract] = [*tables[contract], *rows]
    return tables


@pytest.mark.slow
def test_duckdb_equals_spark_on_all_indicators(session: Any, tmp_path: Path) -> None:  # noqa: ANN401 - an optional package
    lake = RowLake(tmp_path, both(), parts=2)
    duck, spark = compute(lake, T), compute(lake, T, engine=Spark(session))
    assert duck.missing.equals(spark.missing)
    assert duck.values["company_id"].equals(spark.values["company_id"])
    old = np.isin(duck.values["company_id"].to_numpy(), FIRMS)
    filled, empty = 0, []
    for name, indicator in indicators().items():
        one, other = (table[name].to_numpy() for table in (duck.values, spark.values))
        np.testing.assert_allclose(one, other, rtol=0, atol=indicator.unit.precision * 1.000001, err_msg=name)
        filled += int(np.isfinite(one[~old]).any())
        empty += [name] if indicator.source in SOURCES and not np.isfinite(one[old]).any() else []
    assert filled > 0.8 * len(indicators())  # the others need more history than random rows give
    assert empty == ["SOC08H"]  # it needs 100 firms of an industry


def test_spark_without_java_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyspark", reason="pyspark is not installed (extra spark)")
    monkeypatch.setattr(engines.shutil, "which", lambda _: None)
    with pytest.raises(UserError, match="IND-SPARK"), engine_of("spark"):
        pass


def test_spark_without_pyspark_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyspark.sql", None)
    with pytest.raises(UserError, match="IND-SPARK"), engine_of("spark"):
        pass
