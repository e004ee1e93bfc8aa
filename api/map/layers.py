"""The layers of the map, read from `layers.yaml`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, model_validator

LAYERS_FILE = Path(__file__).with_name("layers.yaml")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LatestState(_Strict):
    """A second mart that tells the present state of a layer's features."""

    mart: str
    on: str
    properties: tuple[str, ...]


class Layer(_Strict):
    """One layer: a mart's rows as features."""

    layer: str
    mart: str
    boundary: str | None = None
    point: tuple[str, str] | None = None
    properties: tuple[str, ...]
    latest: LatestState | None = None
    colour_by: str | None = None

    @model_validator(mode="after")
    def _has_one_geometry(self) -> Self:
        if (self.boundary is None) == (self.point is None):
            message = f"{LAYERS_FILE.name}: {self.layer}: give either boundary or point."
            raise ValueError(message)
        return self

    @property
    def geometry(self) -> str:
        """Whether features are areas or points."""
        return "point" if self.point is not None else "area"


class _LayersFile(_Strict):
    layers: tuple[Layer, ...]


@cache
def map_layers() -> dict[str, Layer]:
    """Return every layer by its name, in the order of the file."""
    content = _LayersFile.model_validate(yaml.safe_load(LAYERS_FILE.read_text("utf-8")))
    return {each.layer: each for each in content.layers}
