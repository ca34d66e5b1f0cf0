"""Manifests and jobs for tests: parties named by what they are, with keys that tests can sign with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from xinqiao.db.database import new_id
from xinqiao.kernel.canonical import digest
from xinqiao.kernel.clock import now
from xinqiao.kernel.suite import KeyPair
from xinqiao.privacy.job.kind import Job, Result
from xinqiao.privacy.job.link import Link, play
from xinqiao.privacy.job.manifest import Consents, Engine, Input, Manifest, Party

PUBLIC = Consents(basis="none", ground="generated data for a test")


def signing_key(name: str) -> KeyPair:
    """The test key (Ed25519) of the party ``name``: always the same."""
    private = bytes.fromhex(digest(f"signing key of {name}".encode()))
    return KeyPair(private, Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw())


def data(
    *columns: str,
    key: str | None = "id",
    source: str = "table",
    rows_at_least: int = 0,
    rows_at_most: int = 1_000_000,
    consents: Consents = PUBLIC,
) -> Input:
    """What a party brings: ``key`` and ``columns`` of its ``source``."""
    return Input(
        source=source,
        key=key,
        key_kind=None if key is None else "text",
        columns=columns,
        rows_at_least=rows_at_least,
        rows_at_most=rows_at_most,
        consents=consents,
    )


def manifest(
    kind: str,
    parties: Mapping[str, str | tuple[str, Input]],
    params: Mapping[str, Any] | None = None,
    *,
    purpose: str = "credit",
    engine: Engine | None = None,
) -> Manifest:
    """A manifest of version 1 of ``kind``: each party's role, and what it brings where it brings data."""
    told = []
    for name, given in parties.items():
        role, brought = given if isinstance(given, tuple) else (given, None)
        told.append(
            Party(
                name=name,
                certificate=digest(f"certificate of {name}".encode()),
                signing_key=signing_key(name).public.hex(),
                role=role,
                input=brought,
            )
        )
    return Manifest(
        job=new_id(),
        kind=kind,
        version=1,
        purpose=purpose,
        parties=tuple(told),
        params=dict(params or {}),
        engine=engine or Engine(),
        made_by=told[0].name,
        expires=now() + timedelta(hours=1),
    )


def job(
    manifest: Manifest, name: str, table: pa.Table | None, tmp_path: Path, engine_python: Path | None = None
) -> Job:
    """The job of the party ``name``: a fresh folder each time, one state folder for each name."""
    folder = tmp_path / "jobs" / str(new_id())
    state = tmp_path / "state" / name
    folder.mkdir(parents=True)
    state.mkdir(parents=True, exist_ok=True)
    return Job(manifest, manifest.party(name), table, folder, state, engine_python)


def run_all(
    manifest: Manifest,
    run: Callable[[Job, Link], Result],
    tables: Mapping[str, pa.Table],
    tmp_path: Path,
    *,
    parties: Sequence[str] = (),
    wrap: Callable[[Link], Link] = lambda link: link,
) -> dict[str, Result]:
    """Play ``run`` at every party over memory links; ``tables`` by party name."""

    def part(name: str) -> Callable[[Link], Result]:
        own = job(manifest, name, tables.get(name), tmp_path)
        return lambda link: run(own, link)

    return play({name: part(name) for name in parties or manifest.names}, wrap)
