"""Who takes part in a joint model, and with which columns."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from xinqiao.kernel.errors import fail
from xinqiao.privacy.alignment.alignment import check_keys
from xinqiao.privacy.job.manifest import Manifest, Name, Party, parameters


class ModelParams(BaseModel):
    """Parameters that all kinds of joint models have: the bank's column with the outcome, 1 for bad."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    label: Name


P = TypeVar("P", bound=ModelParams)


def read_params(kind: type[P], manifest: Manifest) -> P:
    """The manifest's parameters. Raises UserError PRV-MANIFEST for wrong ones, keys or columns."""
    params, names = parameters(kind, manifest), members(manifest)
    check_keys(manifest, names)
    for party in map(manifest.party, names):
        if not columns_of(party) or (party.role == "bank" and params.label not in columns_of(party)):
            fail("PRV-MANIFEST", str(manifest.job), detail=f"{party.name}: columns")
    return params


def members(manifest: Manifest) -> tuple[str, ...]:
    """The parties with rows, the bank first."""
    return (manifest.only("bank").name, *holders(manifest))


def holders(manifest: Manifest) -> tuple[str, ...]:
    """Those with columns that the bank has not."""
    return tuple(party.name for party in manifest.having("holder"))


def columns_of(party: Party) -> tuple[str, ...]:
    """The columns that a party brings."""
    return party.input.columns if party.input else ()


def features(party: Party, label: str) -> tuple[str, ...]:
    """The columns of a party that a model reads: the bank's without its ``label``."""
    return tuple(name for name in columns_of(party) if party.role != "bank" or name != label)
