"""What every endpoint works with: database, artifacts, keys, labels and the clock of one application."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from api.database import Database
from lakehouse.artifacts import ArtifactStore
from security.key_provider import KeyProvider
from semantic.catalogue import Catalogue


@dataclass(frozen=True)
class Context:
    """The parts of one application; none of them connects before it is used.

    Args:
        database: the warehouse.
        artifacts: reports and tiles.
        keys: holder of the key under which tokens are kept.
        catalogue: labels and metrics.
        clock: the present moment, with a time zone.
    """

    database: Database
    artifacts: ArtifactStore
    keys: KeyProvider
    catalogue: Catalogue
    clock: Callable[[], datetime]


async def _context_of(request: Request) -> Context:  # async: a plain function would cost a thread
    found: Context = request.app.state.context
    return found


InContext = Annotated[Context, Depends(_context_of)]
