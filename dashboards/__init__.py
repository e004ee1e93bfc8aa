"""Themes of charts over published marts, compiled into Superset's own asset files and published by reconcile."""
