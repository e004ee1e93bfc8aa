"""Artifacts: written whole, read by name, never outside their folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakehouse.artifacts import ArtifactNameError, ArtifactStore


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def test_what_is_written_is_read(store: ArtifactStore):
    store.write("reports/air_quality_daily/2026-03-01/v1.pdf", b"%PDF")
    assert store.read("reports/air_quality_daily/2026-03-01/v1.pdf") == b"%PDF"
    assert store.exists("reports/air_quality_daily/2026-03-01/v1.pdf")
    assert not store.exists("reports/air_quality_daily")


def test_names_are_listed_below_a_prefix_without_unfinished_files(store: ArtifactStore):
    for name in ("map/z/2.png", "map/z/1.png", "reports/a.pdf"):
        store.write(name, b"x")
    (store.root / "map" / "z" / ".3.png.77.tmp").write_bytes(b"half")
    assert list(store.names("map")) == ["map/z/1.png", "map/z/2.png"]
    assert list(store.names("nothing")) == []


@pytest.mark.parametrize("name", ["../keys/sm4", "reports/../../keys", "/etc/passwd"])
def test_a_name_that_leaves_the_store_is_refused(store: ArtifactStore, name: str):
    for use in (store.read, store.exists, lambda bad: store.write(bad, b"x"), lambda bad: list(store.names(bad))):
        with pytest.raises(ArtifactNameError, match=r"\.\."):
            use(name)


def test_a_link_out_of_the_store_is_refused(store: ArtifactStore, tmp_path: Path):
    store.root.mkdir()
    (tmp_path / "secret").write_text("s", "utf-8")
    (store.root / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(ArtifactNameError):
        store.read("link")
