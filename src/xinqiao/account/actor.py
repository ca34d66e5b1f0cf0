"""Who acts, and what they may do: permissions come from catalog/permissions.yaml, by role."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from uuid import UUID

from pydantic import BaseModel, ConfigDict, RootModel

from xinqiao.db.database import Scope, Side
from xinqiao.kernel.document import parse
from xinqiao.kernel.text import Text

PUBLIC_READ = "public.read"


class Permission(BaseModel):
    """One thing a route lets somebody do. ``roles``: who may."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Text
    roles: tuple[str, ...]


class _File(RootModel[dict[str, Permission]]):
    pass


@cache
def permissions() -> dict[str, Permission]:
    """Every permission by its id."""
    path = files("xinqiao").joinpath("catalog", "permissions.yaml")
    return parse(path.read_text("utf-8"), _File, path.name)[0].root


@dataclass(frozen=True, slots=True)
class Actor:
    """A person or an API client, acting for an institution or a company.

    ``roles`` are those held there. ``client`` is the id of an API client, None for people in a browser;
    ``scopes`` are the permissions its token was asked for (None: all of its roles), and a ``sandbox``
    client may see generated data only.
    """

    side: Side
    roles: frozenset[str]
    name: str
    person: UUID | None = None
    institution: UUID | None = None
    company: str | None = None
    client: str | None = None
    scopes: frozenset[str] | None = None
    sandbox: bool = False

    @property
    def scope(self) -> Scope:
        """The scope of this actor's transactions."""
        return Scope(self.side, self.institution, self.company, self.person)

    def may(self, permission: str) -> bool:
        """Whether a role of this actor has ``permission`` (KeyError: no such permission)."""
        if self.scopes is not None and permission not in self.scopes and permission != PUBLIC_READ:
            return False
        return not self.roles.isdisjoint(permissions()[permission].roles)


ANYONE = Actor("public", frozenset({"anyone"}), "")
"""A visitor who has not signed in."""
