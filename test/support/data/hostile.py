"""Ways of spoiling a file, for tests that try many."""

import json
import random
from typing import Any

VALUES: list[Any] = [
    *(None, True, -1, 0, 1, 3.5, 1e308, 10**30, 2**31, 1_000_000, float("inf")),
    *("", "x" * 1000, "../x", "/etc/passwd", "http://host/x", "\ud800", "(?:a+)+$"),
    *("{video_key.__class__}", [], {}, [[]], [0], {"a": 1}),
]
KEYS = ("auto_map", "attn_implementation", "trust_remote_code", "../x", "")


def spoilt_json(text: bytes, rng: random.Random) -> bytes:
    """Change, remove or add one value, anywhere."""
    content = json.loads(text)
    inner, key = rng.choice(_places(content, rng))
    how = rng.random()
    if how < 0.7:
        inner[key] = rng.choice(VALUES)
    elif how < 0.9:
        del inner[key]
    elif isinstance(inner, dict):
        inner[rng.choice(KEYS)] = rng.choice(VALUES)
    if rng.random() < 0.02:
        return b'{"a":' * 200_000
    return json.dumps(content).encode()


def spoilt_bytes(data: bytes, rng: random.Random) -> bytes:
    """Cut, lengthen or flip; half of the flips are near an end, where formats keep their tables."""
    how, end = rng.random(), len(data)
    if how < 0.2:
        return data[: rng.randrange(end)]
    if how < 0.3:
        place = rng.randrange(end)
        return data[:place] + rng.randbytes(rng.choice((1, 8, 100))) + data[place:]
    changed = bytearray(data)
    first, last = rng.choice(((0, end), (0, min(end, 2000)), (max(0, end - 2000), end)))
    for _ in range(rng.choice((1, 2, 8, 64))):
        changed[rng.randrange(first, last)] = rng.choice((rng.randrange(256), 0, 255))
    return bytes(changed)


def spoilt_safetensors(data: bytes, rng: random.Random) -> bytes:
    """Spoil the header as JSON, or the file as bytes."""
    length = int.from_bytes(data[:8], "little")
    if rng.random() < 0.3:
        return spoilt_bytes(data[: 8 + length], rng) + data[8 + length :]
    header = spoilt_json(data[8 : 8 + length], rng)
    return len(header).to_bytes(8, "little") + header + data[8 + length :]


def _places(content: Any, rng: random.Random) -> list[tuple[Any, Any]]:
    """Containers and keys, of long containers some."""
    keys: list[Any] = list(content) if isinstance(content, dict) else list(range(len(content)))
    chosen = rng.sample(keys, min(len(keys), 12))
    found = [(content, key) for key in chosen]
    for key in chosen:
        if isinstance(content[key], dict | list):
            found += _places(content[key], rng)
    return found
