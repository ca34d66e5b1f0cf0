"""Keys written alike by all parties, so that equal ones are equal bytes (Unicode NFKC, UAX #15).

Only the form is checked, not check digits or registers: both sides leave out the same texts, and a
number with a wrong digit matches nobody's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import polars as pl

KeyKind: TypeAlias = Literal["uscc", "person", "phone", "text"]
_IGNORED = r"[\s\-‐‑–—\u200b\ufeff]"
_FORMS: dict[str, str] = {
    "uscc": r"^[0-9A-HJ-NPQRTUWXY]{18}$",  # GB 32100-2015
    "person": r"^[0-9]{17}[0-9X]$",  # GB 11643-1999
    "phone": r"^(1[3-9][0-9]{9}|0[0-9]{9,11})$",  # mobile, or area code and number
    "text": r"^.{1,256}$",
}
CHARS_AT_MOST = 256


@dataclass(frozen=True, slots=True)
class Written:
    """Keys written alike; null where a text is no key of its kind. ``bad``: how many are not."""

    keys: pl.Series
    bad: int


def written_alike(values: pl.Series, kind: KeyKind) -> Written:
    """Each of ``values`` in the one form of its kind."""
    text = values.cast(pl.String).str.normalize("NFKC").str.strip_chars()
    if kind == "text":
        text = text.str.replace_all(r"\s+", " ").str.to_lowercase()
    else:
        text = text.str.replace_all(_IGNORED, "").str.to_uppercase()
    if kind == "phone":
        text = text.str.replace_all(r"[()]", "").str.replace(r"^(\+|00)?86(1[3-9]\d{9})$", "$2")
        text = text.str.replace(r"^(\+|00)860?([1-9]\d{8,10})$", "0$2")
    fits = text.str.contains(_FORMS[kind]).fill_null(value=False)
    keys = pl.select(pl.when(fits).then(text)).to_series().rename(values.name)
    return Written(keys, int(keys.null_count()))
