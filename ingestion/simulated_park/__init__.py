"""The source systems of an invented park, really speaking their protocols; a pure function of seed, size and moment."""
