from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xinqiao.kernel.errors import UserError
from xinqiao.privacy.crypto.group import the_group
from xinqiao.privacy.protocol.oblivious_choice import choose, hide, offer

GROUP = the_group()


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 6), st.data())
def test_the_chosen_entry_and_no_other_is_read(bits: int, data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, (1 << bits) - 1), min_size=1, max_size=3))
    tables = np.arange(len(places) << bits, dtype=np.uint8).reshape(len(places), -1)
    offered = offer(GROUP)
    choice = choose(GROUP, offered.public, places, bits, b"job")
    hidden = hide(GROUP, offered, choice.asked, tables, b"job")
    assert choice.read(hidden) == [int(tables[n, place]) for n, place in enumerate(places)]


def test_other_entries_stay_hidden_from_the_keys_of_the_chosen_one() -> None:
    offered = offer(GROUP)
    choice = choose(GROUP, offered.public, [5], 11, b"job")
    tables = np.zeros((1, 2048), np.uint8)
    hidden = hide(GROUP, offered, choice.asked, tables, b"job")
    counts = np.bincount(hidden[0], minlength=256)
    assert ((counts - 8) ** 2 / 8).sum() < 255 + 6 * np.sqrt(2 * 255)  # chi squared: like random bytes
    assert not np.array_equal(hide(GROUP, offered, choice.asked, tables, b"next"), hidden)


def test_what_is_asked_does_not_tell_the_place() -> None:
    offered = offer(GROUP)
    asked = [choose(GROUP, offered.public, [place] * 40, 10, b"job").asked for place in (0, 1023)]
    for points in asked:
        assert len(np.unique(points, axis=0)) == 400
        assert abs(np.unpackbits(points[:, 1:31]).mean() - 0.5) < 6 * 0.5 / np.sqrt(points[:, 1:31].size * 8)


def test_points_that_break_a_key_are_refused() -> None:
    offered = offer(GROUP)
    with pytest.raises(UserError, match="PRV-POINT"):
        hide(GROUP, offered, np.zeros((1, 32), np.uint8), np.zeros((1, 2), np.uint8), b"job")
