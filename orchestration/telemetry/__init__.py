"""Telemetry from bronze to silver: which pieces are stale, what they are judged by, and who works on them."""
