"""The reports: one file each, listed here once. Adding one touches its file, its tests and this tuple."""

from typing import Any, Final

from odometer.reports import (
    basic_data_table,
    basic_timeline,
    churn_and_engagement,
    churn_data_table,
    churn_event_histogram,
    churn_histogram_days,
    churn_histogram_runtime,
    churn_histogram_sessions,
    client_property_list,
    exceptions,
    full_report,
    generic_current,
    generic_date_range,
    last_lines,
    lifetime_data_table,
    lifetime_histogram,
    property_values,
    usage_distribution,
)
from odometer.reports.definition import Report

REPORTS: Final[tuple[Report[Any, Any], ...]] = (
    generic_date_range.REPORT,
    generic_current.REPORT,
    property_values.REPORT,
    basic_data_table.REPORT,
    basic_timeline.REPORT,
    lifetime_data_table.REPORT,
    lifetime_histogram.REPORT,
    full_report.REPORT,
    churn_data_table.REPORT,
    churn_event_histogram.REPORT,
    client_property_list.REPORT,
    usage_distribution.REPORT,
    churn_histogram_days.REPORT,
    churn_histogram_runtime.REPORT,
    churn_histogram_sessions.REPORT,
    churn_and_engagement.REPORT,
    exceptions.REPORT,
    last_lines.CUSTOM_EVENTS,
    last_lines.EXCEPTIONS,
)
