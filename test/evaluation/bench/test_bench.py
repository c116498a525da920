"""The benches measure what they say, and nothing gets through the gate."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from kinevla_ros.evaluation.bench.arm.adversarial import (
    AdversarialReport,
    Witness,
    attack,
    bench_adversarial,
)
from kinevla_ros.evaluation.bench.arm.adversary import Adversary
from kinevla_ros.evaluation.bench.arm.gate import TICK, WHOLE_WAY, bench_gate
from kinevla_ros.evaluation.bench.arm.seam import SentMotion, bench_seam, jumps, record
from kinevla_ros.evaluation.bench.arm.stream import measure
from kinevla_ros.evaluation.bench.publish import publish
from kinevla_ros.robot.gate.collision import CollisionModel
from kinevla_ros.robot.gate.workspace import DEFAULT_WORKSPACE
from kinevla_ros.robot.kinematics import top_down_ik
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.sim.lagging_arm import HOME

SPACE = CollisionModel(DEFAULT_WORKSPACE)


@pytest.mark.parametrize("rate", [50.0, 200.0])
def test_none_of_thousands_of_adversarial_targets_makes_the_arm_break_a_limit(rate: float) -> None:
    found = attack(4000, seed=1, rate=rate)
    assert not any(found.violations.values()), found.violations
    assert found.targets >= 4000
    assert found.sent > 1000
    assert sum(found.refused.values()) > 0.4 * sum(found.offered.values())
    # The attacks reach the limits, so that breaking them would show.
    assert found.largest["acceleration"] > 0.99


def test_every_kind_of_attack_can_be_made_and_delivered() -> None:
    adversary = Adversary(SPACE, 0)
    for kind in adversary.kinds:
        for _ in range(20):
            assert adversary.make(kind, HOME).targets >= 1


@pytest.mark.parametrize(
    ("step", "limit"),
    [
        (np.full(7, np.nan), "finite"),
        (RM75_LIMITS.upper + 0.01, "position"),
        (HOME + 1.01 * 0.02 * RM75_LIMITS.velocity, "velocity"),
        (HOME + 1.01 * 0.02**2 * RM75_LIMITS.acceleration, "acceleration"),
        (HOME + 1.01 * 0.02**3 * RM75_LIMITS.jerk, "jerk"),
        (top_down_ik(np.array([0.35, 0.0, 0.005]), 0.0), "clearance"),
        (HOME + np.radians(10.1), "refused by the controller"),
    ],
)
def test_the_witness_sees_every_kind_of_violation(step: np.ndarray, limit: str) -> None:
    report = AdversarialReport()
    witness = Witness(report, SPACE, 0.02)
    witness.see(HOME, HOME)
    witness.see(HOME, step)
    assert report.violations[limit] == 1


def test_no_seam_has_a_jump_above_what_acceleration_and_jerk_permit() -> None:
    found = jumps(record(60, 50.0, seed=3))
    assert {name for name, values in found.items() if values["share"] <= 1 + 1e-6} == set(found)
    assert found["velocity"]["largest"] > 0


def test_a_jump_at_a_seam_is_measured() -> None:
    path = np.tile(HOME, (20, 1))
    path[10:, 2] += 0.1
    found = jumps(SentMotion(path, np.array([10]), 0.02))
    assert found["position"]["largest"] == pytest.approx(0.1)
    assert found["velocity"]["share"] == pytest.approx(0.1 / 0.02 / (10.0 * 0.02))


def test_the_stream_is_measured_in_a_process_of_its_own() -> None:
    errors, prompt = measure(100.0, 0.3, realtime=False)
    assert 5 < len(errors) <= 30
    assert not prompt


def test_the_benches_print_a_table_and_write_figures_with_their_machine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "figures.json"
    assert bench_gate(20, 50.0, file) == 0
    figures = json.loads(file.read_text())
    assert {WHOLE_WAY, TICK, "chunk: clearance", "target: jerk"} <= set(figures["times"])
    assert figures["machine"]["cores"] >= 1
    assert bench_seam(5, 50.0, 0, file) == 0
    assert json.loads(file.read_text())["seams"] == 5
    assert bench_adversarial(100, 0, 50.0, file) == 0
    assert json.loads(file.read_text())["violations"]["jerk"] == 0
    assert "violations: jerk" in capsys.readouterr().out


def test_a_published_figure_says_where_it_was_measured_and_is_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "figures.json"
    publish({"p50_ms": 1.5, "lost": math.nan}, lambda found: f"{found['p50_ms']} ms", file)
    assert capsys.readouterr().out == "1.5 ms\n"
    found = json.loads(file.read_text(), parse_constant=pytest.fail)
    assert (found["p50_ms"], found["lost"]) == (1.5, None)
    assert {"processor", "cores"} <= set(found["machine"])
    assert {"kinevla_ros", "python", "numpy"} <= set(found["versions"])
