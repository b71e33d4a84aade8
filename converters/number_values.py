"""Number columns as doubles, block by block: integers, floats, dates and times by their display format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.types import infer_dtype

from .ibm_float import Floats, outside_range
from .sas_formats import Kind, kind_of_format

MAX_INTEGER = 2**53
"""Beyond it a double skips integers."""

_EPOCH = np.datetime64("1960-01-01", "s").astype(np.int64)
_TICKS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_DAY = 86_400
_MICRO = 1_000_000
_FARTHEST = 2**62
_NAT = np.iinfo(np.int64).min

OUTSIDE = "is outside the range of a transport file (5.4e-79 to 7.2e75)"
TOO_PRECISE = "is an integer beyond 2**53: a double cannot hold it exactly"
NOT_WHOLE = "cannot be held exactly as a number of its format"

Bad = tuple[npt.NDArray[np.intp], str]


class NotNumbersError(TypeError):
    """The column does not hold numbers of the kind its format asks for; the message says why."""


@dataclass(frozen=True, slots=True)
class NumberValues:
    """A column that can be read as doubles; `values` is a pandas or numpy array of the column's own type."""

    values: Any
    kind: Kind | None

    def __len__(self) -> int:
        return len(self.values)

    def floats(self, start: int, stop: int) -> Floats:
        """Return the doubles of these rows."""
        return _floats(self.values[start:stop], self.kind)[0]

    def converted(self, start: int, stop: int) -> tuple[Floats, list[Bad]]:
        """Return the doubles of these rows and what the conversion does not hold exactly."""
        return _floats(self.values[start:stop], self.kind)

    def checked(self, start: int, stop: int) -> tuple[Floats, list[Bad]]:
        """Return the doubles of these rows and what cannot be held (positions within the rows, reason)."""
        floats, bad = self.converted(start, stop)
        outside = outside_range(floats)
        if outside.size:
            bad.append((outside, OUTSIDE))
        return floats, bad


def number_values(column: pd.Series[Any], display_format: str = "") -> NumberValues:
    """Return a column as numbers; raises NotNumbersError with the reason."""
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        values = _categorical(column)
    elif pd.api.types.is_object_dtype(dtype):
        values = _objects(column)
    else:
        values = column.array if pd.api.types.is_extension_array_dtype(dtype) else column.to_numpy()
    kind = values.dtype.kind
    if kind == "b":
        raise NotNumbersError("holds booleans; a submission says Y or N, or 1 and 0")
    if kind not in "iufmM":
        raise NotNumbersError(f"holds {dtype}, not numbers")
    meaning = kind_of_format(display_format)
    _demand_format(values, meaning, display_format)
    return NumberValues(values, meaning)


def _demand_format(values: Any, meaning: Kind | None, display_format: str) -> None:
    if getattr(values.dtype, "tz", None) is not None:
        raise NotNumbersError("holds times with a time zone; SAS has none")
    if values.dtype.kind == "M" and meaning not in ("date", "datetime"):
        raise NotNumbersError(f"holds datetimes, but its format {display_format!r} is of no date, such as DATE9.")
    if values.dtype.kind == "m" and meaning != "time":
        raise NotNumbersError(f"holds durations, but its format {display_format!r} is of no time, such as TIME8.")


def _categorical(column: pd.Series[Any]) -> Any:
    numbers = column.cat.categories.to_numpy()
    if numbers.dtype.kind not in "iuf":
        raise NotNumbersError(f"holds categories of {numbers.dtype}, not numbers")
    return pd.array(numbers).take(column.cat.codes.to_numpy(), allow_fill=True)


def _objects(column: pd.Series[Any]) -> Any:
    found = infer_dtype(column, skipna=True)
    if found == "empty":
        return np.full(len(column), np.nan)
    if found not in ("integer", "floating", "mixed-integer-float"):
        raise NotNumbersError(f"is an object column that holds {found}, not only numbers")
    values: list[Any] = column.tolist()
    whole = [value for value in values if isinstance(value, int | np.integer) and abs(int(value)) > MAX_INTEGER]
    if whole:
        raise NotNumbersError(f"holds {whole[0]}, which {TOO_PRECISE}")
    return pd.to_numeric(column).to_numpy(np.float64, na_value=np.nan)


def _floats(values: Any, meaning: Kind | None) -> tuple[Floats, list[Bad]]:
    kind = values.dtype.kind
    if kind in "mM":
        return _from_times(_integers(values, _NAT), _unit(values), meaning)
    if kind == "f":
        if isinstance(values, np.ndarray):
            return np.ascontiguousarray(values, np.float64), []
        return np.ascontiguousarray(values.to_numpy(np.float64, na_value=np.nan)), []
    whole = values if isinstance(values, np.ndarray) else values.to_numpy(f"{kind}8", na_value=0)
    large = np.flatnonzero((whole > MAX_INTEGER) | (whole < -MAX_INTEGER))
    floats = whole.astype(np.float64)
    if not isinstance(values, np.ndarray):
        floats[np.asarray(values.isna())] = np.nan
    return floats, [(large, TOO_PRECISE)] if large.size else []


def _unit(values: Any) -> str:
    if isinstance(values.dtype, pd.ArrowDtype):
        return str(values.dtype.pyarrow_dtype.unit)
    return str(np.datetime_data(values.dtype)[0])


def _integers(values: Any, missing: int) -> npt.NDArray[np.int64]:
    """Return the ticks of datetimes or durations."""
    if isinstance(values, np.ndarray):
        return values.view(np.int64)
    if isinstance(values.dtype, pd.ArrowDtype):
        return np.asarray(values._pa_array.cast("int64").fill_null(missing).to_numpy(), np.int64)
    return np.asarray(values.asi8, np.int64)


def _from_times(ticks: npt.NDArray[np.int64], unit: str, meaning: Kind | None) -> tuple[Floats, list[Bad]]:
    """Return days or seconds since 1960 (or the seconds of a duration); what `to_times` would not bring back is named."""
    missing = ticks == _NAT
    micros, wrong = _microseconds(np.where(missing, 0, ticks), _TICKS[unit])
    if meaning in ("date", "datetime"):
        micros = micros - _EPOCH * _MICRO
    if meaning == "date":
        wrong |= micros % (_DAY * _MICRO) != 0
        floats = (micros // (_DAY * _MICRO)).astype(np.float64)
    else:
        floats = micros / _MICRO
        wrong |= np.rint(floats * _MICRO).astype(np.int64) != micros
    floats[missing] = np.nan
    bad = np.flatnonzero(wrong & ~missing)
    return floats, [(bad, NOT_WHOLE)] if bad.size else []


def _microseconds(ticks: npt.NDArray[np.int64], rate: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return ticks as microseconds, and where they are finer, or too far away to be counted."""
    if rate > _MICRO:
        step = rate // _MICRO
        return ticks // step, ticks % step != 0
    factor = _MICRO // rate
    far = np.abs(ticks) > _FARTHEST // factor
    return np.where(far, 0, ticks) * factor, far


def to_times(values: Floats, meaning: Kind) -> tuple[Any, npt.NDArray[np.intp]]:
    """Return SAS numbers as datetime64[us] or timedelta64[us], and the rows where that is not exact."""
    missing = np.isnan(values)
    scale = float(_DAY) if meaning == "date" else 1.0
    with np.errstate(invalid="ignore", over="ignore"):
        micros = np.rint(np.where(missing, 0.0, values) * scale * 1e6)
    large = ~(np.abs(micros) < 2.0**62)
    ticks = np.where(large, 0, micros).astype(np.int64)
    inexact = np.flatnonzero((large | (ticks / 1e6 / scale != np.where(missing, 0.0, values))) & ~missing)
    if meaning != "time":
        ticks = ticks + _EPOCH * 1_000_000
    ticks[missing] = _NAT
    return ticks.view("datetime64[us]" if meaning != "time" else "timedelta64[us]"), inexact
