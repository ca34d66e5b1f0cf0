from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.privacy.crypto.row_hash import row_hashes

SECRET = bytes(range(32))
Texts = st.one_of(st.none(), st.text(max_size=40))
Rows = st.lists(
    st.tuples(
        Texts,
        st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
        st.one_of(st.none(), st.floats(allow_nan=False)),
        st.one_of(st.none(), st.booleans()),
        st.one_of(st.none(), st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1))),
        Texts,
    ),
    max_size=12,
)
TYPES = [pa.string(), pa.int64(), pa.float64(), pa.bool_(), pa.date32(), pa.string()]


def _table(rows: list[tuple[object, ...]]) -> pa.Table:
    columns = [pa.array([row[n] for row in rows], kind) for n, kind in enumerate(TYPES)]
    return pa.table(columns, [f"c{n}" for n in range(len(TYPES))])


@given(Rows)
def test_rows_are_alike_exactly_when_they_are_equal(rows: list[tuple[object, ...]]) -> None:
    hashes = row_hashes(SECRET, _table(rows))
    exact = [repr(row) for row in rows]  # -0.0 is not 0.0
    assert len(set(hashes.tolist())) == len(set(exact))
    alone = [row_hashes(SECRET, _table([row]))[0] for row in rows]
    assert alone == hashes.tolist()
    assert row_hashes(SECRET, _table(rows).slice(1)).tolist() == hashes.tolist()[1:]


def test_it_is_cbc_mac_over_length_and_text() -> None:
    text = "一二三四五六七八".encode()
    whole = len(text).to_bytes(8, "little") + bytes(8) + text + bytes(-len(text) % 16)
    encryptor = Cipher(AES(SECRET[:16]), CBC(bytes(16))).encryptor()
    last = encryptor.update(whole)[-16:]
    found = row_hashes(SECRET, pa.table({"id": [text.decode()]}))
    assert found.tolist() == [int.from_bytes(last[:8], "little")]


def test_another_secret_and_many_rows() -> None:
    table = pa.table({"id": [str(n) for n in range(70_000)]})
    one, other = row_hashes(SECRET, table), row_hashes(SECRET[::-1], table)
    assert len(np.unique(one)) == 70_000
    assert not np.isin(one, other).any()
    assert len(row_hashes(SECRET, table.slice(0, 0))) == 0
