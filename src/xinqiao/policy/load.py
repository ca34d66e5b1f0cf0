"""Finding a policy: a file of the user's or one of the catalog's, checked against the indicators."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from xinqiao.kernel.errors import fail, user_error
from xinqiao.policy.compiled import Policy, compile_policy


def built_in() -> tuple[str, ...]:
    """The ids of the catalog's policies, sorted."""
    folder = files("xinqiao").joinpath("catalog", "policies")
    return tuple(sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml")))


def load_policy(source: str, units: Mapping[str, str] | None = None) -> Policy:
    """The checked policy of ``source``: the id of a built-in one, or a file's path.

    ``units`` gives the unit of every known indicator; with it, indicator references are checked.
    Raises UserError POL-NOT-FOUND, POL-INDICATOR or what ``compile_policy`` raises.
    """
    if source in built_in():
        text = files("xinqiao").joinpath("catalog", "policies", f"{source}.yaml").read_text("utf-8")
        return compile_policy(text, f"{source}.yaml", units)
    path = Path(source)
    if not path.is_file():
        fail("POL-NOT-FOUND", source, policy=source, known=", ".join(built_in()))
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise user_error("DOC-SYNTAX", source, detail=f"not UTF-8 at byte {error.start}") from error
    return compile_policy(text, source, units)
