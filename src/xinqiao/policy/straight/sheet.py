"""What is written of a policy's function so far, and the ways every step writes on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import groupby

from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.text import Text
from xinqiao.policy.codegen import Code
from xinqiao.policy.compiled import Policy
from xinqiao.policy.decision import Effect
from xinqiao.policy.format import TypeName
from xinqiao.policy.logic import exact_of, round_to
from xinqiao.policy.straight.pieces import (
    FLOAT_EXACT,
    FLOAT_JSON,
    Detail,
    Say,
    gap_of,
    sentence,
    tail,
    value_json,
    words,
)
from xinqiao.policy.straight.statements import Causes, Local, Straight, merge
from xinqiao.policy.wording import NOT_COMPUTABLE, show_number

QUOTED = "f'\"{text}\"'.encode()"
"""Code for the JSON of the number in ``text``."""


def _no_detail(_causes: Causes, _fault: str) -> str:
    return ""


class Sheet:
    """Code, locals and the parts of the JSON in their order: constants as bytes, names of locals.

    ``floats``: numbers come as floats and are handed to ``otherwise`` where one does not; else they
    are made Decimals at once.
    """

    def __init__(
        self, policy: Policy, *, floats: bool, otherwise: Callable[..., bytes] | None = None
    ) -> None:
        self.policy = policy
        self.floats = floats
        self.code = Code()
        self.code.constants |= {
            "float_json": FLOAT_JSON,
            "float_exact": FLOAT_EXACT,
            "value_json": value_json,
            "words": words,
            "expand": _expand,
            "exact": exact_of,
            "otherwise": otherwise,
            "show_number": show_number,
            "round_to": round_to,
        }
        self.locals = {name: self._local(i, name) for i, name in enumerate(policy.items)}
        self.labels = {name: item.name for name, item in policy.items.items()}
        rank = {grade: i for i, grade in enumerate(policy.file.grades)}
        self.straight = Straight(self.code, self.locals, rank)
        self.parts: list[bytes | str] = []

    def _local(self, i: int, name: str) -> Local:
        floating = (
            self.floats and name in self.policy.file.inputs and self.policy.kinds[name].base == "number"
        )
        return Local(f"v{i}", f"d{i}" if floating else f"v{i}", f"j{i}", f"c{i}", floating)

    def shown(self, local: Local, base: str) -> None:
        """The JSON of a known value."""
        match base:
            case "number":
                self.code.add(f"text = show_number({local.raw})", f"{local.shown} = {QUOTED}")
            case "bool":
                self.code.add(f"{local.shown} = b'true' if {local.raw} else b'false'")
            case "grade":
                known = self.constant({grade: canonical_json(grade) for grade in self.policy.file.grades})
                self.code.add(f"{local.shown} = {known}[{local.raw}]")
            case _:
                self.code.add(f"{local.shown} = value_json({local.raw})")

    def joined(self) -> list[str]:
        """All parts as code, neighbouring constants in one."""
        out: list[str] = []
        for fixed, group in groupby(self.parts, lambda part: isinstance(part, bytes)):
            if fixed:
                out.append(self.constant(b"".join(group)))  # type: ignore[arg-type] # the group holds bytes only
            else:
                out += group  # type: ignore[arg-type] # and here names only
        return out

    def constant(self, value: object, stem: str = "K") -> str:
        """The name under which the code finds ``value``."""
        return self.code.constant(value, stem)

    def trace(self, kind: str, name: Text, used: Iterable[str], lead: bytes | str, result: str) -> None:
        """A step of the trace: what it read, in order of the names."""
        self.parts.append(lead)
        for i, each in enumerate(sorted(set(used))):
            self.parts += [b"," if i else b"", canonical_json(each) + b":", self.locals[each].shown]
        self.parts += [tail(kind, name), result]

    def gap(
        self, step_id: str, if_missing: Mapping[str, Effect], say: Say, detail: Detail = _no_detail
    ) -> str:
        """The name of the function that says what missing values lead to."""
        return self.constant(gap_of(step_id, self.labels, if_missing, say, detail), "G")

    def meet(self, gap: str, causes: str, part: str) -> None:
        """Say what a gap leads to: a reason, or a note where it is ignored, never silence."""
        self.code.add(f"severity, text, {part} = {gap}({causes})", "said[severity].append(text)")

    def say(
        self, code: str, source: str, effect: Effect, text: Text, places: Mapping[str, tuple[str, TypeName]]
    ) -> None:
        """Add a reason; ``places`` gives for each place the code of its value and the value's type."""
        spoken = {name: self.code.fresh("w") for name in places}
        for name, (value, kind) in places.items():
            self.code.add(f"{spoken[name]} = words({value}, {self.constant(kind)})")
        pieces = [
            self.constant(piece) if isinstance(piece, bytes) else f"{spoken[piece[0]]}[{piece[1]}]"
            for piece in sentence(code, source, effect, text)
        ]
        said = "rejects" if effect == "reject" else "refers"
        self.code.add(f"{said}.append(b''.join(({', '.join(pieces)})))")


def _expand(blamed: Iterable[str], known: Mapping[str, Causes], own: str) -> Causes:
    """What is missing behind blamed names; ``own`` stands for what has no value itself."""
    return merge(*(known[name] if name else ((own, NOT_COMPUTABLE),) for name in blamed))
