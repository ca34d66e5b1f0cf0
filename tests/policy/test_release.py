"""Who is drawn for a release, what its records hold, and that they replay."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.conftest import SMALL
from tests.policy.test_replay import BASIS, MODEL, _subject, read_model
from xinqiao.kernel.canonical import canonical_json, digest
from xinqiao.kernel.errors import UserError
from xinqiao.policy.compiled import compile_policy
from xinqiao.policy.record import Basis, DecisionRecord, content_id, record_decision
from xinqiao.policy.release import CHAMPION, Panel, Release, load_release, read_release
from xinqiao.policy.replay import replay
from xinqiao.policy.store import RECORDS, DecisionStore

LIVE = """\
id: spring
name: {zh: 春季试行, en: spring trial}
mode: live
effective: {from: 2020-06-01, to: 2021-05-31}
unit: company_id
salt: spring-2020
champion: {policy: small.yaml}
challengers:
  - {id: looser, name: {zh: 放宽, en: looser}, policy: looser.yaml, share: 0.05}
  - {id: cheaper, name: {zh: 降价, en: cheaper}, policy: looser.yaml, share: 0.2}
"""
LOOSER = SMALL.replace("年销售额 * 比例", "年销售额 * 比例 * 2").replace('version: "1"', 'version: "2"')
IDS = [f"company {i}" for i in range(20_000)]


def release(old: str = "", new: str = "", text: str = LIVE) -> Release:
    assert old in text
    return read_release(text.replace(old, new, 1) if old else text, "release.yaml", Path())


def arms(found: Release) -> np.ndarray:
    return np.array([found.draw(company).arm for company in IDS])


def panel(found: Release) -> Panel:
    other = Basis("m1", MODEL, read_model(MODEL), compile_policy(LOOSER, "looser.yaml"))
    return Panel({CHAMPION: BASIS, "looser": other, "cheaper": other}, found)


def test_the_shares_are_met() -> None:
    drawn = arms(release())
    for arm, share in (("looser", 0.05), ("cheaper", 0.2), (CHAMPION, 0.75)):
        deviation = (share * (1 - share) / len(IDS)) ** 0.5
        assert abs((drawn == arm).mean() - share) < 4 * deviation


def test_the_thresholds_are_the_shares_exactly() -> None:
    """The second challenger draws among those the first left: .05 of all, then .2/.95 of the rest."""
    first, second = (release()._edges[arm] / 2**64 for arm in ("looser", "cheaper"))
    assert first == pytest.approx(0.05, abs=1e-15)
    assert (1 - first) * second == pytest.approx(0.2, abs=1e-15)


@given(st.integers(1, 79), st.integers(0, 20), st.integers(0, 10**6))
def test_raising_any_share_keeps_who_was_drawn(percent: int, more: int, company: int) -> None:
    name = str(company)
    before = release("share: 0.05", f"share: {percent / 100}").draw(name).arm
    larger = min(percent + more, 80)
    after = release("share: 0.05", f"share: {larger / 100}").draw(name).arm
    assert before != "looser" or after == "looser"
    assert before == CHAMPION or after != CHAMPION


def test_five_percent_raised_to_twenty_keeps_the_first_five() -> None:
    narrow, wide = release(), release("share: 0.05", "share: 0.2")
    few = {c for c in IDS if narrow.draw(c).arm == "looser"}
    assert few
    assert all(wide.draw(company).arm == "looser" for company in few)


def test_releases_with_other_salts_draw_independently() -> None:
    one = arms(release()) != CHAMPION
    other = arms(release("salt: spring-2020", "salt: autumn-2020")) != CHAMPION
    both, expected = (one & other).mean(), 0.25**2
    assert abs(both - expected) < 4 * (expected * (1 - expected) / len(IDS)) ** 0.5


def test_a_draw_is_the_head_of_an_hmac() -> None:
    """As ``printf 'looser\\0E1' | openssl dgst -sha256 -hmac spring-2020`` says."""
    assert release()._place("looser", "E1") == 0xD209B1000BFEBCC6


def test_a_whole_share_takes_everyone() -> None:
    text = LIVE.replace("share: 0.05", "share: 0.8")
    assert set(arms(release(text=text))) == {"looser", "cheaper"}


def test_in_a_shadow_release_the_champion_stands() -> None:
    found = release("mode: live", "mode: shadow")
    drawn = [found.draw(company) for company in IDS[:2000]]
    assert {draw.arm for draw in drawn} == {CHAMPION}
    assert 40 < sum("looser" in draw.silent for draw in drawn) < 170
    everyone = read_release(LIVE.replace("live", "shadow").replace(", share: 0.2", ""), "r", Path())
    assert all("cheaper" in everyone.draw(company).silent for company in IDS[:50])


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("share: 0.2", "share: 0.96", "POL-RELEASE", 10),
        (", share: 0.2", "", "POL-RELEASE", 10),
        ("share: 0.05", "share: 0", "POL-RELEASE", 9),
        ("id: cheaper", "id: looser", "POL-DUPLICATE", 10),
        ("id: cheaper", "id: champion", "POL-DUPLICATE", 10),
        ("to: 2021-05-31", "to: 2020-05-31", "POL-VALUE", 4),
        ("salt: spring-2020", "salt: short", "DOC-SHAPE", 6),
        ("mode: live", "mode: loud", "DOC-SHAPE", 3),
        ("unit: company_id", "unit: person", "DOC-SHAPE", 5),
    ],
)
def test_a_faulty_release_is_refused_with_its_line(old: str, new: str, code: str, line: int) -> None:
    with pytest.raises(UserError) as error:
        release(old, new)
    assert (error.value.code, error.value.where) == (code, f"release.yaml:{line}")


def test_policies_are_found_beside_the_release(tmp_path: Path) -> None:
    (tmp_path / "release.yaml").write_text(LIVE, "utf-8-sig")
    (tmp_path / "small.yaml").write_text(SMALL, "utf-8")
    (tmp_path / "looser.yaml").write_text(LOOSER, "utf-8")
    found = load_release(tmp_path / "release.yaml")
    policies = found.policies(date(2020, 12, 31), "case")
    assert {arm: policy.file.version for arm, policy in policies.items()} == {
        CHAMPION: "1",
        "looser": "2",
        "cheaper": "2",
    }
    for day in (date(2020, 5, 31), date(2021, 6, 1)):
        with pytest.raises(UserError, match="POL-RELEASE-NOT-EFFECTIVE"):
            found.policies(day, "case")
    with pytest.raises(UserError, match="POL-RELEASE"):
        load_release(tmp_path / "none.yaml")


def test_models_are_those_the_arms_name() -> None:
    found = release("policy: looser.yaml, share: 0.05", "policy: looser.yaml, model: m.json, share: 0.05")
    assert found.model_files() == {"looser": Path("m.json")}
    assert release().model_files() == {}


def test_without_a_release_a_record_is_as_it_always_was() -> None:
    assert Panel.of(BASIS).record(_subject(3)).to_bytes() == record_decision(BASIS, _subject(3)).to_bytes()


def test_a_live_record_holds_the_arm_and_what_the_champion_would_have_said() -> None:
    found = panel(release("share: 0.05", "share: 0.8"))
    content = json.loads(found.record(_subject(30)).to_bytes())
    assert content["release"]["arm"] == "looser"
    assert content["policy"]["version"] == "2"
    (silent,) = content["release"]["silent"]
    assert (silent["arm"], silent["policy"]["version"]) == (CHAMPION, "1")
    alone = json.loads(record_decision(BASIS, _subject(30)).to_bytes())
    assert silent["decision"] == alone["decision"]
    assert content["release"]["digest"] == digest(found.release.text.encode())  # type: ignore[union-attr] # a release was given


@pytest.mark.parametrize("mode", ["live", "shadow"])
def test_every_record_of_a_release_replays(tmp_path: Path, mode: str) -> None:
    found = panel(release(text=LIVE.replace("live", mode).replace("0.05", "0.5")))
    records = [found.record(_subject(i)) for i in range(30)]
    store = write(tmp_path, found, records)
    assert {r.content["release"]["arm"] for r in records} > {CHAMPION} or mode == "shadow"
    assert any(r.content["release"]["silent"] for r in records)
    for record in records:
        assert replay(store, record.decision_id, read_model) == (record.to_bytes(), True, ())


def write(folder: Path, found: Panel, records: list) -> DecisionStore:
    assert found.release is not None
    store = DecisionStore(folder)
    others = [basis for arm, basis in found.bases.items() if arm != CHAMPION]
    store.write(found.bases[CHAMPION], records, others, found.release.text.encode())
    return store


def test_a_changed_release_or_silent_policy_is_reported(tmp_path: Path) -> None:
    found = panel(release("share: 0.05", "share: 0.8"))
    record = found.record(_subject(30))
    store = write(tmp_path, found, [record])
    text = found.release.text.encode()  # type: ignore[union-attr] # a release was given
    (tmp_path / "artifacts" / f"{digest(text)}.yaml").write_bytes(text + b"#")
    result = replay(store, record.decision_id, read_model)
    assert "the stored release was changed" in [fault.en for fault in result.faults]
    store = write(tmp_path, found, [record])
    (tmp_path / "artifacts" / f"{digest(SMALL.encode())}.yaml").write_bytes(b"#")
    result = replay(store, record.decision_id, read_model)
    assert "the stored policy was changed" in [fault.en for fault in result.faults]


def test_a_forged_arm_is_found_out(tmp_path: Path) -> None:
    """Sending a company to another arm than the salt drew cannot be passed off as the draw."""
    found = panel(release())
    drawn = next(i for i in range(100) if found.release.draw(f"企业{i:03d}").arm == CHAMPION)  # type: ignore[union-attr] # a release was given
    record = found.record(_subject(drawn))
    content = dict(record.content)
    content["release"] = {**content["release"], "arm": "looser"}
    forged_id = content_id(content)  # a forger can work it out, too
    data = canonical_json({**content, "decision_id": forged_id})
    forged = DecisionRecord(forged_id, content, data)
    store = write(tmp_path, found, [forged])
    assert not replay(store, forged.decision_id, read_model).identical
    assert (tmp_path / RECORDS).exists()


def test_the_documented_release_is_one() -> None:
    page = (Path(__file__).parents[2] / "docs" / "policy.md").read_text("utf-8")
    text = next(part for part in page.split("```yaml\n")[1:] if part.startswith("# release.yaml"))
    found = read_release(text.split("```", 1)[0], "docs/policy.md", Path())
    assert [(c.id, c.share) for c in found.file.challengers] == [("cheaper", Decimal("0.05"))]
