"""Certificates of who signs (签名证书): issued by the platform's own authority, their keys sealed at rest.

Which kind of key: ``p256`` (ECDSA, what PDF readers verify), ``ed25519``, or ``sm2`` (国密). See decision 15.
A certificate names the firm or institution, its code, and the person who acts for it.
"""

from __future__ import annotations

import base64
import os
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from asn1crypto import keys, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from xinqiao.db.database import SYSTEM, Tx, acting, new_id
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail
from xinqiao.kernel.protect import Keyring, reseal, seal, unseal
from xinqiao.kernel.suite import GUOMI, SM2_HALF, KeyPair

Algorithm = Literal["p256", "ed25519", "sm2"]
ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)
SIGNED_WITH = {"p256": "sha256_ecdsa", "ed25519": "ed25519", "sm2": "1.2.156.10197.1.501"}
"""Names or object identifiers of signatures in certificates."""
SM2_CURVE = "1.2.156.10197.1.301"
AUTHORITY_YEARS, SIGNER_YEARS = 30, 3
SETTING = "XINQIAO_SIGNATURE"
NAME = "信桥平台电子签名 CA Xinqiao e-signature CA"
MOST_CN = 64
LOCK = 7_301_994_421

keys.NamedCurve.register("sm2p256v1", SM2_CURVE, SM2_HALF)


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose certificate: a company or an institution with its code, and the person who acts for it."""

    kind: Literal["company", "institution"]
    id: str
    name: str
    code: str
    person: str
    person_name: str


@dataclass(frozen=True, slots=True)
class Signer:
    """A certificate with its private key, and the authority's certificate. ``repr`` tells no key."""

    algorithm: Algorithm
    serial: str
    certificate: bytes
    authority: bytes
    private: bytes

    def __repr__(self) -> str:
        return f"Signer({self.algorithm}, serial={self.serial}, secret)"

    def sign(self, data: bytes) -> bytes:
        """The signature as certificates and CMS hold it."""
        return sign(self.algorithm, self.private, data)


def sign(algorithm: Algorithm, private: bytes, data: bytes) -> bytes:
    """``data`` signed: DER of r and s, or 64 bytes for Ed25519."""
    if algorithm == "sm2":
        made = GUOMI.sign(KeyPair(private[:SM2_HALF], private[SM2_HALF:]), data)
        halves = (int.from_bytes(half, "big") for half in (made[:SM2_HALF], made[SM2_HALF:]))
        return encode_dss_signature(*halves)
    key = load_der_private_key(private, None)
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(data)
    assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - we generated it
    return key.sign(data, ec.ECDSA(hashes.SHA256()))


def signer(tx: Tx, ring: Keyring, holder: Holder, algorithm: Algorithm) -> Signer:
    """The certificate of ``holder``, issued where there is none that still holds for half a year."""
    with acting(tx, SYSTEM):
        root = _authority(tx, ring, algorithm)
        row = tx.execute(
            "SELECT * FROM signer WHERE kind = %s AND holder = %s AND person = %s AND algorithm = %s "
            "AND issued_at <= %s AND until > %s ORDER BY until DESC LIMIT 1",
            [holder.kind, holder.id, holder.person, algorithm, now(), now() + timedelta(days=180)],
        ).fetchone()
        if row is not None and _same(bytes(row["certificate"]), holder):
            key = _key(tx, ring, row["id"], row["sealed_key"])
            return Signer(algorithm, row["serial"], bytes(row["certificate"]), root.certificate, key)
        return _issue(tx, ring, holder, root)


def authorities(tx: Tx) -> list[bytes]:
    """The platform's own certificates, DER: what a signed contract is verified with."""
    with acting(tx, SYSTEM):
        rows = tx.execute("SELECT certificate FROM signer WHERE kind = 'authority' ORDER BY id").fetchall()
    return [bytes(row["certificate"]) for row in rows]


def _same(certificate: bytes, holder: Holder) -> bool:
    """Whether a certificate still names its holder as it is called now."""
    return bool(x509.Certificate.load(certificate).subject == _name(holder))


def _name(holder: Holder) -> x509.Name:
    common = f"{holder.name} {holder.person_name}"[:MOST_CN]
    told = {"country_name": "CN", "organization_name": holder.name[:MOST_CN]}
    return x509.Name.build(told | {"organization_identifier": holder.code, "common_name": common})


def _authority(tx: Tx, ring: Keyring, algorithm: Algorithm) -> Signer:
    tx.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])  # two that sign first make one authority
    row = tx.execute(
        "SELECT * FROM signer WHERE kind = 'authority' AND algorithm = %s ORDER BY until DESC", [algorithm]
    ).fetchone()
    if row is not None:
        data = bytes(row["certificate"])
        return Signer(algorithm, row["serial"], data, data, _key(tx, ring, row["id"], row["sealed_key"]))
    private, public = _generate(algorithm)
    name = x509.Name.build({"country_name": "CN", "common_name": NAME})
    since = now() - timedelta(days=366 * 10)  # a history that is told afterwards verifies too
    until = since + timedelta(days=366 * AUTHORITY_YEARS)
    issuer = Signer(algorithm, "", b"", b"", private)
    data, serial = _certificate(issuer, name, (name, public), (since, until), authority=True)
    made = Signer(algorithm, serial, data, data, private)
    _keep(tx, ring, made, ("authority", "platform", ""), until)
    return made


def _issue(tx: Tx, ring: Keyring, holder: Holder, root: Signer) -> Signer:
    private, public = _generate(root.algorithm)
    issuer = x509.Certificate.load(root.certificate).subject
    since = now() - timedelta(minutes=5)
    until = since + timedelta(days=366 * SIGNER_YEARS)
    data, serial = _certificate(root, issuer, (_name(holder), public), (since, until), authority=False)
    made = Signer(root.algorithm, serial, data, root.certificate, private)
    _keep(tx, ring, made, (holder.kind, holder.id, holder.person), until)
    return made


def _keep(tx: Tx, ring: Keyring, made: Signer, whose: tuple[str, str, str], until: datetime) -> None:
    key = new_id()
    sealed = seal(base64.b64encode(made.private).decode(), ring, f"signer/{key}")
    tx.execute(
        "INSERT INTO signer (id, kind, holder, person, algorithm, serial, certificate, sealed_key, "
        "issued_at, until) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [key, *whose, made.algorithm, made.serial, made.certificate, sealed, now(), until],
    )


def _key(tx: Tx, ring: Keyring, row: object, sealed: str) -> bytes:
    again = reseal(sealed, ring, f"signer/{row}")
    if again != sealed:  # the ring has a new current key
        tx.execute("UPDATE signer SET sealed_key = %s WHERE id = %s", [again, row])
    return base64.b64decode(unseal(again, ring, f"signer/{row}"))


def _generate(algorithm: Algorithm) -> tuple[bytes, keys.PublicKeyInfo]:
    if algorithm == "sm2":
        pair = GUOMI.generate()
        told = {"algorithm": "ec", "parameters": keys.ECDomainParameters("named", "sm2p256v1")}
        point = keys.ECPointBitString(b"\x04" + pair.public)
        return pair.private + pair.public, keys.PublicKeyInfo({"algorithm": told, "public_key": point})
    key = Ed25519PrivateKey.generate() if algorithm == "ed25519" else ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return private, keys.PublicKeyInfo.load(public)


def _certificate(
    issuer: Signer,
    by: x509.Name,
    to: tuple[x509.Name, keys.PublicKeyInfo],
    valid: tuple[datetime, datetime],
    *,
    authority: bool,
) -> tuple[bytes, str]:
    """A certificate in DER and its serial number in hex."""
    number = secrets.randbits(127) | 1 << 126
    used = {"key_cert_sign", "crl_sign"} if authority else {"digital_signature", "non_repudiation"}
    issuer_key = to[1].sha1 if authority else x509.Certificate.load(issuer.certificate).public_key.sha1
    extensions = [
        {"extn_id": "basic_constraints", "critical": True, "extn_value": _basic(authority)},
        {"extn_id": "key_usage", "critical": True, "extn_value": used},
        {"extn_id": "key_identifier", "critical": False, "extn_value": to[1].sha1},
        {"extn_id": "authority_key_identifier", "critical": False, "extn_value": _by(issuer_key)},
    ]
    algorithm = {"algorithm": SIGNED_WITH[issuer.algorithm]}
    begin, end = (x509.Time("utc_time", at.replace(microsecond=0)) for at in valid)
    body = x509.TbsCertificate(
        {
            "version": "v3",
            "serial_number": number,
            "signature": algorithm,
            "issuer": by,
            "validity": {"not_before": begin, "not_after": end},
            "subject": to[0],
            "subject_public_key_info": to[1],
            "extensions": extensions,
        }
    )
    signature = issuer.sign(body.dump())
    made = {"tbs_certificate": body, "signature_algorithm": algorithm, "signature_value": signature}
    return x509.Certificate(made).dump(), f"{number:x}"


def _basic(authority: bool) -> dict[str, object]:  # noqa: FBT001 - the extension's own first field
    return {"ca": True, "path_len_constraint": 0} if authority else {"ca": False}


def _by(key: bytes) -> dict[str, bytes]:
    return {"key_identifier": key}


def algorithm_of(ring: Keyring) -> Algorithm:
    """What contracts are signed with: XINQIAO_SIGNATURE, else SM2 where the ring is of the national suite.

    Raises UserError SRV-ALGORITHM where the setting names none of ``ALGORITHMS``.
    """
    told = os.environ.get(SETTING)
    if not told:
        return "sm2" if ring.suite(ring.current) is GUOMI else "p256"
    found = next((each for each in ALGORITHMS if each == told), None)
    if found is None:
        fail("SRV-ALGORITHM", SETTING, algorithm=told[:32], known=", ".join(ALGORITHMS))
    return found
