"""The rules, from ``catalog/leads/rules.yaml``: names, severity, what spares a firm, and their limits."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict

from xinqiao.kernel.document import parse
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text

Severity = Literal["high", "medium", "low"]
Group = Literal["invoice", "shell", "application", "funds", "graph"]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Rule(_Document):
    """A rule: ``about`` says when it speaks, ``spared`` what keeps it silent, ``limits`` are its numbers."""

    name: Text
    group: Group
    severity: Severity
    about: Text
    spared: Text
    basis: Text
    limits: dict[str, float | int]


class _File(_Document):
    rules: dict[str, Rule]


def load(text: str, origin: str) -> dict[str, Rule]:
    """Parse rules; raises UserError DOC-* and REL-LIMIT (a limit that is not positive)."""
    file, lines = parse(text, _File, origin)
    for key, rule in file.rules.items():
        for name, value in rule.limits.items():
            if value <= 0:
                fail("REL-LIMIT", lines.where(("rules", key, "limits", name)), name=name, value=value)
    return file.rules


@cache
def rules() -> dict[str, Rule]:
    """All rules by id, in the order written."""
    file = files("xinqiao").joinpath("catalog", "leads", "rules.yaml")
    return load(file.read_text("utf-8"), "catalog/leads/rules.yaml")
