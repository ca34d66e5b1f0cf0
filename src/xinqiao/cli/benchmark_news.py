"""``xinqiao benchmark news``: train the recogniser of negative news and judge it beside simple ones."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from xinqiao.kernel.text import Text
from xinqiao.kernel.writing import write_whole
from xinqiao.opinion.contest import Level, Result, contest
from xinqiao.opinion.event import words
from xinqiao.opinion.labelled import enough, read_labelled
from xinqiao.opinion.recogniser import Recogniser, train
from xinqiao.opinion.store import to_bytes

Train = Annotated[Path, typer.Option("--train", help="训练集 JSON(.gz) / labelled articles to train on")]
Eval = Annotated[Path, typer.Option("--eval", help="评测集 JSON(.gz) / labelled articles to judge on")]
Save = Annotated[Path | None, typer.Option(help="保存模型 .npz / keep the trained model")]
Json = Annotated[Path | None, typer.Option("--json", help="结果写为 JSON / write the result as JSON")]

NAMES = {
    "words": Text(zh="关键词表", en="list of words"),
    "tfidf": Text(zh="TF-IDF + 逻辑回归", en="TF-IDF + logistic regression"),
    "recogniser": Text(zh="信桥（遮蔽企业名）", en="Xinqiao (names masked)"),
}


def benchmark_news(learned_on: Train, judged_on: Eval, save: Save = None, file: Json = None) -> None:
    """训练并评测负面舆情识别 / train and judge negative-news recognition; thresholds from training only."""
    console = Console()
    labelled, judged = read_labelled(learned_on), read_labelled(judged_on)
    enough(labelled, str(learned_on))
    enough(judged, str(judged_on), 1)
    with Console(stderr=True).status("训练 training"):
        before = time.process_time()
        model = train(labelled.articles, labelled.negative, labelled.about, words())
        trained = time.process_time() - before
        speed = _speed(model, labelled.articles)
        result = contest(labelled, judged, model)
    console.print(_table(result))
    for note in _notes(result):
        console.print(f"[dim]{note}[/]")
    console.print(f"[dim]训练 training {trained:.1f} CPU-s，{speed:,.0f} 篇 articles / CPU-s[/]")
    if file is not None:
        write_whole(file, result.to_json())
        console.print(escape(str(file)))
    if save is not None:
        write_whole(save, to_bytes(model))
        console.print(escape(str(save)))


def _speed(model: Recogniser, articles: tuple[object, ...]) -> float:
    """Articles scored in a CPU-second."""
    before = time.process_time()
    model.score(articles)  # type: ignore[arg-type]  # articles, as read
    return len(articles) / max(time.process_time() - before, 1e-9)


def _table(result: Result) -> Table:
    table = Table(title="负面识别 F1，95 % 自助法区间 / F1 of the negative class, 95 % bootstrap intervals")
    table.add_column("方法 method", no_wrap=True)
    for heading in ("层次 level", "F1", "查准 precision", "查全 recall", "不含近似重复 fresh F1"):
        table.add_column(heading, justify="right")
    for row in result.rows:
        name = NAMES[row.method]
        table.add_row(name.zh, "文章 article", *_cells(row.article))
        table.add_row(f"[dim]{name.en}[/]", "主体 firm", *_cells(row.firm), end_section=True)
    return table


def _cells(level: Level) -> list[str]:
    low, high = level.interval
    first = f"{level.f1:.3f} [dim]{low:.3f} … {high:.3f}[/]"
    return [first, f"{level.precision:.3f}", f"{level.recall:.3f}", f"{level.fresh_f1:.3f}"]


def _notes(result: Result) -> list[Text]:
    counts = result.model_dump(exclude={"rows"})
    return [
        Text(
            zh="评测 {judged} 篇（负面 {negative}），主体 {firms} 个（负面 {concerned}）；"
            "{repeated} 篇与训练集近似重复",
            en="judged on {judged} articles ({negative} negative) and {firms} names ({concerned} concerned); "
            "{repeated} articles nearly repeat one of training",
        ).fill(**counts),
        Text(
            zh="训练内交叉验证 F1：文章 {cross_validated[0]:.3f}，主体 {cross_validated[1]:.3f}；"
            "评测校准误差 {calibration_error[0]:.3f} 与 {calibration_error[1]:.3f}，"
            "Brier {brier[0]:.3f} 与 {brier[1]:.3f}",
            en="cross-validated F1 on training: article {cross_validated[0]:.3f}, "
            "firm {cross_validated[1]:.3f}; calibration error {calibration_error[0]:.3f} and "
            "{calibration_error[1]:.3f}, Brier {brier[0]:.3f} and {brier[1]:.3f}",
        ).fill(**counts),
    ]
