from __future__ import annotations

from pathlib import Path

from tests.relation.leads.cases import ago, apply, firm, named, row


def test_fg01_those_nearest_to_confirmed_fraud_but_not_the_fraud_itself(tmp_path: Path) -> None:
    others = [firm(f"F{i:03d}") for i in range(300)]
    near = firm("NEAR", legal_representative_hash="p-BAD")
    bad = row(company_id="BAD", list="fraud_confirmed", listed_on=ago(100))
    person = [
        row(company_id=c, person_hash="p-BAD", role="legal_representative", held_from=ago(900))
        for c in ("BAD", "NEAR")
    ]
    tables = {"registry": [firm("BAD"), near, *others], "credit_list": [bad], "registry_person": person}
    assert set(named(tmp_path, "FG01", tables)) == {"NEAR"}


def test_fg02_five_applications_alike_in_all_that_is_known(tmp_path: Path) -> None:
    same = {"agent_hash": "a", "referrer_hash": "r", "template_hash": "t", "ip_hash": "i", "device_hash": "d"}
    alike = [apply(f"G{i}", 20 + i, **same) for i in range(5)]
    other = [
        apply(f"O{i}", 20 + i, **same | {"template_hash": f"t{i}", "device_hash": f"d{i}"}) for i in range(6)
    ]
    spread = [apply(f"S{i}", 20 + 50 * i, amount_cents=7, **same) for i in range(6)]
    unknown = [apply(f"U{i}", 20 + i, amount_cents=9, template_hash="t") for i in range(6)]
    names = [r["company_id"] for r in [*alike, *other, *spread, *unknown]]
    tables = {"registry": [firm(c) for c in names], "application": [*alike, *other, *spread, *unknown]}
    found = named(tmp_path, "FG02", tables)
    assert set(found) == {f"G{i}" for i in range(5)}
    assert found["G0"].figures["firms"] == 5
