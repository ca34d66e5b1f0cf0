"""A firm as a source describes it, and many of them as columns of integers that can be compared at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from xinqiao.enterprise.address import Address, address
from xinqiao.enterprise.identifier import Checked
from xinqiao.enterprise.name import CompanyName, company_name
from xinqiao.enterprise.place import compatible
from xinqiao.enterprise.uscc import check_uscc, organisation_code

Ints = npt.NDArray[np.int64]
ABSENT = -1
KNOWN_FORMS = frozenset({"limited", "joint_stock", "partnership", "cooperative"})
"""Forms whose names are unique without a place: those are registered nationally."""


@dataclass(frozen=True, slots=True)
class Party:
    """A firm in a register, or a record of one elsewhere; what is not known is empty.

    Telephone and legal representative come as keyed hashes (``protect.keyed_hash``) of one key.
    """

    id: str
    name: str = ""
    code: str = ""
    former_names: tuple[str, ...] = ()
    address: str = ""
    phone_hash: str = ""
    representative_hash: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """A party taken apart; one entry for each name it has or had (``former``)."""

    party: int
    former: bool
    name: CompanyName
    address: Address
    code: str
    code_valid: bool
    organisation: str
    places: frozenset[str]


@dataclass(slots=True)
class Numbers:
    """Texts as integers, the same for the same text; the empty text is ABSENT."""

    known: dict[object, int] = field(default_factory=dict)

    def of(self, values: Sequence[object]) -> Ints:
        """The integers of ``values``."""
        known = self.known
        found = [known.setdefault(value, len(known)) if value else ABSENT for value in values]
        return np.array(found, dtype=np.int64)


def read_parties(parties: Sequence[Party]) -> Iterator[Read]:
    """Every party under every name."""
    for place, party in enumerate(parties):
        checked = check_uscc(party.code, suggestions=False) if party.code else None
        valid = checked is not None and checked.valid
        organisation = _organisation(checked) if checked else ""
        where = address(party.address)
        for name in dict.fromkeys((party.name, *party.former_names)):
            told = company_name(name)
            places = _places(told.places, where.places)
            code = checked.code if checked else ""
            yield Read(place, name != party.name, told, where, code, valid, organisation, places)


def _organisation(checked: Checked) -> str:
    """The organisation code in a code of any kind, "" for none."""
    return checked.code[8:17] if checked.valid else organisation_code(checked.code) or ""


def _places(of_name: frozenset[str], of_address: frozenset[str]) -> frozenset[str]:
    """Where a party is: the narrower of the two where one lies in the other, else either."""
    if not of_name or not of_address:
        return of_name or of_address
    if not compatible(of_name, of_address):
        return of_name | of_address
    near = {a for a in of_address for n in of_name if a.startswith(n)}
    near |= {n for n in of_name for a in of_address if n.startswith(a)}
    return frozenset(near)
