"""The tree against the definitions of RFC 6962 section 2.1, written down as they stand there."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.evidence import merkle
from xinqiao.kernel.suite import INTERNATIONAL, SUITES, CryptoSuite

sizes = st.integers(1, 70)
suites = st.sampled_from(list(SUITES.values()))


def leaves_of(count: int) -> list[bytes]:
    return [f"line {number}".encode() for number in range(count)]


def definition(suite: CryptoSuite, data: Sequence[bytes]) -> bytes:
    """MTH(D[n])."""
    if not data:
        return suite.hash(b"")
    if len(data) == 1:
        return suite.hash(b"\x00" + data[0])
    k = 1
    while k * 2 < len(data):
        k *= 2
    return suite.hash(b"\x01" + definition(suite, data[:k]) + definition(suite, data[k:]))


def nodes_of(suite: CryptoSuite, data: Sequence[bytes]) -> dict[tuple[int, int], bytes]:
    hashes = [merkle.leaf_hash(suite, item) for item in data]
    return {(n.level, n.place): n.hash for n in merkle.grown(suite, 0, [], hashes)}


def proof_of(suite: CryptoSuite, data: Sequence[bytes], ranges: list[merkle.Range]) -> list[bytes]:
    nodes = nodes_of(suite, data)
    return [merkle.hash_of(suite, leaves, lambda level, place: nodes[level, place]) for leaves in ranges]


@given(st.integers(0, 200), suites)
def test_the_root_is_that_of_the_definition(size: int, suite: CryptoSuite) -> None:
    data = leaves_of(size)
    nodes = nodes_of(suite, data)
    root = definition(suite, data)
    assert merkle.hash_of(suite, (0, size), lambda level, place: nodes[level, place]) == root
    tree = merkle.Growing(suite)
    for item in data:
        tree.add(merkle.leaf_hash(suite, item))
    assert (tree.size, tree.root()) == (size, root)


def test_vectors_of_certificate_transparency() -> None:
    data = [
        bytes.fromhex(text)
        for text in (
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        )
    ]
    hashes = [merkle.leaf_hash(INTERNATIONAL, item) for item in data]
    tree = merkle.Growing(INTERNATIONAL)
    assert tree.root() == hashlib.sha256().digest()
    for told in hashes:
        tree.add(told)
    assert hashes[0].hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert tree.root().hex() == ("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328")


@given(st.lists(st.integers(0, 40), max_size=6))
def test_a_tree_grown_in_batches_is_the_same_tree(batches: list[int]) -> None:
    data = leaves_of(sum(batches))
    hashes = [merkle.leaf_hash(INTERNATIONAL, item) for item in data]
    nodes: dict[tuple[int, int], bytes] = {}
    size = 0
    for count in batches:
        edge = [nodes[place] for place in merkle.complete((0, size))]
        for node in merkle.grown(INTERNATIONAL, size, edge, hashes[size : size + count]):
            assert nodes.setdefault((node.level, node.place), node.hash) == node.hash
        size += count
    assert nodes == nodes_of(INTERNATIONAL, data)


@given(st.data(), sizes, suites)
def test_inclusion_is_proved_of_the_right_line_and_place_only(
    draw: st.DataObject, size: int, suite: CryptoSuite
) -> None:
    index = draw.draw(st.integers(0, size - 1))
    data = leaves_of(size)
    proof = proof_of(suite, data, merkle.inclusion(index, size))
    root = definition(suite, data)
    leaf = merkle.leaf_hash(suite, data[index])
    assert merkle.root_of_inclusion(suite, leaf, index, size, proof) == root
    assert merkle.root_of_inclusion(suite, merkle.leaf_hash(suite, b"other"), index, size, proof) != root
    for other in set(range(size)) - {index}:
        assert merkle.root_of_inclusion(suite, leaf, other, size, proof) != root
    for shorter in ([*proof, root], proof[1:]) if proof else ([root],):
        assert merkle.root_of_inclusion(suite, leaf, index, size, shorter) != root
    for place in range(len(proof)):
        changed = [*proof]
        changed[place] = bytes([changed[place][0] ^ 1]) + changed[place][1:]
        assert merkle.root_of_inclusion(suite, leaf, index, size, changed) != root


@given(st.data(), sizes, suites)
def test_consistency_is_proved_of_a_beginning_only(draw: st.DataObject, new: int, suite: CryptoSuite) -> None:
    old = draw.draw(st.integers(0, new))
    data = leaves_of(new)
    proof = proof_of(suite, data, merkle.consistency(old, new))
    was, now = (old, definition(suite, data[:old])), (new, definition(suite, data))
    assert merkle.is_consistent(suite, was, now, proof)
    assert not merkle.is_consistent(suite, was, now, [*proof, now[1]])
    if old:
        changed = [*data]
        changed[draw.draw(st.integers(0, old - 1))] = b"forged"
        forged = (new, definition(suite, changed))
        assert not merkle.is_consistent(suite, was, forged, proof)
        forged_proof = proof_of(suite, changed, merkle.consistency(old, new))
        assert not merkle.is_consistent(suite, was, forged, forged_proof)
    if old < new:
        assert not merkle.is_consistent(suite, now, was, proof)
    for place in range(len(proof)):
        assert not merkle.is_consistent(suite, was, now, proof[:place] + proof[place + 1 :])


@given(st.integers(0, 300), st.integers(0, 300))
def test_a_range_is_its_complete_subtrees(start: int, count: int) -> None:
    covered: list[int] = []
    for level, place in merkle.complete((start, start + count)):
        covered += range(place << level, place + 1 << level)
    assert covered == list(range(start, start + count))


def test_what_is_not_there_is_not_proved() -> None:
    with pytest.raises(ValueError, match="no leaf"):
        merkle.inclusion(5, 5)
    with pytest.raises(ValueError, match="no proof"):
        merkle.consistency(6, 5)
    assert merkle.root_of_inclusion(INTERNATIONAL, b"", 5, 5, []) is None
    assert not merkle.is_consistent(INTERNATIONAL, (1, b"a"), (3, b"b"), [])
    assert not merkle.is_consistent(INTERNATIONAL, (3, b"a"), (5, b"b"), [])
    assert not merkle.is_consistent(INTERNATIONAL, (0, b"a"), (5, b"b"), [])
