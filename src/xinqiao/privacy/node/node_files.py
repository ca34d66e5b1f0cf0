"""The files of a new node: keys, certificate, ``node.toml``, and the card that the other parties pin.

A card (``NAME.party.json``) holds nothing secret. Whoever takes one in compares its fingerprint with that
party over another channel first.
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xinqiao.kernel.errors import UserError, fail, user_error
from xinqiao.kernel.writing import write_whole
from xinqiao.privacy.agreement.certificate import (
    Certificate,
    make_certificate,
    read_certificate,
    write_secret,
)
from xinqiao.privacy.agreement.config import Address
from xinqiao.privacy.agreement.signing import new_pair
from xinqiao.privacy.job.manifest import Hex32, Name

CONFIG = "node.toml"
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
    write_whole(home / f"{name}.party.json", card.model_dump_json(indent=1).encode())
    write_whole(home / "xinqiao-node.service", _UNIT.format(name=name, home=home.absolute()).encode())
    told = _CONFIG.format(name=json.dumps(name), listen=json.dumps(listen))
    write_whole(home / CONFIG, told.encode())
    return card


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
    path = home / CONFIG
    file = Path("peers") / f"{card.name}.pem"
    if (home / file).exists():
        fail("PRV-CONFIG", str(home / file), detail="exists")
    write_whole(home / file, card.certificate.encode())
    try:
        certificate = read_certificate(home / file)
    except UserError:
        (home / file).unlink()
        raise
    lines = [
        "\n[[peers]]",
        f"name = {json.dumps(card.name)}",
        *([] if card.address is None else [f"address = {json.dumps(card.address)}"]),
        f"certificate = {json.dumps(str(file))}",
        f"signing_key = {json.dumps(card.signing_key)}",
    ]
    write_whole(path, path.read_bytes() + "\n".join([*lines, ""]).encode())
    return certificate
