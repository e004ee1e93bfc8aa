"""Computed identities: the same object has the same uuid on every machine, and ours can be told from others'."""

from __future__ import annotations

from uuid import NAMESPACE_DNS, UUID, uuid5

PARK_NAMESPACE: UUID = uuid5(NAMESPACE_DNS, "dashboards.one-net-lakehouse")


def asset_key(kind: str, *names: str) -> str:
    """Return the readable key of an asset, e.g. `chart/park_overview/park_map`."""
    return "/".join((kind, *names))


def asset_uuid(kind: str, *names: str) -> UUID:
    """Return the uuid of an asset, computed from its key."""
    return uuid5(PARK_NAMESPACE, asset_key(kind, *names))


def is_ours(key: str, identifier: UUID) -> bool:
    """Tell whether an object was made by us: its uuid follows from the key it carries."""
    return uuid5(PARK_NAMESPACE, key) == identifier
