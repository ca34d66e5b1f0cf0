"""People of two banks, as tests of the workbench need them."""

from __future__ import annotations

from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.db.database import new_id

FIRST, SECOND = new_id(), new_id()


def person(*roles: str, name: str = "示范员工", institution: UUID = FIRST) -> Actor:
    """A person of a bank with ``roles`` (product, approver, officer, admin)."""
    return Actor(
        "bank", frozenset(f"bank.{role}" for role in roles), name, person=new_id(), institution=institution
    )


EDITOR = person("product", name="产品甲")
APPROVER = person("approver", "officer", name="复核乙")
OFFICER = person("officer", name="客户经理丙")
STRANGER = person("product", "approver", "officer", name="他行丁", institution=SECOND)
