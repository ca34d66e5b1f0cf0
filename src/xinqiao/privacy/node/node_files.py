"""The files of a new node: keys, certificate, ``node.toml``, and the card that the other parties pin.

A card (``NAME.party.json``) holds nothing secret. Whoever takes one in compares its fingerprint with that
party over another channel first. ``add_`` functions write into ``node.toml`` what a person else would.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xinqiao.kernel.canonical import canonical_json, digest
from xinqiao.kernel.errors import UserError, fail, user_error
from xinqiao.kernel.writing import write_whole
from xinqiao.privacy.agreement.certificate import (
    Certificate,
    certificate_of,
    make_certificate,
    read_certificate,
    write_secret,
)
from xinqiao.privacy.agreement.config import Address
from xinqiao.privacy.agreement.rules import Rule
from xinqiao.privacy.agreement.signing import new_pair
from xinqiao.privacy.job.manifest import Hex32, Name

CONFIG = "node.toml"
CONFIG_MODE = 0o600
"""It may hold the database's password."""
_CONFIG = """\
# 本方节点 / this party's node; see docs/privacy.md
name = {name}
listen = {listen}

# 可与谁、为何目的、用哪些数据计算；没有规则时一律拒绝
# what may be computed, with whom, for which purpose, on which data; without a rule, nothing
# [[sources]]
# name = "table"
# file = "data/table.parquet"
# fields = {{ id = "text", amount = "money" }}
# [[rules]]
# name = "count-with-bank"
# peers = ["bank"]
# kinds = ["intersection"]
# purposes = ["credit"]
# sources = ["table"]
# columns = ["id"]
# answer = "ask"   # 由人审批 / a person decides; "sign": by rule
"""
_UNIT = """\
[Unit]
Description=Xinqiao privacy node {name}
After=network-online.target
Wants=network-online.target

[Service]
Type=exec
User=xinqiao
WorkingDirectory={home}
ExecStart={home}/.venv/bin/xinqiao node --config {home}/node.toml
Restart=on-failure
RestartSec=5
UMask=0077
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
ReadWritePaths={home}
LimitCORE=0

[Install]
WantedBy=multi-user.target
"""


class Card(BaseModel):
    """What the others need to know of a party. ``certificate``: PEM."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    address: Address | None = None
    certificate: str = Field(max_length=20_000)
    signing_key: Hex32

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all that others rely on: what people compare over another channel.

        Of the certificate alone it would let a changed signing key pass. Raises UserError PRV-CERT.
        """
        told = certificate_of(self.certificate.encode(), self.name).fingerprint
        return digest(
            canonical_json({"name": self.name, "certificate": told, "signing_key": self.signing_key})
        )


def make_node(home: Path, name: str, listen: str, address: str | None = None) -> Card:
    """Write the files of a new node into ``home``. ``address``: where the others reach it.

    Raises UserError PRV-CONFIG where there is one already, or for a name or address that can't be.
    """
    if (home / CONFIG).exists():
        fail("PRV-CONFIG", str(home / CONFIG), detail="exists")
    key, certificate = make_certificate(name)
    try:
        card = Card(
            name=name, address=address or listen, certificate=certificate.decode(), signing_key="0" * 64
        )
    except ValidationError as error:
        raise user_error("PRV-CONFIG", str(home), detail=f"name, listen: {name}, {listen}") from error
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    card = card.model_copy(update={"signing_key": new_pair(home / "signing.key").public.hex()})
    write_secret(home / "key.pem", key)
    write_whole(home / "certificate.pem", certificate)
    _write_card(home, card)
    write_whole(home / "xinqiao-node.service", _UNIT.format(name=name, home=home.absolute()).encode())
    told = _CONFIG.format(name=json.dumps(name), listen=json.dumps(listen))
    write_whole(home / CONFIG, told.encode(), CONFIG_MODE)
    return card


def renew(home: Path) -> Card:
    """A new key and certificate for the node in ``home``, and the card with it; the old ones are gone.

    Raises UserError PRV-CONFIG.
    """
    try:
        name = tomllib.loads((home / CONFIG).read_text("utf-8"))["name"]
    except (OSError, ValueError, KeyError) as error:
        raise user_error("PRV-CONFIG", str(home / CONFIG), detail=str(error)) from error
    card = read_card(_card(home, name))
    key, certificate = make_certificate(name)
    card = card.model_copy(update={"certificate": certificate.decode()})
    write_whole(home / "key.pem", key, 0o600)
    write_whole(home / "certificate.pem", certificate)
    _write_card(home, card)
    return card


def _card(home: Path, name: str) -> Path:
    return home / f"{name}.party.json"


def _write_card(home: Path, card: Card) -> None:
    write_whole(_card(home, card.name), card.model_dump_json(indent=1).encode())


def read_card(path: Path) -> Card:
    """Another party's card. Raises UserError PRV-CONFIG."""
    try:
        return Card.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        detail = error.strerror if isinstance(error, OSError) else "xinqiao.party"
        raise user_error("PRV-CONFIG", str(path), detail=str(detail)) from error


def add_peer(home: Path, card: Card) -> Certificate:
    """Pin another party in ``node.toml``; its certificate as it will be checked.

    Raises UserError PRV-CONFIG where the party is there already, PRV-CERT.
    """
    file = Path("peers") / f"{card.name}.pem"
    if (home / file).exists():
        fail("PRV-CONFIG", str(home / file), detail="exists")
    write_whole(home / file, card.certificate.encode())
    try:
        certificate = read_certificate(home / file)
    except UserError:
        (home / file).unlink()
        raise
    told = {"name": card.name, "certificate": str(file), "signing_key": card.signing_key}
    _add(home, "peers", told | ({} if card.address is None else {"address": card.address}))
    return certificate


def acquaint(cards: Mapping[Path, Card]) -> None:
    """Let all nodes, by their folders, pin each other."""
    for home in cards:
        for other, card in cards.items():
            if other != home:
                add_peer(home, card)


def add_settings(home: Path, told: Mapping[str, object]) -> None:
    """Settings of the node itself (``config.Config``): they stand before all tables."""
    path = home / CONFIG
    head, tables = path.read_text("utf-8").split("\n\n", 1)
    lines = [f"{name} = {json.dumps(value)}" for name, value in told.items()]
    write_whole(path, "\n".join([head, *lines, "", tables]).encode(), CONFIG_MODE)


def add_source(home: Path, name: str, file: str, fields: Mapping[str, str]) -> None:
    """A source of data: a file in ``home`` and the types of its columns (``source_data.Source``)."""
    _add(home, "sources", {"name": name, "file": file}, fields=fields)


def add_rule(home: Path, rule: Rule) -> None:
    """Allow what the rule does."""
    told = rule.model_dump(mode="json", exclude_unset=True)
    params = told.pop("params", {})
    _add(home, "rules", told, params=params)


def _add(home: Path, table: str, told: Mapping[str, object], **tables: Mapping[str, object]) -> None:
    """One more of ``[[table]]``; ``tables``: of it. JSON's plain values and lists are TOML's too."""
    lines = [f"\n[[{table}]]", *(f"{name} = {json.dumps(value)}" for name, value in told.items())]
    for inner, values in tables.items():
        if values:
            shown = ", ".join(f"{name} = {json.dumps(value)}" for name, value in values.items())
            lines.append(f"{inner} = {{ {shown} }}")
    path = home / CONFIG
    write_whole(path, path.read_bytes() + "\n".join([*lines, ""]).encode(), CONFIG_MODE)
