from __future__ import annotations

import pickle
import string

import pytest

from xinqiao.kernel.errors import UserError, fail, user_error, wording
from xinqiao.kernel.text import Text


def _places(text: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}


@pytest.mark.parametrize("code", sorted(wording()))
def test_every_error_is_worded_in_both_languages_with_the_same_places(code: str) -> None:
    what, fix = wording()[code]
    for text in (what, fix):
        assert text.zh.strip()
        assert text.en.strip()
        assert _places(text.zh) == _places(text.en)


def test_fail_raises_the_worded_error() -> None:
    with pytest.raises(UserError) as caught:
        fail("DOC-SYNTAX", "a.yaml:3", detail="x")
    error = caught.value
    assert (error.code, error.where) == ("DOC-SYNTAX", "a.yaml:3")
    assert error.what.en == "not valid YAML: x"
    assert "[DOC-SYNTAX] a.yaml:3: " in str(error)


def test_an_unknown_code_is_a_mistake_of_ours_not_of_the_user() -> None:
    with pytest.raises(KeyError):
        fail("NO-SUCH-CODE", "here")


def test_an_error_crosses_a_process_border() -> None:
    error = user_error("DOC-LIMIT", "a.yaml", detail="很大")
    back = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (back.code, back.where, back.what, back.fix) == (error.code, error.where, error.what, error.fix)
    assert str(back) == str(error)


def test_braces_in_values_are_left_alone() -> None:
    assert Text(zh="值{v}", en="value {v}").fill(v="{x}") == Text(zh="值{x}", en="value {x}")
