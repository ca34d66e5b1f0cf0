"""Checks, repairs and observations on converted records, and the tally of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import BaseModel, ConfigDict

from xinqiao.kernel.document import parse
from xinqiao.kernel.text import Text
from xinqiao.source.block import Block, Fault
from xinqiao.source.check import compile_check, compile_value
from xinqiao.source.contract import Check, Contract
from xinqiao.source.convert import Converter, Rows
from xinqiao.source.lake import Count
from xinqiao.source.writer import RepeatCounter


class _Rules(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    repairs: dict[str, Text]
    faults: dict[str, Text]


@cache
def rule_names() -> dict[str, Text]:
    """The names of all repairs and faults of the converter."""
    file = files("xinqiao").joinpath("catalog", "contracts", "_rules.yaml")
    rules, _ = parse(file.read_text("utf-8"), _Rules, file.name)
    return rules.repairs | rules.faults


@dataclass(slots=True)
class Tally:
    """Counts over a file's blocks; keys are (rule, field)."""

    read: int = 0
    kept: int = 0
    repaired: int = 0
    flagged: int = 0
    repairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    flags: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)
    observations: Counter[tuple[str, str]] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A check ready to run; ``repair`` is named after the field it sets."""

    rule: Check
    condition: pl.Expr
    repair: pl.Expr | None


def _compile(check: Check, types: dict[str, pl.DataType]) -> _Compiled:
    condition = compile_check(check.expr, types, check.id).fill_null(value=True)
    if check.repair is None:
        return _Compiled(check, condition, None)
    name = check.repair.field
    value = compile_value(check.repair.expr, types, types[name], check.id)
    return _Compiled(check, condition, value.alias(name))


@dataclass(slots=True)
class _Work:
    """A block on its way: typed records, which are bad, and what was found by row position."""

    block: Block
    frame: pl.DataFrame
    bad: npt.NDArray[np.bool_]
    repairs: dict[tuple[str, str], Rows]
    faults: list[Fault]
    flags: dict[tuple[str, str], Rows] = field(default_factory=dict)

    def rows_where(self, condition: pl.Expr) -> npt.NDArray[np.bool_]:
        """Where a condition without nulls holds."""
        found: npt.NDArray[np.bool_] = self.frame.select(condition.alias("_")).to_series().to_numpy()
        return found


@dataclass(frozen=True, slots=True)
class Judged:
    """The records to keep and the faults of the others, by line."""

    frame: pl.DataFrame
    faults: Sequence[tuple[Fault, Text]]


class Judge:
    """Decides row by row of a file, block by block: keep, mend, flag or quarantine."""

    def __init__(self, converter: Converter, work: Path) -> None:
        self._converter = converter
        self._contract: Contract = converter.contract
        self._types = {name: kind.polars for name, kind in self._contract.fields.items()}
        self._repeats = {
            seen.id: RepeatCounter(work / seen.id) for seen in self._contract.observe if seen.unique
        }
        self._checks = [_compile(check, self._types) for check in self._contract.checks]
        self._conditions = {
            seen.id: compile_check(seen.expr, self._types, self._contract.id).sum().alias(seen.id)
            for seen in self._contract.observe
            if seen.expr
        }
        self._check_names = {check.id: check.name for check in self._contract.checks}
        self.tally = Tally()

    def judge(self, block: Block) -> Judged:
        """Convert and check a block, and count it."""
        converted = self._converter.convert(block)
        faults = [
            self._converter.fault(block, i, name, rule, value) for i, name, rule, value in converted.faults
        ]
        bad = np.zeros(block.frame.height, dtype=bool)
        bad[[i for i, *_ in converted.faults]] = True
        work = _Work(block, converted.frame, bad, converted.repairs, faults)
        for check in self._checks:
            self._check(check, work)
        self._count(work)
        kept = work.frame if not bad.any() else work.frame.filter(pl.Series(~bad))
        self._observe(kept)
        named = [(fault, self.name(fault.rule)) for fault in (*block.faults, *faults)]
        return Judged(kept, sorted(named, key=lambda f: (f[0].line, f[0].column, f[0].rule)))

    def name(self, rule: str) -> Text:
        """The name of a fault's rule, the contract's or the converter's."""
        return self._check_names.get(rule) or rule_names()[rule]

    def _check(self, check: _Compiled, work: _Work) -> None:
        failed = ~work.rows_where(check.condition) & ~work.bad
        if failed.any() and check.repair is not None:
            failed &= ~self._mend(check, check.repair, failed, work)
        if check.rule.on_fail == "flag":
            work.flags[check.rule.id, ""] = np.flatnonzero(failed)
            return
        work.faults += [
            self._converter.fault(work.block, int(i), "", check.rule.id, check.rule.expr)
            for i in np.flatnonzero(failed)
        ]
        work.bad |= failed

    @staticmethod
    def _mend(
        check: _Compiled, repair: pl.Expr, failed: npt.NDArray[np.bool_], work: _Work
    ) -> npt.NDArray[np.bool_]:
        """Try the check's repair on the failed rows, keep it where the check then holds."""
        name, before = repair.meta.output_name(), work.frame
        work.frame = before.with_columns(
            pl.when(pl.Series(failed)).then(repair).otherwise(pl.col(name)).alias(name)
        )
        mended = failed & work.rows_where(check.condition)
        work.frame = before.with_columns(work.frame[name].zip_with(pl.Series(mended), before[name]))
        work.repairs[check.rule.id, name] = np.flatnonzero(mended)
        return mended

    def _count(self, work: _Work) -> None:
        tally = self.tally
        tally.read += work.block.rows
        tally.kept += int((~work.bad).sum())
        tally.repaired += _count_kept(work.repairs, work.bad, tally.repairs)
        tally.flagged += _count_kept(work.flags, work.bad, tally.flags)
        distinct = {(f.line, f.rule, f.column) for f in (*work.block.faults, *work.faults)}
        tally.faults.update((rule, column) for _, rule, column in distinct)

    def _observe(self, kept: pl.DataFrame) -> None:
        for seen in self._contract.observe:
            if seen.unique:
                self._repeats[seen.id].append(kept, seen.unique)
        counts = kept.select(**self._conditions).row(0) if self._conditions else ()
        for seen_id, count in zip(self._conditions, counts, strict=True):
            self.tally.observations[seen_id, ""] += int(count or 0)

    def counts(self) -> dict[str, tuple[Count, ...]]:
        """The tally by named rule, sorted; call once, at the end of the file."""
        for seen_id, repeats in self._repeats.items():
            self.tally.observations[seen_id, ""] = repeats.rows()
        repair_names = {c.id: c.repair.name for c in self._contract.checks if c.repair}
        observed = {seen.id: seen.name for seen in self._contract.observe}
        names = rule_names()
        return {
            "repairs": _named(self.tally.repairs, names | repair_names),
            "flags": _named(self.tally.flags, self._check_names),
            "faults": _named(self.tally.faults, names | self._check_names),
            "observations": _named(self.tally.observations, observed),
        }


def _count_kept(
    found: dict[tuple[str, str], Rows],
    bad: npt.NDArray[np.bool_],
    counter: Counter[tuple[str, str]],
) -> int:
    """Count each rule's rows that are kept; returns how many rows any rule touched."""
    touched = np.zeros(len(bad), dtype=bool)
    for key, rows in found.items():
        good = rows[~bad[rows]]
        counter[key] += len(good)
        touched[good] = True
    return int(touched.sum())


def _named(counter: Counter[tuple[str, str]], names: dict[str, Text]) -> tuple[Count, ...]:
    return tuple(
        Count(rule=rule, field=name, name=names[rule], rows=rows)
        for (rule, name), rows in sorted(counter.items())
        if rows
    )
