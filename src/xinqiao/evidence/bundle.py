"""A proof that can be handed on: a document, what opens its commitment, its place in the log, and who signed.

A bundle is one JSON file, or stands at the end of an HTML report as a comment. Whoever has it and the
public keys can check it without asking anybody (``evidence.verify``).
"""

from __future__ import annotations

import base64
import binascii
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xinqiao.kernel.errors import user_error

_BEGIN, _END = b"\n<!-- xinqiao-evidence ", b" -->\n"


class Bundle(BaseModel):
    """All that shows one act.

    ``document``: the exact canonical JSON that was recorded; ``attached``: the text whose digest stands in
    it, if it is about a file; ``salt``, ``proof``: base64; ``line``: the public line; ``checkpoint``: the
    signed note with the cosignatures known when the bundle was made.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal["xinqiao.evidence/1"] = "xinqiao.evidence/1"
    document: str
    attached: str | None = None
    salt: str
    line: str
    index: int = Field(ge=0)
    proof: list[str] = Field(max_length=64)
    checkpoint: str

    def write(self) -> bytes:
        """The file."""
        return self.model_dump_json(indent=1, exclude_none=True).encode() + b"\n"

    @classmethod
    def read(cls, data: bytes, where: str) -> Bundle:
        """Raises UserError EVD-BUNDLE."""
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise user_error("EVD-BUNDLE", where, detail=f"{place} {first['msg']}"[:200]) from error


def embed(html: bytes, bundle: Bundle) -> bytes:
    """``html`` with the bundle at its end; the bundle's own copy of it is left out."""
    alone = bundle.model_copy(update={"attached": None})
    return html + _BEGIN + base64.b64encode(alone.write()) + _END


def extract(html: bytes, where: str) -> tuple[bytes, Bundle]:
    """The page as it was before ``embed``, and its bundle. Raises UserError EVD-BUNDLE."""
    page, begin, rest = html.rpartition(_BEGIN)
    if not begin or not rest.endswith(_END):
        raise user_error("EVD-BUNDLE", where, detail="no evidence at the end of the page")
    try:
        data = base64.b64decode(rest.removesuffix(_END), validate=True)
    except (binascii.Error, ValueError) as error:
        raise user_error("EVD-BUNDLE", where, detail="base64") from error
    return page, Bundle.read(data, where)
