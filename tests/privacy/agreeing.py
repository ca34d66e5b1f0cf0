"""Two or more parties that agree: a kind of job for tests, and each party's store in one database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeAlias
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq

from tests.privacy.manifests import data, manifest, run_all, signing_key
from xinqiao.db.database import Database, new_id
from xinqiao.kernel.canonical import digest
from xinqiao.kernel.text import Text
from xinqiao.privacy.agreement import job_rows
from xinqiao.privacy.agreement.commitments import greet
from xinqiao.privacy.agreement.rules import Peer, Policy, Rule
from xinqiao.privacy.agreement.signing import Identity
from xinqiao.privacy.agreement.source_data import Source
from xinqiao.privacy.agreement.store import Store
from xinqiao.privacy.job.kind import Job, Kind, Result, Role
from xinqiao.privacy.job.link import Link, Recorded
from xinqiao.privacy.job.manifest import Consents, Manifest
from xinqiao.privacy.job.wire import pack, unpack

Run: TypeAlias = Callable[[Job, Link], Result]
SUBJECTS = Consents(basis="subjects", missing="leave_out")


def _run(job: Job, link: Link) -> Result:
    """Each tells the others how many rows it has: no protocol to be proud of."""
    mine = 0 if job.table is None else job.table.num_rows
    others = [name for name in link.parties if name != link.me]
    for name in others:
        link.send(name, "rows", pack({"rows": mine}))
    total = mine + sum(unpack(link.receive(n, "rows"), n, rows=int)["rows"] for n in others)
    job.progress(1.0)
    return Result({"rows": total})


def _plain(told: Manifest, tables: Mapping[str, pa.Table]) -> dict[str, Result]:
    total = sum(table.num_rows for table in tables.values())
    return {name: Result({"rows": total}) for name in told.names}


ROWS = Kind(
    name="rows",
    version=1,
    title=Text(zh="行数之和", en="rows in all"),
    roles=(
        Role("holder", Text(zh="持有方", en="holder"), 2, 4),
        Role("dealer", Text(zh="第三方", en="dealer"), 0, 1, brings_data=False, receives=False),
    ),
    protocols=(),
    check=lambda _: None,
    learns=lambda told: dict.fromkeys(told.names, (Text(zh="各方行数", en="each party's rows"),)),
    run=_run,
    plain=_plain,
)
RULE = Rule(
    name="trial",
    peers=("tax", "bank"),
    kinds=("rows",),
    purposes=("credit",),
    receivers=("bank", "tax"),
    sources=("table",),
    columns=("id", "sales"),
    consents="any",
    rows_at_least=0,
    answer="sign",
)


def identity(name: str) -> Identity:
    """The test party ``name``."""
    return Identity(name, digest(f"certificate of {name}".encode()), signing_key(name))


def peers(names: Iterable[str], me: str) -> dict[str, Peer]:
    """All test parties as ``me`` knows them."""
    return {
        name: Peer(name=name, certificate=identity(name).certificate, signing_key=identity(name).signing_key)
        for name in names
        if name != me
    }


def party(
    database: Database,
    folder: Path,
    name: str,
    *,
    rules: tuple[Rule, ...] = (RULE,),
    names: Iterable[str] = ("bank", "tax"),
    ids: Iterable[str] = ("a", "b", "c"),
    institution: UUID | None = None,
) -> Store:
    """A party with a source ``table`` of some ids and their sales."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "table.parquet"
    keys = list(ids)
    pq.write_table(pa.table({"id": keys, "sales": pa.array(range(len(keys)), pa.int64())}), file)
    source = Source(name="table", file=file, fields={"id": "id", "sales": "money"})
    policy = Policy(
        peers(names, name), rules, {"table": source}, {"bureau": signing_key("bureau").public.hex()}
    )
    return Store(database, institution or new_id(), identity(name), policy, folder / "kept")


def trial(consents: Consents | None = None) -> Manifest:
    """The bank's job with the tax bureau."""
    brought = data("sales") if consents is None else data("sales", consents=consents)
    return manifest("rows", {"bank": ("holder", data("sales")), "tax": ("holder", brought)})


def gossip(*stores: Store) -> None:
    """Tell every party what every other knows, as nodes do."""
    for teller in stores:
        for standing in teller.standing():
            for hearer in stores:
                if hearer is not teller and hearer.identity.name in standing.manifest.names:
                    hearer.heard(standing.manifest, standing.signatures, standing.receipts)


def agreed(bank: Store, tax: Store, manifest: Manifest) -> None:
    """The bank proposes, both sign, both know."""
    bank.propose(manifest)
    gossip(bank, tax)
    gossip(bank, tax)
    for store in (bank, tax):
        with store.transaction() as tx:
            assert job_rows.one(tx, manifest.job).state == "ready"


def played(
    manifest: Manifest, stores: list[Store], tmp_path: Path, attempt: int = 1, run: Run = _run
) -> None:
    """Begin at all, run over memory links, finish at all, and tell each other the receipts."""
    tables = {s.identity.name: s.begin(manifest.job, attempt).table for s in stores}
    links: dict[str, Recorded] = {}

    def wrap(link: Link) -> Link:
        links[link.me] = Recorded(link)
        greet(links[link.me])
        return links[link.me]

    given = {name: table for name, table in tables.items() if table is not None}
    results = run_all(manifest, run, given, tmp_path, wrap=wrap)
    for store in stores:
        name = store.identity.name
        store.finish(manifest.job, results[name], links[name].lines)
    gossip(*stores)
