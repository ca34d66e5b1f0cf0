"""The RFC's test vectors, another implementation's outputs, and cheats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xinqiao.kernel.errors import UserError
from xinqiao.privacy.crypto import oprf
from xinqiao.privacy.crypto.group import random_scalar
from xinqiao.privacy.crypto.ristretto import plain_python

SEED, INFO = b"\xa3" * 32, b"test key"
BLIND = "64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706"
NONCE = "222a5e897cf59db8145db8d16e597e8facb80ae7d4e26d9881aa6f61d645fc0e"
NONCE_OF_TWO = "419c4f4f5052c53c45f3da494d2b67b220d02118e0857cdbcf037f9ea84bbe0c"
A, B = b"\0", b"\x5a" * 17


@dataclass(frozen=True)
class Vector:
    """Of RFC 9497, appendix A.1."""

    mode: oprf.Mode
    inputs: tuple[bytes, ...]
    blinded: tuple[str, ...]
    evaluated: tuple[str, ...]
    outputs: tuple[str, ...]
    proof: str = ""
    nonce: str = ""


OUT_A = (
    "b58cfbe118e0cb94d79b5fd6a6dafb98764dff49c14e1770b566e42402da1a7d"
    "a4d8527693914139caee5bd03903af43a491351d23b430948dd50cde10d32b3c"
)
OUT_B = (
    "8a9a2f3c7f085b65933594309041fc1898d42d0858e59f90814ae90571a6df60"
    "356f4610bf816f27afdd84f47719e480906d27ecd994985890e5f539e7ea74b6"
)
BLINDED_A = "863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945"
EVALUATED_A = "aa8fa048764d5623868679402ff6108d2521884fa138cd7f9c7669a9a014267e"
VECTORS = [
    Vector(
        "oprf",
        (A,),
        ("609a0ae68c15a3cf6903766461307e5c8bb2f95e7e6550e1ffa2dc99e412803c",),
        ("7ec6578ae5120958eb2db1745758ff379e77cb64fe77b0b2d8cc917ea0869c7e",),
        (
            (
                "527759c3d9366f277d8c6020418d96bb393ba2afb20ff90df23fb7708264e2f3"
                "ab9135e3bd69955851de4b1f9fe8a0973396719b7912ba9ee8aa7d0b5e24bcf6"
            ),
        ),
    ),
    Vector(
        "oprf",
        (B,),
        ("da27ef466870f5f15296299850aa088629945a17d1f5b7f5ff043f76b3c06418",),
        ("b4cbf5a4f1eeda5a63ce7b77c7d23f461db3fcab0dd28e4e17cecb5c90d02c25",),
        (
            (
                "f4a74c9c592497375e796aa837e907b1a045d34306a749db9f34221f7e750cb4"
                "f2a6413a6bf6fa5e19ba6348eb673934a722a7ede2e7621306d18951e7cf2c73"
            ),
        ),
    ),
    Vector(
        "voprf",
        (A,),
        (BLINDED_A,),
        (EVALUATED_A,),
        (OUT_A,),
        "ddef93772692e535d1a53903db24367355cc2cc78de93b3be5a8ffcc6985dd06"
        "6d4346421d17bf5117a2a1ff0fcb2a759f58a539dfbe857a40bce4cf49ec600d",
        NONCE,
    ),
    Vector(
        "voprf",
        (B,),
        ("cc0b2a350101881d8a4cba4c80241d74fb7dcbfde4a61fde2f91443c2bf9ef0c",),
        ("60a59a57208d48aca71e9e850d22674b611f752bed48b36f7a91b372bd7ad468",),
        (OUT_B,),
        "401a0da6264f8cf45bb2f5264bc31e109155600babb3cd4e5af7d181a2c9dc0a"
        "67154fabf031fd936051dec80b0b6ae29c9503493dde7393b722eafdf5a50b02",
        NONCE,
    ),
    Vector(
        "voprf",
        (A, B),
        (BLINDED_A, "90a0145ea9da29254c3a56be4fe185465ebb3bf2a1801f7124bbbadac751e654"),
        (EVALUATED_A, "cc5ac221950a49ceaa73c8db41b82c20372a4c8d63e5dded2db920b7eee36a2a"),
        (OUT_A, OUT_B),
        "cc203910175d786927eeb44ea847328047892ddf8590e723c37205cb74600b0a"
        "5ab5337c8eb4ceae0494c2cf89529dcf94572ed267473d567aeed6ab873dee08",
        NONCE_OF_TWO,
    ),
]
KEYS = {
    "oprf": "5ebcea5ee37023ccb9fc2d2019f9d7737be85591ae8652ffa9ef0f4d37063b0e",
    "voprf": "e6f73f344b79b379f1a0dd37e07ff62e38d9f71345ce62ae3a9bc60b04ccd909",
}


def number(text: str) -> int:
    return int.from_bytes(bytes.fromhex(text), "little")


def points(*told: str) -> np.ndarray:
    return np.frombuffer(bytes.fromhex("".join(told)), np.uint8).reshape(-1, 32)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v.mode}-{len(v.inputs)}-{v.inputs[0].hex()[:4]}")
def test_vectors_of_the_rfc(vector: Vector) -> None:
    key = oprf.derive_key(SEED, INFO, vector.mode)
    assert key == number(KEYS[vector.mode])
    blinded = oprf.blind(vector.inputs, vector.mode, [number(BLIND), number(NONCE)][: len(vector.inputs)])
    np.testing.assert_array_equal(blinded.points, points(*vector.blinded))
    evaluated = oprf.evaluate(key, blinded.points, "client")
    np.testing.assert_array_equal(evaluated, points(*vector.evaluated))
    assert [o.hex() for o in oprf.finalize(blinded, evaluated, "server")] == list(vector.outputs)
    assert [o.hex() for o in oprf.evaluate_known(key, vector.inputs, vector.mode)] == list(vector.outputs)
    if vector.proof:
        proof = oprf.prove(key, blinded.points, evaluated, number(vector.nonce))
        assert proof.hex() == vector.proof
        oprf.verify(oprf.public_key(key), blinded.points, evaluated, proof, "server")


def test_without_libsodium_it_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oprf, "the_group", plain_python)
    for vector in (VECTORS[0], VECTORS[4]):
        test_vectors_of_the_rfc(vector)


def test_public_key_of_the_rfc() -> None:
    told = oprf.public_key(oprf.derive_key(SEED, INFO, "voprf")).hex()
    assert told == "c803e2cc6b05fc15064549b5920659ca4a77b2cca6f04f6b357009335476ad4e"


@settings(max_examples=10, deadline=None)
@given(st.lists(st.binary(max_size=80), min_size=1, max_size=4))
def test_blinds_don_t_change_outputs(inputs: list[bytes]) -> None:
    key = random_scalar()
    blinded = oprf.blind(inputs, "voprf")
    told = oprf.finalize(blinded, oprf.evaluate(key, blinded.points, "client"), "server")
    assert told == oprf.evaluate_known(key, inputs, "voprf")


def test_blinded_points_of_one_input_differ() -> None:
    one, other = (oprf.blind([b"same"], "oprf").points.tobytes() for _ in range(2))
    assert one != other


def test_a_proof_for_another_key_or_batch_is_refused() -> None:
    key, other = random_scalar(), random_scalar()
    blinded = oprf.blind([b"a", b"b"], "voprf").points
    evaluated = oprf.evaluate(key, blinded, "client")
    public = oprf.public_key(key)
    good = oprf.prove(key, blinded, evaluated)
    forged = oprf.evaluate(other, blinded, "client")
    mixed = np.concatenate([evaluated[:1], forged[1:]])
    for told, proof in (
        (forged, oprf.prove(other, blinded, forged)),
        (mixed, oprf.prove(key, blinded, mixed)),
        (evaluated[::-1], good),
        (evaluated, good[:32] + bytes(32)),
        (evaluated, good[:-1]),
        (evaluated[:1], good),
    ):
        with pytest.raises(UserError, match="PRV-OPRF-PROOF"):
            oprf.verify(public, blinded, told, proof, "server")
    oprf.verify(public, blinded, evaluated, good, "server")


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((1, 32), np.uint8),
        np.full((1, 32), 255, np.uint8),
        np.zeros((0, 32), np.uint8),
        np.ones((1, 31), np.uint8),
    ],
)
def test_what_is_no_element_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(UserError, match="PRV-POINT"):
        oprf.evaluate(5, bad, "client")


def test_the_oracle_agrees() -> None:
    """Another implementation (Rust's voprf, by its wheel), as server and as client."""
    peer = pytest.importorskip("voprf", reason="the peers extra is not installed").ristretto
    server, key = peer.Evaluator.from_seed(SEED, INFO), oprf.derive_key(SEED, INFO, "voprf")
    public = oprf.public_key(key)
    assert server.public_key.serialize() == public
    expected = oprf.evaluate_known(key, [b"an id"], "voprf")[0]
    assert bytes(server.evaluate_known_input(b"an id")) == expected

    client, sent = peer.Client.blind(b"an id")
    blinded = points(sent.serialize().hex())
    evaluated = oprf.evaluate(key, blinded, "client")
    told = oprf.prove(key, blinded, evaluated) + evaluated.tobytes()
    assert bytes(client.finalize(peer.VerifiableOutput.deserialize(told), server.public_key)) == expected

    own = oprf.blind([b"an id"], "voprf")
    told = server.evaluate(peer.BlindedInput.deserialize(own.points.tobytes())).serialize()
    proof, evaluated = told[: oprf.PROOF_BYTES], points(told[oprf.PROOF_BYTES :].hex())
    oprf.verify(public, own.points, evaluated, proof, "server")
    assert oprf.finalize(own, evaluated, "server") == [expected]
