"""openmined-psi, client and server in one process: run by its Python; see privacy_intersection."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import private_set_intersection.python as psi  # type: ignore[import-not-found]


def main(folder: Path) -> None:
    mine, theirs = ((folder / f"{name}.csv").read_text("utf-8").split()[1:] for name in ("bank", "tax"))
    begin = time.perf_counter()
    client, server = (
        psi.client.CreateWithNewKey(reveal_intersection=True),
        psi.server.CreateWithNewKey(reveal_intersection=True),
    )
    setup = server.CreateSetupMessage(1e-9, len(mine), theirs, psi.DataStructure.GCS)
    response = server.ProcessRequest(client.CreateRequest(mine))
    common = len(client.GetIntersection(setup, response))
    found = {"wall": time.perf_counter() - begin, "common": common}
    (folder / "peer-0.json").write_text(json.dumps(found), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
