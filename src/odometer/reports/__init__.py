"""The reports: one file each, listed here once. Adding one touches its file, its tests and this tuple."""

from typing import Any, Final

from odometer.reports import (
    basic_data_table,
    basic_timeline,
    client_property_list,
    generic_current,
    generic_date_range,
    property_values,
)
from odometer.reports.definition import Report

REPORTS: Final[tuple[Report[Any], ...]] = (
    generic_date_range.REPORT,
    generic_current.REPORT,
    property_values.REPORT,
    basic_data_table.REPORT,
    basic_timeline.REPORT,
    client_property_list.REPORT,
)
