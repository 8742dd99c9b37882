"""Devices, hosts and clusters by name, or from a file of the user's; one file is parsed per device asked for."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from carbonscaling.catalog.instances import device_of_instance
from carbonscaling.catalog.read import build, packaged, read_toml, shipped
from carbonscaling.catalog.references import references
from carbonscaling.errors import InputError, misspelt, nearest, plain_name
from carbonscaling.files import PACKAGE
from carbonscaling.hardware import roadmap as _roadmap
from carbonscaling.hardware.cluster import Cluster
from carbonscaling.hardware.device import Device, Host
from carbonscaling.hardware.fabric import Fabric
from carbonscaling.sources import Datum

__all__ = [
    "aliases",
    "cluster",
    "device",
    "device_names",
    "fabric",
    "fabric_names",
    "host",
    "host_names",
    "is_device",
    "load_device_file",
    "load_host_file",
    "part_meant",
    "roadmap",
    "two_kinds",
]

_FOLDERS: dict[type, Path] = {kind: PACKAGE / "catalog" / name for kind, name in ((Device, "devices"), (Host, "hosts"))}


@lru_cache(maxsize=4)
def _names(kind: type) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in _FOLDERS[kind].glob("*.toml") if not path.stem.startswith("_")))


def device_names() -> tuple[str, ...]:
    """Ids of all shipped devices, sorted."""
    return _names(Device)


def host_names() -> tuple[str, ...]:
    """Ids of all shipped hosts, sorted."""
    return _names(Host)


@lru_cache(maxsize=4)
def aliases(kind: type = Device) -> Mapping[str, str]:
    """Other spellings of names, in lower case, and the id each stands for (``Device`` or ``Host``).

    Ambiguous family names ("A100") stand for the part that most published trainings used.
    """
    tables = read_toml(_FOLDERS[kind] / "_aliases.toml")
    return {**tables["alias"], **tables["default"]}


_DECORATION = re.compile(r"^((nvidia|tesla|amd|instinct|intel|habana|google|cloud|aws|dgx|hgx)-)+|-hbm\d\w*$")
"""What vendors' tools write around the name of a part: maker, brand, kind of memory."""
_SIZE = re.compile(r"(?<=-)(\d+)-?gi?b?(?=-|$)")
"""The size of a part's memory in its name, by any spelling of its unit: 80, 80GB, 80 GB, 80G, 80GiB."""
LIKE = 0.08
"""How far a name's round size may lie from the memory that a part has: 80 GiB are 86 GB."""


def part_meant(kind: type, name: str) -> str | None:
    """Return the device or host that a name misspells or shortens; another number is another part, not a misspelling.

    Parameters
    ----------
    kind : {Device, Host}
    name : str
        No file is read for it.
    """
    name, names = plain_name(name), [*_names(kind), *aliases(kind)]
    bare = re.sub(r"^\d+x-?|-?x\d+$", "", name)
    if bare in names:  # 8xh100
        return bare
    held = [one for one in names if bare in one.split("-") and re.search(r"\d", bare)]
    numbered = _numbered(name)
    alike = [one for one in names if _numbered(one) == numbered]
    return held[0] if len(held) == 1 else misspelt(name, alike)


def _numbered(name: str) -> list[str]:
    """Return the words with a number in them: of a part (``h100``, ``a6000``), the one thing that tells it from others."""
    return [word for word in name.split("-") if re.search(r"\d", word)]


@lru_cache(maxsize=4)
def _spellings(kind: type) -> dict[str, str]:
    return {**aliases(kind), **{id_: id_ for id_ in _names(kind)}}


@lru_cache(maxsize=4)
def _sized(kind: type) -> dict[str, str]:
    return {_SIZE.sub(r"\1", name): id_ for name, id_ in _spellings(kind).items()}


def _id(kind: type, name: str) -> str | None:
    spellings, plain = _spellings(kind), plain_name(name)
    bare = _DECORATION.sub("", plain)
    found = spellings.get(plain) or spellings.get(bare) or _sized(kind).get(_SIZE.sub(r"\1", bare))
    size = _SIZE.search(bare)
    if found or kind is not Device or size is None:
        return found
    part = spellings.get(_SIZE.sub("", bare).strip("-"))  # a size behind another spelling has to be the part's own
    return part if part and abs(_by_id(Device, part).memory_capacity.si / (1e9 * int(size[1])) - 1.0) < LIKE else None


def two_kinds(name: str, word: str = "device") -> InputError:
    """Return why several kinds in one job are refused."""
    return InputError(
        f"one job runs on one kind of {word}: a step would wait for the slowest", key=word, value=name, allowed="one name",
        remedy="plan each kind alone and compare them: carbonscaling choose --accelerators A,B",
    )  # fmt: skip


def is_device(name: str) -> bool:
    """Whether `name` is an id or alias of a shipped device."""
    return _id(Device, name) is not None


def _resolve(kind: type, name: str) -> str:
    known, spellings, plain = _names(kind), _spellings(kind), plain_name(name)
    found = _id(kind, name)
    if found is None:
        word = kind.__name__.lower()
        kinds = {re.sub(r"^\d+x", "", part) for part in re.split(r"[\s/]+", name.strip().lower())}
        if re.search(r"[,+&;|]|\band\b", name) or len(kinds & {*spellings}) > 1:
            raise two_kinds(name, word)
        if kind is Device and (inside := device_of_instance(plain)):
            raise InputError(
                "a cloud's instance, not a device", key=word, value=name, suggestion=inside,
                remedy="name the device, and count devices: an instance holds several",
            )  # fmt: skip
        raise InputError(
            f"unknown {word}",
            key=word,
            value=name,
            suggestion=part_meant(kind, name),
            allowed=", ".join(known),
            remedy=f"choose one of these, or describe your own in a TOML file and give its path (*.toml) as the {word}",
        )
    return found


@lru_cache(maxsize=1)
def _fabrics() -> dict[str, dict[str, Any]]:
    return packaged("carbonscaling.catalog", "fabrics.toml")


def fabric_names() -> tuple[str, ...]:
    """Names of all kinds of networks."""
    return tuple(_fabrics())


def _fabric_table(name: object, where: str | None = None) -> dict[str, Any]:
    if name not in _fabrics():
        raise InputError(
            "unknown fabric", where=where, key="fabric", value=name, allowed=", ".join(_fabrics()),
            suggestion=nearest(str(name), _fabrics()), remedy="choose one of these, or leave it out",
        )  # fmt: skip
    return {"name": name, **_fabrics()[str(name)]}


def fabric(name: str) -> Fabric:
    """Return a kind of network by name.

    Raises
    ------
    InputError
        No such fabric.
    """
    return shipped(Fabric, _fabric_table(name))


def _merged(kind: type, path: Path, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Return the file's table laid over the one it is based on; peaks and what is reached of them are laid over one by one."""
    own = read_toml(path)
    if kind is Host and isinstance(own.get("fabric"), str):
        own["fabric"] = _fabric_table(own["fabric"], str(path))
    base_name = own.pop("based_on", None)
    if base_name is None:
        return own
    if not isinstance(base_name, str):
        raise InputError(
            "expected a name", where=str(path), key="based_on", value=base_name, remedy='based_on = "h100-sxm"'
        )
    base_path = _FOLDERS[kind] / f"{_resolve(kind, base_name)}.toml"
    if base_path in seen:
        raise InputError("a file is based on itself", where=str(path), key="based_on", value=base_name)
    base = _merged(kind, base_path, (*seen, base_path))
    merged = {**base, **own}
    for rates in ("peak", "reached"):
        if isinstance(own.get(rates), dict) and isinstance(base.get(rates), dict):
            merged[rates] = {**base[rates], **own[rates]}
    return merged


@lru_cache(maxsize=128)
def _by_id(kind: type, id_: str) -> Any:
    table = _merged(kind, _FOLDERS[kind] / f"{id_}.toml")
    return shipped(kind, {**table, "id": id_})


def _data(item: Any) -> Iterator[tuple[str, Datum]]:
    for entry in dataclasses.fields(item):
        value = getattr(item, entry.name)
        if isinstance(value, Datum):
            yield entry.name, value
        elif isinstance(value, Mapping):
            yield from ((f"{entry.name}.{key}", datum) for key, datum in value.items())


def _user_file(kind: type, path: str | Path) -> Any:
    path = Path(path)
    item: Any = build(kind, {"id": path.stem, **_merged(kind, path)}, str(path))
    for key, datum in _data(item):
        if datum.source != "user" and datum.source not in references():
            raise InputError(
                "unknown source",
                where=str(path),
                key=f"{key}.source",
                value=datum.source,
                suggestion=nearest(datum.source, references()),
                remedy='name a reference of the catalogue, or write source = "user"',
            )
    return item


def load_device_file(path: str | Path) -> Device:
    """Return a user's device.

    The file has the schema of the shipped ones. With ``based_on = "h100-sxm"`` only what differs need be given.

    Raises
    ------
    InputError
        The file cannot be read, a key is unknown or missing, or a number or source is unusable.
    """
    item: Device = _user_file(Device, path)
    return item


def load_host_file(path: str | Path) -> Host:
    """Return a user's host; as `load_device_file`."""
    item: Host = _user_file(Host, path)
    return item


def device(name: str) -> Device:
    """Return a device by id or alias in any case ("H100-80", "h100-sxm"), or from a path that ends in ``.toml``.

    Raises
    ------
    InputError
        No such device (with the nearest name), or a file as in `load_device_file`.
    """
    if name.endswith(".toml"):
        return load_device_file(name)
    item: Device = _by_id(Device, _resolve(Device, name))
    return item


def host(name: str) -> Host:
    """Return a host by id or alias in any case, or from a path that ends in ``.toml``; as `device`."""
    if name.endswith(".toml"):
        return load_host_file(name)
    item: Host = _by_id(Host, _resolve(Host, name))
    return item


def cluster(
    device_name: str | Device,
    host_name: str | Host | None = None,
    nic_gbps: float | None = None,
    max_devices: int | None = None,
    fabric_name: str | None = None,
) -> Cluster:
    """Return a cluster of one kind of device.

    Parameters
    ----------
    device_name : str or Device
    host_name : str or Host, optional
        The device's usual host if not given.
    nic_gbps : float, optional
        Network of a device in one direction, in Gbit/s, in place of the host's.
    max_devices : int, optional
        How many exist.
    fabric_name : str, optional
        Kind of network, in place of the host's.

    Raises
    ------
    InputError
        An unknown name, or a number out of range.
    """
    part = device(device_name) if isinstance(device_name, str) else device_name
    wanted = part.default_host if host_name is None else host_name
    home = host(wanted) if isinstance(wanted, str) else wanted
    if nic_gbps is not None:
        home = dataclasses.replace(home, nic_bandwidth=Datum(float(nic_gbps), "Gbit/s", "user"))
    if fabric_name is not None:
        home = dataclasses.replace(home, fabric=fabric(fabric_name))
    return Cluster(part, home, max_devices)


@lru_cache(maxsize=1)
def roadmap() -> _roadmap.Roadmap:
    """Return the papers' growth rates, for `carbonscaling.hardware.roadmap.project`."""
    path = PACKAGE / "catalog" / "roadmap.toml"
    return shipped(_roadmap.Roadmap, read_toml(path))
