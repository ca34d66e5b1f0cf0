"""A party's store as its configuration says: the database inside the node's folder, or one beside."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from uuid import UUID, uuid5

from xinqiao.db.database import Database
from xinqiao.db.embedded import Access, Embedded
from xinqiao.db.migrate import migrate
from xinqiao.privacy.config import Config
from xinqiao.privacy.policy_file import identity_of, policy_of
from xinqiao.privacy.store import Store

PARTIES = UUID("6f3f5a3e-7c1b-5c55-9d0b-6a0f8f0a7d11")
"""Namespace (RFC 9562, version 5) of the institutions of nodes whose configuration names none."""
CONNECTIONS = 4


def institution_of(config: Config) -> UUID:
    """Under whose name the party's rows stand: the portal's institution, where the two share a database."""
    return config.institution or uuid5(PARTIES, config.name)


@contextlib.contextmanager
def opened(config: Config) -> Iterator[Store]:
    """The store, its database started (if nobody has) and brought to this version.

    Raises UserError DB-START, DB-MIGRATION, PRV-SIGNING-KEY, PRV-CONFIG, DOC-*.
    """
    identity, policy = identity_of(config), policy_of(config)
    with contextlib.ExitStack() as stack:
        if config.dsn is not None and config.owner_dsn is not None:
            access = Access(config.owner_dsn, config.dsn)
        else:
            access = stack.enter_context(Embedded(config.folder / "db").running())
        migrate(access.owner)
        database = stack.enter_context(Database(access.app, size=CONNECTIONS))
        yield Store(database, institution_of(config), identity, policy, config.folder / "kept")
