"""What the parties to a private look-up agree on, and what each then knows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from xinqiao.kernel.canonical import canonical_json, digest
from xinqiao.kernel.text import Text
from xinqiao.privacy.alignment.alignment import check_keys
from xinqiao.privacy.crypto.oprf import BATCH_AT_MOST
from xinqiao.privacy.job.manifest import Hex32, Manifest, Name, parameters, refuse

TAG_BYTES, SEAL_BYTES, SALT_BYTES = 16, 16, 32


class Terms(BaseModel):
    """The parameters of the kind ``lookup``.

    ``epoch`` names the server's key to one list (``list_name``): a new name, a new key. ``quota``: ids that
    the client may look up in ``days`` days, padding included, counted by the server. ``rows_a_bucket``: about
    how many rows are fetched for each id; as many as the list may have, and the server doesn't even learn a
    bucket.
    ``batch_to``: numbers of ids are rounded up to a multiple of it. ``row_bytes``: room of each row.
    ``public_key``: the server's, where it is known beforehand; else the first one seen in an epoch is kept.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    mode: Literal["oprf", "voprf"] = "voprf"
    epoch: Name
    quota: int = Field(ge=1, le=100_000_000)
    days: int = Field(default=1, ge=1, le=366)
    rows_a_bucket: int = Field(default=1024, ge=1, le=100_000_000)
    batch_to: int = Field(default=1, ge=1, le=4096)
    row_bytes: int = Field(default=128, ge=16, le=4096)
    public_key: Hex32 | None = None


class Shape(BaseModel):
    """Sizes that follow from the manifest alone, so that they tell nothing of the list."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    bits: int
    room: int
    row_bytes: int

    @property
    def buckets(self) -> int:
        """How many."""
        return 1 << self.bits

    @property
    def sealed_bytes(self) -> int:
        """Of one row: its tag, cipher text and the seal's own tag."""
        return TAG_BYTES + self.row_bytes + SEAL_BYTES

    def bucket(self, output: bytes) -> int:
        """The bucket of an id, given the function's output."""
        return int.from_bytes(output[:8], "big") >> (64 - self.bits) if self.bits else 0


def list_name(manifest: Manifest, terms: Terms) -> str:
    """What a key is for: epoch, mode, and the list by the server's source, its key and columns.

    Outputs for one list are thus of no use with another.
    """
    server = manifest.only("server").input
    told = None if server is None else [server.source, server.key, server.key_kind, list(server.columns)]
    return f"{terms.epoch}-{terms.mode}-{digest(canonical_json(told))[:32]}"


def shape_of(manifest: Manifest, terms: Terms) -> Shape:
    """Buckets and room in each: eight standard deviations more than the mean, and eight."""
    server = manifest.only("server").input
    most = 1 if server is None else server.rows_at_most
    bits = max(0, math.ceil(math.log2(most / terms.rows_a_bucket)))
    mean = most / (1 << bits)
    room = most if bits == 0 else min(most, math.ceil(mean + 8 * math.sqrt(mean) + 8))
    return Shape(bits=bits, room=room, row_bytes=terms.row_bytes)


def terms_of(manifest: Manifest) -> Terms:
    """The manifest's parameters. Raises UserError PRV-MANIFEST."""
    return parameters(Terms, manifest)


def check(manifest: Manifest) -> None:
    """Refuse terms that can't hold. Raises UserError PRV-MANIFEST."""
    terms = terms_of(manifest)
    check_keys(manifest, manifest.names)
    client = manifest.only("client").input
    asked = 0 if client is None else -(-client.rows_at_most // terms.batch_to) * terms.batch_to
    wrong = {
        f"rows_at_most: a batch holds {BATCH_AT_MOST} ids": asked > BATCH_AT_MOST,
        "quota: less than one batch": terms.quota < terms.batch_to,
        "public_key: mode voprf only": terms.public_key is not None and terms.mode == "oprf",
    }
    refuse(manifest, wrong)


def learns(manifest: Manifest) -> Mapping[str, tuple[Text, ...]]:
    """What each party learns, by name."""
    terms = terms_of(manifest)
    shape = shape_of(manifest, terms)
    seen = [ASKED.fill(batch=terms.batch_to)]
    if shape.bits:
        seen.append(BUCKET.fill(buckets=shape.buckets, rows=terms.rows_a_bucket))
    return {manifest.only("client").name: (FOUND, COLUMNS, AGAIN), manifest.only("server").name: tuple(seen)}


FOUND = Text(
    zh="所查标识是否在名单内，在则得该行约定的列；其余各行仍为密文",
    en="whether each id is listed, and the agreed columns of its row; other rows stay sealed",
)
COLUMNS = Text(
    zh="列名与类型；名单一经更换即可察觉（根哈希不同），以及制作新名单用时",
    en="names and types of the columns; that the list has changed when it has, and how long a new one took",
)
AGAIN = Text(
    zh="同一名单（同一数据源、同样的列）同一密钥期内，每取得一桶（含更新后的名单），可免配额重查以前查过且落在该桶的标识；"
    "其他名单或新的密钥期则不能",
    en="within an epoch of one list (a source and its columns), in each bucket it fetches, of later versions "
    "of the list too, also all ids looked up before that fall in it, at no further quota; not in another "
    "list or epoch",
)
ASKED = Text(
    zh="查询的个数（按 {batch} 的倍数补齐）与时间；不知所查标识，也不知是否命中",
    en="how many ids were asked (rounded up to a multiple of {batch}) and when; not which, nor any answer",
)
BUCKET = Text(
    zh="每次查询取走 {buckets} 个桶中的哪一桶（每桶约 {rows} 行；同一名单同一密钥期内同一标识总在同一桶）",
    en="which of {buckets} buckets of about {rows} rows; in one epoch of a list an id always has the same",
)
