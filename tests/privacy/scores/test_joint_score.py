"""The joint score: equal to adding all parts up, and each party's view is what it may learn."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.privacy.manifests import data, job, manifest, run_all
from tests.privacy.sample_models import SAMPLES as SCORECARD
from tests.privacy.sample_score import CARDS, GRADES, MODEL, keep_parts, tables
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.crypto.group import the_group
from xinqiao.privacy.job.kind import Result
from xinqiao.privacy.job.link import Link, Recorded, play
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.job.wire import pack, unpack
from xinqiao.privacy.modelling import scorecard
from xinqiao.privacy.modelling.joint_logistic import fit_plain
from xinqiao.privacy.modelling.joint_training import pooled
from xinqiao.privacy.modelling.model_part import ModelPart
from xinqiao.privacy.protocol.oblivious_choice import hide, offer
from xinqiao.privacy.protocol.sealed_ids import agree
from xinqiao.privacy.scores import joint_score
from xinqiao.privacy.scores.joint_score import Scorer
from xinqiao.privacy.scores.score_answer import answer_all
from xinqiao.privacy.scores.score_terms import BITS_AT_MOST, ring_of


def scoring(*holders: str, **params: Any) -> Manifest:  # noqa: ANN401 - params of any kind
    names = {"bank": ("bank", data(CARDS["bank"].names[0], rows_at_most=10_000))}
    names |= {name: ("holder", data(CARDS[name].names[0])) for name in holders}
    told = manifest("joint_score", names, {"model": MODEL, "answer": "points"} | params)
    joint_score.KIND.check(told)
    assert set(joint_score.KIND.learns(told)) == set(told.names)
    return told


def same(wanted: Mapping[str, Result], found: Mapping[str, Result]) -> None:
    assert {n: dict(r.told) for n, r in found.items()} == {n: dict(r.told) for n, r in wanted.items()}
    assert found["bank"].table is not None
    assert found["bank"].table.to_pylist() == wanted["bank"].table.to_pylist()  # type: ignore[union-attr]
    assert all(result.table is None for name, result in found.items() if name != "bank")


@pytest.mark.parametrize("holders", [("tax",), ("tax", "power"), ("tax", "power", "water")])
@pytest.mark.parametrize(
    "params",
    [{}, {"lowered": 30}, {"match": "private", "lowered": 5}, GRADES, {**GRADES, "match": "private"}],
)
def test_equals_the_sum_of_all_parts(
    holders: tuple[str, ...], params: dict[str, Any], tmp_path: Path
) -> None:
    given = tables(*holders)
    keep_parts(given, tmp_path / "state")
    told = scoring(*holders, **params)
    wanted = joint_score.plain(told, given)
    same(wanted, run_all(told, joint_score.run, given, tmp_path))
    scores = wanted["bank"].table.column(1)  # type: ignore[union-attr]
    assert 0 < scores.null_count < 15
    assert len(set(scores.to_pylist())) > 3


def test_grades_are_those_of_the_points(tmp_path: Path) -> None:
    given = tables("tax", "power")
    keep_parts(given, tmp_path / "state")
    points, grades = (
        run_all(scoring("tax", "power", **params), joint_score.run, given, tmp_path)["bank"].table
        for params in ({}, GRADES)
    )
    assert points is not None
    assert grades is not None
    for score, grade in zip(
        points.column("score").to_pylist(), grades.column("grade").to_pylist(), strict=True
    ):
        assert (score is None) == (grade is None)
        if score is not None and min(abs(score - cut) for cut in GRADES["cutoffs"]) > 1.5:  # type: ignore[attr-defined]
            assert grade == sum(score >= cut for cut in GRADES["cutoffs"])  # type: ignore[attr-defined]


def test_reasons_name_own_variables_and_parties_only_where_agreed(tmp_path: Path) -> None:
    given = tables("tax", "power", absent=False)
    keep_parts(given, tmp_path / "state")
    for params in ({}, {"lowered": 20}):
        table = run_all(scoring("tax", "power", **params), joint_score.run, given, tmp_path)["bank"].table
        assert table is not None
        assert {each for row in table.column("reasons").to_pylist() for each in row} == {"income"}
        assert ("lowered_by" in table.column_names) == bool(params)
    assert {each for row in table.column("lowered_by").to_pylist() for each in row} == {"tax", "power"}


@pytest.mark.parametrize("params", [{}, GRADES])
def test_one_job_scores_again_and_again(params: dict[str, Any], tmp_path: Path) -> None:
    given = tables("tax", "power", absent=False)
    keep_parts(given, tmp_path / "state")
    told = scoring("tax", "power", **params)
    taken = []

    def bank(link: Link) -> list[float]:
        own = job(told, "bank", given["bank"], tmp_path)
        with Scorer(own, link, ModelPart.load(own.state, MODEL, "bank")) as scorer:
            scores = []
            for row in (0, 4, 9, 4):
                begin = time.perf_counter()
                scores.append(scorer.score(given["bank"].slice(row, 1)).column(1)[0].as_py())
                taken.append(time.perf_counter() - begin)
            return scores

    def holder(name: str) -> Any:  # noqa: ANN401 - a part of play
        own = job(told, name, given[name], tmp_path)
        return lambda link: answer_all(own, link, ModelPart.load(own.state, MODEL, name), given[name], 10)

    scores = play({"bank": bank, "tax": holder("tax"), "power": holder("power")})["bank"]
    wanted = joint_score.plain(told, given)["bank"].table
    assert wanted is not None
    assert scores == [wanted.column(1)[row].as_py() for row in (0, 4, 9, 4)]
    assert max(taken) < 30


def recorded(told: Manifest, given: Mapping[str, pa.Table], folder: Path) -> dict[str, Recorded]:
    links: dict[str, Recorded] = {}

    def wrap(link: Link) -> Link:
        links[link.me] = Recorded(link, keep=True)
        return links[link.me]

    keep_parts(given, folder / "state")
    run_all(told, joint_score.run, given, folder, wrap=wrap)
    return links


@pytest.mark.parametrize("params", [{}, GRADES])
def test_transcripts_hold_no_id_no_value_no_part(params: dict[str, Any], tmp_path: Path) -> None:
    given = tables("tax", "power")
    links = recorded(scoring("tax", "power", **params), given, tmp_path)
    sent = b"".join(payload for link in links.values() for _, payload in link.payloads)
    for key in given["bank"].column(0).to_pylist():
        assert key.encode() not in sent
        assert key.encode().hex().encode() not in sent
        for name in ("sha256", "sha512", "md5", "sm3"):
            assert hashlib.new(name, key.encode()).digest() not in sent
    for name in ("tax", "power"):
        part = ModelPart.load(tmp_path / "state" / name, MODEL, name)
        for unit in set(part.units(given[name]).tolist()):
            assert np.int64(unit).tobytes() not in sent
            assert np.float64(unit / 10).tobytes() not in sent


@pytest.mark.parametrize("params", [{}, GRADES])
def test_sizes_of_messages_do_not_depend_on_data(params: dict[str, Any], tmp_path: Path) -> None:
    def sizes(given: Mapping[str, pa.Table], folder: Path) -> dict[str, list[tuple[str, str, str, int]]]:
        links = recorded(scoring("tax", "power", **params), given, folder)
        return {
            name: sorted((s.direction, s.peer, s.tag, s.size_bytes) for s in link.lines)
            for name, link in links.items()
        }

    all_there = tables("tax", "power", absent=False)
    assert sizes(tables("tax", "power"), tmp_path / "1") == sizes(all_there, tmp_path / "2")


def test_masked_parts_and_those_of_absent_subjects_look_alike(tmp_path: Path) -> None:
    given = tables("tax", "power")
    given["bank"] = pa.concat_tables([given["bank"]] * 20)
    links = recorded(scoring("tax", "power"), given, tmp_path)
    [payload] = [p for line, p in links["bank"].payloads if line.tag == "score-part" and line.peer == "tax"]
    body = np.frombuffer(payload[-2 * 600 * 8 :], np.uint8)
    counts = np.bincount(body, minlength=256)
    expected = len(body) / 256
    assert ((counts - expected) ** 2 / expected).sum() < 255 + 6 * np.sqrt(2 * 255)


@pytest.mark.parametrize(
    "params",
    [
        {"answer": "grade"},
        {"cutoffs": [1]},
        {**GRADES, "cutoffs": [5, 5]},
        {**GRADES, "holder_points": [10, -10]},
        {**GRADES, "bank_points": [0, 70_000]},
        {"match": "plain"},
        {"more": 1},
    ],
)
def test_params_that_do_not_fit_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="PRV-MANIFEST"):
        scoring("tax", "power", **params)
    assert ring_of(scoring("tax", "power", **GRADES)).bits <= BITS_AT_MOST


@pytest.mark.parametrize(
    ("change", "code"),
    [("twice", "PRV-SCORE-KEYS"), ("unit", "PRV-SCORE-UNIT")],
)
def test_what_can_not_be_scored_is_refused(change: str, code: str, tmp_path: Path) -> None:
    given = tables("tax")
    keep_parts(given, tmp_path / "state")
    told = scoring("tax")
    if change == "twice":
        given["tax"] = pa.concat_tables([given["tax"], given["tax"]])
    if change == "unit":
        part = ModelPart.model_validate_json(given["tax"].schema.metadata[b"model_part"])
        part.model_copy(update={"card": part.card.model_copy(update={"digits": 2})}).save(
            tmp_path / "state/tax"
        )
    with pytest.raises(UserError, match=code):
        run_all(told, joint_score.run, given, tmp_path)


@pytest.mark.parametrize("holders", [("tax",), ("power",)])
@pytest.mark.parametrize("params", [{}, GRADES])
def test_some_of_a_models_parties_can_not_be_asked_without_the_rest(
    holders: tuple[str, ...], params: dict[str, Any], tmp_path: Path
) -> None:
    given = tables("tax", "power")
    keep_parts(given, tmp_path / "state")
    told = scoring(*holders, **params)
    for name in told.names:  # each by itself, before it sends anything
        links: list[Recorded] = []

        def alone(link: Link, name: str = name, links: list[Recorded] = links) -> Result:
            links.append(Recorded(link))
            return joint_score.run(job(told, name, given[name], tmp_path), links[0])

        with pytest.raises(UserError, match="PRV-MANIFEST"):
            play({name: alone})
        assert not links[0].lines


@pytest.mark.parametrize("match", ["named", "private"])
@pytest.mark.parametrize("holders", [("tax",), ("tax", "power")])
def test_parts_beyond_the_agreed_range_are_cut_and_fail_no_job(
    holders: tuple[str, ...], match: str, tmp_path: Path
) -> None:
    """A job that failed would tell the bank on which side of a bound its one subject is."""
    given = tables(*holders)
    keep_parts(given, tmp_path / "state")
    narrow = {**GRADES, "bank_points": [590, 610], "holder_points": [-10, 10], "cutoffs": [585, 595, 605]}
    told = scoring(*holders, match=match, **narrow)
    wanted = joint_score.plain(told, given)
    same(wanted, run_all(told, joint_score.run, given, tmp_path))
    assert all(result.told["cut"] > 0 for result in wanted.values())
    assert len(set(wanted["bank"].table.column("grade").to_pylist())) > 2  # type: ignore[union-attr]


def test_without_the_model_there_is_no_score(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="PRV-MODEL-PART"):
        run_all(scoring("tax"), joint_score.run, tables("tax"), tmp_path)


def simulated(told: Manifest, given: Mapping[str, pa.Table], answers: list[Any], folder: Path) -> Recorded:
    """The bank's real code against holders that know its answers and neither data nor a model."""
    lead, batches = told.having("holder")[0].name, len(answers)

    def holder(name: str) -> Any:  # noqa: ANN401 - a part of play
        def part(link: Link) -> None:
            agree(told.digest.encode(), link, "bank")
            offered = offer(the_group())
            if name == lead and told.params["answer"] == "grade":
                link.send("bank", "score-offer", pack({"key": offered.public}))
            link.receive("bank", "score-ask")
            if told.params["answer"] == "points":
                link.send("bank", "score-part", pack({"part": drawn[name], "unit": 10}))
            elif name != lead:
                part_of = np.frombuffer(os.urandom(8 * batches), np.uint64)
                link.send("bank", "score-part", pack({"part": part_of, "unit": 10}))
            else:
                grades = np.array([255 if each is None else each for each in answers], np.uint8)
                table = np.repeat(grades[:, None], 1 << ring_of(told).bits, axis=1)
                asked = unpack(link.receive("bank", "score-choose"), "bank", asked=np.ndarray)["asked"]
                hidden = hide(the_group(), offered, asked, table, f"{told.digest}/1".encode())
                link.send("bank", "score-table", pack({"hidden": hidden}))
            link.receive("bank", "score-ask")

        return part

    drawn = random_parts(told, given["bank"], answers)
    links: list[Recorded] = []

    def bank(link: Link) -> Result:
        links.append(Recorded(link, keep=True))
        return joint_score.run(job(told, "bank", given["bank"], folder), links[0])

    found = play({"bank": bank} | {party.name: holder(party.name) for party in told.having("holder")})
    assert found["bank"].table.column(1).to_pylist() == answers  # type: ignore[union-attr]
    return links[0]


def random_parts(told: Manifest, own: pa.Table, answers: list[Any]) -> dict[str, np.ndarray]:
    """Uniform numbers that add up to the answers less the bank's part, or to nothing where there is none."""
    names, count = [party.name for party in told.having("holder")], len(answers)
    drawn = {name: np.frombuffer(os.urandom(16 * count), np.uint64).copy() for name in names}
    if told.params["answer"] == "points":
        part = ModelPart.model_validate_json(own.schema.metadata[b"model_part"])
        units = [0 if each is None else round(10 * each) for each in answers]
        wanted = np.concatenate([np.array(units) - part.units(own), np.zeros(count, np.int64)]).view(
            np.uint64
        )
        rest = wanted - np.sum([drawn[name] for name in names[1:]], axis=0, dtype=np.uint64)
        known = np.tile([each is not None for each in answers], 2)
        drawn[names[0]][known] = rest[known]
    return drawn


@pytest.mark.parametrize("params", [{}, GRADES])
@pytest.mark.parametrize("holders", [("tax", "power"), ("tax",)])
def test_the_banks_view_from_its_answers_alone(
    params: dict[str, Any], holders: tuple[str, ...], tmp_path: Path
) -> None:
    given = tables(*holders)
    told = scoring(*holders, **params)
    real = recorded(told, given, tmp_path)["bank"]
    wanted = joint_score.plain(told, given)["bank"].table
    assert wanted is not None
    made_up = simulated(told, given, wanted.column(1).to_pylist(), tmp_path)
    assert sizes_of(made_up) == sizes_of(real)


def test_a_grade_beyond_the_cutoffs_is_refused(tmp_path: Path) -> None:
    given = tables("tax")
    keep_parts(given, tmp_path / "state")
    told = scoring("tax", **GRADES)
    beyond = len(told.params["cutoffs"]) + 1
    with pytest.raises(UserError, match="PRV-MESSAGE"):
        simulated(told, given, [beyond] * given["bank"].num_rows, tmp_path)


def sizes_of(link: Recorded) -> list[tuple[str, str, str, int]]:
    return sorted((s.direction, s.peer, s.tag, s.size_bytes) for s in link.lines)


def test_scores_of_a_trained_card_are_those_of_the_pooled_fit_within_a_point(tmp_path: Path) -> None:
    sample = SCORECARD["scorecard"]
    run_all(sample.manifest, scorecard.run, sample.tables, tmp_path)
    names = ("bank", "tax", "power")
    columns = {n: tuple(c for c in sample.tables[n].column_names if c not in {"id", "bad"}) for n in names}
    roles = {"bank": "bank", "tax": "holder", "power": "holder"}
    parties = {name: (roles[name], data(*columns[name])) for name in names}
    told = manifest("joint_score", parties, {"model": sample.manifest.digest, "answer": "points"})
    given = {name: sample.tables[name].select(["id", *columns[name]]) for name in names}
    found = run_all(told, joint_score.run, given, tmp_path)["bank"].table
    fit = pooled(sample.manifest, sample.tables)
    theta, at = fit_plain(fit.matrix, fit.bad, np.ones(len(fit.bad))), 0
    wanted: dict[str, float] = {}
    for name in names:
        width = fit.rows[name].matrix.shape[1]
        card_of = scorecard._card(fit.rows[name], theta[at : at + width])
        part = ModelPart(model=MODEL, party=name, parties=names, rows=1, card=card_of)
        at += width
        for key, units in zip(given[name].column(0).to_pylist(), part.units(given[name]), strict=True):
            wanted[key] = wanted.get(key, 0.0) + units / card_of.unit
    assert found is not None
    scored = [row for row in found.to_pylist() if row["score"] is not None]
    assert len(scored) > 100
    assert max(abs(row["score"] - wanted[row["id"]]) for row in scored) < 1
