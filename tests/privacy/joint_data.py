"""Generated firms of a bank and two holders, with a known connection of all features with the outcome."""

from __future__ import annotations

import hashlib
from functools import partial

import numpy as np
import pyarrow as pa
import pytest

from tests.privacy.manifests import data
from xinqiao.privacy.job.manifest import Input
from xinqiao.privacy.modelling import label_features
from xinqiao.privacy.modelling.bin_sums_paillier import PaillierAsker, PaillierTeller

PARTIES: dict[str, str | tuple[str, Input]] = {
    "bank": ("bank", data("bad", "turnover", "kind")),
    "tax": ("holder", data("paid", "late")),
    "power": ("holder", data("used")),
}
DEALT = PARTIES | {"regulator": "dealer"}


def shorten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of 512 bits, so that many jobs can be tried; the conformance suite has whole ones."""
    for name, made in {"PaillierAsker": PaillierAsker, "PaillierTeller": PaillierTeller}.items():
        monkeypatch.setattr(label_features, name, partial(made, bits=512))


def tables(rows: int, seed: int = 7) -> dict[str, pa.Table]:
    """Each party's rows in an order of its own, with some ids that only it has."""
    drawn = np.random.default_rng(seed)
    turnover, paid, late, used = drawn.normal(size=(4, rows))
    kind = drawn.choice(["shop", "farm", "works"], rows)
    odds = -0.6 - 0.7 * turnover - 1.1 * paid * (used > 0) + 0.9 * (late > 0.5) - 0.6 * (kind == "farm")
    bad = (drawn.random(rows) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    late = np.where(drawn.random(rows) < 0.1, np.nan, np.round(late, 1))
    ids = [f"91310000{n:010d}" for n in range(rows)]
    told = {
        "bank": pa.table({"id": ids, "bad": bad, "turnover": turnover, "kind": kind}),
        "tax": pa.table({"id": ids, "paid": paid, "late": pa.array(late, from_pandas=True)}),
        "power": pa.table({"id": ids, "used": used}),
    }
    for number, name in enumerate(told):
        order = drawn.permutation(rows)
        kept = order[order % 29 != number]
        told[name] = told[name].take(pa.array(kept))
    return told


def traces(table: pa.Table, rows: int = 40) -> list[bytes]:
    """How keys and numbers would look if they travelled: as text, in hex, as floats, hashed."""
    told = []
    for key in table.column(0).to_pylist()[:rows]:
        text = str(key).encode()
        told += [text, text.hex().encode()]
        for name in ("sha256", "sha512", "md5", "sm3"):
            hashed = hashlib.new(name, text)
            told += [hashed.digest(), hashed.hexdigest().encode()]
    for column in table.columns[1:]:
        numbers = np.array([v for v in column.to_pylist()[:rows] if isinstance(v, float)])
        told += [data for number in numbers if any((data := number.tobytes())[:4])]  # 2.0 is zeros and a byte
        told += [repr(number).encode() for number in numbers.tolist() if len(repr(number)) > 8]
    return told
