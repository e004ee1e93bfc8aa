"""Reports: rendered from published marts, signed, and never replaced once shown.

A folder here adds one report: `report.yaml` (what it is), `content.py` (sentences, tables and charts from marts) and
`template.typ` (how it looks). `issue` renders and publishes, `signature` signs and verifies.
"""
