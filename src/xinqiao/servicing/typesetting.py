"""PDF from a Typst template and plain values; the Chinese font is found, or its absence is said.

Fonts of the system come first; without one the packaged Noto font (assets.txt) is used.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import typst

from xinqiao.kernel.canonical import digest
from xinqiao.kernel.errors import fail, user_error

FONTS = (
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "Noto Sans SC",
    "Noto Sans CJK TC",  # holds the forms of every region; the text's own language picks them
    "WenQuanYi Zen Hei",
    "Microsoft YaHei",
    "PingFang SC",
    "SimSun",
)
PACKAGE = "cvttf_NotoSansCJK_Regular"
STANDARD: Literal["1.7"] = "1.7"


def template(name: str) -> bytes:
    """The text of a template."""
    return files("xinqiao").joinpath("servicing", "templates", f"{name}.typ").read_bytes()


def template_digest(*names: str) -> str:
    """SHA-256 over the texts of templates: which wording a contract was made from."""
    return digest(b"\0".join(template(name) for name in names))


def typeset(name: str, values: Mapping[str, Any], at: datetime) -> bytes:
    """The PDF of template ``name`` with ``values``. Raises UserError SRV-FONT, SRV-TYPESET."""
    found, fonts = _fonts()
    data = json.dumps({**values, "fonts": list(found)}, ensure_ascii=False)
    try:
        made = typst.compile(
            template(name),
            format="pdf",
            font_paths=fonts,
            sys_inputs={"data": data},
            pdf_standards=STANDARD,
            timestamp=at.astimezone(UTC).replace(microsecond=0),
        )
    except typst.TypstError as error:
        raise user_error("SRV-TYPESET", name, detail=str(error)[:300]) from error
    assert isinstance(made, bytes)  # noqa: S101 - a PDF is one file
    return made


@cache
def _fonts() -> tuple[tuple[str, ...], typst.Fonts]:
    fonts = typst.Fonts(font_paths=_packaged())
    known = set(fonts.families())
    found = tuple(each for each in FONTS if each in known)
    if not found:
        fail("SRV-FONT", "fonts", known=", ".join(FONTS[:3]))
    return found, fonts


def _packaged() -> list[Path]:
    """The folder of the packaged font, where it is installed."""
    spec = importlib.util.find_spec(PACKAGE)
    return [] if spec is None or spec.origin is None else [Path(spec.origin).parent]
