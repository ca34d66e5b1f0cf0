"""A job's proof in one file: the manifest, every party's signature, their receipts, and what opens one's own.

Whoever has it can check it alone and offline: who agreed to what, that the parties saw the same messages,
and, with the openings, that this input and this result are what was committed to. Who holds which key is
for the reader to know; the keys are shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xinqiao.db.database import Tx
from xinqiao.evidence.trust import Finding, bad, good
from xinqiao.kernel.errors import UserError, user_error
from xinqiao.privacy.agreement import job_rows
from xinqiao.privacy.agreement.commitments import Receipt, disagreements, read_receipt, result_commitment
from xinqiao.privacy.agreement.job_rows import JobRow
from xinqiao.privacy.agreement.signing import check_signature
from xinqiao.privacy.job.manifest import Manifest, Name, read_manifest

_SHOWN = 16


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Signed(_Strict):
    """A text and its signature as hex."""

    body: str = Field(max_length=1 << 20)
    signature: str = Field(pattern=r"^[0-9a-f]{128}$")


class Opening(_Strict):
    """What shows that a result is the one committed to: salt (hex), values, digest of the rows' file."""

    party: Name
    salt: str = Field(pattern=r"^[0-9a-f]{64}$")
    told: str


class JobProof(_Strict):
    """See the module. ``opening``: of the party that made the file, if it shows its result."""

    format: Literal["xinqiao.privacy-job/1"] = "xinqiao.privacy-job/1"
    manifest: str = Field(max_length=1 << 20)
    signatures: dict[Name, str]
    receipts: dict[Name, Signed] = Field(default_factory=dict)
    opening: Opening | None = None

    def write(self) -> bytes:
        """The file."""
        return self.model_dump_json(indent=1, exclude_none=True).encode() + b"\n"

    @classmethod
    def read(cls, data: bytes, where: str) -> JobProof:
        """Raises UserError PRV-PROOF."""
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            detail = f"{'.'.join(map(str, first['loc']))} {first['msg']}"
            raise user_error("PRV-PROOF", where, detail=detail[:200]) from error


def proof_of(tx: Tx, job: JobRow, me: str, *, show_result: bool = False) -> JobProof:
    """The proof that this party can give of a job; ``show_result`` puts the values in, for an auditor."""
    rows = tx.execute("SELECT party, body, signature FROM privacy_receipt WHERE job_id = %s", [job.id])
    receipts = {
        row["party"]: Signed(body=bytes(row["body"]).decode(), signature=bytes(row["signature"]).hex())
        for row in rows
    }
    opening = None
    if show_result:
        kept = tx.execute(
            "SELECT salt, told FROM privacy_result WHERE job_id = %s AND delivered IS NULL", [job.id]
        ).fetchone()
        if kept is not None:
            opening = Opening(party=me, salt=bytes(kept["salt"]).hex(), told=kept["told"])
    return JobProof(
        manifest=job.manifest.canonical().decode(),
        signatures={party: told.hex() for party, told in job_rows.signers(tx, job.id).items()},
        receipts=receipts,
        opening=opening,
    )


def verify(data: bytes, where: str, known: Mapping[str, str] | None = None) -> list[Finding]:
    """Everything the file shows, each sentence true or not.

    ``known``: signing keys (hex) that the reader has of parties from elsewhere. Raises UserError PRV-PROOF,
    PRV-MANIFEST.
    """
    proof = JobProof.read(data, where)
    manifest = read_manifest(proof.manifest.encode(), where)
    if manifest.canonical() != proof.manifest.encode():
        return [bad("清单不是规范写法", "the manifest is not written canonically")]
    receipts, found = _receipts(manifest, proof)
    return [
        *[_known(manifest, name, key) for name, key in (known or {}).items() if name in manifest.names],
        *[_agreed(manifest, party, proof.signatures.get(party, "")) for party in manifest.names],
        *found,
        *_consistent(receipts),
        *([] if proof.opening is None else [_opened(proof.opening, receipts)]),
    ]


def parties(data: bytes, where: str) -> tuple[str, ...]:
    """Whom the file names as the job's parties. Raises UserError PRV-PROOF, PRV-MANIFEST."""
    return read_manifest(JobProof.read(data, where).manifest.encode(), where).names


def _known(manifest: Manifest, party: str, key: str) -> Finding:
    if manifest.party(party).signing_key == key:
        return good(f"{party} 的公钥与名片一致", f"the key of {party} is the one on its card")
    return bad(f"{party} 的公钥与名片不同", f"the key of {party} is not the one on its card")


def _agreed(manifest: Manifest, party: str, signature: str) -> Finding:
    key = manifest.party(party).signing_key[:_SHOWN]
    try:
        check_signature(manifest, party, bytes.fromhex(signature))
    except (UserError, ValueError):
        return bad(f"{party} 没有签署该清单", f"{party} did not sign this manifest")
    return good(f"{party}（公钥 {key}…）签署了清单", f"{party} (key {key}…) signed the manifest")


def _receipts(manifest: Manifest, proof: JobProof) -> tuple[dict[str, Receipt], list[Finding]]:
    """The receipts that hold, and what there is to say of each party's."""
    receipts, found = {}, []
    for party in manifest.names:
        told = proof.receipts.get(party)
        if told is None:
            found.append(bad(f"没有 {party} 的回执", f"there is no receipt of {party}"))
            continue
        try:
            receipts[party] = read_receipt(manifest, party, told.body.encode(), bytes.fromhex(told.signature))
            at = receipts[party].at.isoformat()
            found.append(good(f"{party} 于 {at} 签署了回执", f"{party} signed its receipt at {at}"))
        except UserError:
            found.append(bad(f"{party} 的回执不成立", f"the receipt of {party} does not hold"))
    return receipts, found


def _consistent(receipts: dict[str, Receipt]) -> list[Finding]:
    """Whether both ends of each channel tell of the same messages, in one attempt."""
    wrong = [
        bad(f"{one} 与 {other} 所记的消息不同", f"{one} and {other} tell of different messages")
        for one, other in disagreements(receipts)
    ]
    if len({receipt.attempt for receipt in receipts.values()}) > 1:
        wrong.append(bad("各方回执不是同一次尝试", "the receipts are of different attempts"))
    fine = good("各方之间的消息两端一致", "both ends of every channel tell of the same messages")
    return wrong or [fine]


def _opened(opening: Opening, receipts: dict[str, Receipt]) -> Finding:
    receipt = receipts.get(opening.party)
    told = result_commitment(bytes.fromhex(opening.salt), opening.told.encode(), None)
    if receipt is None or receipt.result != told:
        return bad(
            f"所示结果不是 {opening.party} 承诺的结果",
            f"the result shown is not what {opening.party} committed to",
        )
    return good(
        f"所示结果就是 {opening.party} 承诺的结果",
        f"the result shown is what {opening.party} committed to",
    )
