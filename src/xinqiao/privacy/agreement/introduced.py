"""What an institution's node has told the database of itself, and jobs that its people put up there.

The pages hold no key: a job put up is signed by the node when it next looks, if its rules allow it.
"""

from __future__ import annotations

from dataclasses import dataclass

from xinqiao.db.database import Tx
from xinqiao.kernel.errors import fail
from xinqiao.privacy.agreement import job_rows
from xinqiao.privacy.agreement.job_rows import JobRow
from xinqiao.privacy.agreement.rules import Peer
from xinqiao.privacy.job.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Introduced:
    """A node: itself, whom it knows, and the columns of each of its sources."""

    me: Peer
    peers: dict[str, Peer]
    sources: dict[str, tuple[str, ...]]

    def peer(self, name: str) -> Peer:
        """A party it knows. Raises UserError PRV-NODE-ABSENT."""
        if name not in self.peers:
            fail("PRV-NODE-ABSENT", name, peer=name)
        return self.peers[name]


def introduced(tx: Tx) -> Introduced | None:
    """The node of the scope's institution; None where none has started with this database."""
    row = tx.execute(
        "SELECT name, certificate, signing_key, policy FROM privacy_node "
        "WHERE institution_id = xq_institution()"
    ).fetchone()
    if row is None:
        return None
    policy = row.pop("policy")
    peers = {name: Peer.model_validate(told) for name, told in policy.get("peers", {}).items()}
    sources = {name: tuple(columns) for name, columns in policy.get("sources", {}).items()}
    return Introduced(Peer.model_validate(row), peers, sources)


def put_up(tx: Tx, manifest: Manifest, by_name: str) -> JobRow:
    """Put up a job in the name of the scope's institution. Raises UserError PRV-NODE-ABSENT, PRV-MANIFEST."""
    row = tx.execute("SELECT xq_institution() AS id").fetchone()
    node = introduced(tx)
    if row is None or node is None or manifest.made_by != node.me.name:
        fail("PRV-NODE-ABSENT", manifest.made_by, peer=manifest.made_by)
    job_rows.add(tx, row["id"], manifest, by_name)
    return job_rows.move(tx, manifest.job, "approved", ["proposed"], by_name)
