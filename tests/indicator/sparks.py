"""A Spark session for tests: one for all, tuned for tiny tables (no code generation)."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Any

import pytest


def tiny_spark() -> Any:  # noqa: ANN401 - pyspark may not be installed
    """A local session; skips the test, saying why, where pyspark or Java is absent."""
    pytest.importorskip("pyspark", reason="pyspark is not installed (extra spark)")
    if not shutil.which("java"):
        pytest.skip("Java is not installed, Spark cannot run")
    from pyspark.sql import SparkSession  # noqa: PLC0415 - an extra

    os.environ["PYSPARK_PYTHON"] = sys.executable
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "1g",
        "spark.sql.shuffle.partitions": "1",
        "spark.default.parallelism": "1",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    }
    builder = SparkSession.builder.master("local[1]").appName("xinqiao-tests")
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()
