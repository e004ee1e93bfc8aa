"""Fonts of reports and base map, and the script that built them."""
