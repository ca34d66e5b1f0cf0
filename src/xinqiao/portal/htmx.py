"""htmx for alerts and progress that update themselves; every page works without it.

The file comes from a package that ``make setup`` installs, pinned by hash there and here; where it is
absent or another, pages carry no script.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

PINNED = "71ea67185bfa8c98c39d31717c6fce5d852370fcdfd129db4543774d3145c0de"
"""SHA-256 of htmx 2.0.10, minified."""
PATH = f"/script/htmx-{PINNED[:12]}.js"


@cache
def htmx() -> bytes | None:
    """The script, if the pinned one is installed."""
    spec = find_spec("django_htmx")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "static" / "django_htmx" / "htmx-2.min.js"
    data = path.read_bytes() if path.exists() else b""
    return data if hashlib.sha256(data).hexdigest() == PINNED else None


def address() -> str | None:
    """Where pages find the script, if it is installed."""
    return None if htmx() is None else PATH
