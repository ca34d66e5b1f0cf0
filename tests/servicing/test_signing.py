from __future__ import annotations

import asyncio
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import typer
from asn1crypto import cms, parser
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests.servicing.contracts import ring
from xinqiao.cli.verify import verify
from xinqiao.db.database import SYSTEM, Database
from xinqiao.evidence.note import PublicKey
from xinqiao.evidence.trust import Trust
from xinqiao.kernel.clock import now, standing
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.suite import INTERNATIONAL
from xinqiao.servicing.certificate import (
    ALGORITHMS,
    Algorithm,
    Holder,
    Signer,
    algorithm_of,
    authorities,
    signer,
)
from xinqiao.servicing.signed_pdf import authorities_of, authority_lines, findings, signatures
from xinqiao.servicing.signing import Place, sign_pdf
from xinqiao.servicing.typesetting import typeset

PLACES = [Place("First", (60, 60, 270, 120)), Place("Second", (300, 60, 510, 120))]
SHEET = {
    "number": "X-1",
    "generated": True,
    "lender": {"name": "示范银行"},
    "borrower": {"name": "示范企业"},
    "product": {"zh": "测试贷", "en": "test"},
    "amount": "1.00",
    "months": "12",
    "way": {"zh": "等额本息", "en": "equal"},
    "rate": "5%",
    "sheet": {"head": [{"zh": "项目", "en": "Item"}] * 5, "rows": [["利息", "", "", "", "1"]]},
    "contingent": {"head": [{"zh": "项目", "en": "Item"}] * 4, "rows": [["罚息", "", "", ""]]},
    "cost": {
        "method": {"zh": "单利", "en": "simple"},
        "compound": {"zh": "复利", "en": "compound"},
        "nominal": "5%",
        "effective": "5%",
        "total": "1",
    },
}


def _holder(name: str) -> Holder:
    return Holder("company", name, name, f"9133{name}", "p1", "张示范")


def _signers(database: Database, algorithm: Algorithm) -> tuple[list[Signer], tuple[bytes, ...]]:
    keys = ring()
    with database.transaction(SYSTEM) as tx:
        made = [signer(tx, keys, _holder(name), algorithm) for name in ("甲公司", "乙银行")]
        assert signer(tx, keys, _holder("甲公司"), algorithm).serial == made[0].serial
        return made, tuple(authorities(tx))


def _signed(database: Database, algorithm: Algorithm) -> tuple[bytes, tuple[bytes, ...]]:
    people, roots = _signers(database, algorithm)
    data = typeset("cost_sheet", SHEET, now())
    for who, place in zip(people, PLACES, strict=True):
        data = sign_pdf(data, who, place, now(), why="test")
    return data, roots


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_two_sign_one_after_the_other_and_any_change_shows(database: Database, algorithm: Algorithm) -> None:
    data, roots = _signed(database, algorithm)
    first, second = signatures(data, roots, "x")
    assert (first.valid, first.trusted, first.whole) == (True, True, False)
    assert (second.valid, second.trusted, second.whole) == (True, True, True)
    assert (first.organisation, second.organisation) == ("甲公司", "乙银行")
    assert all(told.holds for told in findings(data, roots, "x"))
    assert not any(one.trusted for one in signatures(data, (), "x"))
    assert not all(told.holds for told in findings(data + b"\n% more\n", roots, "x"))
    for at in (1000, len(data) // 2):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        assert not _holds(changed, roots)


def _holds(data: bytes, roots: tuple[bytes, ...]) -> bool:
    try:
        return all(told.holds for told in findings(data, roots, "x"))
    except UserError as error:
        return error.code != "EVD-BUNDLE"


@given(st.binary(max_size=300))
def test_what_is_no_pdf_is_said_to_be_none(data: bytes) -> None:
    assert not _holds(b"%PDF-1.7\n" + data, ())


def test_signing_and_checking_work_where_a_loop_is_running(database: Database) -> None:
    async def within() -> list[bool]:
        data, roots = _signed(database, "p256")
        return [one.trusted for one in signatures(data, roots, "x")]

    # In a thread of its own: a browser test before it may have left a loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(asyncio.run, within()).result() == [True, True]


def test_another_authority_is_not_trusted(database: Database) -> None:
    data, _ = _signed(database, "p256")
    with database.transaction(SYSTEM) as tx:
        tx.execute("UPDATE signer SET kind = 'company' WHERE kind = 'authority'")
        signer(tx, ring(), _holder("丙公司"), "p256")
        roots = tuple(authorities(tx))
    assert [one.trusted for one in signatures(data, roots, "x")] == [False, False]


def test_which_algorithm_follows_the_suite_or_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert algorithm_of(ring()) == "p256"
    assert algorithm_of(ring("guomi")) == "sm2"
    monkeypatch.setenv("XINQIAO_SIGNATURE", "ed25519")
    assert algorithm_of(ring("guomi")) == "ed25519"
    monkeypatch.setenv("XINQIAO_SIGNATURE", "rsa")
    with pytest.raises(UserError, match="SRV-ALGORITHM"):
        algorithm_of(ring())


def test_keys_are_sealed_and_no_repr_tells_them(database: Database) -> None:
    (first, _), _ = _signers(database, "ed25519")
    assert first.private.hex() not in repr(first)
    with database.transaction(SYSTEM) as tx:
        rows = tx.execute("SELECT sealed_key FROM signer").fetchall()
    assert all(row["sealed_key"].startswith("k1:") for row in rows)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")
def test_openssl_verifies_the_sm2_signature_and_certificate(database: Database, tmp_path: Path) -> None:
    data, (root,) = _signed(database, "sm2")
    start = data.index(b"/Contents <") + 11
    raw = bytes.fromhex(data[start : data.index(b">", start)].decode())
    told = cms.ContentInfo.load(raw[: parser.peek(raw)])["content"]
    (info,) = told["signer_infos"]
    number = info["sid"].chosen["serial_number"].native
    (mine,) = [c.chosen for c in told["certificates"] if c.chosen.serial_number == number]
    for name, content in (
        ("root.der", root),
        ("mine.der", mine.dump()),
        ("attrs", info["signed_attrs"].untag().dump()),
        ("sig", info["signature"].native),
    ):
        (tmp_path / name).write_bytes(content)
    for name in ("root", "mine"):
        _openssl(tmp_path, "x509", "-inform", "DER", "-in", f"{name}.der", "-out", f"{name}.pem")
    key = _openssl(tmp_path, "x509", "-in", "mine.pem", "-pubkey", "-noout")
    (tmp_path / "key.pem").write_text(key)
    id_ = "distid:1234567812345678"
    assert "OK" in _openssl(tmp_path, "verify", "-vfyopt", id_, "-CAfile", "root.pem", "mine.pem")
    told_ = _openssl(
        tmp_path, "dgst", "-sm3", "-verify", "key.pem", "-sigopt", id_, "-signature", "sig", "attrs"
    )
    assert "Verified OK" in told_


def _openssl(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["openssl", *words], cwd=folder, capture_output=True, text=True, timeout=30, check=True
    )
    return done.stdout


def test_the_command_verifies_a_contract_with_the_keys_of_the_platform(
    database: Database, tmp_path: Path
) -> None:
    data, roots = _signed(database, "p256")
    log = Trust(PublicKey("log.test", "log", INTERNATIONAL, INTERNATIONAL.generate().public))
    keys, file = tmp_path / "keys.txt", tmp_path / "contract.pdf"
    keys.write_text(log.write() + authority_lines(list(roots)), "utf-8")
    file.write_bytes(data)
    assert Trust.read(keys).log == log.log
    assert authorities_of(keys.read_text("utf-8"), "keys") == roots
    app = typer.Typer()
    app.command()(verify)
    assert CliRunner().invoke(app, [str(file), "--keys", str(keys)]).exit_code == 0
    file.write_bytes(data + b"x")
    assert CliRunner().invoke(app, [str(file), "--keys", str(keys)]).exit_code == 1
    with pytest.raises(UserError, match="EVD-TRUST"):
        authorities_of("authority !!!", "keys")


def test_the_time_of_a_signature_is_the_one_told(database: Database) -> None:
    (first, _), roots = _signers(database, "p256")
    at = now().replace(microsecond=0)
    data = sign_pdf(typeset("cost_sheet", SHEET, at), first, PLACES[0], at, why="test")
    (one,) = signatures(data, roots, "x")
    assert isinstance(one.at, datetime)
    assert one.at == at


def test_who_signs_at_an_earlier_day_has_a_certificate_that_held_then(database: Database) -> None:
    keys = ring()
    serials = []
    for days in (100, 200, 0):
        at = now() - timedelta(days=days)
        with standing(at), database.transaction(SYSTEM) as tx:
            who = signer(tx, keys, _holder("甲公司"), "p256")
            roots = tuple(authorities(tx))
        data = sign_pdf(typeset("cost_sheet", SHEET, at), who, PLACES[0], at, why="test")
        (one,) = signatures(data, roots, "x")
        assert one.trusted
        serials.append(one.serial)
    assert len(set(serials)) == 2
    assert serials[2] == serials[0]
