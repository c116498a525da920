"""A policy node with a policy that answers at once, and what a test does with it."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
from fake_cell import FakeCell
from node_bench import Bench
from std_msgs.msg import String

from kinevla_ros.base.action_space import RM75
from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.base.observation import Observation
from kinevla_ros.generator.decoding.override import Override
from kinevla_ros.generator.inference import Inference
from kinevla_ros.language.task_file import kine_realman
from kinevla_ros.msg import ActionChunk as ActionChunkMessage
from kinevla_ros.msg import Reasoning
from kinevla_ros.srv import OverrideReasoning

BREAD = "pick up the bread and move it to the front"
CARROT = "hold the carrot by the upper part and place it on the right side of the plate"
RELEASE, REPLACE, VETO = (
    getattr(OverrideReasoning.Request, name) for name in ("RELEASE", "REPLACE", "VETO")
)


class FakePolicy:
    """Answers at once; `trouble` is raised instead, `gate` holds an inference up."""

    trouble: Exception | None = None
    consistency, model_time, disagreement = 0.9, 0.01, 1.0
    most_disagreement: float | None = 2.0
    device, backend = "cpu", "nothing"
    gate = threading.Event()
    options: tuple[object, ...] = ()
    space = RM75

    def __init__(
        self, folder: Path, threads: int, device: str, *options: object, accept: str
    ) -> None:
        self._sequence, self._warm = 0, False
        self.tasks = kine_realman()
        FakePolicy.options = *options, accept

    def warm_up(self, consistency: bool = False) -> None:
        self._warm = True

    def infer(
        self,
        instruction: str,
        observation: Observation,
        override: Override | None = None,
        consistency: bool = False,
    ) -> Inference:
        assert consistency
        assert self._warm
        self.gate.wait(5.0)
        if self.trouble is not None:
            raise self.trouble
        assert observation.images["front"].shape == (96, 128, 3)
        joints, stamp = observation.joints, observation.stamp
        self._sequence += 1
        chunk = ActionChunk(
            stamp, self._sequence, np.tile(joints, (5, 1)), np.full(5, observation.gripper)
        )
        goal, how = (override.goal, override.kinematics) if override else ("goal", "how")
        codes = {"goal_codes": (1, 2), "kinematics_codes": (3, 4)}
        return Inference(
            self._sequence, stamp, instruction, goal, how, **codes, draft_accepted=True,
            passes=4, model_time=self.model_time, chunk=chunk, consistency=self.consistency,
            disagreement=self.disagreement,
        )  # fmt: skip


class PolicyBench:
    """What a test does with the node."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.cell = bench, FakeCell(bench)
        self.reasonings = bench.record(Reasoning, "/kinevla/reasoning")
        self.chunks = bench.record(ActionChunkMessage, "/kinevla/action_chunk")
        self._instruction = bench.publisher(String, "/instruction")

    def reset(self) -> None:
        self.cell.reset()
        FakePolicy.trouble = None
        FakePolicy.consistency, FakePolicy.model_time, FakePolicy.disagreement = 0.9, 0.01, 1.0
        FakePolicy.gate.set()
        self.override(OverrideReasoning.Request.RELEASE)
        self.say("stop")

    def override(
        self, action: int, kinematics: str = "", goal: str = ""
    ) -> OverrideReasoning.Response:
        request = OverrideReasoning.Request(action=action, goal=goal, kinematics=kinematics)
        return self.bench.call(OverrideReasoning, "/policy/override_reasoning", request)

    def say(self, text: str) -> None:
        """Publish, and wait for what comes of it."""
        self.tell(text)
        self.bench.spin_until(lambda: self._final(text.strip()), "reasoning")

    def tell(self, text: str) -> None:
        self.reasonings.clear()
        self._instruction.publish(String(data=text))

    def _final(self, text: str) -> bool:
        newest = self.newest(text)
        return newest is not None and newest.status != Reasoning.ACCEPTED

    def newest(self, text: str) -> Reasoning | None:
        return next((r for r in reversed(self.reasonings) if r.instruction == text), None)

    def expect(self, status: int, detail: str = "") -> Reasoning:
        def matches() -> bool:
            last = self.reasonings[-1] if self.reasonings else None
            return last is not None and last.status == status and detail in last.detail

        self.bench.spin_until(matches, f"status {status} with {detail!r}")
        return self.reasonings[-1]

    def expect_no_chunks(self) -> None:
        self.chunks.clear()
        self.bench.spin_for(0.4)
        assert not self.chunks
