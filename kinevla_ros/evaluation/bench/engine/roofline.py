"""The least time that a chunk can take on a device: bytes to be read, operations to be done."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass
from typing import Any

import torch

from kinevla_ros.generator.config import GeneratorConfig

COPY_BYTES = {"cuda": 2**31, "cpu": 2**27}
MATMUL_SIDE = {"cuda": 8192, "cpu": 1024}
REPEATS = 10


@dataclass(frozen=True)
class Device:
    """Measured ceilings: memory bandwidth (bytes/s) and matrix products (operations/s)."""

    bandwidth: float
    rate: float

    def seconds(self, work: Work) -> float:
        """Whichever of the two takes longer."""
        return max(work.bytes / self.bandwidth, work.operations / self.rate)


@dataclass(frozen=True)
class Work:
    """What one pass reads (bytes) and does (floating point operations)."""

    bytes: float
    operations: float


def measure_device(device: torch.device, dtype: torch.dtype) -> Device:
    """Best of several large copies and products."""
    data = torch.empty(COPY_BYTES[device.type], dtype=torch.uint8, device=device)
    target = torch.empty_like(data)
    side = MATMUL_SIDE[device.type]
    left = torch.randn(side, side, device=device).to(dtype)
    copy = _fastest(lambda: target.copy_(data), device)
    product = _fastest(lambda: left @ left, device)
    # A copy reads and writes.
    return Device(2 * len(data) / copy, 2 * side**3 / product)


def chunk_work(
    config: GeneratorConfig,
    goal: int,
    kinematics: int,
    itemsize: int,
    block_itemsize: int | None = None,
    depth_head: bool = False,
) -> dict[str, list[Work]]:
    """Work of each stage of a warm chunk, pass by pass.

    Args:
        goal, kinematics: words of each level.
        itemsize: bytes of a weight.
        block_itemsize: the same of the language model's blocks, if other.
        depth_head: whether it chooses the later codes; what it does itself is left out.
    """
    block_itemsize = block_itemsize or itemsize
    language = config.language
    width, inner = language["hidden_size"], language["intermediate_size"]
    blocks = language["num_hidden_layers"] * (4 * width * width + 3 * width * inner)
    text_head = config.vocabulary_size * width
    code_head = config.codes_per_level * width
    before = config.cameras * config.image_tokens + config.max_instruction_tokens
    key_value = 2 * language["num_hidden_layers"] * width

    def run(new: int, held: int, head: int, scored: int) -> Work:
        attention = 2 * key_value * new * (held + new)
        read = block_itemsize * blocks + itemsize * (head + key_value * (held + new))
        return Work(read, 2 * (blocks * new + head * scored) + attention)

    later = config.goal_codes + config.kinematics_codes - 2
    # Goal codes that no pass has read yet come with the kinematics words.
    unread = config.goal_codes if depth_head else 1
    # The words are written and read.
    goal_pass, kinematics_pass = 2 * goal + 2, 2 * kinematics + 2 + unread
    after_goal = before + goal_pass + config.goal_codes - unread
    code = run(1, before + goal_pass + kinematics_pass, code_head, 1)
    return {
        "vision": [_vision(config, itemsize)],
        "verify": [
            run(before + goal_pass, 0, text_head, goal + 1),
            run(kinematics_pass, after_goal, text_head, kinematics + 1),
        ],
        "codes": [] if depth_head else [code] * later,
    }


def floors(work: dict[str, list[Work]], device: Device) -> dict[str, float]:
    """Least time of each stage and of all (ms)."""
    found = {name: 1e3 * sum(map(device.seconds, passes)) for name, passes in work.items()}
    return {**found, "total": sum(found.values())}


def _vision(config: GeneratorConfig, itemsize: int) -> Work:
    """Both towers and the projector on both images."""
    tokens = config.cameras * config.image_tokens
    dino, siglip = config.vision["dino"], config.vision["siglip"]
    weights, operations = 0, 0
    for tower, inner in (
        (dino, dino["mlp_ratio"] * dino["hidden_size"]),
        (siglip, siglip["intermediate_size"]),
    ):
        width, depth = tower["hidden_size"], tower["num_hidden_layers"]
        tower_weights = depth * (4 * width * width + 2 * width * inner)
        weights += tower_weights
        operations += 2 * tower_weights * tokens
        operations += 4 * depth * width * tokens * config.image_tokens
    widths = [
        dino["hidden_size"] + siglip["hidden_size"],
        *(config.projector or []),
        config.language["hidden_size"],
    ]
    projector = sum(a * b for a, b in itertools.pairwise(widths))
    return Work(itemsize * (weights + projector), operations + 2 * projector * tokens)


def _fastest(work: Any, device: torch.device) -> float:
    """Least seconds of one call."""
    best = float("inf")
    for _ in range(REPEATS):
        synchronise(device)
        started = time.perf_counter()
        work()
        synchronise(device)
        best = min(best, time.perf_counter() - started)
    return best


def synchronise(device: torch.device) -> None:
    """Wait for a device; a CPU never lags."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
