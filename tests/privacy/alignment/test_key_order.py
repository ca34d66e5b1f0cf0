"""The order of keys as whole numbers is that of text, or none is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.privacy.alignment.key_order import BYTES_AT_MOST, key_order


@given(
    st.integers(1, 21).flatmap(
        lambda size: st.lists(
            st.text("0Aé中\U0001f600\x7f", min_size=size, max_size=size), min_size=1, max_size=40, unique=True
        )
    ),
    st.text("91x", max_size=9),
    st.integers(0, 3),
)
def test_it_is_the_order_of_text_where_all_are_of_one_length(keys: list[str], head: str, skip: int) -> None:
    array = pa.array([head + key for key in keys], pa.string())[skip:]
    order = key_order(array)
    lengths = {len(key.encode()) for key in array.to_pylist()}
    assert (order is None) == (len(lengths) != 1)
    if order is not None:
        assert order.tolist() == pc.sort_indices(array).to_pylist()


@pytest.mark.parametrize(
    "keys",
    [[], [""], ["b", None], ["b", "ab"], ["ab", "b", "ab"], ["ab", "cd", "ab"], ["x" * (BYTES_AT_MOST + 1)]],
)
def test_others_are_left_to_a_sort_of_text(keys: list[str | None]) -> None:
    assert key_order(pa.array(keys, pa.string())) is None


def test_positions_reach_pyarrow_without_pandas(tmp_path: Path) -> None:
    """Trap: pyarrow loads pandas, half a second of a job, for the first array that it takes from Python."""
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "import numpy as np, pyarrow as pa\n"
        "from xinqiao.privacy.alignment import engine_intersection, key_order\n"
        "ids = key_order.arrow(np.arange(5)[::2]).cast(pa.string())\n"
        "path = Path(sys.argv[1])\n"
        "engine_intersection.write(path, engine_intersection.safe(ids))\n"
        "print(ids.to_pylist(), engine_intersection.read(path), 'pandas' in sys.modules)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "ids.csv")], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "['0', '2', '4'] [0 1 2] False"
