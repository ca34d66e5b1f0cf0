"""The data catalogue: every source, its records and fields, how good they are, and who uses them.

The lineage runs from a field to the indicators that rest on it and on to the variables of a model;
it is derived from the definitions (`indicator.lineage`), never written by hand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from xinqiao.indicator.definition import catalog
from xinqiao.indicator.lineage import Lineage
from xinqiao.kernel.text import Text
from xinqiao.report.page import render
from xinqiao.source.contract import Contract, Field, contracts
from xinqiao.source.holder import Source, sources
from xinqiao.source.lake import Lake
from xinqiao.source.quality import Quality, quality


@dataclass(frozen=True, slots=True)
class FieldEntry:
    """A field: the share of its cells that are filled (None: not delivered) and who rests on it."""

    name: str
    field: Field
    filled: float | None
    indicators: tuple[str, ...]
    in_model: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ContractEntry:
    """A kind of record and the state of its data."""

    contract: Contract
    quality: Quality
    fields: tuple[FieldEntry, ...]

    @property
    def indicators(self) -> tuple[str, ...]:
        """All indicators that rest on a field of it."""
        return tuple(dict.fromkeys(name for entry in self.fields for name in entry.indicators))


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """A source with its kinds of record, and its own indicators: id and name."""

    id: str
    source: Source
    contracts: tuple[ContractEntry, ...]
    indicators: tuple[tuple[str, Text], ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The page: all sources, indicators that lie ``across`` them, and the ``model``'s variables, if any."""

    name: Text
    generated: bool
    sources: tuple[SourceEntry, ...]
    across: tuple[tuple[str, Text], ...]
    model: tuple[str, ...]

    @property
    def delivered(self) -> int:
        """How many kinds of record hold data."""
        return sum(entry.quality.read > 0 for source in self.sources for entry in source.contracts)


def catalogue_of(
    lake: Lake, name: Text, model: Collection[str] = (), *, generated: bool = False
) -> Catalogue:
    """Measure every contract's data in ``lake``; ``model`` are the indicators a model uses."""
    users = field_users()
    entries: dict[str, list[ContractEntry]] = defaultdict(list)
    for contract in contracts().values():
        entries[contract.source].append(_contract(contract, quality(lake, contract), users, set(model)))
    own: dict[str, list[tuple[str, Text]]] = defaultdict(list)
    for indicator in catalog().indicators.values():
        own[indicator.source].append((indicator.id, indicator.name))
    found = tuple(
        SourceEntry(key, source, tuple(entries[key]), tuple(own[key])) for key, source in sources().items()
    )
    across = tuple(named for key, names in own.items() if key not in sources() for named in names)
    return Catalogue(name, generated, found, across, tuple(sorted(model)))


def field_users() -> dict[str, tuple[str, ...]]:
    """``contract.field`` -> the indicators that rest on it, in catalog order."""
    lineage = Lineage(catalog())
    users: dict[str, list[str]] = defaultdict(list)
    for indicator in catalog().indicators.values():
        for name in lineage.of_indicator(indicator):
            users[name].append(indicator.id)
    return {name: tuple(found) for name, found in users.items()}


def _contract(
    contract: Contract, found: Quality, users: dict[str, tuple[str, ...]], model: set[str]
) -> ContractEntry:
    def entry(name: str, field: Field) -> FieldEntry:
        used = users.get(f"{contract.id}.{name}", ())
        return FieldEntry(name, field, found.filled.get(name), used, tuple(i for i in used if i in model))

    return ContractEntry(contract, found, tuple(entry(n, f) for n, f in contract.fields.items()))


def catalogue_page(page: Catalogue) -> str:
    """The catalogue as HTML, complete in itself."""
    title = Text(zh="数据目录", en="Data catalogue")
    return render("catalogue.html", page=page, title=title)
