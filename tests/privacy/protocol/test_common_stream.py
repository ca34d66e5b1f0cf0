from __future__ import annotations

import pytest

from xinqiao.kernel.errors import UserError
from xinqiao.privacy.job.link import Link, play
from xinqiao.privacy.job.wire import pack
from xinqiao.privacy.protocol.common_stream import common_stream

MEMBERS = ("bank", "tax", "power")


def test_all_members_have_the_same_stream_and_each_job_its_own() -> None:
    seen = set()
    for _ in range(2):
        told = play(dict.fromkeys(MEMBERS, lambda link: common_stream(link, MEMBERS).read(16)))
        assert len(set(told.values())) == 1
        seen |= set(told.values())
    assert len(seen) == 2


def test_a_seed_of_another_length_is_refused() -> None:
    def bank(link: Link) -> None:
        link.send("tax", "common-seed", pack({"seed": b"short"}))

    with pytest.raises(UserError, match="PRV-MESSAGE"):
        play({"bank": bank, "tax": lambda link: common_stream(link, ("bank", "tax"))})
