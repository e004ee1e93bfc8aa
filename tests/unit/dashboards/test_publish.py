"""Publishing as seen from here: environment, results, and errors that say what to do (no Superset needed)."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest
import yaml

from dashboards.publish import CONFIG_FILE, ENVIRONMENT_FOLDER, PublishError, SupersetServer, publish, read_result


@pytest.fixture
def server(tmp_path: Path) -> SupersetServer:
    return SupersetServer(
        python=tmp_path / "python",
        state=tmp_path / "state",
        metadata_uri="postgresql+psycopg2://superset@127.0.0.1:1/superset",
        metadata_password_file=tmp_path / "metadata",
        secret_key_file=tmp_path / "secret",
        guest_token_secret_file=tmp_path / "guest",
    )


def pretend(server: SupersetServer, script: str) -> None:
    """Let a small program stand for Superset's loader: it gets the loader's file and the request's as arguments."""
    server.python.write_text(f"#!{sys.executable}\nimport json, os, sys\n{script}\n", "utf-8")
    server.python.chmod(server.python.stat().st_mode | stat.S_IXUSR)


def run(server: SupersetServer, tmp_path: Path, **more: bool):
    uri = "postgresql+psycopg2://reader:geheim@127.0.0.1:1/park"
    return publish(server, database_uri=uri, admin_password_file=tmp_path / "admin", **more)


PLAN = '{"create": ["chart/a"], "update": [], "unchanged": ["chart/b"], "prune": ["chart/c"]}'


def test_the_result_of_the_loader_is_reported(server: SupersetServer, tmp_path: Path):
    pretend(
        server,
        f"""print(json.dumps({{"ok": True, "plan": json.loads('{PLAN}'), "kept": [], "seconds": {{}}}}))""",
    )
    assert run(server, tmp_path).lines() == ["新增 chart/a", "删除 chart/c", "未变 1 项"]


def test_the_loader_gets_the_bundle_in_a_private_file_that_is_gone_afterwards(server: SupersetServer, tmp_path: Path):
    seen = tmp_path / "seen.json"
    script = f"""
request = json.load(open(sys.argv[2]))
seen = {{"mode": oct(os.stat(sys.argv[2]).st_mode & 0o777), "plan": request["plan"],
        "bundle": sorted(request["bundle"]),
        "in_environment": "geheim" in str(dict(os.environ)), "config": os.environ["SUPERSET_CONFIG_PATH"]}}
open({str(seen)!r}, "w").write(json.dumps(seen))
print(json.dumps({{"ok": True, "plan": json.loads('{PLAN}'), "seconds": {{}}}}))
"""
    pretend(server, script)
    run(server, tmp_path, plan=True)
    got = yaml.safe_load(seen.read_text("utf-8"))
    assert got["mode"] == "0o600"
    assert got["plan"] is True
    assert "dashboards/park_overview.yaml" in got["bundle"]
    assert got["in_environment"] is False
    assert got["config"] == str(CONFIG_FILE)
    assert not (server.state / "request.json").exists()


def test_an_empty_chart_makes_publishing_fail_with_its_name(server: SupersetServer, tmp_path: Path):
    pretend(
        server,
        """print(json.dumps({"ok": False, "error": "chart/park_overview/pm25: is empty"})); sys.exit(1)""",
    )
    with pytest.raises(PublishError, match="chart/park_overview/pm25: is empty"):
        run(server, tmp_path)


def test_a_loader_that_dies_is_quoted(server: SupersetServer, tmp_path: Path):
    pretend(server, """print("could not connect to server", file=sys.stderr); sys.exit(3)""")
    with pytest.raises(PublishError, match=r"code 3 .*could not connect to server.*loader\.log"):
        run(server, tmp_path)


def test_a_missing_environment_names_the_remedy(server: SupersetServer, tmp_path: Path):
    with pytest.raises(PublishError, match="not installed; run `make setup`"):
        run(server, tmp_path)


def test_a_result_without_words_is_an_error(tmp_path: Path):
    with pytest.raises(PublishError, match="last words: nothing"):
        read_result("", 1, tmp_path / "none.log")


def test_the_lock_holds_no_mirror():
    for line in (ENVIRONMENT_FOLDER / "uv.lock").read_text("utf-8").splitlines():
        if line.startswith("source = { registry"):
            assert line == 'source = { registry = "https://pypi.org/simple" }'


def test_reviewed_wording_keeps_the_placeholders_of_the_interface():
    wording = yaml.safe_load((ENVIRONMENT_FOLDER / "wording_zh.yaml").read_text("utf-8"))
    assert wording["Sign in"] == "登录"
    for english, chinese in wording.items():
        assert isinstance(english, str), f"{english!r}: quote the key"
        assert (english.count("%s"), english.count("%d")) == (chinese.count("%s"), chinese.count("%d")), english
