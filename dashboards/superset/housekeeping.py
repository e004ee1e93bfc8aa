# ruff: noqa: ANN401 - Superset ships no types
"""Superset's own metadata, roles and administrator, and the roles we add.

Imported inside Superset's application context only: its models need one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import superset
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from errors import LoadError
from flask_migrate import upgrade
from superset import appbuilder, db, security_manager
from superset.models.core import Database
from werkzeug.security import check_password_hash

_MIGRATIONS = str(Path(superset.__file__).parent / "migrations")


def _revisions() -> tuple[set[str], set[str]]:
    """Return the revisions of the metadata database: those present, and the newest."""
    config = Config()
    config.set_main_option("script_location", _MIGRATIONS)
    with db.engine.connect() as connection:
        present = set(MigrationContext.configure(connection).get_current_heads())
    return present, set(ScriptDirectory.from_config(config).get_heads())


def metadata_exists() -> bool:
    """Tell whether the metadata database was ever prepared."""
    return bool(_revisions()[0])


def bring_metadata_up_to_date() -> bool:
    """Upgrade the metadata database if it is not at the newest revision; tell whether it was needed."""
    present, newest = _revisions()
    if present == newest:
        return False
    upgrade(directory=_MIGRATIONS)
    return True


def bring_roles_up_to_date(*, after_upgrade: bool) -> None:
    """Write Superset's own permissions and roles, which change only with its version."""
    admin = security_manager.find_role("Admin")
    if after_upgrade or admin is None or not admin.permissions or security_manager.find_role("Gamma") is None:
        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()


def ensure_admin(admin: dict[str, str]) -> Any:
    """Create the administrator, or give an existing one the password of the file."""
    password = Path(admin["password_file"]).read_text("utf-8").strip()
    user = security_manager.find_user(username=admin["username"])
    role = security_manager.find_role("Admin")
    if user is None:
        user = security_manager.add_user(admin["username"], "园区", "管理员", admin["email"], role, password=password)
        if not user:
            raise LoadError(f"Superset refused to create the administrator {admin['username']}; see its log.")
    elif not check_password_hash(user.password, password):
        security_manager.reset_password(user.id, password)
    return user


def apply_roles(roles: dict[str, Any], public: list[dict[str, str]]) -> None:
    """Write our roles: the permissions of the roles they are like, and the databases they may read."""
    for name, role_spec in roles.items():
        role = security_manager.find_role(name) or security_manager.add_role(name)
        permissions = []
        for base in role_spec["like"]:
            found = security_manager.find_role(base)
            if found is None:
                raise LoadError(f"access/roles.yaml: {name}: like: Superset has no role {base!r}; correct the name.")
            permissions += found.permissions
        for database_name in role_spec["databases"]:
            database = db.session.query(Database).filter_by(database_name=database_name).one_or_none()
            if database is None:
                raise LoadError(
                    f"access/roles.yaml: {name}: databases: {database_name!r} is not published; correct it."
                )
            permissions.append(security_manager.add_permission_view_menu("database_access", database.perm))
        role.permissions = list(dict.fromkeys(permissions))
    anybody = security_manager.find_role("Public") or security_manager.add_role("Public")
    for item in public:
        permission = security_manager.add_permission_view_menu(item["permission"], item["view"])
        security_manager.add_permission_role(anybody, permission)
    db.session.commit()
