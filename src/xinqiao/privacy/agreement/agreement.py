"""What a party agrees to: jobs proposed and heard of, decided by its rules, signed, and told to the others.

A job runs only when every party has signed its manifest. Rules decide whether this party does
(``agreement.rules``), or a person where a rule says so; both happen in the party's own database.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from psycopg.types.json import Jsonb

from xinqiao.db.database import Database, Scope, Side, Tx
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail
from xinqiao.kernel.suite import SIGNATURE_BYTES
from xinqiao.privacy.agreement import job_rows
from xinqiao.privacy.agreement.commitments import read_receipt
from xinqiao.privacy.agreement.desk import A_DAY, Standing
from xinqiao.privacy.agreement.job_rows import OPEN, JobRow, Told
from xinqiao.privacy.agreement.rules import Ask, Decision, Policy, Refuse, Rule, Sign, decide
from xinqiao.privacy.agreement.signing import Identity, check_signature, sign_manifest
from xinqiao.privacy.job.manifest import Manifest, Party

PROPOSED_AT_MOST = 500
"""How many jobs of one party may stand here that have not run: all are looked at again and again."""
NODE = "node"
"""By whom: the node itself, by its rules."""


class Agreement:
    """A party's jobs. ``folder``: what is kept between jobs of a deployment (keys, parts of models).

    ``own_log``: the database is the node's alone, so it keeps the evidence log there itself.
    Every call is one transaction of its own and may be made from any thread.
    """

    def __init__(
        self,
        database: Database,
        institution: UUID,
        identity: Identity,
        policy: Policy,
        folder: Path,
        *,
        side: Side = "holder",
        own_log: bool = False,
    ) -> None:
        self.database = database
        self.institution = institution
        self.identity = identity
        self.policy = policy
        self.folder = folder
        self.scope = Scope(side, institution)
        self.own_log = own_log

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Tx]:
        """One transaction for this party."""
        with self.database.transaction(self.scope) as tx:
            yield tx

    def introduce(self) -> None:
        """Tell the database who the node is and what its rules allow, for the pages; again every while."""
        told = {
            "peers": {name: peer.model_dump(mode="json") for name, peer in self.policy.peers.items()},
            "rules": [rule.model_dump(mode="json") for rule in self.policy.rules],
            "sources": {name: sorted(source.types) for name, source in self.policy.sources.items()},
            "issuers": dict(self.policy.issuers),
        }
        with self.transaction() as tx:
            tx.execute(
                "INSERT INTO privacy_node (institution_id, name, certificate, signing_key, policy, seen_at) "
                "VALUES (%s,%s,%s,%s,%s,%s) ON CONFLICT (institution_id) DO UPDATE SET name = excluded.name, "
                "certificate = excluded.certificate, signing_key = excluded.signing_key, "
                "policy = excluded.policy, seen_at = excluded.seen_at",
                [
                    self.institution,
                    self.identity.name,
                    self.identity.certificate,
                    self.identity.signing_key,
                    Jsonb(told),
                    now(),
                ],
            )

    def decide(self, manifest: Manifest) -> Decision:
        """What this party's rules answer."""
        me = Party(
            name=self.identity.name,
            certificate=self.identity.certificate,
            signing_key=self.identity.signing_key,
            role="none",
        )
        return decide(manifest, me, self.policy)

    def propose(self, manifest: Manifest, by_name: str = NODE) -> JobRow:
        """Keep and sign a job that this party made; its node tells the others.

        Its own rules hold for it too. Raises UserError of the reason it is refused, PRV-MANIFEST.
        """
        if manifest.made_by != self.identity.name:
            fail("PRV-MANIFEST", str(manifest.job), detail=f"made_by {manifest.made_by}")
        answer = self.decide(manifest)
        if isinstance(answer, Refuse):
            raise answer.error
        with self.transaction() as tx:
            job_rows.add(tx, self.institution, manifest, by_name)
            return self._sign(tx, manifest, answer.rule, by_name)

    def heard(
        self, manifest: Manifest, signatures: Mapping[str, str], receipts: Mapping[str, str] | None = None
    ) -> None:
        """See ``Desk``. ``receipts``: what parties say came of it, hex of signature and body together."""
        given = {party: _hex(manifest, party, text) for party, text in signatures.items()}
        for party, signature in given.items():
            check_signature(manifest, party, signature)
        if manifest.made_by not in given:
            fail("PRV-SIGNATURE", str(manifest.job), party=manifest.made_by)
        manifest.party(self.identity.name)
        self._check_maker(manifest)
        with self.transaction() as tx:
            if job_rows.add(tx, self.institution, manifest, manifest.made_by):
                if job_rows.not_run(tx, manifest.made_by, now() - A_DAY) > PROPOSED_AT_MOST:
                    fail("PRV-TOO-MANY", manifest.made_by, most=PROPOSED_AT_MOST)
                self._answer(tx, manifest)
            for party, signature in given.items():
                self._keep_signature(tx, manifest, party, signature)
            self._ready(tx, manifest)
            for party, told in (receipts or {}).items():
                self._keep_receipt(tx, manifest, party, _hex(manifest, party, told))

    def refused(self, job: UUID, party: str, code: str) -> None:
        """See ``Desk``."""
        with self.transaction() as tx:
            found = job_rows.one(tx, job)
            found.manifest.party(party)
            if found.state in OPEN:
                columns = {"error": code[:64], "error_where": party}
                job_rows.move(tx, job, "refused", OPEN, party, **columns)

    def standing(self, ended_within: timedelta = A_DAY) -> list[Standing]:
        """See ``Desk``; jobs that people approved are signed first, and those past their day end."""
        with self.transaction() as tx:
            since = now() - ended_within
            rows = job_rows.live(tx, since)
            moved = [self._moved_on(tx, row) for row in rows]
            if any(moved):
                rows = job_rows.live(tx, since)
            told = job_rows.told(tx, [row.id for row in rows])
            return [self._standing(row, told[row.id]) for row in rows]

    def _moved_on(self, tx: Tx, row: JobRow) -> bool:
        """End a job past its day, sign one that a person approved; whether it was either."""
        if row.state in OPEN and row.manifest.expires <= now():
            job_rows.move(tx, row.id, "expired", OPEN, NODE, error="PRV-EXPIRED")
            return True
        if row.state == "approved":
            self._approved(tx, row.manifest)
            return True
        return False

    def _check_maker(self, manifest: Manifest) -> None:
        """The signature is of who this node knows under that name: nothing is kept in another's.

        Raises UserError PRV-PEER-UNKNOWN.
        """
        maker = manifest.made_by
        peer = self.policy.peers.get(maker)
        known = peer.signing_key if peer is not None else None
        if maker == self.identity.name:
            known = self.identity.signing_key
        if manifest.party(maker).signing_key != known:
            fail("PRV-PEER-UNKNOWN", maker)

    def _answer(self, tx: Tx, manifest: Manifest) -> None:
        """What the rules say of a job that is new."""
        answer = self.decide(manifest)
        if isinstance(answer, Sign):
            self._sign(tx, manifest, answer.rule, NODE)
        elif isinstance(answer, Ask):
            job_rows.move(tx, manifest.job, "waiting", ["proposed"], NODE, rule=answer.rule.name)
        else:
            code = {"error": answer.error.code, "error_where": answer.error.where[:200]}
            words = answer.error.what.zh[: job_rows.WORDS_AT_MOST]
            job_rows.move(tx, manifest.job, "refused", ["proposed"], NODE, words=words, **code)

    def _approved(self, tx: Tx, manifest: Manifest) -> None:
        """Sign what a person approved, unless no rule allows it any more."""
        answer = self.decide(manifest)
        if isinstance(answer, Refuse):
            columns = {"error": answer.error.code, "error_where": answer.error.where[:200]}
            job_rows.move(tx, manifest.job, "refused", ["approved"], NODE, **columns)
        else:
            self._sign(tx, manifest, answer.rule, NODE)

    def _standing(self, row: JobRow, told: Told) -> Standing:
        manifest, state = row.manifest, row.state
        by = None
        if state == "refused":
            by = row.error_where if row.error_where in manifest.names else self.identity.name
        return Standing(
            manifest,
            "waiting" if state == "approved" else state,
            told.signatures,
            attempt=row.attempts,
            again=row.again,
            refused_by=by,
            code=row.error or None,
            receipts=told.receipts,
        )

    def _keep_receipt(self, tx: Tx, manifest: Manifest, party: str, told: bytes) -> None:
        """``told``: signature and body. Raises UserError PRV-RECEIPT."""
        signature, body = told[:SIGNATURE_BYTES], told[SIGNATURE_BYTES:]
        read_receipt(manifest, party, body, signature)
        tx.execute(
            "INSERT INTO privacy_receipt (institution_id, job_id, party, body, signature, at) "
            "VALUES (%s,%s,%s,%s,%s,%s) ON CONFLICT DO NOTHING",
            [self.institution, manifest.job, party, body, signature, now()],
        )

    def _rule(self, manifest: Manifest) -> Rule:
        """The rule that allows a job now. Raises UserError why none does."""
        answer = self.decide(manifest)
        if isinstance(answer, Refuse):
            raise answer.error
        return answer.rule

    def _sign(self, tx: Tx, manifest: Manifest, rule: Rule, by_name: str) -> JobRow:
        job_rows.move(tx, manifest.job, "signed", ["proposed", "approved"], by_name, rule=rule.name)
        self._keep_signature(tx, manifest, self.identity.name, sign_manifest(manifest, self.identity.pair))
        self._ready(tx, manifest)
        return job_rows.one(tx, manifest.job)

    def _ready(self, tx: Tx, manifest: Manifest) -> None:
        """A job this party signed becomes ready with the last signature."""
        complete = set(job_rows.signers(tx, manifest.job)) == set(manifest.names)
        if complete and job_rows.one(tx, manifest.job).state == "signed":
            job_rows.move(tx, manifest.job, "ready", ["signed"], NODE)

    def _keep_signature(self, tx: Tx, manifest: Manifest, party: str, signature: bytes) -> None:
        tx.execute(
            "INSERT INTO privacy_signature (institution_id, job_id, party, signature, at) "
            "VALUES (%s,%s,%s,%s,%s) ON CONFLICT DO NOTHING",
            [self.institution, manifest.job, party, signature, now()],
        )


def _hex(manifest: Manifest, party: str, text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return fail("PRV-SIGNATURE", str(manifest.job), party=party)
