"""The transparency log for programs: witnesses, auditors and whoever checks a proof. All of it is public."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from xinqiao.evidence import cosigning, proof
from xinqiao.evidence.export import export
from xinqiao.evidence.note import Checkpoint, encode
from xinqiao.evidence.trust import Trust
from xinqiao.portal.visit import Visit, needs
from xinqiao.servicing.certificate import authorities
from xinqiao.servicing.signed_pdf import authority_lines

router = APIRouter(prefix="/api/v1/log", tags=["log 存证日志"])
Public = Annotated[Visit, needs("public.read")]
MAX_SIZE = 2**53
Size = Annotated[int, Query(ge=0, le=MAX_SIZE)]
MAX_LINES = 1000


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Entries(_Answer):
    """Lines of the log from ``start``; each line's UTF-8 bytes are a leaf of the tree."""

    start: int
    lines: list[str]


class Inclusion(_Answer):
    """That a line is at ``index`` of the log of ``size`` lines; ``proof``: base64, the leaf's end first."""

    index: int
    size: int
    line: str
    proof: list[str]


class Consistency(_Answer):
    """That the log of ``new`` lines begins with that of ``old``."""

    old: int
    new: int
    proof: list[str]


class Cosignature(_Answer):
    """A witness's signature line under the checkpoint of ``size``."""

    size: int = Field(ge=0, le=MAX_SIZE)
    line: str = Field(min_length=1, max_length=1000)


class Taken(_Answer):
    """The cosignature was kept; ``at`` is the time it tells."""

    size: int
    at: datetime


@router.get("/checkpoint", response_class=PlainTextResponse, summary="检查点 checkpoint")
def checkpoint(visit: Public, size: Annotated[int | None, Query(ge=0, le=MAX_SIZE)] = None) -> Response:
    """The latest checkpoint, or that of a size, as a signed note with all cosignatures."""
    return PlainTextResponse(str(proof.checkpoint(visit.tx, size)))


@router.get("/checkpoint/to-cosign", response_class=PlainTextResponse, summary="待见证检查点 to cosign")
def to_cosign(visit: Public) -> Response:
    """The checkpoint that witnesses cosign now."""
    return PlainTextResponse(str(cosigning.to_cosign(visit.tx)))


@router.get("/keys", response_class=PlainTextResponse, summary="公钥 public keys")
def keys(visit: Public) -> Response:
    """Public keys as ``xinqiao verify --keys`` reads them. Compare them with ones from elsewhere."""
    told = Trust(proof.log_key(visit.tx), tuple(cosigning.witnesses(visit.tx)))
    return PlainTextResponse(told.write() + authority_lines(authorities(visit.tx)))


@router.get("/entries", summary="日志行 lines")
def entries(
    visit: Public, start: Size = 0, count: Annotated[int, Query(ge=1, le=MAX_LINES)] = 100
) -> Entries:
    """Lines that have their place in the log."""
    rows = visit.tx.execute(
        "SELECT line FROM log_leaf JOIN evidence_entry ON id = entry_id "
        "WHERE idx >= %s AND idx < %s ORDER BY idx",
        [start, start + count],
    ).fetchall()
    return Entries(start=start, lines=[row["line"] for row in rows])


@router.get("/inclusion", summary="在内证明 proof of inclusion")
def inclusion(
    visit: Public, index: Size, size: Annotated[int | None, Query(ge=0, le=MAX_SIZE)] = None
) -> Inclusion:
    """The proof that a line is in the log; ``size`` is the latest unless told."""
    told = Checkpoint.read(proof.checkpoint(visit.tx).text).size if size is None else size
    parts = proof.inclusion_proof(visit.tx, index, told)
    row = visit.tx.execute(
        "SELECT line FROM log_leaf JOIN evidence_entry ON id = entry_id WHERE idx = %s", [index]
    ).fetchone()
    line = "" if row is None else row["line"]
    return Inclusion(index=index, size=told, line=line, proof=[encode(part) for part in parts])


@router.get("/consistency", summary="延续证明 proof of consistency")
def consistency(visit: Public, old: Size, new: Size) -> Consistency:
    """The proof that the log only grew between two sizes."""
    parts = proof.consistency_proof(visit.tx, old, new)
    return Consistency(old=old, new=new, proof=[encode(part) for part in parts])


@router.get("/export", response_class=StreamingResponse, summary="导出全部 the whole log")
def whole(visit: Public) -> Response:
    """All lines and the checkpoint over them, for ``xinqiao verify log.jsonl``."""
    proof.checkpoint(visit.tx)  # where there is none yet it is said now, not in the middle of the answer
    headers = {"Content-Disposition": 'attachment; filename="log.jsonl"'}
    return StreamingResponse(export(visit.platform.database), media_type="application/jsonl", headers=headers)


@router.post("/cosignatures", response_model=Taken, summary="提交见证签名 hand in a cosignature")
def cosign(visit: Public, told: Cosignature) -> Response:
    """Take a registered witness's cosignature. The signature itself shows who sent it."""

    def keep() -> Response:
        at = cosigning.accept(visit.tx, told.size, told.line)
        return JSONResponse(Taken(size=told.size, at=at).model_dump(mode="json"))

    return visit.once(keep)
