"""`make bench`: how fast the platform is on this machine, beside a bare DuckDB query over the same archive files."""
