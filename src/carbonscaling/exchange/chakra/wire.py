"""Chakra's messages as bytes: the few fields of its schema that a trace needs, in Protocol Buffers' encoding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from carbonscaling.hints import NamedTuple

__all__ = ["COLLECTIVES", "KINDS", "VERSION", "Node", "metadata", "stream"]

VERSION = "1.0"
KINDS = {"compute": 4, "send": 5, "receive": 6, "collective": 7}
"""NodeType of the schema."""
COLLECTIVES = {"ALL_REDUCE": 0, "ALL_GATHER": 2, "ALL_TO_ALL": 6, "REDUCE_SCATTER": 7}
"""CollectiveCommType of the schema."""
_FIELDS: dict[str, int] = {"int32": 7, "int64": 9, "uint64": 13, "bool": 27, "string": 29}
"""Field of `AttributeProto` that holds a value of each type."""
TYPES = {
    "is_cpu_op": "bool", "num_ops": "int64", "tensor_size": "uint64", "comm_type": "int64", "comm_size": "int64",
    "comm_priority": "int32", "comm_src": "int32", "comm_dst": "int32", "comm_tag": "int32", "pg_name": "string",
}  # fmt: skip
"""Type of each attribute of a node."""


class Node(NamedTuple):
    """A node of a trace.

    Attributes
    ----------
    id : int
    name : str
    kind : str
        A key of `KINDS`.
    after : tuple of int
        Nodes whose results it needs.
    micros : int
        What it takes, in microseconds; 0 where a simulator is to find out.
    attributes : mapping
        Values by name, of the types that `TYPES` says.
    """

    id: int
    name: str
    kind: str
    after: tuple[int, ...]
    micros: int
    attributes: Mapping[str, int | bool | str]


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _attribute(name: str, value: int | bool | str) -> bytes:
    kind = TYPES[name]
    field = _FIELDS[kind]
    held = _bytes(field, str(value).encode()) if kind == "string" else _number(field, int(value))
    return _bytes(1, name.encode()) + held


def metadata() -> bytes:
    """Return the message that opens a trace: ``GlobalMetadata``."""
    return _bytes(1, VERSION.encode())


def _node(node: Node) -> bytes:
    deps = b"".join(map(_varint, node.after))
    return b"".join([
        _number(1, node.id), _bytes(2, node.name.encode()), _number(3, KINDS[node.kind]),
        _bytes(5, deps) if deps else b"", _number(7, node.micros) if node.micros else b"",
        *(_bytes(10, _attribute(name, value)) for name, value in node.attributes.items()),
    ])  # fmt: skip


def stream(nodes: Iterable[Node]) -> bytes:
    """Return a trace: its metadata and its nodes, each with its length before it."""
    messages = [metadata(), *map(_node, nodes)]
    return b"".join(_varint(len(message)) + message for message in messages)
