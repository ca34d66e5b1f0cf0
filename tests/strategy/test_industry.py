from __future__ import annotations

import pytest

from xinqiao.strategy.industry import UNKNOWN, name_words, told_by_name


@pytest.mark.parametrize(
    ("name", "industry", "sureness", "kind"),
    [
        ("***建筑劳务有限公司", "construction", "sure", "company"),
        ("***劳务有限公司", "construction", "likely", "company"),
        ("***餐饮文化服务有限公司", "catering", "sure", "company"),
        ("***科技有限公司", "technology", "likely", "company"),
        ("***物业服务有限责任公司***分公司", "property", "sure", "branch"),
        ("***律师事务所", "services", "sure", "other"),
        ("***五金经营部", "trade", "sure", "other"),
        ("个体经营E124", UNKNOWN, "unknown", "sole_trader"),
        ("", UNKNOWN, "unknown", "other"),
    ],
)
def test_what_a_name_tells(name: str, industry: str, sureness: str, kind: str) -> None:
    told = told_by_name(name)
    assert (told.industry, told.sureness, told.kind) == (industry, sureness, kind)


def test_every_group_and_kind_has_words_in_both_languages() -> None:
    words = name_words()
    assert len({each.id for each in words.industries}) == len(words.industries)
    for group in [*(each.id for each in words.industries), UNKNOWN]:
        assert words.industry_name(group).zh != group
    assert words.industry_name("渔业").en == "渔业"
    assert words.kind_name("sole_trader").en == "sole trader"
    assert words.kind_name("other").zh == "其他组织"
    assert words.kind_name("medium").zh == "medium"
