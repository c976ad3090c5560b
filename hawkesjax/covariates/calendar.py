"""Features of the calendar: cells within which the local day, hour and so on are constant."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from hawkesjax.covariates.cells import fields, merged
from hawkesjax.covariates.features import distinct, listed_features, one_hot
from hawkesjax.inputs.arguments import checked
from hawkesjax.inputs.checks import listed, listed_once, short
from hawkesjax.inputs.clock import stamps
from hawkesjax.inputs.spans import Span, read_span
from hawkesjax.inputs.windows import pair_of

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
HOURS = tuple(range(24))
LEVELS = {"day": DAYS, "hour": HOURS, "month": MONTHS}
NUMBERS: dict[str, Callable[[Any], Any]] = {
    "day": lambda local: local.day_of_week,
    "hour": lambda local: local.hour,
    "month": lambda local: local.month - 1,
    "halfday": lambda local: local.hour < 12,
    "weekend": lambda local: local.day_of_week >= 5,
}
# A feature that is determined by a one-hot feature.
WITHIN = {"weekend": "day", "halfday": "hour"}
HOUR = 3600 * 10**9
HARMONICS = re.compile(r"hour:([1-9]|1[0-2])|day:([1-9]|[1-7]\d|8[0-4])")
COUNTRY = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")


class FromCalendar:
    """The constructor of `Covariates` from the calendar."""

    @classmethod
    @checked
    def calendar(
        cls,
        window: Any,
        *,
        unit: str,
        timezone: str | None = None,
        origin: Any = None,
        features: Sequence[str] = ("day", "hour"),
        coding: Literal["onehot", "numeric"] = "onehot",
        reference: Mapping[str, Any] | None = None,
        holidays: Any = None,
        intercept: bool = True,
    ) -> Self:
        """Features of the local calendar over a window.

        A cell ends where a feature changes on the local clock: the day on which clocks go
        forward has 23 hours, and the hour that is repeated in autumn is twice as long.

        Args:
            window: (start, end), datetimes or their text, or numbers in `unit` since `origin`.
            unit: "second", "minute", "hour", "day" or "week".
            timezone: the zone of the calendar ("Europe/Madrid"), and of datetimes without one.
                Without it the datetimes' own zone or offset counts; those without any are taken
                as they are, on a clock without daylight saving.
            origin: datetime of the numbers' 0.
            features: any of "day" (of the week), "hour" (0 to 23), "month", "halfday" (1 before
                noon, 0 from noon) and "weekend" (1 on Saturday and Sunday); and "hour:2", the first
                two harmonics of the local hour, `sin` and `cos` of 1 and 2 cycles per day at the
                middle of each hour (and "day:3" over the week, hour by hour), which need fewer
                parameters than a level for each hour.
            coding: `"onehot"`: day, hour and month each as one feature per level (`day=Tuesday`,
                `hour=13`, `month=May`) except the reference, which the intercept represents.
                `"numeric"`: each as one number, Monday 0 to Sunday 6, 0 to 23, January 1 to
                December 12, which forces a linear trend over them; for replication.
            reference: feature -> its level without a feature: Monday, 0, January by default.
            holidays: local dates; adds a feature "holiday", 1 on them and 0 on all others. A
                country ("ES") or a part of one ("ES-MD"), from the package holidays (`pip install
                "hawkesjax[calendar]"`); an object of that package is evaluated for every day of the
                window.
            intercept: put a feature "intercept" first that is 1 everywhere.

        Raises:
            ValueError: for a feature that others contain ("weekend" with one-hot days, "halfday"
                with one-hot hours), if no date is known, and for holidays that all lie before
                or after the window.

        Source: numeric day and half-day are the coding of Pulido and Gomez (2024), arXiv
        2402.03378, who do not say which day is 0.
        """
        features = distinct([str(name) for name in listed_features(features)])
        reference = {} if reference is None else reference
        _check(features, coding, reference)
        numbers = all(isinstance(bound, Real) for bound in pair_of(window))
        if numbers and origin is None:
            raise ValueError(
                "The window is in numbers: pass origin=, the datetime at which they are 0, so that "
                "the calendar is known."
            )
        span = read_span(window, unit, origin, timezone)
        if not span.clock.dated:
            raise ValueError(f"window={short(window)} holds numbers as text. Give datetimes.")
        fine = any(name in ("hour", "halfday") or ":" in name for name in features)
        steps = _boundaries(span, fine)
        local = _local(steps[:-1], span.clock.zone)
        dates = None if holidays is None else _dates(holidays, local)
        names: list[str] = []
        blocks: list[np.ndarray] = [np.zeros((len(local), 0))]
        for name in features:
            if ":" in name:
                columns, block = _harmonics(name, local)
                names.extend(columns)
                blocks.append(block)
                continue
            codes = np.asarray(NUMBERS[name](local))
            if coding == "onehot" and name in LEVELS:
                columns, block = one_hot(codes, LEVELS[name], reference.get(name), name)
            else:
                columns, block = (name,), codes.astype(np.float64)[:, None]
                block += name == "month"
            names.extend(columns)
            blocks.append(block)
        if dates is not None:
            names.append("holiday")
            blocks.append(np.asarray(local.normalize().isin(dates), np.float64)[:, None])
        steps, values = merged(steps, np.concatenate(blocks, axis=1))
        return cls(**fields(span, steps, distinct(names), values, intercept, timezone))


def _check(features: tuple[str, ...], coding: str, reference: Mapping[str, Any]) -> None:
    unknown = [name for name in features if name not in NUMBERS and not HARMONICS.fullmatch(name)]
    if unknown:
        raise ValueError(
            f"features name {listed(unknown)}; the calendar has {listed(NUMBERS)}, harmonics as in "
            f"'hour:2' and 'day:3' (up to 12 of an hour, 84 of a day), and holidays=."
        )
    if not isinstance(reference, Mapping):
        raise ValueError(
            f"reference is {short(reference)}; it must map the names of features to levels."
        )
    stray = [name for name in reference if name not in LEVELS or name not in features]
    if stray:
        raise ValueError(
            f"reference names {listed(stray)}; among these features only "
            f"{listed([name for name in features if name in LEVELS])} have levels."
        )
    if coding == "numeric" and reference:
        raise ValueError("reference has no meaning with coding='numeric': there are no levels.")
    for name in features:
        part, _, count = name.partition(":")
        if count and (part in features or (part == "day" and "hour" in features)):
            raise ValueError(
                f"{name!r} is determined by the levels of {part!r} or of 'hour', so their "
                f"effects cannot be told apart. Leave one of them out."
            )
    for name, whole in WITHIN.items():
        if coding == "onehot" and name in features and whole in features:
            raise ValueError(
                f"{name!r} is a sum of features of {whole!r}, so their effects cannot be told "
                f"apart. Leave one of them out."
            )


def _harmonics(name: str, local: pd.DatetimeIndex) -> tuple[tuple[str, ...], np.ndarray]:
    """Sines and cosines over the day, or the week, at the middle of each hour."""
    part, _, count = name.partition(":")
    hours = np.asarray(local.hour) + 0.5
    period = 24 if part == "hour" else 168
    if part == "day":
        hours = hours + 24 * np.asarray(local.day_of_week)
    names, columns = [], []
    for k in range(1, int(count) + 1):
        angle = 2 * np.pi * k * hours / period
        names += [f"sin {k}/{part}", f"cos {k}/{part}"]
        columns += [np.sin(angle), np.cos(angle)]
    return tuple(names), np.stack(columns, axis=1)


def _of_country(code: str, years: list[int]) -> Any:
    """The holidays of a country, or of a part of it, as dates."""
    try:
        import holidays
    except ImportError as error:
        raise ImportError(
            f'holidays={code!r} needs the package holidays: pip install "hawkesjax[calendar]".'
        ) from error
    country, _, part = code.partition("-")
    try:
        found = holidays.country_holidays(country, subdiv=part or None, years=years)
    except NotImplementedError as error:
        raise ValueError(
            f"holidays={code!r}: the package holidays has no such country, or no such part of it."
        ) from error
    return sorted(found)


def _dates(holidays: Any, local: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Local dates, without a time of day; refused unless some lie in the window."""
    days: Any = pd.date_range(*local[[0, -1]].normalize())
    if hasattr(holidays, "expand") and hasattr(holidays, "years"):  # filled on demand
        items = [day for day in days if day.date() in holidays]
        lacking = sorted(set(days.year) - set(holidays.years))
        if lacking:
            raise ValueError(
                f"holidays have no entries for {listed(lacking)}. Make them with years=, or with "
                f"expand=True."
            )
        return pd.DatetimeIndex(items)
    if isinstance(holidays, str) and COUNTRY.fullmatch(holidays):
        holidays = _of_country(holidays, sorted(set(days.year.tolist())))
    if isinstance(holidays, (str, bytes)):
        holidays = [holidays]
    items = listed_once(holidays)
    if items is None:
        raise ValueError(f"holidays are {short(holidays)}. Give a list of local dates.")
    if not items:
        raise ValueError("holidays hold no date. Give those of the window, or leave holidays= out.")
    try:
        stamps: Any = [pd.Timestamp(item) for item in items]
    except Exception as error:  # a class of the user's may raise anything
        raise ValueError(f"holidays hold an invalid date: {short(error, 100)}.") from error
    for item, stamp in zip(items, stamps, strict=True):
        if isinstance(item, Real) or pd.isna(stamp):
            raise ValueError(f"holidays hold {short(item)}, not a date. Give local dates.")
        if stamp.tzinfo is not None or stamp != stamp.normalize():
            raise ValueError(
                f"holidays hold {short(item)}, with a time of day or zone. Give local dates, as in "
                f"'2024-12-25'."
            )
    dates: Any = pd.DatetimeIndex(stamps)
    if dates.max() < days[0] or dates.min() > days[-1]:
        raise ValueError(
            f"holidays reach from {dates.min().date()} to {dates.max().date()}, the window from "
            f"{days[0].date()} to {days[-1].date()}: none lies in it. Give those of the window."
        )
    return dates


def _local(ticks: np.ndarray, zone: Any) -> pd.DatetimeIndex:
    """Wall-clock times, without their zone, from nanoseconds since 1970."""
    return stamps(ticks, zone).tz_localize(None)


def _boundaries(span: Span, fine: bool) -> np.ndarray:
    """Moments at which the local date (or hour, if `fine`) may change, and the window's ends.

    The wall clock shows a full hour once, twice (autumn) or never (spring): each occurrence is
    a boundary, and so is each moment at which the clock is put forward or back.
    """
    low, high = (int(step) for step in span.clock.values)
    step, zone = "h" if fine else "D", span.clock.zone
    first, last = (_local(np.array([t]), zone)[0] for t in (low - 2 * HOUR, high + 2 * HOUR))
    wall = pd.date_range(first.floor(step), last.ceil(step), freq=step, unit="ns")
    if zone is None:
        ticks = wall.to_numpy().astype(np.int64)
    else:
        summer = np.ones(len(wall), bool)
        both = [
            wall.tz_localize(zone, ambiguous=early, nonexistent="shift_forward")
            for early in (summer, ~summer)
        ]
        ticks = np.concatenate([b.tz_convert("UTC").as_unit("ns").asi8 for b in both])
        ticks = np.concatenate([ticks, _changes(low, high, zone)])
    inside = np.unique(ticks[(ticks > low) & (ticks < high)])
    return np.concatenate([[low], inside, [high]])


def _changes(low: int, high: int, zone: Any) -> np.ndarray:
    """Moments at which the zone's offset from UTC changes, to the second, by bisection."""

    def offsets(ticks: np.ndarray) -> np.ndarray:
        return _local(ticks, zone).as_unit("ns").asi8 - ticks

    grid = np.arange(low // HOUR * HOUR, high + HOUR, HOUR)
    shift = offsets(grid)
    where = np.flatnonzero(np.diff(shift))
    before, after, old = grid[where], grid[where + 1], shift[where]
    while len(where) and np.max(after - before) > 10**9:
        middle = before + (after - before) // 2 // 10**9 * 10**9
        same = offsets(middle) == old
        before, after = np.where(same, middle, before), np.where(same, after, middle)
    return after
