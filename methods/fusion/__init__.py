"""Fusion: several points of one quantity, one point over time, several signs of one event (safety reference 4.6)."""

from methods.fusion.evidence import combined_evidence
from methods.fusion.redundancy import Fused, fused_points
from methods.fusion.rules import FusionError
from methods.fusion.tracking import Tracked, tracked_points

__all__ = ["Fused", "FusionError", "Tracked", "combined_evidence", "fused_points", "tracked_points"]
