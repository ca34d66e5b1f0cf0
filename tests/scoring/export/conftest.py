"""Cards and rows that try every engine: awkward names and texts, edges hit exactly, the ends of float64."""

from __future__ import annotations

import math
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import strategies as st

from xinqiao.kernel.text import Text
from xinqiao.scoring.card import Bin, Card, Kind, Pair, Value, Variable

Rows = list[dict[str, Value]]
FLOATS = st.one_of(
    st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 1.7976931348623157e308, 0.1, 1e22, 2.0**53, -99.0]),
    st.integers(-5, 5).map(float),
    st.floats(allow_nan=False, allow_infinity=False),
)
WORDS = st.one_of(
    st.sampled_from(
        ["a", "A", "it's", 'say "hi"', "批发业", "<b>&amp;", "\\", "100%", "NULL", "é", "e\u0301", "{}"]
    ),
    st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Cn", "Co"]),
        min_size=1,
        max_size=6,
    ),
)
NAMES = st.sampled_from(["x", "税 额", 'a"b', "select", "it's", "X-1", "1st", "tab.col", "a%b"])


def _bins(draw: st.DrawFn, kinds: list[Kind], digits: int) -> tuple[Bin, ...]:
    label = Text(zh="档", en="bin")
    points = st.integers(-(10**9), 10**9).map(lambda p: round(p / 10**digits, digits))
    return tuple(Bin(kind=kind, label=label, points=draw(points)) for kind in kinds)


@st.composite
def _numbers(draw: st.DrawFn, name: str, digits: int) -> Variable:
    edges = tuple(sorted(set(draw(st.lists(FLOATS, max_size=6)))))
    specials = tuple(tuple(g) for g in draw(st.lists(st.lists(FLOATS, min_size=1, max_size=2), max_size=2)))
    kinds: list[Kind] = [*["range"] * (len(edges) + 1), *["special"] * len(specials), "missing"]  # type: ignore[list-item]  # literals
    return Variable(name=name, edges=edges, specials=specials, bins=_bins(draw, kinds, digits))


@st.composite
def _texts(draw: st.DrawFn, name: str, digits: int) -> Variable:
    words = draw(st.lists(WORDS, unique=True, max_size=6))
    cut, end = len(words) // 3, 2 * len(words) // 3
    groups = tuple(g for g in (tuple(words[:cut]), tuple(words[cut:end])) if g)
    specials = (tuple(words[end:]),) if words[end:] else ()
    kinds: list[Kind] = [*["category"] * len(groups), "other", *["special"] * len(specials), "missing"]  # type: ignore[list-item]  # literals
    return Variable(
        name=name, kind="categorical", categories=groups, specials=specials, bins=_bins(draw, kinds, digits)
    )


@st.composite
def wild_cards(draw: st.DrawFn) -> Card:
    digits = draw(st.integers(0, 3))
    names = draw(st.lists(NAMES, unique_by=str.casefold, min_size=1, max_size=4))
    variables = [draw(st.one_of(_numbers(n, digits), _texts(n, digits))) for n in names]
    pairs = []
    if len(variables) > 1 and draw(st.booleans()):
        left, right = variables[0], variables[1]
        cells = st.integers(-1000, 1000).map(lambda p: round(p / 10**digits, digits))
        grid = tuple(tuple(draw(cells) for _ in right.bins) for _ in left.bins)
        pairs.append(Pair(left=left.name, right=right.name, points=grid))
    base = round(draw(st.integers(-(10**6), 10**6)) / 10**digits, digits)
    return Card(digits=digits, base_points=base, variables=tuple(variables), pairs=tuple(pairs))


def _values(variable: Variable) -> st.SearchStrategy[Value]:
    known = [v for group in (*variable.specials, *variable.categories) for v in group]
    if variable.kind == "categorical":
        return st.one_of(st.none(), st.sampled_from([*known, "unseen"]), WORDS)
    near = [*variable.edges, *(math.nextafter(e, -math.inf) for e in variable.edges), *known, 0.0]
    finite = [v for v in near if isinstance(v, float) and math.isfinite(v)]
    return st.one_of(st.none(), st.just(math.nan), st.sampled_from(finite), FLOATS)


@st.composite
def cards_and_rows(draw: st.DrawFn) -> tuple[Card, Rows]:
    card = draw(wild_cards())
    row = st.fixed_dictionaries({v.name: _values(v) for v in card.variables})
    return card, draw(st.lists(row, min_size=1, max_size=12))


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Connection string of a PostgreSQL of this session's own, on a Unix socket in a folder of its own."""
    tools = _tools()
    if tools is None:
        pytest.skip("no PostgreSQL server binaries (initdb, pg_ctl) on this machine")
    folder = Path(tempfile.mkdtemp(prefix="xq-pg-"))  # short: a socket's path has at most 107 bytes
    user = "nobody" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    home = folder / "data"
    options = f"-k {folder} -c listen_addresses='' -c fsync=off"

    def run(tool: str, *words: str) -> None:
        command = [str(tools / tool), "-D", str(home), *words]
        subprocess.run(command, user=user, cwd=folder, check=True, capture_output=True, timeout=120)

    try:
        run("initdb", "-U", "test", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"host={folder} user=test dbname=postgres"
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _tools() -> Path | None:
    """The folder of the newest server's binaries; root also needs the user nobody."""
    if os.geteuid() == 0 and "nobody" not in {entry.pw_name for entry in pwd.getpwall()}:
        return None
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((f for f in reversed(folders) if (f / "initdb").exists() and (f / "pg_ctl").exists()), None)
