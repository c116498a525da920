"""What an ONNX file holds, read from its bytes before anything is built from it.

Only what a check needs is read: operators and initializers. A file is a protobuf message of
(field number, wire type, value); see https://protobuf.dev/programming-guides/encoding and
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np

from kinevla_ros.base.files.damage import FileError, naming
from kinevla_ros.base.files.json_file import read_bounded

CURE = "copy or download it again"
# Field numbers of ModelProto, GraphProto, NodeProto, AttributeProto and TensorProto.
_GRAPH, _FUNCTIONS = 7, 25
_NODE, _INITIALIZER, _SPARSE_INITIALIZER = 1, 5, 15
_OPERATOR, _ATTRIBUTE = 4, 5
_ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPHS = 5, (6, 10, 11, 22, 23)
_DIMS, _DATA_TYPE, _FLOATS, _NAME, _RAW, _DOUBLES, _EXTERNAL, _LOCATION = 1, 2, 4, 8, 9, 10, 13, 14
_KEY, _VALUE, _PLACE = 1, 2, ("location", "offset", "length")
"""Of StringStringEntryProto, and what it may say of a tensor in another file."""
_RAW_FLOATS = {1: "<f4", 10: "<f2", 11: "<f8"}
"""TensorProto.DataType of what a decoder's weights may be, as numpy writes it."""
_BITS = {1: 32, 2: 8, 3: 8, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64}
MOST_NODES = 10_000

Field = tuple[int, bytes | memoryview | int]


def check_onnx(
    path: Path, operators: Collection[str], largest: int, beside: str | None = None
) -> None:
    """Refuse an ONNX file that asks for other operators, for other files, or holds no numbers.

    Args:
        operators: names that its graph may use.
        largest: bytes that it may have.
        beside: the one other file in which its tensors may lie.

    Raises:
        FileNotFoundError: there is no such file.
        FileError: see above; the message names the operator or tensor.
    """
    with naming(path, f"it is not a readable ONNX file: {CURE}"):
        data = memoryview(read_bounded(path, largest))
        graphs = []
        for number, value in _fields(data):
            if number == _GRAPH:
                graphs.append(value)
            elif number == _FUNCTIONS:
                raise FileError(f"{path} defines functions, which are not taken; {CURE}")
        if len(graphs) != 1:
            raise FileError(f"{path} is not a readable ONNX file: it has no graph; {CURE}")
        _check_graph(path, _message(graphs[0]), operators, beside)


def _check_graph(
    path: Path, graph: memoryview, operators: Collection[str], beside: str | None
) -> None:
    nodes = 0
    for number, value in _fields(graph):
        if number == _SPARSE_INITIALIZER:
            raise FileError(f"{path} holds a sparse tensor, which is not taken; {CURE}")
        if number == _INITIALIZER:
            _check_tensor(path, _message(value), beside)
        elif number == _NODE:
            nodes += 1
            _check_node(path, _message(value), operators)
    if nodes > MOST_NODES:
        raise FileError(f"{path} has {nodes} operators; {CURE}")


def _check_node(path: Path, node: memoryview, operators: Collection[str]) -> None:
    for number, value in _fields(node):
        if number == _OPERATOR and _text(value) not in operators:
            raise FileError(f"{path} uses the operator {_text(value)}, which is not taken; {CURE}")
        if number != _ATTRIBUTE:
            continue
        for inner, content in _fields(_message(value)):
            if inner == _ATTRIBUTE_TENSOR:
                _check_tensor(path, _message(content))
            elif inner in _ATTRIBUTE_GRAPHS:
                raise FileError(f"{path} holds a graph in a graph, which is not taken; {CURE}")


def _check_tensor(path: Path, tensor: memoryview, beside: str | None = None) -> None:
    name, kind, dims, size, finite = "", 0, [], 0, True
    parts: list[Field] = list(_fields(tensor))
    for number, value in parts:
        if number == _NAME:
            name = _text(value)
        elif number == _DATA_TYPE and isinstance(value, int):
            kind = value
        elif number == _DIMS:
            dims += [value] if isinstance(value, int) else list(_varints(_message(value)))
        elif (number == _LOCATION and value and beside is None) or (
            number == _EXTERNAL and not _lies_in(_message(value), beside)
        ):
            raise FileError(f"{path}: {name} lies in another file; export it into one")
    for number, value in parts:
        if number == _RAW:
            size = 8 * len(_message(value))
            finite &= kind not in _RAW_FLOATS or _finite(_message(value), _RAW_FLOATS[kind])
        elif number == _FLOATS and not isinstance(value, int):
            finite &= _finite(value, "<f4")
        elif number == _DOUBLES and not isinstance(value, int):
            finite &= _finite(value, "<f8")
    if kind not in _BITS or max(dims, default=0) > 1 << 31:
        raise FileError(f"{path}: {name} is of a kind or shape that is not taken; {CURE}")
    if size and size != math.prod(dims) * _BITS[kind]:
        raise FileError(f"{path}: {name} holds fewer or more numbers than its shape; {CURE}")
    if not finite:
        raise FileError(f"{path}: {name} holds NaN or infinity; {CURE}")


def _lies_in(entry: memoryview, beside: str | None) -> bool:
    """Whether what an entry of a tensor says of its place names no other file than `beside`."""
    said = {number: _text(value) for number, value in _fields(entry)}
    return (
        beside is not None
        and said.get(_KEY) in _PLACE
        and (said[_KEY] != "location" or said.get(_VALUE) == beside)
    )


def _finite(data: bytes | memoryview, kind: str) -> bool:
    return bool(np.isfinite(np.frombuffer(data, kind)).all())


def _fields(data: memoryview) -> Iterator[Field]:
    """Fields of a message. Raises ValueError when it is none."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, place = _varint(data, place)
            yield number, value
            continue
        if kind == 2:
            length, place = _varint(data, place)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ValueError(f"wire type {kind}")
        if place + length > len(data):
            raise ValueError("a field runs past the end")
        yield number, data[place : place + length]
        place += length


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if place >= len(data) or shift > 63:
            raise ValueError("a number runs past the end")
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place


def _varints(data: memoryview) -> Iterator[int]:
    place = 0
    while place < len(data):
        value, place = _varint(data, place)
        yield value


def _message(value: bytes | memoryview | int) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number stands where a message should")
    return memoryview(value)


def _text(value: bytes | memoryview | int) -> str:
    return bytes(_message(value)).decode(errors="replace")[:100]
