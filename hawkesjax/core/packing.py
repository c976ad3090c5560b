"""Dataclasses as arrays and JSON, and back: what a file can hold of a result."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import hashlib
import importlib
import json
import re
import sys
import zoneinfo
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import pandas as pd

from hawkesjax.core.loading import known_model
from hawkesjax.core.model import Model
from hawkesjax.inputs.names import Names

OURS = re.compile(r"hawkesjax(\.\w+)+")


def pack(value: Any, where: str, arrays: dict[str, np.ndarray]) -> Any:
    """A value as JSON; its arrays are added to `arrays` and named in the JSON.

    Args:
        value: None, text, numbers, arrays, tables, models, dataclasses, and containers of these.
        where: what the value is, for messages.
        arrays: the arrays so far, by name.

    Raises:
        TypeError: for anything else; it says where it is.
    """

    def inner(part: Any, name: object) -> Any:
        return pack(part, f"{where}.{name}", arrays)

    if isinstance(value, np.generic) and value.dtype.kind in "iuf":
        return {"scalar": _array(np.asarray(value), where, arrays)}
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return enum_free(value)
    if isinstance(value, np.ndarray | jax.Array):
        return _array(np.asarray(value), where, arrays)
    if isinstance(value, Names):
        return {"names": _array(value.values, where, arrays)}
    if isinstance(value, pd.Series):
        name = inner(value.name, "name")
        return {"series": [name, inner(value.to_frame("0"), "values")["table"]]}
    if isinstance(value, pd.DataFrame):
        columns = [[inner(one, "column"), inner(_plain_of(value[one]), one)] for one in value]
        return {"table": {"columns": columns, **inner(value.index, "index")["labels"]}}
    if isinstance(value, pd.Index):
        index = value.to_frame(index=False)
        levels = [inner(_plain_of(index.iloc[:, i]), "index") for i in range(index.shape[1])]
        return {"labels": {"levels": levels, "names": list(value.names)}}
    if isinstance(value, _Zoned):
        return {"zoned": [inner(value.utc, "times"), inner(value.zone, "zone")]}
    if isinstance(value, pd.Timedelta):
        return {"span": value.isoformat()}
    if isinstance(value, Model):
        more = {name: inner(array, name) for name, (_, array) in value.arrays().items()}
        home = type(value).__module__
        return {"model": {"config": value.config(), "home": home, "arrays": more}}
    if isinstance(value, datetime.tzinfo):
        name, shift = getattr(value, "key", None), value.utcoffset(None)
        if name is None and shift is None:
            raise TypeError(f"{where} is a {type(value).__name__}, which a file cannot hold.")
        return {"zone": name if shift is None or name else shift.total_seconds()}
    if isinstance(value, enum.Enum):
        return {"choice": [*_home(type(value)), value.name]}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        skipped = getattr(value, "unsaved", ())
        parts = {
            one.name: inner(getattr(value, one.name), one.name)
            for one in dataclasses.fields(value)
            if one.init and one.name not in skipped
        }
        return {"of": _home(type(value)), "fields": parts}
    if isinstance(value, Mapping):
        return {"dict": [[inner(k, "key"), inner(part, k)] for k, part in value.items()]}
    if isinstance(value, tuple | list):
        kind = type(value).__name__ if type(value) in (tuple, list) else "tuple"
        if len(value) > 8 and all(type(one) is str for one in value):
            return {kind: _array(np.array(value, object), where, arrays)}
        return {kind: [inner(one, number) for number, one in enumerate(value)]}
    raise TypeError(f"{where} is a {type(value).__name__}, which a file cannot hold.")


@dataclasses.dataclass(frozen=True)
class _Zoned:
    """Datetimes of a zone: those of UTC, and the zone."""

    utc: np.ndarray
    zone: datetime.tzinfo


def _plain_of(column: pd.Series) -> Any:
    """A column's values as an array; datetimes of a zone, of which arrays know nothing, with it."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return _Zoned(column.dt.tz_convert(None).to_numpy(), column.dtype.tz)
    return column.to_numpy()


def enum_free(value: Any) -> Any:
    """Plain text and numbers, for classes that extend them."""
    return value if value is None or isinstance(value, bool) else _plain(value)


def _plain(value: Any) -> Any:
    return next(kind(value) for kind in (int, float, str) if isinstance(value, kind))


def _home(kind: type) -> list[str]:
    return [kind.__module__, kind.__qualname__]


def _array(value: np.ndarray, where: str, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """The name of an array; text is kept as the bytes of a JSON list."""
    name = f"a{len(arrays)}"
    if value.dtype.kind in "OUT":
        if not all(one is None or isinstance(one, str | bool | int | float) for one in value.flat):
            raise TypeError(f"{where} holds objects that are not text, which a file cannot hold.")
        text = json.dumps(value.ravel().tolist()).encode()
        arrays[name] = np.frombuffer(text, np.uint8)
        return {"text": name, "shape": list(value.shape)}
    if value.dtype.kind in "mM":
        arrays[name] = value.view(np.int64)
        return {"array": name, "moments": value.dtype.str}
    if value.dtype.kind == "b":
        arrays[name] = value.view(np.uint8)
        return {"array": name, "moments": "bool"}
    if value.dtype.kind not in "iuf":
        raise TypeError(f"{where} is of {value.dtype}, which a file cannot hold.")
    arrays[name] = value
    return {"array": name}


def unpack(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """The value that `pack` was given.

    Raises:
        ValueError: for classes that are not of hawkesjax, or have not been imported.
        KeyError, TypeError, AttributeError: for JSON that `pack` did not write.
    """
    if not isinstance(value, dict):
        return value
    if "text" in value:
        text = json.loads(arrays[value["text"]].tobytes())
        return np.array([*text, None], object)[:-1].reshape(value["shape"])
    if "scalar" in value:
        return unpack(value["scalar"], arrays)[()]
    if "array" in value:
        array = arrays[value["array"]]
        return array.view(value["moments"]) if "moments" in value else array
    if "names" in value:
        return Names(unpack(value["names"], arrays))
    if "series" in value:
        name, parts = value["series"]
        return _table(parts, arrays)["0"].rename(unpack(name, arrays))
    if "zoned" in value:
        utc, zone = (unpack(part, arrays) for part in value["zoned"])
        return pd.DatetimeIndex(utc).tz_localize("UTC").tz_convert(zone)
    if "span" in value:
        return pd.Timedelta(value["span"])
    if "table" in value:
        return _table(value["table"], arrays)
    if "labels" in value:
        return _labels(value["labels"], arrays)
    if "model" in value:
        known = value["model"]
        kind = known_model(known["config"]["model"], known["home"])
        more = {name: unpack(part, arrays) for name, part in known["arrays"].items()}
        return kind.from_config(known["config"], more)
    if "zone" in value:
        zone = value["zone"]
        if isinstance(zone, str):
            return zoneinfo.ZoneInfo(zone)
        return datetime.timezone(datetime.timedelta(seconds=zone))
    if "choice" in value:
        module, name, member = value["choice"]
        kind = _known(module, name)
        if not issubclass(kind, enum.Enum):
            raise TypeError(f"{name} is no choice")
        return kind[member]
    if "of" in value:
        kind: Any = _known(*value["of"])
        if not dataclasses.is_dataclass(kind):
            raise TypeError(f"{value['of'][1]} is no result")
        make: Any = kind
        return make(**{name: unpack(part, arrays) for name, part in value["fields"].items()})
    if "dict" in value:
        return {unpack(k, arrays): unpack(part, arrays) for k, part in value["dict"]}
    kind = tuple if "tuple" in value else list
    parts = value[kind.__name__]
    found = unpack(parts, arrays) if isinstance(parts, dict) else parts
    return kind(unpack(one, arrays) for one in found)


def _table(parts: Any, arrays: Mapping[str, np.ndarray]) -> pd.DataFrame:
    columns = {unpack(name, arrays): unpack(one, arrays) for name, one in parts["columns"]}
    return pd.DataFrame(columns, _labels(parts, arrays))


def _labels(parts: Any, arrays: Mapping[str, np.ndarray]) -> pd.Index:
    levels = [unpack(one, arrays) for one in parts["levels"]]
    names = parts["names"]
    if len(levels) > 1:
        return pd.MultiIndex.from_arrays(levels, names=names)
    return pd.Index(levels[0], name=names[0])


def _known(module: str, name: str) -> Any:
    """A class by its home: of hawkesjax, or a `Kept` one of a module that is imported."""
    ours = OURS.fullmatch(module) is not None
    if ours:
        importlib.import_module(module)
    elif module not in sys.modules:
        raise ValueError(f"This is a {name} of {module}: import {module} first.")
    kind = getattr(sys.modules[module], name)
    if not isinstance(kind, type) or not (ours or getattr(kind, "kept", False)):
        raise TypeError(f"{module}.{name} is no result")
    return kind


def digest(value: Any) -> str:
    """SHA-256 of a value as `pack` gives it; "" for what cannot be packed."""
    arrays: dict[str, np.ndarray] = {}
    try:
        text = json.dumps(pack(value, "data", arrays))
    except TypeError:
        return ""
    return digest_of(text, arrays)


def digest_of(text: str, arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of JSON and the arrays that it names."""
    found = hashlib.sha256(text.encode())
    for name, array in sorted(arrays.items()):
        found.update(f"{name} {array.dtype.str} {array.shape};".encode())
        found.update(np.ascontiguousarray(array).data.cast("B") if array.size else b"")
    return found.hexdigest()
