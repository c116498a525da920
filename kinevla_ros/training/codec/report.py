"""Figures of a trained codec on chunks it has not seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from kinevla_ros.codec.checkpoint import Codec

NEAR = 0.1


@dataclass(frozen=True)
class CodecReport:
    """How well codes keep a motion, over the held-out chunks.

    Errors are of all dimensions but the gripper and in mrad; of one in another unit in thousandths
    of what `UNITS` counts as much as a radian.

    Attributes:
        chunks: Number of held-out chunks.
        perplexity: Of each codebook, goal stack first; K when all entries are used alike.
        joint_error_mrad: Mean absolute error of each dimension.
        end_error_mrad: The same at the last step, over all dimensions.
        near_error_mrad: Over the chunks in which nothing moves more than `NEAR` rad, as on the
            last of the way to a grasp; None if there are none.
        goal_only_error_mrad: Over all dimensions and steps, decoded from the goal codes alone;
            None without any.
        switch_chunks: Number of chunks in which the gripper opens or closes (half is the limit).
        exact_switches: Share of these that decode to the same open or closed in every step.
        exact_gripper: The same over all chunks; None without a gripper.
        goal_code_stability: Share of goal codes of coarse chunks that stage II left unchanged; None
            without any.
    """

    chunks: int
    perplexity: tuple[float, ...]
    joint_error_mrad: tuple[float, ...]
    end_error_mrad: float
    near_error_mrad: float | None
    goal_only_error_mrad: float | None
    switch_chunks: int
    exact_switches: float | None
    exact_gripper: float | None
    goal_code_stability: float | None


def report(
    trained: Codec,
    chunks: NDArray[np.float32],
    common: NDArray[np.float32],
    stability: float | None,
) -> CodecReport:
    """Measure a codec on physical chunks and their common parts, shape (N, H, D) each."""
    space, moving = trained.space, trained.space.moving

    def error_of(decoded: NDArray[np.float32]) -> NDArray[np.float64]:
        return 1e3 * np.abs((decoded - chunks) / space.radians)[..., moving]

    codes = trained.encode(chunks, common)
    decoded = trained.decode(codes)
    error = error_of(decoded)
    goal_codes = codes[:, : trained.codec.config.goal_levels]
    goal_only = None
    if goal_codes.size:
        goal_only = float(error_of(trained.decode(goal_codes)).mean())
    near = (np.abs(chunks / space.radians)[..., moving] <= NEAR).all(axis=(1, 2))
    is_open = space.opened(chunks)
    exact = (space.opened(decoded) == is_open).all(axis=1)
    switches = (is_open != is_open[:, :1]).any(axis=1)
    return CodecReport(
        chunks=len(chunks),
        perplexity=tuple(_perplexity(level) for level in codes.T),
        joint_error_mrad=tuple(error.mean(axis=(0, 1)).tolist()),
        end_error_mrad=float(error[:, -1].mean()),
        near_error_mrad=float(error[near].mean()) if near.any() else None,
        goal_only_error_mrad=goal_only,
        switch_chunks=int(switches.sum()),
        exact_switches=float(exact[switches].mean()) if switches.any() else None,
        exact_gripper=float(exact.mean()) if space.gripper else None,
        goal_code_stability=stability,
    )


def table(found: CodecReport) -> Table:
    """The same for people to read."""
    grid = Table("figure", "value", title=f"Codec on {found.chunks} chunks it was not trained on")
    grid.add_row("mean error of each dimension, mrad", _listed(found.joint_error_mrad))
    grid.add_row("mean error at the last step, mrad", f"{found.end_error_mrad:.2f}")
    grid.add_row("mean error of small motions, mrad", _or_dash(found.near_error_mrad))
    grid.add_row("mean error from goal codes alone, mrad", _or_dash(found.goal_only_error_mrad))
    grid.add_row("perplexity of each codebook, goal first", _listed(found.perplexity))
    grid.add_row("gripper open and closed in the right steps", _share(found.exact_gripper))
    switches = f"the same where it opens or closes ({found.switch_chunks} chunks)"
    grid.add_row(switches, _share(found.exact_switches))
    grid.add_row("goal codes that stage II left unchanged", _share(found.goal_code_stability))
    return grid


def _listed(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.1f}" for value in values)


def _or_dash(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _perplexity(codes: NDArray[np.int64]) -> float:
    share = np.bincount(codes) / len(codes)
    share = share[share > 0]
    return float(np.exp(-(share * np.log(share)).sum()))
