"""The Python values of intervals."""

from collections import namedtuple


class MonthDayNano(namedtuple("MonthDayNano", ["months", "days", "nanoseconds"])):
    """A span of months, days and nanoseconds, made of one sequence of the three."""

    __slots__ = ()

    def __new__(cls, parts):
        return super().__new__(cls, *parts)

    def __getnewargs__(self):
        return (tuple(self),)


class DayTime(namedtuple("DayTime", ["days", "milliseconds"])):
    """A span of days and milliseconds, made of one sequence of the two."""

    __slots__ = ()

    def __new__(cls, parts):
        return super().__new__(cls, *parts)

    def __getnewargs__(self):
        return (tuple(self),)
