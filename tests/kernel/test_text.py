from __future__ import annotations

import pytest
from pydantic import ValidationError

from xinqiao.kernel.text import Text


def test_chinese_comes_first() -> None:
    assert str(Text(zh="额度", en="limit")) == "额度 / limit"


def test_each_language_is_filled_with_its_own_words() -> None:
    name = Text(zh="从业人员", en="staff")
    told = Text(zh="{name}不对", en="{name} is wrong").fill(name=name)
    assert told == Text(zh="从业人员不对", en="staff is wrong")


def test_fill_needs_every_place() -> None:
    with pytest.raises(KeyError):
        Text(zh="{a}", en="{a}").fill(b=1)


@pytest.mark.parametrize(
    "data", [{"zh": "一"}, {"en": "one"}, {"zh": 1, "en": "one"}, {"zh": "一", "en": "one", "fr": "un"}]
)
def test_a_text_is_exactly_two_texts(data: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Text.model_validate(data)


def test_a_text_is_a_value() -> None:
    assert len({Text(zh="一", en="one"), Text(zh="一", en="one")}) == 1
    with pytest.raises(ValidationError):
        Text(zh="一", en="one").zh = "二"  # type: ignore[misc] # that it is frozen is what is shown
