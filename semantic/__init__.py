"""Metrics and vocabulary: one definition of every figure and label, compiled for each surface."""
