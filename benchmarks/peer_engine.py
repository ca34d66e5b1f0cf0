"""The engine's bare call, one of two processes: run by the engine's Python; see privacy_intersection."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from spu import libpsi, libspu  # type: ignore[import-not-found]


def main(folder: Path, rank: int, ports: list[str], protocol: str) -> None:
    told = libspu.link.Desc()
    told.connect_retry_times, told.connect_retry_interval_ms = 600, 50
    told.recv_timeout_ms = told.http_timeout_ms = 600_000
    for number, port in enumerate(ports):
        told.add_party(f"party-{number}", f"127.0.0.1:{port}")
    link = libspu.link.create_brpc(told, rank)
    begin = time.perf_counter()
    path = str(folder / ("bank.csv" if rank == 0 else "tax.csv"))
    config = libpsi.PsiExecuteConfig(
        protocol_conf=libpsi.PsiProtocolConfig(
            protocol=getattr(libpsi.PsiProtocol, f"PROTOCOL_{protocol}"),
            receiver_rank=0,
            broadcast_result=True,
        ),
        input_params=libpsi.InputParams(path=path, selected_keys=["id"], keys_unique=True),
        output_params=libpsi.OutputParams(path=path + ".out", disable_alignment=True),
    )
    common = libpsi.psi_execute(config, link).intersection_count
    found = {"wall": time.perf_counter() - begin, "common": int(common)}
    (folder / f"peer-{rank}.json").write_text(json.dumps(found), "utf-8")
    link.stop_link()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:5], sys.argv[5])
