from __future__ import annotations

import json
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.kernel.canonical import canonical_json, digest

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
).filter(lambda value: "\\ud" not in json.dumps(value).lower())


@given(PLAIN)
def test_reading_and_writing_again_gives_the_same_bytes(value: object) -> None:
    data = canonical_json(value)
    assert canonical_json(json.loads(data)) == data
    assert json.loads(data) == value


@given(st.dictionaries(st.text("abc中", max_size=3), st.integers()), st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_show(value: dict[str, int], rng: random.Random) -> None:
    items = list(value.items())
    rng.shuffle(items)
    assert canonical_json(dict(items)) == canonical_json(value)


def test_bytes_are_as_stated() -> None:
    assert (
        canonical_json({"b": [1, 0.1, None, True], "a": "额\n"})
        == '{"a":"额\\n","b":[1,0.1,null,true]}'.encode()
    )


@pytest.mark.parametrize("bad", [math.nan, math.inf, [-math.inf], {"a": (1, math.nan)}])
def test_what_has_no_value_is_refused(bad: object) -> None:
    with pytest.raises(ValueError, match="no canonical form"):
        canonical_json(bad)


@pytest.mark.parametrize("bad", [{1: "a"}, {"x": {None: 1}}, [{True: 1}], {"a": {1, 2}}, b"x"])
def test_what_json_would_bend_is_refused(bad: object) -> None:
    with pytest.raises(TypeError):
        canonical_json(bad)


def test_digest_is_sha256() -> None:
    assert digest(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
