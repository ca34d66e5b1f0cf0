"""The command ``xinqiao``: one verb a module, one way of showing errors.

Only the verb that is called is imported, so ``--help`` does not pay for the engines.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable

import typer
from rich.console import Console
from rich.markup import escape

from xinqiao import __version__
from xinqiao.kernel.errors import UserError

VERBS = {
    "run": "从原始文件到信贷决策 / from raw files to credit decisions",
    "ingest": "读入原始文件 / read raw files into the lake",
    "indicators": "计算指标 / compute indicators as of a date",
    "decide": "对一户作出决策并给出轨迹 / decide one case, with its trace",
    "replay": "逐字节重放一项决策 / reproduce a decision byte for byte",
}
USER_ERROR = 2
"""Exit code of an error the user can mend."""
INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells expect it."""


def build(called: str | None) -> typer.Typer:
    """The command line with all verbs listed and the ``called`` one loaded."""
    app = typer.Typer(
        name="xinqiao",
        help=f"信桥 Xinqiao {__version__}: 小微企业信用平台 / open credit platform for small firms",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_about)
    for verb, words in VERBS.items():
        function = _load(verb) if verb == called else _unloaded
        app.command(verb, help=words)(function)
    return app


def _about() -> None:
    """Options common to all verbs: none yet, the callback keeps verbs as subcommands."""


def _unloaded() -> None:
    """Stands in the list of verbs for one that was not called."""


def _load(verb: str) -> Callable[..., None]:
    function: Callable[..., None] = getattr(importlib.import_module(f"xinqiao.cli.{verb}"), verb)
    return function


def show(error: UserError, console: Console) -> None:
    """Print what is wrong, where and what to do, Chinese first."""
    console.print(f"[bold red]错误 {error.code}[/]  {escape(error.where)}")
    console.print(f"  {escape(error.what.zh)}\n  [dim]{escape(error.what.en)}[/]")
    console.print(f"[bold]怎么办[/] {escape(error.fix.zh)}\n  [dim]{escape(error.fix.en)}[/]")


def main() -> None:
    """Entry point of the console script."""
    called = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
    console = Console(stderr=True, soft_wrap=True)
    if "--version" in sys.argv[1:2]:
        Console().print(__version__)
        return
    try:
        build(called)()
    except UserError as error:
        show(error, console)
        sys.exit(USER_ERROR)
    except KeyboardInterrupt:
        console.print("已中断，重新运行即可继续 / interrupted; run again to go on")
        sys.exit(INTERRUPTED)
