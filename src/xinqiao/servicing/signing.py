"""Signing a PDF and verifying it offline (电子签名): PAdES, every signature an incremental update.

P-256 and Ed25519 go through pyHanko. SM2 is not in it: the CMS (RFC 5652, SM2 with SM3) is made here and put
into the same place of the PDF, so that every party's signature stands in the document itself.
"""

from __future__ import annotations

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asn1crypto import algos, cms, x509
from asn1crypto import keys as asn1_keys
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.layout import AxisAlignment, Margins, SimpleBoxLayoutRule
from pyhanko.pdf_utils.text import TextBoxStyle
from pyhanko.sign import signers
from pyhanko.sign.ades.api import CAdESSignedAttrSpec
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigAppearanceSetup, SigIOSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import SignatureObject
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes
from pyhanko.stamp import TextStampStyle
from pyhanko_certvalidator.registry import SimpleCertificateStore

from xinqiao.kernel.clock import CHINA
from xinqiao.kernel.suite import GUOMI
from xinqiao.servicing.certificate import Signer

SM3, SM2_SIGN, SM2_WITH_SM3 = "1.2.156.10197.1.401", "1.2.156.10197.1.301.1", "1.2.156.10197.1.501"
ROOM = 16_384
"""Characters kept free for a signature: twice the bytes of the longest."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a signature is seen: the field's name, and its box on the last page in points."""

    field: str
    box: tuple[int, int, int, int]


def sign_pdf(pdf: bytes, signer: Signer, place: Place, at: datetime, *, why: str) -> bytes:
    """``pdf`` with one more signature, seen at ``place``; what stood there before stays byte for byte."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    spec = SigFieldSpec(place.field, on_page=-1, box=place.box)
    steps = PdfCMSEmbedder(new_field_spec=spec).write_cms(place.field, writer)
    next(steps)
    told = SignatureObject(
        timestamp=at, subfilter=SigSeedSubFilter.PADES, bytes_reserved=ROOM, reason=why, name=None
    )
    steps.send(SigObjSetup(sig_placeholder=told, appearance_setup=_seen(signer, at)))
    prepared, out = steps.send(SigIOSetup(md_algorithm=_hash(signer)))
    if signer.algorithm == "sm2":
        steps.send(_cms(_covered(out.getvalue(), prepared), signer, at))
    else:
        steps.send(_pades(prepared.document_digest, signer, at))
    return bytes(out.getvalue())


def _seen(signer: Signer, at: datetime) -> SigAppearanceSetup:
    """What is printed in the box: the built-in font has no Chinese, names stand beside it in the document."""
    text = "Signed %(ts)s\ncertificate %(serial)s"
    rule = SimpleBoxLayoutRule(AxisAlignment.ALIGN_MIN, AxisAlignment.ALIGN_MID, margins=Margins(left=4))
    style = TextStampStyle(
        stamp_text=text,
        border_width=1,
        background=None,
        timestamp_format="%Y-%m-%d %H:%M:%S %z",
        text_box_style=TextBoxStyle(font_size=8),
        inner_content_layout=rule,
    )
    return SigAppearanceSetup(style, at.astimezone(CHINA), None, {"serial": signer.serial})


def _hash(signer: Signer) -> str:
    """Ed25519 signs SHA-512 digests (ISO/TS 32002); for SM2 the bytes are hashed again with SM3."""
    return "sha512" if signer.algorithm == "ed25519" else "sha256"


def _pades(digest: bytes, signer: Signer, at: datetime) -> cms.ContentInfo:
    known = SimpleCertificateStore()  # type: ignore[no-untyped-call] # the library's own
    known.register(x509.Certificate.load(signer.authority))
    by = signers.SimpleSigner(
        signing_cert=x509.Certificate.load(signer.certificate),
        signing_key=asn1_keys.PrivateKeyInfo.load(signer.private),
        cert_registry=known,
    )
    told = PdfCMSSignedAttributes(signing_time=at, cades_signed_attrs=CAdESSignedAttrSpec())
    work = by.async_sign(digest, _hash(signer), use_pades=True, signed_attr_settings=told)
    with ThreadPoolExecutor(1) as pool:  # a thread of its own: the caller's may have a loop running
        return pool.submit(asyncio.run, work).result()


def _covered(data: bytes, prepared: Any) -> bytes:  # noqa: ANN401 - pyHanko's digest
    return data[: prepared.reserved_region_start] + data[prepared.reserved_region_end :]


def _cms(covered: bytes, signer: Signer, at: datetime) -> bytes:
    """Signed data of one SM2 signer over ``covered``, which is not in it."""
    certificate = x509.Certificate.load(signer.certificate)
    used = cms.CMSAttributes(
        [
            {"type": "content_type", "values": ["data"]},
            {"type": "signing_time", "values": [cms.Time("utc_time", at.replace(microsecond=0))]},
            {"type": "message_digest", "values": [GUOMI.hash(covered)]},
        ]
    )
    sm3 = algos.DigestAlgorithm({"algorithm": SM3})
    told = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                "issuer_and_serial_number",
                {"issuer": certificate.issuer, "serial_number": certificate.serial_number},
            ),
            "digest_algorithm": sm3,
            "signed_attrs": used,
            "signature_algorithm": {"algorithm": SM2_SIGN},
            "signature": signer.sign(used.dump()),
        }
    )
    signed = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [sm3],
            "encap_content_info": {"content_type": "data"},
            "certificates": [certificate, x509.Certificate.load(signer.authority)],
            "signer_infos": [told],
        }
    )
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump())
