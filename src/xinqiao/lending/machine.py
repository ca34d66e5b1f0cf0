"""The state machine of an application (申请状态机), from ``catalog/cases/machine.yaml``."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from xinqiao.kernel.document import parse
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text

DeadlineName = Literal["screen", "review", "decide", "documents", "offer", "sign"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class State(_Part):
    """A state, whom it waits for, and what happens when it is late. ``agreed``: an accepted offer holds."""

    name: Text
    waits: Literal["company", "platform", "institution", "nobody"]
    hours: int | None = None
    deadline: DeadlineName | None = None
    at_due: Literal["escalate", "expire"] | None = None
    agreed: bool = False


class Transition(_Part):
    """A way between states; without ``to`` the state stays. ``""``: there was no case yet."""

    name: Text
    from_: list[str] = Field(alias="from")
    to: str | None = None
    by: list[str]
    tell: list[str] = []


class Machine(_Part):
    """All states and ways, and the reason codes of a person's refusal."""

    states: dict[str, State]
    transitions: dict[str, Transition]
    refusals: dict[str, Text]

    @property
    def open_states(self) -> tuple[str, ...]:
        """States that wait for somebody."""
        return tuple(name for name, state in self.states.items() if state.waits != "nobody")

    def target(self, transition: str, state: str, where: str) -> str:
        """Where ``transition`` leads from ``state``. Raises UserError LND-MOVE-STATE where it doesn't."""
        way = self.transitions[transition]
        if state not in way.from_:
            now = self.states[state].name if state else Text(zh="无", en="none")
            fail("LND-MOVE-STATE", where, move=way.name, state=now)
        return state if way.to is None else way.to

    def due(self, state: str, days: dict[str, int], since: datetime) -> datetime | None:
        """Until when ``state``, entered ``since``, should have ended; ``days``: the product's deadlines."""
        told = self.states[state]
        if told.deadline is not None:
            return since + timedelta(days=days[told.deadline])
        return None if told.hours is None else since + timedelta(hours=told.hours)


@cache
def machine() -> Machine:
    """The machine of the catalog."""
    file = files("xinqiao").joinpath("catalog", "cases", "machine.yaml")
    return parse(file.read_text("utf-8"), Machine, file.name)[0]
