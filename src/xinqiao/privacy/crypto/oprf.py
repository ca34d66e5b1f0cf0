"""Oblivious pseudorandom functions on ristretto255 with SHA-512 (RFC 9497), modes OPRF and VOPRF.

The client learns F(key, input) and nothing of the key; the server, who has the key, nothing of the input.
In the mode VOPRF the server proves that it used the key whose public half the client knows. Everything
works on batches; one proof is for a whole batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from xinqiao.kernel.errors import fail
from xinqiao.privacy.crypto.group import (
    ORDER,
    POINT_BYTES,
    Group,
    Points,
    expand,
    hash_to_group,
    invert,
    random_scalar,
    the_group,
)

Mode = Literal["oprf", "voprf"]
OUTPUT_BYTES = 64
SCALAR_BYTES = 32
PROOF_BYTES = 2 * SCALAR_BYTES
BATCH_AT_MOST = (1 << 16) - 1
"""Inputs of one proof: their places are told in two bytes."""


@dataclass(frozen=True, slots=True)
class Blinded:
    """What the client keeps and what it sends: inputs, their blinds and the blinded points."""

    inputs: tuple[bytes, ...]
    blinds: tuple[int, ...]
    points: Points


def context(mode: Mode) -> bytes:
    """The RFC's context string."""
    return b"OPRFV1-" + (b"\0" if mode == "oprf" else b"\1") + b"-ristretto255-SHA512"


def derive_key(seed: bytes, info: bytes, mode: Mode) -> int:
    """DeriveKeyPair (section 3.2.1): the private key of a seed of 32 bytes."""
    for counter in range(256):
        message = seed + _framed(info) + bytes([counter])
        key = _scalar(message, b"DeriveKeyPair" + context(mode))
        if key:
            return key
    message_text = "no key of this seed"
    raise ValueError(message_text)


def blind(inputs: Sequence[bytes], mode: Mode, blinds: Sequence[int] | None = None) -> Blinded:
    """Blind: each input as a point times a random number; ``blinds`` are given by tests only."""
    group = the_group()
    chosen = tuple(blinds) if blinds is not None else tuple(random_scalar() for _ in inputs)
    return Blinded(tuple(inputs), chosen, group.multiply(chosen, _hashed(group, inputs, mode)))


def evaluate(key: int, blinded: Points, source: str) -> Points:
    """BlindEvaluate, without the proof. Raises UserError PRV-POINT naming ``source``, who sent the points."""
    return the_group().multiply(key, checked(blinded, source))


def finalize(blinded: Blinded, evaluated: Points, source: str) -> list[bytes]:
    """Finalize: 64 bytes an input. Raises UserError PRV-POINT. In VOPRF the proof is checked before."""
    points = checked(evaluated, source)
    if len(points) != len(blinded.inputs):
        fail("PRV-POINT", source)
    unblinded = the_group().multiply([invert(b) for b in blinded.blinds], points)
    return _outputs(blinded.inputs, unblinded)


def evaluate_known(key: int, inputs: Sequence[bytes], mode: Mode) -> list[bytes]:
    """Evaluate: the same output by who has both the key and the inputs."""
    group = the_group()
    return _outputs(inputs, group.multiply(key, _hashed(group, inputs, mode)))


def public_key(key: int) -> bytes:
    """The public half."""
    return the_group().base([key]).tobytes()


def prove(key: int, blinded: Points, evaluated: Points, nonce: int | None = None) -> bytes:
    """GenerateProof (section 2.2.1) that ``evaluated`` is ``key`` times ``blinded``; ``nonce``: in tests."""
    group, public = the_group(), public_key(key)
    combined = _combined(group, _weights(public, blinded, evaluated), blinded)
    r = random_scalar() if nonce is None else nonce
    first, second = group.base([r]), group.multiply(r, combined)
    challenge = _challenge(public, combined, group.multiply(key, combined), first, second)
    answer = (r - challenge * key) % ORDER
    return b"".join(s.to_bytes(SCALAR_BYTES, "little") for s in (challenge, answer))


def verify(public: bytes, blinded: Points, evaluated: Points, proof: bytes, source: str) -> None:
    """VerifyProof (section 2.2.2). Raises UserError PRV-OPRF-PROOF, PRV-POINT."""
    group = the_group()
    held, blinded, evaluated = (checked(p, source) for p in (_row(public), blinded, evaluated))
    challenge, answer = (int.from_bytes(proof[at : at + SCALAR_BYTES], "little") for at in (0, SCALAR_BYTES))
    fits = len(proof) == PROOF_BYTES and len(blinded) == len(evaluated)
    if not fits or not 0 < challenge < ORDER or not 0 < answer < ORDER:
        fail("PRV-OPRF-PROOF", source)
    weights = _weights(public, blinded, evaluated)
    one, other = (_combined(group, weights, points) for points in (blinded, evaluated))
    first = group.add(group.base([answer]), group.multiply(challenge, held))
    second = group.add(group.multiply(answer, one), group.multiply(challenge, other))
    if _challenge(public, one, other, first, second) != challenge:
        fail("PRV-OPRF-PROOF", source)


def checked(points: np.ndarray[Any, Any], source: str) -> Points:
    """``points`` if they are elements other than the identity. Raises UserError PRV-POINT."""
    shaped = points.ndim == 2 and points.shape[1] == POINT_BYTES and points.dtype == np.uint8  # noqa: PLR2004 - rows of bytes
    if not shaped or not 0 < len(points) <= BATCH_AT_MOST or not points.any(axis=1).all():
        fail("PRV-POINT", source)
    return the_group().check(points, source)


def _row(point: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.frombuffer(point, np.uint8)[None, :]


def _framed(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def _scalar(message: bytes, domain: bytes) -> int:
    return int.from_bytes(expand(message, domain, 64), "little") % ORDER


def _hashed(group: Group, inputs: Sequence[bytes], mode: Mode) -> Points:
    return hash_to_group(group, inputs, b"HashToGroup-" + context(mode))


def _outputs(inputs: Sequence[bytes], points: Points) -> list[bytes]:
    framed = (_framed(each) + _framed(p.tobytes()) for each, p in zip(inputs, points, strict=True))
    return [hashlib.sha512(each + b"Finalize").digest() for each in framed]


def _weights(public: bytes, blinded: Points, evaluated: Points) -> list[int]:
    """The random numbers that fold a batch into one pair (ComputeComposites)."""
    seed = hashlib.sha512(_framed(public) + _framed(b"Seed-" + context("voprf"))).digest()
    pairs = zip(blinded, evaluated, strict=True)
    return [
        _scalar(
            _framed(seed) + n.to_bytes(2, "big") + _framed(c.tobytes()) + _framed(d.tobytes()) + b"Composite",
            b"HashToScalar-" + context("voprf"),
        )
        for n, (c, d) in enumerate(pairs)
    ]


def _combined(group: Group, weights: Sequence[int], points: Points) -> Points:
    """The sum of each point times its weight."""
    terms = group.multiply(weights, points)
    while len(terms) > 1:
        half = len(terms) // 2
        terms = np.concatenate([group.add(terms[:half], terms[half : 2 * half]), terms[2 * half :]])
    return terms


def _challenge(public: bytes, *points: Points) -> int:
    transcript = _framed(public) + b"".join(_framed(point.tobytes()) for point in points) + b"Challenge"
    return _scalar(transcript, b"HashToScalar-" + context("voprf"))
