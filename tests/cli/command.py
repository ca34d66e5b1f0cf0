"""The command line as a user calls it, without the second that a process needs to start."""

from __future__ import annotations

import contextlib
import io
import sys
from typing import NamedTuple

import pytest

from xinqiao.cli.main import main

WIDE = "1000"


class Told(NamedTuple):
    """Exit code, standard output and standard error of a command."""

    code: int
    out: str
    err: str


def call(*words: object) -> Told:
    """Run ``xinqiao WORDS`` in this process; an exception that is not shown to users comes through."""
    out, err = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.setattr(sys, "argv", ["xinqiao", *map(str, words)])
        patch.setenv("COLUMNS", WIDE)
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return Told(code, out.getvalue(), err.getvalue())
