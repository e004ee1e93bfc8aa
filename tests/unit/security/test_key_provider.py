"""The setting that says where keys live."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from security.errors import SecurityError
from security.key_provider import KeyProvider, KeyPurpose, open_key_provider
from security.key_ring import FileKeyRing


def test_the_default_is_the_file_key_ring(folder: Path, clock: Callable[[], datetime]):
    provider = open_key_provider("file", folder=folder, now=clock)

    assert isinstance(provider, FileKeyRing)
    assert isinstance(provider, KeyProvider)
    assert provider.active(KeyPurpose.TOKEN).created_at == clock()


def test_an_adapter_is_loaded_by_its_name(
    folder: Path, clock: Callable[[], datetime], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "office_hsm.py").write_text(
        "from security.key_ring import FileKeyRing\n"
        "class Hsm(FileKeyRing): pass\n"
        "def connect(*, folder, now): return Hsm(folder, now)\n"
        "def broken(*, folder, now): return object()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    assert type(open_key_provider("office_hsm:connect", folder=folder, now=clock)).__name__ == "Hsm"
    with pytest.raises(SecurityError, match="lacks methods"):
        open_key_provider("office_hsm:broken", folder=folder, now=clock)


@pytest.mark.parametrize(
    ("choice", "remedy"),
    [("hsm", "package.module:factory"), ("no_such_package:connect", "Install"), ("security.sm3:connect", "correct")],
)
def test_a_wrong_setting_is_explained(folder: Path, clock: Callable[[], datetime], choice: str, remedy: str):
    with pytest.raises(SecurityError, match=remedy) as refusal:
        open_key_provider(choice, folder=folder, now=clock)
    assert choice in str(refusal.value)
