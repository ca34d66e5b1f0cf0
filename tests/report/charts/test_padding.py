"""A chart's padding is classes, so that a strict Content-Security-Policy lets it through."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import xinqiao

ROOT = Path(xinqiao.__file__).parent
SIDES = ("pt", "pr", "pb", "pl")


def _pads() -> set[tuple[int, ...]]:
    """Every ``pad=(top, right, bottom, left)`` the product's charts are made with, and the usual one."""
    told = {(10, 12, 40, 44)}
    for file in [*ROOT.glob("report/**/*.py"), *ROOT.glob("portal/**/*.py")]:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "pad":
                told.add(tuple(ast.literal_eval(node.value)))
    return told


@pytest.mark.parametrize("sheet", ["portal/static/portal.css", "report/templates/style.css"])
def test_every_padding_has_its_class(sheet: str) -> None:
    text = (ROOT / sheet).read_text("utf-8")
    wanted = {f"{side}{size}" for pad in _pads() for side, size in zip(SIDES, pad, strict=True)}
    assert {name for name in wanted if not re.search(rf"\.{name}\{{padding-", text)} == set()
