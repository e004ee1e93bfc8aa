"""Files made for readers (reports, tiles, map layers): written whole, read by name, below one folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


class ArtifactNameError(ValueError):
    """A name would leave the store."""


@dataclass(frozen=True)
class ArtifactStore:
    """Names are relative paths (`reports/air_quality_daily/2026-11-21/v1.pdf`).

    Args:
        root: the folder; `Home.artifacts` in the embedded platform.
    """

    root: Path

    def write(self, name: str, content: bytes) -> Path:
        """Write an artifact, whole or not at all, and return where it lies."""
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        temporary.write_bytes(content)
        temporary.replace(path)
        return path

    def read(self, name: str) -> bytes:
        """Return an artifact's content.

        Raises:
            FileNotFoundError: there is none of this name.
        """
        return self._path(name).read_bytes()

    def exists(self, name: str) -> bool:
        """Tell whether there is an artifact of this name."""
        return self._path(name).is_file()

    def names(self, prefix: str) -> Iterator[str]:
        """Yield the names below a prefix, sorted."""
        folder = self._path(prefix)
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if path.is_file() and not path.name.startswith("."):
                yield path.relative_to(self.root).as_posix()

    def _path(self, name: str) -> Path:
        path = (self.root / name).resolve()
        if not path.is_relative_to(self.root.resolve()):
            message = f"{name!r}: an artifact's name must stay inside the store; leave out '..'."
            raise ArtifactNameError(message)
        return path
