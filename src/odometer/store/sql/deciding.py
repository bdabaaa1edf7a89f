"""Which of its active days decides what a unit is, as conditions on the rows of `client_day`.

Statements bind `start` and `stop` (the range), `today`, and `silence` where a loss is dated by the day it is declared.
"""

from dataclasses import dataclass
from typing import Final

from odometer.model.calendar import Split
from odometer.store.sql.buckets import IN_RANGE, NO_BUCKET, bucket_of, last_in_bucket


@dataclass(frozen=True, slots=True)
class DecidingDay:
    """One day of each client in each bucket.

    Attributes:
        where: which rows, by `day`, `next_day` and `install` of a client.
        bucket: an expression over `day`; of a group the last day in each bucket decides.

    """

    where: str
    bucket: str = NO_BUCKET


def last_in(split: Split | None) -> DecidingDay:
    """The last day in each bucket of the range (chapter 02, The bucket rule); without a split in the range."""
    return DecidingDay(f"day {IN_RANGE} AND {last_in_bucket(split)}", bucket_of(split))


INSTALL_DAY: Final = DecidingDay(f"day = install AND day {IN_RANGE}")
LAST_KNOWN: Final = DecidingDay("next_day > {today:Date} AND day <= {today:Date}")
DECLARED_LOST_ON: Final = "day + {silence:UInt16}"
# Of a last active day `day`: it lies so far back that the client is lost (chapter 03, Meaning).
IS_SILENT: Final = f"{DECLARED_LOST_ON} <= {{today:Date}}"
# Of those who are silent so long in the range that they are declared lost.
LAST_BEFORE_LOSS: Final = DecidingDay(f"next_day > {{today:Date}} AND {DECLARED_LOST_ON} {IN_RANGE}")
