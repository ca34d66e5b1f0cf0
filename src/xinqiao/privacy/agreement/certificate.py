"""A party's certificate: self-signed, EC P-256, known to the others by the SHA-256 of its DER.

No authority stands behind it: an authority would let any certificate it ever signed pass as the peer.
Parties tell each other their fingerprints over another channel once.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail, user_error

DAYS = 730
"""How long a new certificate is valid."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate as read from a file."""

    pem: str
    der: bytes
    begins: datetime
    ends: datetime

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the DER, in hex: what is pinned and stands in manifests."""
        return hashlib.sha256(self.der).hexdigest()

    def check_date(self, where: str) -> None:
        """Raises UserError PRV-CERT-EXPIRED where it is not valid now."""
        if not self.begins <= now() <= self.ends:
            fail("PRV-CERT-EXPIRED", where, begins=f"{self.begins:%Y-%m-%d}", ends=f"{self.ends:%Y-%m-%d}")


def read_certificate(path: Path) -> Certificate:
    """The one certificate in the PEM file. Raises UserError PRV-CERT."""
    try:
        return certificate_of(path.read_bytes(), str(path))
    except OSError as error:
        raise user_error("PRV-CERT", str(path), detail=str(error)) from error


def certificate_of(data: bytes, where: str) -> Certificate:
    """The one certificate in ``data``, PEM. Raises UserError PRV-CERT."""
    try:
        found = x509.load_pem_x509_certificates(data)
    except ValueError as error:
        raise user_error("PRV-CERT", where, detail=str(error) or type(error).__name__) from error
    if len(found) != 1:
        fail("PRV-CERT", where, detail=f"{len(found)} certificates")
    told = found[0]
    pem = told.public_bytes(Encoding.PEM).decode()
    return Certificate(
        pem, told.public_bytes(Encoding.DER), told.not_valid_before_utc, told.not_valid_after_utc
    )


def make_certificate(name: str, *, days: int = DAYS, begins: datetime | None = None) -> tuple[bytes, bytes]:
    """A new key and its certificate for the party ``name``, both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = begins or now() - timedelta(minutes=5)  # clocks of the parties differ a little
    uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private, certificate.public_bytes(Encoding.PEM)


def write_secret(path: Path, data: bytes) -> None:
    """A new file that only its owner may read; the file must not be there yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
