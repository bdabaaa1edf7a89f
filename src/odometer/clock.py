"""The process's only clock. `ODOMETER_TODAY` fixes it whole: today is that day, now is its last millisecond."""

import datetime as dt
import time

DAY_MS = 86_400_000


class Clock:
    """Tells now and today in UTC; with `fixed_day` time stands still at the end of that day."""

    def __init__(self, fixed_day: dt.date | None = None) -> None:
        self._fixed_ms: int | None = None
        if fixed_day is not None:
            self._fixed_ms = (fixed_day - dt.date(1970, 1, 1)).days * DAY_MS + DAY_MS - 1

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1_000_000 if self._fixed_ms is None else self._fixed_ms

    def now(self) -> dt.datetime:
        """The present moment, aware, in UTC."""
        return dt.datetime.fromtimestamp(self.now_ms() / 1000, tz=dt.UTC)

    def today(self) -> dt.date:
        """The present UTC day: T of the definitions."""
        return dt.date(1970, 1, 1) + dt.timedelta(days=self.now_ms() // DAY_MS)
