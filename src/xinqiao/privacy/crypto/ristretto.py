"""ristretto255 in plain Python (RFC 9496): what is used where there is no libsodium.

Points are extended coordinates (X, Y, Z, T) on the twisted Edwards curve of edwards25519, computed with
Python's integers, or gmpy2's where it is installed. Not constant in time: who can measure how long a
party takes may learn of its secrets, so real deployments use libsodium.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeAlias

import numpy as np

from xinqiao.kernel.errors import fail
from xinqiao.privacy.crypto.group import ORDER, POINT_BYTES, Group, Points

Point: TypeAlias = tuple[int, int, int, int]
_number: Callable[[int], int] = import_module("gmpy2").mpz if find_spec("gmpy2") else int
P = _number((1 << 255) - 19)
D = _number(-121665 * pow(121666, -1, int(P)) % int(P))
ROOT = _number(pow(2, (int(P) - 1) // 4, int(P)))
"""A square root of -1: the even one is the constant of the RFC."""
MASK = (1 << 255) - 1
IDENTITY: Point = (_number(0), _number(1), _number(1), _number(0))
WINDOW = 4


def _odd(x: int) -> bool:
    """Negative, as the RFC calls it."""
    return bool(x & 1)


def _size(x: int) -> int:
    """The absolute value: the one of x and -x that is even."""
    return P - x if _odd(x) else x


def _square_root_ratio(u: int, v: int) -> tuple[bool, int]:
    """SQRT_RATIO_M1 (section 4.2): whether u / v is a square, and the root of it or of ROOT * u / v."""
    cube = v * v % P * v % P
    root = u * cube % P * pow(u * cube % P * cube % P * v % P, (P - 5) // 8, P) % P
    check = v * root % P * root % P
    minus = -u % P
    flipped = check == minus
    if flipped or check == minus * ROOT % P:
        root = root * ROOT % P
    return bool(check == u % P or flipped), _size(root)


_, INVERSE_ROOT_A_MINUS_D = _square_root_ratio(_number(1), (-1 - D) % P)
ROOT_AD_MINUS_ONE = _number(25063068953384623474111414158702152701244531502492656460079210482610430750235)
"""The square root of a d - 1 that the RFC chose (section 4.1); a is -1."""
ONE_MINUS_D_SQUARED = (1 - D * D) % P
D_MINUS_ONE_SQUARED = (D - 1) * (D - 1) % P


def decode(data: bytes) -> Point | None:
    """The point that 32 bytes encode (section 4.3.1); None where they encode none."""
    s = _number(int.from_bytes(data, "little"))
    if s >= P or _odd(s):
        return None
    square = s * s % P
    one, two = (1 - square) % P, (1 + square) % P
    two_squared = two * two % P
    v = (-(D * one % P * one) - two_squared) % P
    found, inverse = _square_root_ratio(_number(1), v * two_squared % P)
    x_part = inverse * two % P
    x = _size(2 * s * x_part % P)
    y = one * inverse % P * x_part % P * v % P
    t = x * y % P
    return None if not found or _odd(t) or y == 0 else (x, y, _number(1), t)


def encode(point: Point) -> bytes:
    """The 32 bytes of a point (section 4.3.2)."""
    x, y, z, t = point
    one, two = (z + y) * (z - y) % P, x * y % P
    _, inverse = _square_root_ratio(_number(1), one * two % P * two % P)
    first, second = inverse * one % P, inverse * two % P
    z_inverse = first * second % P * t % P
    chosen = second
    if _odd(t * z_inverse % P):
        x, y, chosen = y * ROOT % P, x * ROOT % P, first * INVERSE_ROOT_A_MINUS_D % P
    if _odd(x * z_inverse % P):
        y = -y % P
    return int(_size(chosen * (z - y) % P)).to_bytes(POINT_BYTES, "little")


def add(one: Point, other: Point) -> Point:
    """The sum (Hisil et al., 2008, unified addition for a = -1)."""
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c = 2 * D * one[3] % P * other[3] % P
    d = 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def negate(point: Point) -> Point:
    """Minus the point."""
    x, y, z, t = point
    return -x % P, y, z, -t % P


def multiply(scalar: int, point: Point) -> Point:
    """``scalar`` times the point, by windows of four bits."""
    multiples = [IDENTITY, point]
    while len(multiples) < 1 << WINDOW:
        multiples.append(add(multiples[-1], point))
    told = IDENTITY
    for digit in f"{scalar % ORDER:x}":
        for _ in range(WINDOW):
            told = add(told, told)
        told = add(told, multiples[int(digit, 16)])
    return told


def one_way_map(data: bytes) -> Point:
    """A point from 64 uniform bytes (section 4.3.4)."""
    halves = (int.from_bytes(half, "little") & MASK for half in (data[:32], data[32:]))
    return add(*(_mapped(_number(half) % P) for half in halves))


def _mapped(t: int) -> Point:
    """MAP of section 4.3.4."""
    r = ROOT * t % P * t % P
    u = (r + 1) * ONE_MINUS_D_SQUARED % P
    v = (-1 - r * D) * (r + D) % P
    square, s = _square_root_ratio(u, v)
    c = P - 1
    if not square:
        s, c = -_size(s * t % P) % P, r
    n = (c * (r - 1) % P * D_MINUS_ONE_SQUARED - v) % P
    w = (2 * s * v % P, n * ROOT_AD_MINUS_ONE % P, (1 - s * s) % P, (1 + s * s) % P)
    return w[0] * w[3] % P, w[2] * w[1] % P, w[1] * w[3] % P, w[0] * w[2] % P


_GENERATOR = decode(bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"))
GENERATOR: Point = _GENERATOR if _GENERATOR is not None else IDENTITY


class _PlainPython:
    name = "python"

    def from_uniform(self, data: np.ndarray[Any, np.dtype[np.uint8]]) -> Points:
        return _rows([one_way_map(row.tobytes()) for row in data])

    def multiply(self, scalars: int | Sequence[int], points: Points) -> Points:
        each = [scalars] * len(points) if isinstance(scalars, int) else list(scalars)
        read = _points(points)
        return _none_zero(_rows([multiply(s, p) for s, p in zip(each, read, strict=True)]))

    def base(self, scalars: Sequence[int]) -> Points:
        return _none_zero(_rows([multiply(s, GENERATOR) for s in scalars]))

    def add(self, one: Points, other: Points) -> Points:
        return _rows([add(a, b) for a, b in zip(_points(one), _points(other), strict=True)])

    def subtract(self, one: Points, other: Points) -> Points:
        return _rows([add(a, negate(b)) for a, b in zip(_points(one), _points(other), strict=True)])

    def check(self, points: Points, source: str) -> Points:
        _points(points, source)
        return points


def _points(rows: Points, source: str | None = None) -> list[Point]:
    read: list[Point] = []
    for n, row in enumerate(rows):
        point = decode(row.tobytes())
        if point is None:
            fail("PRV-POINT", source or f"{n}")
        read.append(point)
    return read


def _rows(points: Sequence[Point]) -> Points:
    return np.frombuffer(b"".join(map(encode, points)), np.uint8).reshape(-1, POINT_BYTES).copy()


def _none_zero(points: Points) -> Points:
    """As libsodium has it: a product that is the identity means a scalar or point that was not meant."""
    for n in np.flatnonzero(~points.any(axis=1)):
        fail("PRV-POINT", f"{n}")
    return points


def plain_python() -> Group:
    """The group, slow and not constant in time."""
    return _PlainPython()
