from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.privacy.scores.score_answer import tables
from xinqiao.privacy.scores.score_terms import ABSENT, Ring, Terms

WIDTH = st.integers(1, 60)


@given(st.data(), st.integers(1, 4), st.tuples(WIDTH, WIDTH), st.integers(-500, 500), st.integers(-90, 90))
def test_shares_of_a_score_meet_its_grade_and_absent_parts_none(
    data: st.DataObject, holders: int, widths: tuple[int, int], low_bank: int, low_holder: int
) -> None:
    bank, holder = widths
    ring = Ring(low_bank, low_holder, holders, bank + holders * holder + 1)
    cutoffs = sorted(data.draw(st.sets(st.integers(-900, 900), min_size=1, max_size=5)))
    own = data.draw(st.integers(0, bank))
    parts = data.draw(st.lists(st.integers(0, holder), min_size=holders, max_size=holders))
    absent = data.draw(st.lists(st.booleans(), min_size=holders - 1, max_size=holders - 1))
    masked = data.draw(st.integers(0, 2**64 - 1))
    others = [ring.absent if gone else part for part, gone in zip(parts[1:], absent, strict=True)]
    lead = np.array([parts[0] + masked], dtype=object) % 2**64
    terms = Terms(model="0" * 64, answer="grade", cutoffs=cutoffs, bank_points=[0, 1], holder_points=[0, 1])
    [table] = tables(terms, ring, lead.astype(np.uint64))
    place = (own + sum(others) - masked) % (1 << ring.bits)
    total = low_bank + holders * low_holder + own + sum(parts)
    wanted = ABSENT if any(absent) else sum(total >= cut for cut in cutoffs)
    assert int(table[place]) == wanted
