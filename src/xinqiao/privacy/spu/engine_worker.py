"""The SPU engine in its own environment: run by path, it imports nothing of this product.

``python -I engine_worker.py ANSWERS MODULE...`` in a fresh folder; the modules are loaded at once. Requests
are lines of JSON on standard input, answers lines of JSON on the file descriptor ANSWERS: an empty one when
all is loaded, then ``{"told": ...}`` or ``{"error": "the exception's class"}``, never its message, which may
hold values. Arrays are .npy files of the folder: ``{"array": "name"}``.
The other parties are Unix sockets of the folder, behind which ``engine_link`` carries what passes.
A request may name a file of Python next to this one whose function is called instead of those below.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

PR_SET_PDEATHSIG = 1
LONG_MS = 24 * 3600 * 1000
"""The bridge notices parties that go away; the engine itself waits as long as they compute."""
LIGHT = ("spu.libspu", "spu.libpsi")
ALLOWED = {"ABY3": 3, "CHEETAH": 2}
"""Protocols of the computing engine and their parties. SEMI2K takes its correlated randomness from the first
party by default, who then reads everything: it is not on the list.
"""


def library(name: str) -> Any:  # noqa: ANN401 - the engine has no types
    """``spu.<name>`` without what the package imports besides, jax above all, which takes a second."""
    if "spu" in sys.modules:
        return importlib.import_module(f"spu.{name}")
    found = importlib.util.find_spec("spu")
    if found is None:
        raise ModuleNotFoundError(name)
    package = sys.modules["spu"] = ModuleType("spu")
    package.__path__ = list(found.submodule_search_locations or ())
    try:
        return importlib.import_module(f"spu.{name}")
    finally:
        del sys.modules["spu"]  # so that a function that imports the whole package gets it


def load(name: str) -> None:
    """Load a module ahead of its use, which will tell where it is missing."""
    with suppress(ImportError):
        if name in LIGHT:
            library(name.removeprefix("spu."))
        else:
            importlib.import_module(name)


class Context:
    """What a function is given: ``link`` (of the engine), ``rank`` and ``parties``."""

    def __init__(self, rank: int, parties: int) -> None:
        self.rank = rank
        self.parties = parties
        self._link: Any = None

    @property
    def link(self) -> Any:  # noqa: ANN401 - the engine has no types
        """The engine's link, made when first asked for."""
        if self._link is None:
            libspu = library("libspu")
            told = libspu.link.Desc()
            told.connect_retry_times, told.connect_retry_interval_ms = 600, 100
            told.recv_timeout_ms = told.http_timeout_ms = LONG_MS
            told.brpc_channel_protocol = "baidu_std"
            for rank in range(self.parties):
                told.add_party(f"party-{rank}", f"unix:{rank}.sock")
            self._link = libspu.link.create_brpc(told, self.rank)
        return self._link

    def meet(self) -> None:
        """Wait until the engines of all parties have come here.

        Making a link, and each intersection anew, sends every peer a greeting and waits for its. A second
        greeting that finds the first still unread is dropped, and who waits for it waits for ever: on a busy
        machine a peer can be that far ahead.
        """
        self.link.barrier()

    def runtime(self, protocol: str, fraction_bits: int = 18) -> Any:  # noqa: ANN401 - the engine has no types
        """The engine's settings for a protocol. Raises ValueError for one that may not be used."""
        if ALLOWED.get(protocol) != self.parties:
            message = f"{protocol} with {self.parties} parties"
            raise ValueError(message)
        libspu = library("libspu")
        kind = getattr(libspu.ProtocolKind, protocol)
        return libspu.RuntimeConfig(kind, libspu.FieldType.FM64, fraction_bits)


def connect(context: Context) -> dict[str, int]:
    """Make the engine's link."""
    return {"parties": context.link.world_size}


def psi(context: Context, receiver: int, protocol: str, *, broadcast: bool) -> dict[str, int]:
    """The ids of ``in.csv`` that all have to ``out.csv``, at the receiver or, ``broadcast``, at all."""
    libpsi = library("libpsi")
    settings = libpsi.PsiProtocolConfig(
        protocol=getattr(libpsi.PsiProtocol, f"PROTOCOL_{protocol}"),
        receiver_rank=receiver,
        broadcast_result=broadcast,
    )
    config = libpsi.PsiExecuteConfig(protocol_conf=settings, input_params=_input(), output_params=_output())
    context.meet()
    report = libpsi.psi_execute(config, context.link)
    return {"common": int(report.intersection_count)}


def unbalanced_offline(context: Context, server: int, state: str) -> dict[str, int]:
    """The server's list, each id under its key, to the client; both keep it in ``state``."""
    return _unbalanced(context, server, state, "MODE_OFFLINE", output=False)


def unbalanced_online(context: Context, server: int, state: str, *, output: bool) -> dict[str, int]:
    """The client's ids against the list it was given; ``output``: this party receives the result."""
    return _unbalanced(context, server, state, "MODE_ONLINE", output=output)


def _unbalanced(context: Context, server: int, state: str, mode: str, *, output: bool) -> dict[str, int]:
    libpsi, serving = library("libpsi"), context.rank == server
    config = libpsi.UbPsiExecuteConfig(
        mode=getattr(libpsi.UbPsiMode, mode),
        role=libpsi.UbPsiRole.ROLE_SERVER if serving else libpsi.UbPsiRole.ROLE_CLIENT,
        client_receive_result=mode == "MODE_ONLINE",
        cache_path=str(Path(state) / "cache"),
        input_params=_input(),
        output_params=_output(),
    )
    if serving:
        config.server_params = libpsi.UbPsiServerParams(secret_key_path=str(Path(state) / "key"))
    context.meet()
    report = libpsi.ub_psi_execute(config, context.link)
    return {"common": int(report.intersection_count) if output else 0}


def _input() -> Any:  # noqa: ANN401 - the engine has no types
    path = str(Path("in.csv").resolve())
    return library("libpsi").InputParams(path=path, selected_keys=["id"], keys_unique=True)


def _output() -> Any:  # noqa: ANN401 - the engine has no types
    return library("libpsi").OutputParams(path=str(Path("out.csv").resolve()), disable_alignment=True)


FUNCTIONS: dict[str, Callable[..., dict[str, Any]]] = {
    "connect": connect,
    "psi": psi,
    "unbalanced_offline": unbalanced_offline,
    "unbalanced_online": unbalanced_online,
}


def function(request: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    """The function that a request names."""
    if not request.get("module"):
        return FUNCTIONS[request["call"]]
    path = Path(__file__).parent / f"{request['module']}.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None  # noqa: S101, PT018 - a file of this package
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[..., dict[str, Any]] = getattr(module, request["call"])
    return found


def read(value: Any) -> Any:  # noqa: ANN401 - JSON
    """An argument, its array read."""
    if isinstance(value, dict) and set(value) == {"array"}:
        return np.load(value["array"], allow_pickle=False)
    return value


def write(name: str, value: Any) -> Any:  # noqa: ANN401 - JSON
    """A result for JSON, an array of it written."""
    if isinstance(value, np.ndarray):
        np.save(f"told-{name}.npy", value, allow_pickle=False)
        return {"array": f"told-{name}.npy"}
    return value


def main() -> None:
    """Answer requests until standard input ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    context: Context | None = None
    with os.fdopen(int(sys.argv[1]), "w", encoding="utf-8") as answers:
        for name in sys.argv[2:]:
            load(name)
        answers.write("\n")
        answers.flush()
        for line in sys.stdin:
            request = json.loads(line)
            context = context or Context(request["rank"], request["parties"])
            try:
                given = {name: read(value) for name, value in request["with"].items()}
                told = function(request)(context, **given)
                answer: dict[str, Any] = {"told": {name: write(name, value) for name, value in told.items()}}
            except Exception as error:  # noqa: BLE001 - told to the parent, whatever it is
                answer = {"error": type(error).__name__}
                sys.stderr.write(f"{type(error).__name__}: {error}\n")
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
