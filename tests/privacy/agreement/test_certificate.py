from __future__ import annotations

import hashlib
import ssl
from datetime import timedelta
from pathlib import Path

import pytest

from xinqiao.kernel.clock import now, standing
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.agreement.certificate import DAYS, make_certificate, read_certificate, write_secret


def test_the_fingerprint_is_the_sha256_of_the_der(tmp_path: Path) -> None:
    _, pem = make_certificate("tax")
    (tmp_path / "c.pem").write_bytes(pem)
    told = read_certificate(tmp_path / "c.pem")
    der = ssl.PEM_cert_to_DER_cert(pem.decode())
    assert told.fingerprint == hashlib.sha256(der).hexdigest()


@pytest.mark.parametrize("days", [-1, DAYS + 1])
def test_a_certificate_out_of_its_dates_is_refused(tmp_path: Path, days: int) -> None:
    (tmp_path / "c.pem").write_bytes(make_certificate("tax")[1])
    told = read_certificate(tmp_path / "c.pem")
    told.check_date("c.pem")
    with standing(now() + timedelta(days=days)), pytest.raises(UserError, match="PRV-CERT-EXPIRED"):
        told.check_date("c.pem")


def test_what_is_no_single_certificate_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.pem"
    for content in (b"", b"no certificate", 2 * make_certificate("tax")[1]):
        path.write_bytes(content)
        with pytest.raises(UserError, match="PRV-CERT"):
            read_certificate(path)
    with pytest.raises(UserError, match="PRV-CERT"):
        read_certificate(tmp_path / "absent.pem")


def test_a_secret_is_its_owners_only_and_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "key.pem"
    write_secret(path, b"secret")
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        write_secret(path, b"other")
