"""What verbs are told: the section ``run`` of a mapping file, dates, and where the lake is."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from xinqiao.kernel.errors import fail, user_error
from xinqiao.kernel.period import YEARS
from xinqiao.source.mapping import Mapping

CODE = {".py", ".yaml", ".html", ".css"}


class RunSettings(BaseModel):
    """The section ``run`` of a mapping.

    ``performance_months``: months after a snapshot in which a default makes a company bad; absent,
    the records state the outcome without its date (docs/decisions/0004).
    ``validate_as_of``: earlier dates at which the model is validated again, data cut there.
    ``policy``: id of a policy in the catalog, or a file.
    ``reject_odds``: companies without outcome are taken for rejected applicants whose odds of bad are
    this many times those of the accepted at the same score (``scoring.rejects``); absent, not used.
    ``model``: one card for everyone, or a card a segment with industry overlays (``scoring.segmented``).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    performance_months: int | None = Field(default=None, ge=1, le=60)
    validate_as_of: tuple[date, ...] = ()
    policy: str = "small_firm_credit"
    reject_odds: float | None = Field(default=None, gt=0, le=100)
    model: Literal["single", "segmented"] = "single"

    @model_validator(mode="after")
    def _one_way(self) -> RunSettings:
        if self.model == "segmented" and self.reject_odds is not None:
            message = "reject_odds goes with model: single only / reject_odds 只能与 model: single 同用"
            raise ValueError(message)
        return self


def run_settings(mapping: Mapping, origin: str) -> RunSettings:
    """The settings in ``mapping``; raises UserError RUN-SETTINGS."""
    try:
        return RunSettings.model_validate(mapping.run)
    except ValidationError as error:
        detail = "; ".join(f"{'.'.join(map(str, f['loc']))}: {f['msg']}" for f in error.errors())
        raise user_error("RUN-SETTINGS", origin, detail=detail) from error


def read_date(text: str, option: str) -> date:
    """A date given on the command line; raises UserError RUN-DATE."""
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise user_error("RUN-DATE", option, value=text) from error
    if day.year not in YEARS:
        fail("RUN-DATE", option, value=text)
    return day


def find_lake(folder: Path) -> Path:
    """``folder`` if it holds a lake; raises UserError CAT-NO-LAKE."""
    if not (folder / "manifests").is_dir():
        fail("CAT-NO-LAKE", str(folder))
    return folder


ABOVE = {"account", "cli", "consent", "db", "evidence", "lending", "portal"}
"""Packages that no stage of a run depends on."""


def code_digest(*packages: str) -> str:
    """Digest of the product's own code and catalog (or of ``packages`` and the kernel).

    Stages depend on it: a changed rule makes them run again.
    """
    root = Path(__file__).parent.parent
    folders = [root / name for name in (*packages, "kernel")] if packages else [root]
    files = (p for folder in folders for p in folder.rglob("*") if p.suffix in CODE)
    found = (p for p in files if packages or p.relative_to(root).parts[0] not in ABOVE)
    total = hashlib.sha256()
    for path in sorted(found):
        total.update(str(path.relative_to(root)).encode())
        total.update(path.read_bytes())
    return total.hexdigest()
