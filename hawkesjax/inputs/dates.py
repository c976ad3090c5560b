"""Dates as files write them: as day/month/year, serial numbers, or seconds since 1970."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import ABSENT, Rows, refuse

EPOCHS = {"seconds": "s", "milliseconds": "ms", "microseconds": "us", "nanoseconds": "ns"}
SERIAL = "excel"
ZERO = "1899-12-30"  # day 0 of spreadsheets, which agree with the calendar from day 61 on
TOKENS = {"yyyy": "%Y", "yy": "%y", "mm": "%m", "m": "%m", "dd": "%d", "d": "%d"}
PLAIN = re.compile(r"(yyyy|yy|mm?|dd?)([/.-])(yyyy|yy|mm?|dd?)\2(yyyy|yy|mm?|dd?)", re.IGNORECASE)
CLOCKS = ("", "%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p")
# Day and month in either order, then a year; year, month and day; the formats of mail and of X.
EITHER = r"^\s*(\d{1,2})([/.-])(\d{1,2})\2\d{4}(?=$|[T ,])"
YEAR_FIRST = r"^\s*\d{4}([/.])\d{1,2}\1\d{1,2}(?=$|[T ])"
NAMED = {
    r"^\s*[A-Z][a-z]{2} [A-Z][a-z]{2} \d{2} [\d:]{8} [+-]\d{4} \d{4}\s*$": (
        "%a %b %d %H:%M:%S %z %Y"
    ),
    r"^\s*[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} [\d:]{8} [+-]\d{4}\s*$": (
        "%a, %d %b %Y %H:%M:%S %z"
    ),
}

# Names are read in the language of the locale, and in English whatever it is: files travel.
MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september",
          "october", "november", "december")  # fmt: skip
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NUMBERS = {name[:size]: f"{n:02}" for n, name in enumerate(MONTHS, 1) for size in (3, len(name))}
MONTH = re.compile(rf"\b(?:{'|'.join(NUMBERS)})\b", re.IGNORECASE)
DAY = re.compile(rf"\b(?:{'|'.join(f'{name}|{name[:3]}' for name in DAYS)})\b", re.IGNORECASE)
HALF_DAY = re.compile(
    r"\b(0?[1-9]|1[0-2])((?:[:.h]\d{2}){0,2}(?:\.\d+)?)\s*([ap])m\b", re.IGNORECASE
)


def format_of(dates: str) -> str:
    """The name of a kind of number, or the `strftime` format of a way of writing dates.

    Raises:
        ValueError: for anything else.
    """
    name = dates.strip().lower()
    if name in EPOCHS or name == SERIAL or "%" in dates:
        return dates if "%" in dates else name
    found = PLAIN.fullmatch(name)
    parts = [] if found is None else [TOKENS[found[n]] for n in (1, 3, 4)]
    if found is None or {part.lower() for part in parts} != {"%y", "%m", "%d"}:
        raise ValueError(
            f"dates={dates!r} is not known. Give 'dd/mm/yyyy' or 'mm/dd/yyyy' (with / . or -), a "
            f"format such as '%d.%m.%Y %H:%M', 'excel', or {', '.join(map(repr, EPOCHS))} (since "
            f"1970)."
        )
    return found[2].join(parts)


def as_written(dates: str | None) -> bool:
    """Whether dates must be read as text, because their format determines what the digits mean."""
    return dates is not None and "%" in format_of(dates)


def read_dates(series: Any, dates: str | None, column: str, rows: Rows) -> Any:
    """A column of times with its dates parsed; numbers and ISO text are left as they are.

    Args:
        dates: as in `Dialect`.

    Raises:
        ValueError: for text that is not such a date, and where the order of day and month is
            ambiguous; names the rows.
    """
    numeric, dated = pd.api.types.is_numeric_dtype, pd.api.types.is_datetime64_any_dtype
    if dates is None and (numeric(series.dtype) or dated(series.dtype)):
        return series
    missing = series.isna().to_numpy(bool) | series.isin(list(ABSENT)).to_numpy(bool)
    if missing.all():
        return series
    if dates is not None:
        way = format_of(dates)
        read = _formatted if "%" in way else _numbered
        return read(series, way, dates, column, rows, missing)
    text = series.where(~missing, "").map(lambda v: v if isinstance(v, str) else "").astype("str")
    for pattern, way in NAMED.items():
        if _mostly(text.str.match(pattern), missing):
            return _formatted(series, way, way, column, rows, missing)
    years = text.str.extract(YEAR_FIRST, expand=False)
    if _mostly(years.notna(), missing):
        mark = str(years.dropna().iloc[0])
        way = mark.join(("yyyy", "mm", "dd"))
        return _formatted(series, format_of(way), way, column, rows, missing)
    parts = text.str.extract(EITHER)
    if not _mostly(parts[0].notna(), missing):
        return series
    way = _order(parts, text, column, rows)
    return _formatted(series, format_of(way), way, column, rows, missing)


def _mostly(found: Any, missing: np.ndarray) -> bool:
    return bool(2 * found.sum() > (~missing).sum())


def _order(parts: Any, text: Any, column: str, rows: Rows) -> str:
    """Day or month first, if the rows determine it."""
    there = parts[0].notna().to_numpy(bool)
    first, second = (parts[n].fillna("0").astype(int).to_numpy() for n in (0, 2))
    day_first, month_first = first > 12, second > 12
    mark = str(parts[1][there].iloc[0])
    ways = [mark.join(part) for part in (("dd", "mm", "yyyy"), ("mm", "dd", "yyyy"))]
    if day_first.any() and month_first.any():
        few = day_first if day_first.sum() <= month_first.sum() else month_first
        what = "a date whose day and month stand in another order than in other rows"
        refuse(few, column, what, "Write all dates in the same way.", text, rows)
    if not (day_first.any() or month_first.any()):
        raise ValueError(
            f"Column {column!r}: dates such as {text[there].iloc[0]!r} may have the day first or "
            f"the month. Pass dates={ways[0]!r} or dates={ways[1]!r}."
        )
    return ways[0] if day_first.any() else ways[1]


def _formatted(
    series: Any, way: str, dates: str, column: str, rows: Rows, missing: np.ndarray
) -> Any:
    """Text in a `strftime` format; a date alone may be followed by a time of day."""
    plain = series.astype(object).where(~missing, "")
    text = plain.map(lambda v: str(v).strip()).astype("str")
    if way in ("%Y%m%d", "%Y%m"):
        text = text.str.removesuffix(".0")  # a column with missing values was read as floats
    utc = "%z" in way
    clocked = "%" not in dates
    if clocked:
        text = text.str.replace(r"(?<=\d)(?:T|, )(?=\d)", " ", regex=True)
    out: Any = pd.Series(
        pd.NaT, text.index, dtype="datetime64[us, UTC]" if utc else "datetime64[us]"
    )
    cells = plain.map(lambda v: hasattr(v, "isoformat")).to_numpy(bool)
    if cells.any() and not utc:  # from a sheet, in which some cells are dates already
        out[cells] = pd.to_datetime(plain[cells]).astype(out.dtype)
    for clock in CLOCKS if clocked else ("",):
        left = out.isna().to_numpy(bool) & ~missing
        if not left.any():
            break
        found: Any = pd.to_datetime(
            text[left], format=f"{way} {clock}".strip(), errors="coerce", utc=utc
        )
        out[left] = found.astype(out.dtype)
        left = out.isna().to_numpy(bool) & ~missing
        if left.any() and re.search("%[aAbBp]", f"{way}{clock}"):
            english, plainly = _without_names(text[left], f"{way} {clock}".strip())
            found = pd.to_datetime(english, format=plainly, errors="coerce", utc=utc)
            out[left] = found.astype(out.dtype)
    wrong = out.isna().to_numpy(bool) & ~missing
    what = f"text that is not a date of the form {dates}"
    refuse(wrong, column, what, "Correct it, or pass another format as dates=.", series, rows)
    return out


def _without_names(text: Any, way: str) -> tuple[Any, str]:
    """Text and its format with English names of months as numbers, and halves of the day as hours
    of 24; names of days say nothing that the date does not."""

    def hour(found: re.Match[str]) -> str:
        return f"{int(found[1]) % 12 + 12 * (found[3] in 'pP'):02}{found[2]}"

    text = text.str.replace(MONTH, lambda found: NUMBERS[found[0].lower()], regex=True)
    text = text.str.replace(DAY, "", regex=True)
    if "%I" in way:
        text = text.str.replace(HALF_DAY, hour, regex=True)
        way = re.sub(r"\s*%p", "", way.replace("%I", "%H"))
    return text.str.strip(), re.sub("%[aA]", "", re.sub("%[bB]", "%m", way)).strip()


def _numbered(
    series: Any, way: str, dates: str, column: str, rows: Rows, missing: np.ndarray
) -> Any:
    """Days of a spreadsheet, or a number of seconds and their parts since 1970."""
    given = series.astype(object).where(~missing, None)
    numbers: Any = pd.to_numeric(given, errors="coerce")
    remedy = f"Give a number in every row, or leave dates={dates!r} out."
    refuse(numbers.isna() & ~missing, column, "text that is not a number", remedy, series, rows)
    if way == SERIAL:
        days = numbers.to_numpy(np.float64, na_value=np.nan)
        wrong = ~missing & ~((days >= 61) & (days < 130_000))
        what = "not a day of a spreadsheet (61 is 1 March 1900)"
        refuse(wrong, column, what, "Correct it, or name another format of dates.", series, rows)
        steps = np.rint(np.where(missing, 0, days) * 86_400_000).astype("timedelta64[ms]")
        out: Any = pd.Series(pd.Timestamp(ZERO).as_unit("ms") + pd.to_timedelta(steps))
    else:
        whole = pd.api.types.is_integer_dtype(pd.Series(numbers[~missing]).infer_objects().dtype)
        if whole and missing.any():
            numbers = numbers.astype("Int64")
        out = pd.Series(pd.to_datetime(numbers, unit=EPOCHS[way], utc=True, errors="coerce"))
        what = f"not a number of {way} since 1970 that is a date"
        wrong = out.isna().to_numpy(bool) & ~missing
        refuse(wrong, column, what, "Is it in another unit?", series, rows)
    return out.where(~missing, pd.NaT)
