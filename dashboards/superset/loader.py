"""Puts a bundle of assets into Superset, prunes what we no longer want, and runs every chart's query once.

Runs in Superset's own environment, as one process (a boot costs ten seconds): reads one JSON request from the file
given as the only argument, prints one JSON result on standard output, and ends with 0 only when all went well.

Request:
    bundle: path → YAML text, from `dashboards.build`.
    namespace: the uuid under which our uuids are computed.
    database_uri: SQLAlchemy URI of the warehouse for readers, with its password.
    admin: username, email, password_file.
    roles, public: content of `dashboards/access/roles.yaml`.
    plan: true only compares, and changes nothing.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from errors import LoadError
from superset.app import create_app
from superset.utils.core import override_user


class Stopwatch:
    """Seconds spent per step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one step."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = round(time.monotonic() - started, 2)


def load(request: dict[str, Any], watch: Stopwatch) -> dict[str, Any]:
    """Do everything the request asks for, inside an application context.

    Raises:
        LoadError: Superset refused something, or a chart errs or is empty.
    """
    import housekeeping  # noqa: PLC0415 - Superset's models can be imported inside a context only
    import reconciling  # noqa: PLC0415
    import verification  # noqa: PLC0415

    bundle: dict[str, str] = request["bundle"]
    namespace = UUID(request["namespace"])
    if request["plan"]:
        with watch.step("compare"):
            if not housekeeping.metadata_exists():
                return {"plan": reconciling.all_new(bundle)}
            return {"plan": reconciling.compare(bundle, namespace)}
    with watch.step("metadata"):
        upgraded = housekeeping.bring_metadata_up_to_date()
    with watch.step("roles"):
        housekeeping.bring_roles_up_to_date(after_upgrade=upgraded)
        user = housekeeping.ensure_admin(request["admin"])
    with override_user(user):
        plan = reconciling.compare(bundle, namespace)
        with watch.step("import"):
            reconciling.import_assets(bundle, request["database_uri"])
            reconciling.import_looks(bundle)
            reconciling.resolve_map_layers(bundle)
        with watch.step("prune"):
            pruned = reconciling.prune(bundle, namespace)
        with watch.step("access"):
            housekeeping.apply_roles(request["roles"], request["public"])
        with watch.step("verify"):
            charts = verification.verify_charts(bundle)
            verification.verify_dashboards(bundle)
    return {"plan": plan, **pruned, "charts": charts}


def main() -> int:
    """Read the request, do the work, print the result."""
    watch = Stopwatch()
    request = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    result: dict[str, Any]
    # Superset and its libraries write where they like; only the result goes to standard output.
    with contextlib.redirect_stdout(sys.stderr):
        with watch.step("boot"):
            app = create_app()
        with app.app_context():
            try:
                result = {"ok": True, **load(request, watch)}
            except LoadError as error:
                traceback.print_exc()
                result = {"ok": False, "error": str(error)}
    sys.stdout.write(json.dumps({**result, "seconds": watch.seconds}, ensure_ascii=False) + "\n")
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
