"""What every test starts from: no deadline on properties, no trace of test runs in the user's home."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

CHROMIUM = Path("/usr/bin/chromium")

# the machine that runs the tests is shared: how long an example takes says nothing about the product
settings.register_profile("xinqiao", deadline=None)
settings.load_profile("xinqiao")


@pytest.fixture(scope="session", autouse=True)
def _state_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Runs are remembered (policy.runs) in a folder of this session, not in the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets; skips, saying so, where XINQIAO_DATA does not name one."""
    root = os.environ.get("XINQIAO_DATA")
    if not root:
        pytest.skip("XINQIAO_DATA is not set: no real data")
    return Path(root)


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """A real Chromium; the only one, since two drivers don't live in one process."""
    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        yield chromium
        chromium.close()
