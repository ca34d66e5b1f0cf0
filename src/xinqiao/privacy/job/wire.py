"""What travels between parties: named fields in one payload, read back with limits and without pickle.

A payload is the length of its header (4 bytes, big-endian), the header (canonical JSON: name, type and
shape of each field), then the fields' bytes one after the other. Numbers are exact: arrays travel in
little-endian bytes of a listed type, Python integers of any size as decimal text in the header.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.errors import fail

Field: TypeAlias = "int | str | bytes | np.ndarray[Any, Any]"
DTYPES = frozenset({"|u1", "|b1", "<u4", "<i4", "<u8", "<i8", "<f8"})
"""Types of arrays that may travel."""
FIELDS_AT_MOST = 64
HEADER_AT_MOST = 64 * 1024
DIMENSIONS_AT_MOST = 4


def pack(fields: Mapping[str, Field]) -> bytes:
    """One payload of ``fields``. Raises ValueError for a type that may not travel."""
    header: list[list[Any]] = []
    bodies: list[bytes] = []
    for name, value in fields.items():
        if isinstance(value, np.ndarray):
            array = np.ascontiguousarray(value)
            kind = array.dtype.newbyteorder("<").str
            if kind not in DTYPES:
                message = f"arrays of {array.dtype} do not travel: {name}"
                raise ValueError(message)
            header.append([name, kind, list(array.shape)])
            bodies.append(array.astype(kind, copy=False).tobytes())
        elif isinstance(value, bytes):
            header.append([name, "bytes", len(value)])
            bodies.append(value)
        elif isinstance(value, str):
            header.append([name, "text", value])
        else:
            header.append([name, "int", str(int(value))])
    head = canonical_json(header)
    return b"".join([len(head).to_bytes(4, "big"), head, *bodies])


def unpack(payload: bytes, source: str, **expected: type) -> dict[str, Any]:
    """The fields of ``payload``, exactly those ``expected`` and of those types (int, str, bytes, np.ndarray).

    Raises UserError PRV-MESSAGE naming ``source``, the party that sent it, for anything else.
    """
    try:
        told = _read(payload)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        fail("PRV-MESSAGE", source, detail=str(error))
    if set(told) != set(expected):
        fail("PRV-MESSAGE", source, detail=f"fields {sorted(told)}")
    for name, kind in expected.items():
        if not isinstance(told[name], kind):
            fail("PRV-MESSAGE", source, detail=f"{name}: {type(told[name]).__name__}")
    return told


def whole_array(
    payload: bytes, source: str, shape: tuple[int, ...], dtype: str = "<u8", name: str = "values"
) -> np.ndarray[Any, Any]:
    """The one array in ``payload``. Raises UserError PRV-MESSAGE for another shape or type."""
    values: np.ndarray[Any, Any] = unpack(payload, source, **{name: np.ndarray})[name]
    if values.shape != tuple(shape) or values.dtype != np.dtype(dtype):
        fail("PRV-MESSAGE", source, detail=f"{name}: {values.dtype.str}{list(values.shape)}")
    return values


def _read(payload: bytes) -> dict[str, Any]:
    size = int.from_bytes(payload[:4], "big")
    if not 0 < size <= HEADER_AT_MOST:
        message = f"header of {size} bytes"
        raise ValueError(message)
    at = 4 + size
    told: dict[str, Any] = {}
    header = json.loads(payload[4:at])
    if not isinstance(header, list) or len(header) > FIELDS_AT_MOST:
        message = "header"
        raise ValueError(message)
    view = memoryview(payload)
    for name, kind, what in header:
        if kind == "text":
            told[str(name)] = str(what)
        elif kind == "int":
            told[str(name)] = int(what)
        else:
            told[str(name)], at = _body(view, at, kind, what)
    if at != len(payload) or len(told) != len(header):
        message = "length"
        raise ValueError(message)
    return told


def _body(view: memoryview, at: int, kind: str, what: Any) -> tuple[Any, int]:  # noqa: ANN401 - read from a peer
    if kind == "bytes":
        end = at + _size(int(what), view, at)
        return bytes(view[at:end]), end
    if kind not in DTYPES or len(what) > DIMENSIONS_AT_MOST or any(int(n) < 0 for n in what):
        message = "array"
        raise ValueError(message)
    dtype, count = np.dtype(kind), 1
    for n in what:
        count *= int(n)
    end = at + _size(count * dtype.itemsize, view, at)
    return np.frombuffer(view[at:end], dtype).reshape([int(n) for n in what]), end


def _size(size: int, view: memoryview, at: int) -> int:
    if not 0 <= size <= len(view) - at:
        message = "size"
        raise ValueError(message)
    return size
