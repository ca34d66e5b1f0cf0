"""Writing one file, whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from xinqiao.kernel.errors import user_error


def write_whole(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write ``path`` at once or not at all. Raises UserError FILE-WRITE.

    ``mode``: of the file; it is never open to more than that.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=".tmp")
        partial = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            partial.chmod(mode)
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise user_error("FILE-WRITE", str(path), detail=error.strerror or str(error)) from error
