"""Files that a generator owns: written whole or not at all, left alone while nothing changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from ingestion.simulated_park.errors import ForeignFilesError

_UNFINISHED_SUFFIX = ".unfinished"


def inputs_digest(**inputs: object) -> str:
    """Return a digest of named inputs and of the simulated park's own program text.

    With the program text inside, a changed generator writes its files anew without anybody having to remember it.
    """
    digest = hashlib.sha256(json.dumps(inputs, sort_keys=True, default=str, ensure_ascii=False).encode())
    for module in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(module.name.encode() + b"\0" + module.read_bytes())
    return digest.hexdigest()


class OwnedFiles:
    """The files of one generator in one folder, with a manifest beside the folder.

    The manifest (`<folder>.manifest.json`) holds the digest of the inputs and size and time of every file, so that a
    second call with the same inputs only looks at the folder. A file is written under another name and renamed; one
    that has the same content already is left alone. A killed run therefore goes on where it stopped.
    """

    def __init__(self, folder: Path, *, digest: str) -> None:
        self.folder = folder
        self.digest = digest
        self.manifest_path = folder.with_name(f"{folder.name}.manifest.json")
        self.written_count = 0
        self.unchanged_count = 0
        self.removed_count = 0
        self.notes: dict[str, Any] = {}
        self._files: dict[str, list[int]] = {}

    @property
    def names(self) -> list[str]:
        """Names, relative to the folder, of the files put or found current."""
        return list(self._files)

    def are_current(self) -> bool:
        """Tell whether all files stand as a finished run with the same inputs left them."""
        manifest = self._read_manifest()
        if manifest is None or manifest.get("digest") != self.digest or not manifest.get("is_complete"):
            return False
        files: dict[str, list[int]] = manifest["files"]
        if any(_size_and_time(self.folder / name) != stamp for name, stamp in files.items()):
            return False
        self._files = files
        self.notes = manifest.get("notes", {})
        self.unchanged_count = len(files)
        return True

    def begin(self) -> Self:
        """Claim the folder before the first file.

        Raises:
            ForeignFilesError: The folder has files but no manifest: it belongs to somebody else.
        """
        if self._read_manifest() is None and (foreign := next(self._present_files(), None)):
            raise ForeignFilesError(
                f"{self.folder} holds files the simulated park did not write (first: {foreign.name}): "
                "point the simulated park at an empty folder, or move these files away."
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write_manifest({"digest": self.digest, "is_complete": False, "files": {}})
        return self

    def put(self, name: str, content: bytes) -> bool:
        """Make the file `name` (relative to the folder) have this content; return whether it had to be written."""
        path = self.folder / name
        is_new = not path.is_file() or path.read_bytes() != content
        if is_new:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_whole(path, content)
            self.written_count += 1
        else:
            self.unchanged_count += 1
        stamp = _size_and_time(path)
        if stamp is None:
            raise FileNotFoundError(f"{path} vanished while the simulated park wrote it: run again.")
        self._files[name] = stamp
        return is_new

    def finish(self, **notes: object) -> None:
        """Remove files of earlier runs that no longer belong, and record that the set is complete."""
        for path in list(self._present_files()):
            if path.relative_to(self.folder).as_posix() not in self._files:
                path.unlink()
                self.removed_count += 1
        self._write_manifest({"digest": self.digest, "is_complete": True, "notes": notes, "files": self._files})

    def _present_files(self) -> Iterator[Path]:
        return (path for path in sorted(self.folder.rglob("*")) if path.is_file())

    def _read_manifest(self) -> dict[str, Any] | None:
        try:
            manifest = json.loads(self.manifest_path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except json.JSONDecodeError:
            return {}  # ours, but damaged: the folder is still ours, every file is compared again
        return manifest if isinstance(manifest, dict) else {}

    def _write_manifest(self, manifest: Mapping[str, object]) -> None:
        text = json.dumps(manifest, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        self.manifest_path.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(self.manifest_path, text.encode())


def _write_whole(path: Path, content: bytes) -> None:
    unfinished = path.with_name(f".{path.name}{_UNFINISHED_SUFFIX}")
    unfinished.write_bytes(content)
    unfinished.replace(path)


def _size_and_time(path: Path) -> list[int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return [status.st_size, status.st_mtime_ns]
