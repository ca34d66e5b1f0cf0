"""Verifying a signed contract offline: the PDF and the authority's certificate, nothing else.

What is found is a list of sentences, each true or not; every one must hold for the document to be good.
"""

from __future__ import annotations

import base64
import io
import logging
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from asn1crypto import cms, x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY, ModificationLevel
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from xinqiao.evidence.trust import Finding, bad, good
from xinqiao.kernel.clock import CHINA
from xinqiao.kernel.errors import fail, user_error
from xinqiao.kernel.suite import GUOMI, SM2_HALF
from xinqiao.servicing.signing import SM2_WITH_SM3, SM3

logging.getLogger("pyhanko").setLevel(logging.CRITICAL)  # what it finds is told as findings, not as a log
_AUTHORITY = re.compile(r"^authority\s+(\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Signed:
    """One signature of a document: its field, whose certificate, when, and whether all of it holds."""

    field: str
    organisation: str
    serial: str
    at: datetime | None
    whole: bool
    valid: bool
    trusted: bool


def authorities_of(text: str, where: str) -> tuple[bytes, ...]:
    """The certificates in a file of keys: lines ``authority BASE64``. Raises UserError EVD-TRUST."""
    found = []
    for told in _AUTHORITY.findall(text):
        try:
            data = base64.b64decode(told, validate=True)
            x509.Certificate.load(data).subject.dump()
        except ValueError as error:
            raise user_error("EVD-TRUST", where, detail=told[:60]) from error
        found.append(data)
    return tuple(found)


def authority_lines(certificates: list[bytes]) -> str:
    """The lines ``authorities_of`` reads."""
    return "".join(f"authority {base64.b64encode(data).decode()}\n" for data in certificates)


def verify(path: Path, authorities: tuple[bytes, ...]) -> list[Finding]:
    """Everything there is to say about a signed PDF. Raises UserError EVD-BUNDLE where it is none."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise user_error("EVD-BUNDLE", str(path), detail=error.strerror or str(error)) from error
    return findings(data, authorities, str(path))


def findings(data: bytes, authorities: tuple[bytes, ...], where: str) -> list[Finding]:
    """As ``verify``, of bytes."""
    found = signatures(data, authorities, where)
    if not found:
        return [bad("文件没有电子签名", "the document bears no electronic signature")]
    told = [each for one in found for each in _sentences(one)]
    last = found[-1]
    return [
        *told,
        good(f"共 {len(found)} 个签名，最后一个覆盖全文", f"{len(found)} signatures, the last covers all")
        if last.whole
        else bad("最后一个签名之后文件被改动过", "the document was changed after its last signature"),
    ]


def _sentences(one: Signed) -> Iterator[Finding]:
    who, at = one.organisation, "—" if one.at is None else f"{one.at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"
    yield (
        good(f"{who} 于 {at} 签名，签名后内容未被改动", f"{who} signed at {at} China time; unchanged since")
        if one.valid
        else bad(f"{who} 的签名不成立：内容被改动过", f"the signature of {who} does not hold: changed since")
    )
    yield (
        good(f"{who} 的证书由所信任的机构签发", f"the certificate of {who} is the trusted authority's")
        if one.trusted
        else bad(
            f"{who} 的证书不是所信任的机构签发的", f"no trusted authority issued the certificate of {who}"
        )
    )


def signatures(data: bytes, authorities: tuple[bytes, ...], where: str) -> list[Signed]:
    """All signatures of a document in their order. Raises UserError EVD-BUNDLE where it can't be read."""
    try:
        reader = PdfFileReader(io.BytesIO(data))
        found = list(reader.embedded_regular_signatures)
        return [_one(each, data, authorities) for each in found]
    except (PdfError, SignatureValidationError, ValueError, KeyError, TypeError, IndexError) as error:
        fail("EVD-BUNDLE", where, detail=str(error)[:200])


def _one(found: EmbeddedPdfSignature, data: bytes, authorities: tuple[bytes, ...]) -> Signed:
    subject = found.signer_cert.subject.native
    name = str(subject.get("organization_name") or subject.get("common_name") or "?")
    at = found.self_reported_timestamp
    if found.signer_info["digest_algorithm"]["algorithm"].native == SM3:
        valid, whole = _intact(found)
        valid = valid and _sm2_holds(found, data)
        trusted = any(_issued_sm2(found.signer_cert, each, at) for each in authorities)
    else:
        valid, whole, trusted = _pades(found, authorities, at)
    return Signed(found.field_name, name, f"{found.signer_cert.serial_number:x}", at, whole, valid, trusted)


def _pades(
    found: EmbeddedPdfSignature, authorities: tuple[bytes, ...], at: datetime | None
) -> tuple[bool, bool, bool]:
    """Whether it holds, covers the whole file, and is trusted, as pyHanko finds."""
    context = ValidationContext(
        trust_roots=[x509.Certificate.load(each) for each in authorities],
        moment=at,
        allow_fetching=False,
        revocation_mode="soft-fail",
    )
    with ThreadPoolExecutor(1) as pool:  # a thread of its own: the caller's may have a loop running
        told = pool.submit(validate_pdf_signature, found, context).result()
    whole = told.coverage == SignatureCoverageLevel.ENTIRE_FILE
    valid = told.valid and told.intact and told.docmdp_ok is not False and bool(told.coverage)
    unchanged = told.modification_level in (ModificationLevel.NONE, ModificationLevel.FORM_FILLING, None)
    if not whole:
        unchanged = told.modification_level is not None and unchanged
    return bool(valid and unchanged), whole, bool(told.trusted)


def _intact(found: EmbeddedPdfSignature) -> tuple[bool, bool]:
    """Whether what came after the signature only adds signatures, and whether it covers the whole file."""
    coverage = found.evaluate_signature_coverage()
    if coverage == SignatureCoverageLevel.ENTIRE_FILE:
        return True, True
    if coverage != SignatureCoverageLevel.ENTIRE_REVISION:
        return False, False
    found.coverage = coverage  # type: ignore[assignment] # None until told; what evaluate_modifications compares with
    told = found.evaluate_modifications(DEFAULT_DIFF_POLICY)
    level = getattr(told, "modification_level", ModificationLevel.OTHER)
    return level in (ModificationLevel.NONE, ModificationLevel.FORM_FILLING), False


def _sm2_holds(found: EmbeddedPdfSignature, data: bytes) -> bool:
    """Whether digest and signature are right for the bytes covered."""
    info: cms.SignerInfo = found.signer_info
    ranges = [int(n) for n in found.byte_range]
    covered = b"".join(
        data[start : start + size] for start, size in zip(ranges[::2], ranges[1::2], strict=True)
    )
    attrs = {each["type"].native: each["values"] for each in info["signed_attrs"]}
    if ranges[0] != 0 or attrs["message_digest"][0].native != GUOMI.hash(covered):
        return False
    return sm2_verified(found.signer_cert, info["signed_attrs"].untag().dump(), info["signature"].native)


def _issued_sm2(certificate: x509.Certificate, authority: bytes, at: datetime | None) -> bool:
    root = x509.Certificate.load(authority)
    if certificate["signature_algorithm"]["algorithm"].native != SM2_WITH_SM3 or at is None:
        return False
    holds = certificate.not_valid_before <= at <= certificate.not_valid_after
    right = certificate.issuer == root.subject and bool(root.ca)
    body = certificate["tbs_certificate"].dump()
    return holds and right and sm2_verified(root, body, certificate["signature_value"].native)


def sm2_verified(by: x509.Certificate, message: bytes, signature: bytes) -> bool:
    """Whether ``signature`` (DER of r and s) of ``message`` was made with the certificate's key."""
    point = by.public_key["public_key"].native
    try:
        r, s = decode_dss_signature(signature)
        plain = r.to_bytes(SM2_HALF, "big") + s.to_bytes(SM2_HALF, "big")
    except (ValueError, OverflowError, InvalidSignature):
        return False
    return GUOMI.verify(bytes(point[1:]), message, plain)
