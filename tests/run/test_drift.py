from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from tests.report.html_check import check
from tests.scoring.industries import SIGNS, firms
from tests.scoring.test_segmented import estimator
from xinqiao.kernel.text import Text
from xinqiao.report.drift import render_drift
from xinqiao.run.drift import drift_page, segment_rows
from xinqiao.scoring.drift import Drift, Outcomes, shifts, vintages
from xinqiao.scoring.training import train


def test_segments_are_named_and_their_drift_is_shown() -> None:
    frame, bad, _ = firms(2500)
    model = train(frame, bad, signs=SIGNS, estimator=estimator(), folds=2, repeats=1)
    drift = Drift(
        before="2024-12-31",
        after="2025-12-31",
        shifts=shifts(model, frame, frame),
        vintages=vintages(model, {"2024-12-31": Outcomes(frame, bad, learned=True)}),
    )
    name = Text(zh="数据", en="data")
    material: Any = SimpleNamespace(model=model, model_id="m", dataset=name, generated=True)
    view = drift_page(cast("Any", material), drift, "index.html", "model_card.html")
    assert view.shifts[0].segment.en == "all firms"
    assert {s.segment.zh for s in view.shifts} >= {"个体工商户", "成熟小企业", "初创微型企业"}
    assert sum(v.seen for v in view.vintages if not v.industry and v.segment.en != "all firms") == bad.sum()
    assert check(render_drift(view)).faults == []
    rows = list(segment_rows(model))
    assert [r.fallback for r in rows] == [None, None, None]
    assert rows[0].overlays or rows[1].overlays
    assert all(r.defaults for r in rows)
