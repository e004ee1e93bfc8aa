"""The HTTP interface: published marts, metrics, decisions, reports and the map."""
