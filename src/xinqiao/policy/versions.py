"""Dated versions of one policy (政策版本): files side by side, of which one is in force on a day.

Versions live in a folder: one ``.yaml`` file a version, all of one policy id, their periods apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path

from xinqiao.kernel.errors import fail
from xinqiao.policy.compiled import Policy
from xinqiao.policy.load import built_in, load_policy


def versions(folder: Path, units: Mapping[str, str] | None = None) -> tuple[Policy, ...]:
    """Every version in ``folder``, the earliest first.

    Raises UserError POL-NOT-FOUND for a folder without policies, POL-VERSION-ID when its files are of
    several policies, POL-VERSION-OVERLAP when two are in force on one day; each names the files.
    """
    found = [(path, load_policy(str(path), units)) for path in sorted(folder.glob("*.yaml"))]
    if not found:
        fail("POL-NOT-FOUND", str(folder), policy=str(folder), known=", ".join(built_in()))
    first_path, first = found[0]
    for path, policy in found:
        if policy.file.id != first.file.id:
            detail = f"{first_path.name} {first.file.id}, {path.name} {policy.file.id}"
            fail("POL-VERSION-ID", str(path), detail=detail)
    found.sort(key=lambda pair: (pair[1].file.effective.from_, pair[0].name))
    for (path, policy), (later_path, later) in pairwise(found):
        if policy.in_force(later.file.effective.from_):
            detail = f"{path.name} ({_period(policy)}), {later_path.name} ({_period(later)})"
            fail("POL-VERSION-OVERLAP", f"{path}, {later_path}", policy=policy.file.id, detail=detail)
    return tuple(policy for _, policy in found)


def policy_on(source: str, day: date, where: str, units: Mapping[str, str] | None = None) -> Policy:
    """The policy that may decide on ``day``: of a folder of versions, of a file, or a built-in one by id.

    Raises UserError POL-NOT-EFFECTIVE, naming ``where``, when none is in force on that day, or what
    ``versions`` and ``load_policy`` raise.
    """
    if source in built_in() or not Path(source).is_dir():
        policy = load_policy(source, units)
        policy.require_in_force(day, where)
        return policy
    known = versions(Path(source), units)
    chosen = next((policy for policy in known if policy.in_force(day)), None)
    if chosen is None:
        periods = "; ".join(f"{policy.file.version}: {_period(policy)}" for policy in known)
        fail("POL-NOT-EFFECTIVE", where, policy=known[0].file.id, as_of=day, period=periods)
    return chosen


def _period(policy: Policy) -> str:
    span = policy.file.effective
    return f"{span.from_} – {span.to or '…'}"
