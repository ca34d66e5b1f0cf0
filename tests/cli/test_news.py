from __future__ import annotations

import csv
import json
from pathlib import Path

from tests.cli.command import call
from tests.opinion.small import write_labelled


def test_trained_judged_and_used(tmp_path: Path) -> None:
    train = write_labelled(tmp_path / "train.json")
    judged = write_labelled(tmp_path / "eval.json", 100, seed=3)
    model = tmp_path / "model.npz"
    words = ["benchmark", "news", "--train", train, "--eval", judged]
    told = call(*words, "--save", model, "--json", tmp_path / "found.json")
    assert told.code == 0
    found = json.loads((tmp_path / "found.json").read_text("utf-8"))
    assert f"{found['rows'][-1]['firm']['f1']:.3f}" in told.out
    table = tmp_path / "articles.csv"
    lines = ["company_id,entity,published_on,title,text"]
    lines += ["C1,甲乙丙公司,2024-03-02,,据本市消息，甲乙丙公司老板跑路失联。"]
    lines += ["C2,丁戊己公司,2024-03-31,,记者获悉，丁戊己公司参加行业展会。"]
    table.write_text("\n".join(lines), "utf-8")
    used = call("news", "--model", model, "--articles", table, "--out", tmp_path / "out")
    assert used.code == 0
    news = list(csv.DictReader((tmp_path / "out" / "news.csv").read_text("utf-8").splitlines()))
    assert [row["event_type"] for row in news] == ["absconded", "none"]
    months = list(csv.DictReader((tmp_path / "out" / "monthly.csv").read_text("utf-8").splitlines()))
    assert len(months) == 72
    assert [m["negative"] for m in months if m["month"] == "2024-03"] == ["1", "0"]


def test_a_model_that_is_none(tmp_path: Path) -> None:
    told = call("news", "--model", tmp_path / "none.npz", "--articles", tmp_path / "a.csv")
    assert told.code == 2
    assert "NEWS-MODEL" in told.err
