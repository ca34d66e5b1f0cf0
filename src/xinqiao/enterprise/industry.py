"""Industry codes of GB/T 4754-2017 (国民经济行业分类), from ``catalog/codes/industries_2017.csv``.

A code is a section letter (门类) alone or two to four digits (大类、中类、小类), with or without the letter.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from xinqiao.kernel.errors import fail

CLASS_DIGITS = 4
MAX_CHARS = 32
"""Longer texts are no code, whatever they hold."""


@dataclass(frozen=True, slots=True)
class Industry:
    """An entry: ``section`` is the letter, ``digits`` what follows ("" for a section)."""

    section: str
    digits: str
    name: str

    @property
    def code(self) -> str:
        """The code with its letter, as the standard's tables join them: C1311."""
        return self.section + self.digits


@cache
def industries() -> Mapping[str, Industry]:
    """Every entry by its digits, sections by their letter, in the order of the standard."""
    file = files("xinqiao").joinpath("catalog", "codes", "industries_2017.csv")
    rows = csv.DictReader(file.read_text("utf-8").splitlines())
    listed = [Industry(row["code"][0], row["code"][1:], row["name"]) for row in rows]
    return {entry.digits or entry.section: entry for entry in listed}


@cache
def classes() -> Mapping[str, tuple[Industry, ...]]:
    """The four-digit classes (小类) under every entry, by the entry's full code; a class is under itself."""
    found: dict[str, list[Industry]] = {entry.code: [] for entry in industries().values()}
    for entry in industries().values():
        if len(entry.digits) == CLASS_DIGITS:
            for length in (0, 2, 3, 4):
                found[entry.section + entry.digits[:length]].append(entry)
    return {code: tuple(entries) for code, entries in found.items()}


def find_industry(code: str) -> Industry | None:
    """The entry of ``code`` (C1311, 1311, c 13, full-width too), or None where the standard has none."""
    return _find(code) if len(code) <= MAX_CHARS else None


@lru_cache(maxsize=4096)
def _find(code: str) -> Industry | None:
    plain = "".join(unicodedata.normalize("NFKC", code).split()).upper()
    letter = plain[:1] if "A" <= plain[:1] <= "Z" else ""
    digits = plain.removeprefix(letter)
    if digits and not digits.isdigit():  # CC is no section
        return None
    entry = industries().get(digits or letter)
    return entry if entry is not None and letter in {"", entry.section} else None


def industry(code: str, where: str = "industry") -> Industry:
    """The entry of ``code``. Raises UserError ENT-INDUSTRY with the nearest entry above it."""
    entry = find_industry(code)
    if entry is None:
        given = code[:MAX_CHARS]
        above = (find_industry(given[:end]) for end in range(len(given) - 1, 0, -1))
        near = next((entry for entry in above if entry is not None), None)
        known = f"{near.code} {near.name}" if near else "A-T"
        fail("ENT-INDUSTRY", where, given=given, near=known)
    return entry
