from __future__ import annotations

from typing import Any

import numpy as np

from xinqiao.policy.vector.tape import ALL, NONE, Tape

WORDS: dict[str, Any] = {
    "add": np.add,
    "bitwise_and": np.bitwise_and,
    "bitwise_or": np.bitwise_or,
    "greater": np.greater,
    "logical_not": np.logical_not,
    "copyto": np.copyto,
}


def _run(tape: Tape, columns: list[Any], out: Any) -> str:  # noqa: ANN401 - an array of any type
    chunk = tape.finish(WORDS)
    chunk.written.run(columns, chunk.buffers(len(out)), [], out, None, None, None)
    return chunk.written.source


def test_an_operation_is_made_once_and_its_buffer_used_again() -> None:
    tape = Tape()
    column = tape.column("x")
    total = column
    for _ in range(10):
        total = tape.op("f", "add({0}, {1}, out={out})", total, column)
    again = tape.op("f", "add({0}, {1}, out={out})", column, column)
    total = tape.op("f", "add({0}, {1}, out={out})", total, again)
    tape.op("f", "add({0}, {1}, out={out})", total, "99.0")  # nobody needs it
    tape.do("copyto(D, {0})", total)
    out = np.empty(4)
    source = _run(tape, [np.arange(4.0)], out)
    assert out.tolist() == [0.0, 13.0, 26.0, 39.0]
    assert source.count("add(") == 11
    assert "99" not in source
    assert len(tape.finish(WORDS).kinds) == 3


def test_masks_know_what_is_the_same_for_every_row() -> None:
    tape = Tape()
    mask = tape.op("b", "greater({0}, 1.0, out={out})", tape.column("x"))
    assert tape.both(ALL, mask) == mask == tape.either(NONE, mask, mask)
    assert tape.both(NONE, mask) == NONE == tape.but(mask, mask)
    assert tape.either(ALL, mask) == ALL == tape.no(NONE)
    assert tape.no(tape.no(mask)) == mask
    assert tape.but(mask, NONE) == mask
    assert tape.but(ALL, mask) == tape.no(mask)
    assert tape.choose("f", ALL, "1.0", "2.0") == "1.0"


def test_a_mask_true_everywhere_is_a_column_where_one_is_needed() -> None:
    tape = Tape()
    tape.do("copyto(D, {0})", ALL)
    out = np.zeros(3, np.bool_)
    _run(tape, [], out)
    assert out.all()


def test_a_choice_takes_each_row_from_its_side() -> None:
    tape = Tape()
    column = tape.column("x")
    mask = tape.op("b", "greater({0}, 1.0, out={out})", column)
    tape.do("copyto(D, {0})", tape.choose("f", mask, column, "-1.0"))
    out = np.empty(3)
    _run(tape, [np.array([0.0, 1.5, np.nan])], out)
    assert out.tolist() == [-1.0, 1.5, -1.0]
