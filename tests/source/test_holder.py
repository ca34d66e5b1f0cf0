from __future__ import annotations

from xinqiao.source.contract import contracts
from xinqiao.source.holder import sources


def test_the_17_sources_are_listed_once_and_every_contract_belongs_to_one() -> None:
    assert len(sources()) == 17
    assert {contract.source for contract in contracts().values()} == set(sources()) - {"NET"}


def test_what_needs_no_grant_is_public() -> None:
    for source in sources().values():
        assert source.consent or source.sensitivity.startswith("L1")


def test_a_record_is_never_more_sensitive_than_its_source_says() -> None:
    for contract in contracts().values():
        assert contract.sensitivity <= sources()[contract.source].sensitivity[-2:]
