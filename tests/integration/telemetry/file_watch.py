"""Counts what anybody does to the files below a folder (inotify), so that a process can be killed in the midst of it.

Most files of the lake are written by native code that no hook of Python sees; the kernel sees them all.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import struct
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

_MODIFY, _CLOSE_WRITE, _MOVED_TO, _CREATE, _DELETE = 0x2, 0x8, 0x80, 0x100, 0x200
_WATCHED = _MODIFY | _CLOSE_WRITE | _MOVED_TO | _CREATE | _DELETE
_IS_FOLDER = 0x40000000
_HEAD = struct.Struct("iIII")
_LONGEST_READ = 1 << 16


class FileWatch:
    """Watches a folder and all folders below it, those made meanwhile too.

    Args:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self._library = ctypes.CDLL(None, use_errno=True)
        self._handle = self._library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._handle < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        self._folders: dict[int, Path] = {}
        self.count = 0
        self._add(root)
        self.count = 0  # what lay there before has not happened

    def close(self) -> None:
        """Watch no more."""
        os.close(self._handle)

    def fileno(self) -> int:
        """Return what `select` waits for."""
        return self._handle

    def read(self) -> None:
        """Count what has happened."""
        while select.select([self], [], [], 0)[0]:
            self._read()

    def _add(self, folder: Path) -> None:
        """Watch a folder; what lies in it already came before it was watched, and counts."""
        number = self._library.inotify_add_watch(self._handle, os.fsencode(folder), _WATCHED)
        if number < 0:  # it is gone again
            return
        self._folders[number] = folder
        for path in folder.iterdir():
            self.count += 1
            if path.is_dir():
                self._add(path)

    def _read(self) -> None:
        events = os.read(self._handle, _LONGEST_READ)
        place = 0
        while place < len(events):
            number, mask, _, length = _HEAD.unpack_from(events, place)
            name = events[place + _HEAD.size : place + _HEAD.size + length].rstrip(b"\0")
            place += _HEAD.size + length
            self.count += 1
            if mask & _IS_FOLDER and mask & _CREATE:
                self._add(self._folders[number] / os.fsdecode(name))


@dataclass
class Runs:
    """Runs that can be killed: a process that imported all, forks for every line, and prints pid and how it ended.

    Imports cost more than the work that is killed here; the process itself does nothing, so its forks are sound.
    """

    process: subprocess.Popen[str]
    longest_s: float = 60.0

    def run(self, folder: Path, *, kill_at: int | None = None, later_s: float = 0.0) -> tuple[int, bool]:
        """Work on a folder in a process of its own; return how many changes of files were seen, and if it was killed.

        Args:
            folder: the folder.
            kill_at: kill it at this change of a file; None: let it come to its end.
            later_s: so long after that change.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        watch = FileWatch(folder)
        print(folder, file=self.process.stdin, flush=True)
        worker = os.pidfd_open(int(self.process.stdout.readline()))
        try:
            while worker not in select.select([watch, worker], [], [], self.longest_s)[0]:
                watch.read()
                if kill_at is not None and watch.count >= kill_at:
                    time.sleep(later_s)
                    signal.pidfd_send_signal(worker, signal.SIGKILL)
                    kill_at = None
            watch.read()
        finally:
            os.close(worker)
            watch.close()
        ended = int(self.process.stdout.readline())
        assert ended in {0, -signal.SIGKILL}, "the run failed"
        return watch.count, ended != 0
