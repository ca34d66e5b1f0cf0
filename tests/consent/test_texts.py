from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from tests.consent.people import COMPANY, granted, institution, officer
from xinqiao.consent import texts as module
from xinqiao.consent.access import permit
from xinqiao.consent.terms import data_sets
from xinqiao.consent.texts import ELEMENTS, ConsentText, load_text, texts
from xinqiao.db.database import Database
from xinqiao.kernel.clock import standing
from xinqiao.kernel.errors import UserError
from xinqiao.source.holder import sources

PARTS = {
    "processor": "  processor: {zh: '{receiver}{contact}', en: '{receiver}{contact}'}",
    "purpose": "  purpose: {zh: '{purposes}', en: '{purposes}'}",
    "kinds": "  kinds: {zh: '{data_sets}', en: '{data_sets}'}",
    "retention": "  retention: {zh: '{until}', en: '{until}'}",
    "rights": "  rights: {zh: 撤回, en: withdraw}",
    "consequence": "  consequence: {zh: 不利, en: adverse}",
}


def written(*left_out: str, kind: str = "special", version: int = 1, renews: str = "false") -> str:
    head = f"- version: {version}\n  effective: 2025-01-0{version}\n  renews: {renews}\n"
    body = "\n".join(part for name, part in PARTS.items() if name not in left_out)
    return f"id: x\nkind: {kind}\nversions:\n{head}{body}\n"


@pytest.mark.parametrize("missing", [*ELEMENTS, "consequence"])
def test_a_text_without_one_of_its_elements_cannot_be_published(missing: str) -> None:
    load_text(written(), "x.yaml")
    with pytest.raises(UserError) as caught:
        load_text(written(missing), "x.yaml")
    assert caught.value.code == "CST-TEXT"
    assert missing in caught.value.what.en
    assert caught.value.where.startswith("x.yaml:")


def test_an_ordinary_text_needs_no_warning_but_its_places() -> None:
    load_text(written("consequence", kind="ordinary"), "x.yaml")
    with pytest.raises(UserError, match="CST-TEXT"):
        load_text(written().replace("'{until}'", "'soon'"), "x.yaml")
    with pytest.raises(UserError, match="CST-TEXT"):
        load_text(written().replace("withdraw}", "'{who}'}"), "x.yaml")


def test_the_version_of_the_day_is_signed() -> None:
    text = texts()["ordinary"]
    assert text.at(date(2026, 1, 1)).version == 1
    with pytest.raises(UserError, match="CST-TEXT"):
        text.at(date(2024, 12, 31))


def test_a_text_that_renews_ends_what_was_signed_before(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = institution(database)
    first = texts()["ordinary"]
    renewed = first.versions[0].model_copy(
        update={"version": 2, "effective": date(2026, 4, 1), "renews": True}
    )
    both = ConsentText(id="grant", kind="ordinary", versions=[first.versions[0], renewed])
    monkeypatch.setattr(module, "texts", lambda: {"ordinary": both})
    reader = officer(bank)
    with standing(datetime(2026, 3, 31, 4, tzinfo=UTC)):
        granted(database, bank)
        with database.transaction(reader.scope) as tx:
            permit(tx, reader, COMPANY, "credit_decision")
    with (
        standing(datetime(2026, 4, 1, 4, tzinfo=UTC)),
        pytest.raises(UserError, match="CST-FORBIDDEN"),
        database.transaction(reader.scope) as tx,
    ):
        permit(tx, reader, COMPANY, "credit_decision")


def test_every_source_is_a_data_set_by_the_same_name_and_ground() -> None:
    for code, source in sources().items():
        assert data_sets()[code].name == source.name
        assert data_sets()[code].open is not source.consent
