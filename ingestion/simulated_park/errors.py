"""Errors of the simulated park; each message says what is wrong, where, and what to do."""

from __future__ import annotations


class ForeignFilesError(Exception):
    """The folder holds files of somebody else, which a generator must not touch."""


class ReplayFolderError(Exception):
    """The folder of real series cannot be replayed."""


class PeriodTooEarlyError(Exception):
    """The invented series do not reach back that far."""
