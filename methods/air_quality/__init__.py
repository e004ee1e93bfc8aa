"""Air quality: daily means, the index by edition in force, the ambient limits by period in force."""

from methods.air_quality.index import daily_index, hourly_index, measured_items
from methods.air_quality.limits import compare_with_limits
from methods.air_quality.means import daily_means
from methods.air_quality.published_hours import named_items, published_hours
from methods.air_quality.standards import IndexStandards, ReadingsError, StandardRowsError

__all__ = [
    "IndexStandards",
    "ReadingsError",
    "StandardRowsError",
    "compare_with_limits",
    "daily_index",
    "daily_means",
    "hourly_index",
    "measured_items",
    "named_items",
    "published_hours",
]
