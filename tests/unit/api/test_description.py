"""The committed description, the offline page, and the files that add a kind or a layer."""

from __future__ import annotations

import io
import logging
import re
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from api.application import describe_application
from api.decisions.kinds import decision_kinds
from api.documentation import render
from api.map.layers import map_layers
from api.map.service import EMPTY_TILE
from api.openapi_document import OPENAPI_FILE, openapi_document, openapi_text
from api.request_log import JsonLines
from semantic.catalogue import load_catalogue


@pytest.fixture(scope="module")
def document() -> dict:
    return openapi_document(describe_application())


def test_the_committed_description_is_current():
    assert OPENAPI_FILE.read_text("utf-8") == openapi_text(describe_application()), (
        "api/openapi.json is stale: run `python -m api.openapi_document` and look at the difference"
    )


def test_every_operation_has_a_readable_id_and_chinese_words(document: dict):
    operations = [each for path in document["paths"].values() for each in path.values()]
    identifiers = [operation["operationId"] for operation in operations]
    assert len(set(identifiers)) == len(identifiers)
    for operation in operations:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", operation["operationId"])
        for words in (operation["summary"], operation["description"]):
            assert re.search(r"[\u4e00-\u9fff]", words), operation["operationId"]
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "query":
                assert re.search(r"[\u4e00-\u9fff]", parameter["description"]), parameter["name"]


def test_every_reference_of_the_description_leads_somewhere(document: dict):
    text = OPENAPI_FILE.read_text("utf-8")
    referred = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert referred <= document["components"]["schemas"].keys()


def test_the_page_lists_every_operation_and_loads_nothing(document: dict):
    page = render(document, "http://127.0.0.1:8000/")
    for path in document["paths"]:
        assert f"<code>{path}</code>" in page
    assert not re.search(r"<script|<link|<img|src=|@import|url\(", page)
    assert not re.search(r"https?://(?!127\.0\.0\.1)", page)


def test_importing_the_api_connects_to_nothing_and_needs_no_environment(tmp_path: Path):
    code = "import api.application as a; a.describe_application(); import os; print(os.listdir('.'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PATH": "", "PYTHONPATH": str(OPENAPI_FILE.parent.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_every_kind_of_decision_has_labels_and_verdicts():
    assert {"warning_acknowledgement", "enterprise_match", "rule_adoption"} <= decision_kinds().keys()
    assert all(len(kind.verdicts) >= 2 for kind in decision_kinds().values())


def test_every_layer_stands_in_the_vocabulary():
    vocabulary = load_catalogue().vocabulary
    for layer in map_layers().values():
        assert layer.mart in vocabulary.marts
        if layer.colour_by:
            assert all(term.colour for term in vocabulary.values[layer.colour_by].items)


def test_the_empty_tile_is_a_transparent_png():
    pixels = io.BytesIO(EMPTY_TILE)
    assert pixels.read(8) == b"\x89PNG\r\n\x1a\n"
    chunks = {}
    while header := pixels.read(8):
        length, kind = int.from_bytes(header[:4]), header[4:]
        chunks[kind] = pixels.read(length)
        assert int.from_bytes(pixels.read(4)) == zlib.crc32(kind + chunks[kind])
    assert (int.from_bytes(chunks[b"IHDR"][:4]), int.from_bytes(chunks[b"IHDR"][4:8])) == (256, 256)
    assert chunks[b"tRNS"] == b"\x00\x00"
    assert set(zlib.decompress(chunks[b"IDAT"])) == {0}


def test_a_log_line_is_one_json_object_with_its_fields():
    record = logging.LogRecord("park.api", logging.INFO, "", 0, "request\nend", None, None)
    record.fields = {"status": 200}
    line = JsonLines().format(record)
    assert "\n" not in line
    assert '"status": 200' in line
