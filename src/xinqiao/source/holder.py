"""The 17 sources, from ``catalog/sources/sources.yaml``: holder, refresh, sensitivity, legal ground, consent.

A contract says what a record is; the source it belongs to says on what ground it may be read.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field

from xinqiao.kernel.document import parse
from xinqiao.kernel.text import Text


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Source(_Document):
    """A source. ``sensitivity`` is a range of levels by JR/T 0197; ``on_time_days`` runs from the event."""

    name: Text
    holder: Text
    refresh: Text
    sensitivity: str = Field(pattern=r"^L[1-5](–L[1-5])?$")
    on_time_days: int = Field(ge=0, le=400)
    consent: bool
    basis: list[Text] = Field(min_length=1)


class _Sources(_Document):
    sources: dict[str, Source]


@cache
def sources() -> dict[str, Source]:
    """All sources by id, in the order written."""
    file = files("xinqiao").joinpath("catalog", "sources", "sources.yaml")
    listed, _ = parse(file.read_text("utf-8"), _Sources, file.name)
    return listed.sources
