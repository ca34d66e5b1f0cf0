"""Parameters of the portfolio view and of the watch-list: ``catalog/monitoring/portfolio.yaml``."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field

from xinqiao.kernel.document import parse
from xinqiao.monitoring.signal import Level


class Parameters(BaseModel):
    """All of them: shares 0 to 1, days; ``assumed``: nobody has measured them, and pages say so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    assumed: bool
    lgd: dict[str, float]
    lgd_other: float = Field(ge=0, le=1)
    pd_unknown: float = Field(gt=0, lt=1)
    default_days: int = Field(gt=0)
    buckets: list[int] = Field(min_length=2)
    shock_groups: dict[str, str]
    enter: Level
    task_days: dict[Level, int]


@cache
def parameters() -> Parameters:
    """Those of the catalog. Raises UserError DOC-*."""
    file = files("xinqiao").joinpath("catalog", "monitoring", "portfolio.yaml")
    return parse(file.read_text("utf-8"), Parameters, "catalog/monitoring/portfolio.yaml")[0]
