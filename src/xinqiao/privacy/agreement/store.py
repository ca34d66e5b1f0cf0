"""A party's jobs as its node sees them (``agreement.desk``): agreement, and each attempt's beginning and end.

At the start of each attempt rules, consents, sizes and budget are looked at again, whatever was signed.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq

from xinqiao.db.database import Tx
from xinqiao.evidence.log import record
from xinqiao.evidence.sequencer import sequence
from xinqiao.kernel.canonical import canonical_json, digest
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import UserError, fail
from xinqiao.kernel.protect import Keyring
from xinqiao.privacy.agreement import budget, job_rows
from xinqiao.privacy.agreement.agreement import NODE, Agreement
from xinqiao.privacy.agreement.commitments import (
    Receipt,
    channels,
    input_commitment,
    new_salt,
    result_commitment,
    sign_receipt,
)
from xinqiao.privacy.agreement.consents import covered
from xinqiao.privacy.agreement.desk import Begun
from xinqiao.privacy.agreement.job_rows import JobRow
from xinqiao.privacy.agreement.rules import Rule, learners, receivers
from xinqiao.privacy.agreement.signing import check_all
from xinqiao.privacy.agreement.source_data import check_rows
from xinqiao.privacy.job.kind import Result, kind_of
from xinqiao.privacy.job.link import Sent
from xinqiao.privacy.job.manifest import Input, Manifest

RESULT_AT_MOST = 512 << 20
"""Bytes of a result: its values and its rows as Parquet."""
FAILING: tuple[job_rows.State, ...] = ("ready", "running", "failed")
"""States from which a job fails: ``failed`` too, where another attempt was not even begun."""
LOG_KEY = "node"
"""Id of the key that the node's own log is kept under."""


class Store(Agreement):
    """See ``Desk``."""

    def begin(self, job: UUID, attempt: int) -> Begun:
        """See ``Desk``."""
        with self.transaction() as tx:
            found = job_rows.one(tx, job)
            manifest, own = found.manifest, found.manifest.party(self.identity.name)
            if not found.attempts < attempt <= manifest.attempts:
                fail("PRV-ATTEMPTS", str(job), attempts=manifest.attempts)
            check_all(manifest, job_rows.signers(tx, job))
            rule = self._rule(manifest)
            job_rows.move(
                tx, job, "running", ["ready", "failed"], NODE,
                attempts=attempt, again=False, progress=0, error="", error_where="",
            )  # fmt: skip
            table = None if own.input is None else self._input(tx, manifest, own.input)
            self._charge(tx, manifest, rule, table)
            self._commit_to(tx, job, attempt, table)
        return Begun(table, self._state(manifest))

    def progress(self, job: UUID, share: float) -> None:
        """See ``Desk``."""
        with self.transaction() as tx:
            tx.execute(
                "UPDATE privacy_job SET progress = %s WHERE id = %s AND state = 'running'",
                [min(max(share, 0.0), 1.0), job],
            )

    def finish(self, job: UUID, result: Result, transcript: Sequence[Sent]) -> None:
        """See ``Desk``."""
        told, delivered = canonical_json(dict(result.told)), _parquet(result.table)
        if len(told) + len(delivered or b"") > RESULT_AT_MOST:
            fail("PRV-RESULT-SIZE", str(job), most=RESULT_AT_MOST >> 20)
        salt = new_salt()
        with self.transaction() as tx:
            found = job_rows.move(tx, job, "done", ["running"], NODE, progress=1)
            receipt = self._receipt(tx, found, result_commitment(salt, told, delivered), transcript)
            entry = record(tx, "computation", receipt.model_dump(mode="json"), institution=self.institution)
            tx.execute(
                "INSERT INTO privacy_result (institution_id, job_id, salt, commitment, told, delivered, "
                "evidence_id, at) VALUES (%s,%s,%s,%s,%s,%s,%s,%s)",
                [self.institution, job, salt, receipt.result, told.decode(), delivered, entry, now()],
            )
            signature = sign_receipt(receipt, self.identity)
            self._keep_receipt(tx, found.manifest, self.identity.name, signature + receipt.canonical())
        if self.own_log:
            sequence(self.database, Keyring({LOG_KEY: self.identity.secret("evidence")}, LOG_KEY))

    def fail(self, job: UUID, error: UserError) -> None:
        """See ``Desk``."""
        with self.transaction() as tx:
            if job_rows.one(tx, job).state in FAILING:
                told = {"error": error.code, "error_where": error.where[:200]}
                job_rows.move(tx, job, "failed", FAILING, NODE, again=False, **told)

    def _input(self, tx: Tx, manifest: Manifest, brought: Input) -> pa.Table:
        """The rows this party brings: read, cut to what is consented to, and bounded."""
        table = self.policy.sources[brought.source].read(brought)
        to = [name for name in receivers(manifest, kind_of(manifest)) if name != self.identity.name]
        table = covered(tx, self.identity, table, brought, to=to, purpose=manifest.purpose)
        check_rows(table, brought, str(manifest.job))
        return table

    def _charge(self, tx: Tx, manifest: Manifest, rule: Rule, table: pa.Table | None) -> None:
        """Count the attempt with every other party; the input is compared where that party learns of it."""
        others = [name for name in manifest.names if name != self.identity.name]
        learning = set(learners(manifest, kind_of(manifest))).intersection(others)
        told: Mapping[str, budget.Sketch] = {}
        source, rows, brought = budget.NO_SOURCE, 0, manifest.party(self.identity.name).input
        if brought is not None and table is not None:
            source, rows = brought.source, table.num_rows
            told = budget.sketches(self.identity.secret("budget"), table, brought) if learning else {}
        for peer in others:
            use = budget.Use(self.institution, manifest.job, peer, source, manifest.kind)
            budget.charge(tx, rule, use, rows, told if peer in learning else {})

    def _commit_to(self, tx: Tx, job: UUID, attempt: int, table: pa.Table | None) -> None:
        """Keep the commitment to this attempt's input, and what opens it; those of earlier attempts stay."""
        salt, rows = new_salt(), 0 if table is None else table.num_rows
        tx.execute(
            "INSERT INTO privacy_input (institution_id, job_id, attempt, salt, commitment, rows, at) "
            "VALUES (%s,%s,%s,%s,%s,%s,%s)",
            [self.institution, job, attempt, salt, input_commitment(salt, table), rows, now()],
        )

    def _state(self, manifest: Manifest) -> Path:
        """The folder kept for a deployment; its name is a digest, for a manifest's text names no path."""
        folder = self.folder / digest(manifest.deployment.encode())[:32]
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def _receipt(self, tx: Tx, found: JobRow, result: str, transcript: Sequence[Sent]) -> Receipt:
        row = tx.execute(
            "SELECT commitment FROM privacy_input WHERE job_id = %s AND attempt = %s",
            [found.id, found.attempts],
        ).fetchone()
        return Receipt(
            job=str(found.id),
            manifest=found.manifest.digest,
            party=self.identity.name,
            attempt=found.attempts,
            input="" if row is None else row["commitment"],
            result=result,
            sent=channels(transcript, "sent"),
            received=channels(transcript, "received"),
            at=now().replace(microsecond=0),
        )


def _parquet(table: pa.Table | None) -> bytes | None:
    if table is None:
        return None
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()
