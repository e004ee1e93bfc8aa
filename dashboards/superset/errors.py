"""The error with which loading ends when people have something to mend."""


class LoadError(RuntimeError):
    """Publishing failed; the message names the asset and the remedy."""
