"""How values of a column are written in each format: the SQL that selects them."""

from __future__ import annotations

from enum import StrEnum

from psycopg import sql

from api.marts.columns import Column, Family


class Rendering(StrEnum):
    """For whom values are selected."""

    JSON = "json"
    CSV = "csv"
    ARROW = "arrow"


def select_expression(column: Column, rendering: Rendering) -> sql.Composed:
    """Return the SQL that selects a column under its own name.

    Instants are texts in ISO 8601 with Z in JSON and CSV. Exact numbers keep their digits in CSV and become floating
    point elsewhere, as JSON readers and Arrow tools without decimals would do with them anyway.
    """
    name = sql.Identifier(column.name)
    return sql.SQL("{} as {}").format(_expression(column, rendering).format(name), name)


def _expression(column: Column, rendering: Rendering) -> sql.SQL:
    is_text_format = rendering is not Rendering.ARROW
    if is_text_format and column.family is Family.INSTANT:
        # The session's zone is UTC, so the text ends in +00.
        return sql.SQL("replace(replace({}::text, ' ', 'T'), '+00', 'Z')")
    if is_text_format and column.family is Family.TIMESTAMP:
        return sql.SQL("replace({}::text, ' ', 'T')")
    if column.type_name == "numeric":
        return sql.SQL("{}::text" if rendering is Rendering.CSV else "{}::double precision")
    if column.family in (Family.OTHER, Family.UUID):
        return sql.SQL("to_json({})" if rendering is Rendering.JSON else "{}::text")
    if column.family is Family.TEXT:
        return sql.SQL("{}::text")
    return sql.SQL("{}")
