"""Finding a policy or mandate: a file of the user's or one of the catalog's."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from xinqiao.kernel.errors import fail, user_error
from xinqiao.policy.compiled import Policy, compile_policy


def built_in(folder: str = "policies") -> tuple[str, ...]:
    """The ids of the catalog's policies (or mandates), sorted."""
    catalog = files("xinqiao").joinpath("catalog", folder)
    return tuple(sorted(f.name.removesuffix(".yaml") for f in catalog.iterdir() if f.name.endswith(".yaml")))


def load_policy(source: str, units: Mapping[str, str] | None = None) -> Policy:
    """The checked policy of ``source``: the id of a built-in one, or a file's path.

    ``units`` gives the unit of every known indicator; with it, indicator references are checked.
    Raises UserError POL-NOT-FOUND, POL-INDICATOR or what ``compile_policy`` raises.
    """
    return compile_policy(*read_policy(source), units)


def read_policy(source: str) -> tuple[str, str]:
    """The text of a policy, unchecked, and the file name for its errors.

    Raises UserError POL-NOT-FOUND or DOC-SYNTAX.
    """
    found = read_document("policies", source)
    if found is None:
        fail("POL-NOT-FOUND", source, policy=source, known=", ".join(built_in()))
    return found


def read_document(folder: str, source: str) -> tuple[str, str] | None:
    """Text and file name of ``source``, an id in the catalog's ``folder`` or a file; None if neither.

    Raises UserError DOC-SYNTAX for a file that cannot be read as UTF-8 text.
    """
    if source in built_in(folder):
        text = files("xinqiao").joinpath("catalog", folder, f"{source}.yaml").read_text("utf-8")
        return text, f"{source}.yaml"
    path = Path(source)
    if not path.is_file():
        return None
    try:
        return path.read_bytes().decode("utf-8-sig"), source
    except UnicodeDecodeError as error:
        raise user_error("DOC-SYNTAX", source, detail=f"not UTF-8 at byte {error.start}") from error
    except OSError as error:
        raise user_error("DOC-SYNTAX", source, detail=error.strerror or str(error)) from error
