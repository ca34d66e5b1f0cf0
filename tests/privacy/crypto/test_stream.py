from __future__ import annotations

import numpy as np

from xinqiao.privacy.crypto.stream import Stream, shuffled


def test_a_stream_goes_on_and_is_the_same_at_all_who_have_the_seed() -> None:
    one, other = (Stream(b"\3" * 32) for _ in range(2))
    assert one.read(5) + one.read(11) == other.read(16)
    assert np.array_equal(one.words((2, 3)), other.words((6,)).reshape(2, 3))
    assert Stream(b"\4" * 32).read(16) != Stream(b"\3" * 32).read(16)


def test_the_key_stream_is_that_of_rfc_8439() -> None:
    """Appendix A.1, test vector 1: all zero."""
    assert Stream(bytes(32)).read(16).hex() == "76b8e0ada0f13d90405d6ae55386bd28"


def test_an_order_holds_each_row_once_whoever_draws_it() -> None:
    one, other = (Stream(b"\3" * 32).order(100) for _ in range(2))
    assert np.array_equal(one, other)
    for order in (one, shuffled(100), shuffled(100)):
        assert sorted(order.tolist()) == list(range(100))
        assert not np.array_equal(order, np.arange(100))
    assert not np.array_equal(shuffled(100), shuffled(100))
    assert shuffled(0).tolist() == []
