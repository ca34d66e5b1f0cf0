"""The lake: Parquet data, one manifest per ingested file, quarantine.

::

    data/<contract>/<field=value>/year=YYYY/<id>-0.parquet
    manifests/<contract>/<slot>.json
    quarantine/<contract>/<id>.csv
    staging/<id>/...            work in progress, swept away by the next writer

The ``slot`` stands for (content, contract, label), the ``id`` also for the mapping's and the
contract's version. Replacing the manifest is the one commit point: data that no manifest names does
not count, and the same file read by a newer mapping takes the place of what it gave before.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.errors import fail, user_error
from xinqiao.kernel.text import Text


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _inside(path: str) -> str:
    """``path`` if it stays in the lake: what a manifest names is read, and may be removed."""
    steps = PurePosixPath(path).parts
    if steps[:1] not in {("data",), ("quarantine",)} or ".." in steps:
        message = "a path of a manifest leads out of the lake"
        raise ValueError(message)
    return path


Inside = Annotated[str, AfterValidator(_inside)]


class Count(_Document):
    """Rows a rule applied to; ``field`` is empty for rules about whole rows."""

    rule: str
    field: str
    name: Text
    rows: int


class DataFile(_Document):
    """A committed Parquet file, relative to the lake, its rows and its size in bytes."""

    path: Inside
    rows: int
    size: int


class Manifest(_Document):
    """What ingesting one file gave. read = kept + quarantined; repaired and flagged rows are kept."""

    id: str
    slot: str
    contract: str
    contract_version: str
    label: str
    file: str
    sha256: str
    encoding: str
    read: int
    kept: int
    repaired: int
    flagged: int
    quarantined: int
    repairs: tuple[Count, ...]
    flags: tuple[Count, ...]
    faults: tuple[Count, ...]
    observations: tuple[Count, ...]
    fields: tuple[str, ...]
    ignored_columns: tuple[str, ...]
    data: tuple[DataFile, ...]
    quarantine: Inside | None


class Lake:
    """A lake at ``root``; reading an empty or absent one finds nothing."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def manifests(self, contract_id: str) -> list[Manifest]:
        """All manifests of a contract, by label and slot; raises UserError SRC-LAKE if one is damaged."""
        folder = self.root / "manifests" / contract_id
        found = [_read_manifest(path) for path in sorted(folder.glob("*.json"))]
        return sorted(found, key=lambda m: (m.label, m.slot))

    def files(self, contract_id: str) -> list[Path]:
        """The committed Parquet files of a contract, sorted; [] when there are none.

        Raises UserError SRC-LAKE, and SRC-LAKE-FILE where one is gone or of another size than committed.
        """
        listed = {file.path: file for manifest in self.manifests(contract_id) for file in manifest.data}
        for path in sorted(listed):
            if not self._whole(listed[path]):
                fail("SRC-LAKE-FILE", path, detail=f"≠ {listed[path].size:,} bytes")
        return [self.root / path for path in sorted(listed)]

    def fields(self, contract_id: str) -> frozenset[str]:
        """Fields that at least one ingested file filled."""
        return frozenset(name for manifest in self.manifests(contract_id) for name in manifest.fields)

    def manifest(self, contract_id: str, slot: str) -> Manifest | None:
        """The manifest of a slot, if its file has been ingested."""
        path = self._manifest_path(contract_id, slot)
        return _read_manifest(path) if path.exists() else None

    def holds(self, manifest: Manifest) -> bool:
        """Whether every data file of ``manifest`` is there at its size."""
        return all(self._whole(file) for file in manifest.data)

    def _whole(self, file: DataFile) -> bool:
        path = self.root / file.path
        return path.is_file() and path.stat().st_size == file.size

    def commit(self, manifest: Manifest) -> None:
        """Write the manifest in one step, then remove the data it takes the place of."""
        path = self._manifest_path(manifest.contract, manifest.slot)
        old = self.manifest(manifest.contract, manifest.slot)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".tmp")
        fresh.write_bytes(canonical_json(manifest.model_dump(mode="json")) + b"\n")
        fresh.replace(path)
        if old is not None:
            self._remove(_paths(old) - _paths(manifest))

    def retain(self, slots: Collection[str]) -> None:
        """Give up every file whose slot is not among ``slots``: the lake then mirrors one data folder."""
        with self.writing():
            for path in sorted((self.root / "manifests").glob("*/*.json")):
                if path.stem not in slots:
                    path.unlink()
            self._sweep()

    def staging(self, file_id: str) -> Path:
        """A fresh folder for work in progress."""
        folder = self.root / "staging" / file_id
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def discard(self, folder: Path) -> None:
        """Remove a staging folder, and the folder of all of them when it was the last."""
        shutil.rmtree(folder, ignore_errors=True)
        if folder.parent.exists() and not any(folder.parent.iterdir()):
            folder.parent.rmdir()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lake for writing, and first remove what a killed writer left behind.

        Raises UserError SRC-LOCKED while another process writes. The lock dies with its holder.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.root, os.O_RDONLY)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise user_error("SRC-LOCKED", self.root.name) from error
            self._sweep()
            yield
        finally:
            os.close(handle)

    def _sweep(self) -> None:
        shutil.rmtree(self.root / "staging", ignore_errors=True)
        for path in (self.root / "manifests").glob("*/*.tmp"):
            path.unlink()
        for area in ("data", "quarantine"):
            for folder in (self.root / area).glob("*"):
                listed = {name for manifest in self.manifests(folder.name) for name in _paths(manifest)}
                found = {p.relative_to(self.root).as_posix() for p in folder.rglob("*") if p.is_file()}
                self._remove(found - listed)

    def _remove(self, names: set[str]) -> None:
        for name in sorted(names):
            path = self.root / name
            path.unlink(missing_ok=True)
            for parent in path.parents:
                if parent == self.root or any(parent.iterdir()):
                    break
                parent.rmdir()

    def _manifest_path(self, contract_id: str, slot: str) -> Path:
        return self.root / "manifests" / contract_id / f"{slot}.json"


def _paths(manifest: Manifest) -> set[str]:
    names = {file.path for file in manifest.data}
    return names | {manifest.quarantine} if manifest.quarantine else names


def _read_manifest(path: Path) -> Manifest:
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        fail("SRC-LAKE", f"{path.parent.name}/{path.name}")
