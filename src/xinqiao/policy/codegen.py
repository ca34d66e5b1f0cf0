"""Python written from a policy: numbered locals, constants by name, one function.

Nothing a policy's author wrote becomes code: names, texts and numbers are constants of the
function's namespace, and the written lines only hold the names given to them here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any, NamedTuple, TypeVar

from xinqiao.policy.compiled import Policy

MOST_POLICIES = 256
"""Policies whose written functions are kept; the oldest goes first."""

T = TypeVar("T")


class Written(NamedTuple):
    """A function with the source it was made of and the constants that source names."""

    run: Callable[..., Any]
    source: str
    constants: Mapping[str, object]


class Code:
    """Lines of one function and the constants they name."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.constants: dict[str, object] = {}
        self._depth = 1
        self._next: dict[str, int] = {}

    def add(self, *lines: str) -> None:
        """Add ``lines`` at the current depth."""
        self.lines += [f"{' ' * self._depth}{line}" for line in lines]

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """What is added inside stands below ``head``."""
        self.add(head)
        self._depth += 1
        yield
        self._depth -= 1

    def fresh(self, stem: str) -> str:
        """A name not used yet: the stem and a number."""
        number = self._next.get(stem, 0)
        self._next[stem] = number + 1
        return f"{stem}{number}"

    def constant(self, value: object, stem: str = "K") -> str:
        """The name under which the code finds ``value``."""
        name = self.fresh(stem)
        self.constants[name] = value
        return name

    def function(self, name: str, parameters: str) -> Written:
        """Make the function of all lines added so far."""
        source = "\n".join([f"def {name}({parameters}):", *self.lines, ""])
        namespace: dict[str, Any] = dict(self.constants)
        exec(compile(source, f"<{name}>", "exec"), namespace)  # noqa: S102 - the lines hold our own names only, see above
        return Written(namespace[name], source, self.constants)


def per_policy(build: Callable[[Policy], T]) -> Callable[[Policy], T]:
    """Keep what ``build`` makes of a policy, by the identity of the policy."""
    known: dict[int, tuple[Policy, T]] = {}

    @wraps(build)
    def get(policy: Policy) -> T:
        found = known.get(id(policy))
        if found is None:  # the policy is kept beside, so its id is not given to another
            found = policy, build(policy)
            if len(known) >= MOST_POLICIES:
                known.pop(next(iter(known)), None)
            known[id(policy)] = found
        return found[1]

    return get
