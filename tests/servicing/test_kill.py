from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from tests.servicing.killing import trial

KILLS = int(os.environ.get("XINQIAO_LOAN_KILLS", "6"))
"""The long run: XINQIAO_LOAN_KILLS=200."""


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_no_booking_is_lost_or_doubled_by_kills_of_tellers_day_end_and_database(tmp_path: Path) -> None:
    found = trial(tmp_path, KILLS)
    logging.getLogger("xinqiao.kill").warning(
        "%s, %s loans, %s days, %s", found.kills, found.loans, found.days, found.acts
    )
    assert found.faults == []
    assert found.acts["done draw"]
    assert found.acts["done repay"] + found.acts["done settle"]
    assert found.days > 0
