"""How nodes tell each other what they know of open jobs: manifest, signatures, refusals, receipts.

Every node tells each party of a job what is new to it, again from the start with each new line, so nothing
depends on who was up when. What is told twice changes nothing (``agreement.desk``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias
from uuid import UUID

from xinqiao.kernel.errors import UserError, fail
from xinqiao.privacy.agreement.desk import Standing
from xinqiao.privacy.job.manifest import read_manifest
from xinqiao.privacy.node.frames import FRAME_AT_MOST
from xinqiao.privacy.node.post import MANIFEST_AT_MOST, Post, Told

About: TypeAlias = Literal["job", "again", "refused"]
SHARED = frozenset({"proposed", "waiting", "signed", "ready", "done"})


class Gossip:
    """What was told to whom."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._said: dict[tuple[str, UUID], tuple[object, ...]] = {}

    def forget(self, peer: str) -> None:
        """A new line to that party: everything is told anew."""
        self._said = {key: mark for key, mark in self._said.items() if key[0] != peer}

    def keep(self, known: Mapping[UUID, Standing]) -> None:
        """Remember of no other jobs."""
        self._said = {key: mark for key, mark in self._said.items() if key[1] in known}

    def share(self, standing: Standing) -> None:
        """Tell each party of the job what is new to it."""
        manifest, about = standing.manifest, self._about(standing)
        if about is None:
            return
        mark = about, standing.attempt, *sorted(standing.signatures), "-", *sorted(standing.receipts)
        lines = [line for name in manifest.names if (line := self._post.line_to(name)) is not None]
        new = [line for line in lines if self._said.get((line.peer, manifest.job)) != mark]
        if not new:
            return
        self._said |= {(line.peer, manifest.job): mark for line in new}
        message = self._message(standing, about)
        if message is None:
            self._post.log.warning("job not told", job=str(manifest.job), why="size")
            return
        for line in new:
            line.control(message)

    @staticmethod
    def _message(standing: Standing, about: About) -> dict[str, Any] | None:
        """As it is sent; None where it would not fit into one message."""
        manifest = standing.manifest
        written = manifest.canonical().decode()
        if len(written) > MANIFEST_AT_MOST:
            return None
        message = Told(
            about=about,
            job=manifest.job,
            manifest=written,
            signatures=dict(standing.signatures),
            receipts=dict(standing.receipts),
            code=(standing.code or "") if about == "refused" else "",
        ).model_dump(mode="json")
        size = len(json.dumps(message, ensure_ascii=False).encode())  # as ``Line.control`` writes it
        return message if size < FRAME_AT_MOST else None

    def _about(self, standing: Standing) -> About | None:
        """What there is to say of a job; None: nothing."""
        if standing.state == "failed" and standing.again:
            return "again"
        if standing.state == "refused" and standing.refused_by == self._post.me:
            return "refused"
        return "job" if standing.state in SHARED else None

    async def heard(self, peer: str, told: Told) -> None:
        """Another node tells of a job, or that it will not take part."""
        post = self._post
        try:
            manifest = read_manifest(told.manifest.encode(), peer)
            if peer not in manifest.names or post.me not in manifest.names:
                fail("PRV-MANIFEST", str(manifest.job), detail=f"{peer}: not a party")
            await post.asked(lambda: post.desk.heard(manifest, told.signatures, told.receipts))
            if told.about == "refused":
                await post.asked(lambda: post.desk.refused(manifest.job, peer, told.code))
        except UserError as error:
            post.log.warning("job not taken", peer=peer, job=str(told.job), code=error.code, en=error.what.en)
