"""Kind ``operators_query``: the bank asks a list that stands (``lists.operators_list``), one id or many.

Params: ``list``, ``answer`` and ``threshold`` as there; the operators bring nothing, for what they need
stands in their state. Inside a program, ``list_query.Asker`` asks again and again in one job.
"""

from __future__ import annotations

from xinqiao.kernel.text import Text
from xinqiao.privacy.job.kind import Kind, Role
from xinqiao.privacy.job.manifest import PARTIES_AT_MOST
from xinqiao.privacy.lists.list_terms import ASK, check_ask, learns_ask
from xinqiao.privacy.lists.operators_list import BANK, OPERATOR, ask_or_answer, plain

KIND = Kind(
    name="operators_query",
    version=1,
    title=Text(zh="查询联合名单", en="question to a list over several operators"),
    roles=(
        Role("operator", OPERATOR, 2, PARTIES_AT_MOST - 1, brings_data=False, receives=False),
        Role("bank", BANK),
    ),
    protocols=(ASK,),
    check=check_ask,
    learns=learns_ask,
    run=ask_or_answer,
    plain=plain,
)
