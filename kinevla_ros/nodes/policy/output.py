"""What the policy node publishes: chunks, the reasoning behind them, or why there is none."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from builtin_interfaces.msg import Time
from nav_msgs.msg import Path
from rclpy.node import Node
from visualization_msgs.msg import MarkerArray

from kinevla_ros.base import topics
from kinevla_ros.base.chunk import CHUNK_DT, HORIZON, ActionChunk
from kinevla_ros.data.synchronisation.images import ImageError
from kinevla_ros.generator.pictures.checks import PictureFault
from kinevla_ros.language.reading.reader import Question
from kinevla_ros.msg import ActionChunk as ActionChunkMessage
from kinevla_ros.msg import MissingSlot, Reasoning
from kinevla_ros.msg import Question as QuestionMessage
from kinevla_ros.nodes.policy.parameters import ANY_CONSISTENCY
from kinevla_ros.nodes.policy.rviz import keypoint_markers, planned_path, reasoning_markers
from kinevla_ros.nodes.ros.logs.text import TEXT, bounded
from kinevla_ros.nodes.ros.messages import BASE_FRAME, chunk_to_message
from kinevla_ros.nodes.ros.qos import LATCHED
from kinevla_ros.serving.errors import RemotePolicyError

if TYPE_CHECKING:
    from kinevla_ros.generator.inference import Inference
    from kinevla_ros.keypoints.seen import SeenKeypoints
    from kinevla_ros.nodes.policy.source import AnyPolicy

CHUNK_TIME = HORIZON * CHUNK_DT
"""How long a chunk lasts, s; one that took longer is over before the arm gets it."""

CHOICE, MOST_CHOICES, MOST_SLOTS = 64, 32, 16
"""Bytes and counts that `MissingSlot.msg` and `Question.msg` have room for."""


class Listener(Protocol):
    """Who follows what the policy does, in the policy's own process."""

    def follow(self, chunk: ActionChunk) -> None:
        """Take a chunk that is sent."""
        ...

    def on_reasoning(self, reasoning: Reasoning) -> None:
        """Take words and codes, or why there are none."""
        ...


class Output:
    """Topics of `node`.

    Args:
        node: that publishes.
        prefix: goes before the name of every frame.
        obstacle: what keeps the arm from following; empty where nothing does.
    """

    def __init__(self, node: Node, prefix: str, obstacle: Callable[[], str]) -> None:
        self._frame, self._obstacle = f"{prefix}{BASE_FRAME}", obstacle
        self._clock = node.get_clock()
        self._reasoning = node.create_publisher(Reasoning, topics.REASONING, 1)
        self._questions = node.create_publisher(QuestionMessage, topics.QUESTION, LATCHED)
        self._listener: Listener | None = None
        self._chunks = node.create_publisher(ActionChunkMessage, topics.ACTION_CHUNK, 1)
        self._paths = node.create_publisher(Path, topics.PLANNED_PATH, 1)
        self._keypoints_of: float | None = None
        self._keypoints = node.create_publisher(MarkerArray, topics.KEYPOINT_MARKERS, 1)
        self._markers = node.create_publisher(MarkerArray, topics.REASONING_MARKERS, 1)
        # Who comes later learns that nothing is asked.
        self._asks = True
        self.ask(None)

    def listen(self, listener: Listener) -> None:
        """Let `listener` have every chunk and reasoning too."""
        self._listener = listener

    def chunk(self, chunk: ActionChunk, stamp: Time) -> None:
        """Publish the chunk of an observation taken at `stamp`."""
        if self._listener:
            self._listener.follow(chunk)
        self._chunks.publish(chunk_to_message(chunk, stamp))

    def path(self, chunk: ActionChunk, stamp: Time) -> None:
        """Show where the chunk leads."""
        self._paths.publish(planned_path(chunk, stamp, self._frame))

    def keypoints(self, policy: AnyPolicy, stamp: Time) -> None:
        """Show the keypoints that a policy of skills has found in pictures taken at `stamp`.

        Also where there is no motion: they tell why. Other policies find none.
        """
        source: SeenKeypoints | None = getattr(policy, "keypoints", None)
        taken = getattr(source, "stamp", None)
        if source and taken is not None and taken != self._keypoints_of:
            self._keypoints_of = taken
            self._keypoints.publish(keypoint_markers(source.objects, stamp, self._frame))

    def reasoning(self, message: Reasoning) -> None:
        """Publish words and codes, and show them, with what keeps the arm from following."""
        message.arm = bounded(self._obstacle(), TEXT)
        if self._listener:
            self._listener.on_reasoning(message)
        self._reasoning.publish(message)
        self._markers.publish(reasoning_markers(message, self._frame))

    def ask(self, question: Question | None) -> None:
        """Publish a question, or that there is none any more."""
        if question is None and not self._asks:
            return
        message = QuestionMessage()
        message.header.stamp = self._clock.now().to_msg()
        if question:
            message.instruction = bounded(question.said, TEXT)
            message.text = bounded(question.text, TEXT)
            message.missing = [
                MissingSlot(
                    name=bounded(name, CHOICE),
                    choices=[bounded(choice, CHOICE) for choice in choices[:MOST_CHOICES]],
                )
                for name, choices in list(question.choices.items())[:MOST_SLOTS]
            ]
        self._asks = question is not None
        self._questions.publish(message)

    def explain(self, status: int, instruction: str, detail: str) -> None:
        """Publish why no chunk follows."""
        message = Reasoning(status=status)
        message.instruction, message.detail = bounded(instruction, TEXT), bounded(detail, TEXT)
        message.consistency = message.doubt = math.nan
        message.header.stamp = self._clock.now().to_msg()
        self.reasoning(message)


def judge(inference: Inference, least: float) -> tuple[int, str]:
    """Whether the chunk of an inference may be sent: a status, and why not.

    Args:
        least: the parameter `min_consistency`.
    """
    if inference.model_time > CHUNK_TIME:
        return Reasoning.TOO_SLOW, (
            f"an inference took {inference.model_time:.2f} s and its chunk lasts "
            f"{CHUNK_TIME:.1f} s, so the arm holds in between: run the model on a GPU, take a "
            "smaller one, or end what else the computer does"
        )
    # Written so that NaN holds too.
    if least > ANY_CONSISTENCY and not inference.consistency >= least:
        return Reasoning.INCONSISTENT, (
            f"the codes fit the words with a probability of {inference.consistency:.2f}, less than "
            f"min_consistency {least:.2f}: say it in other words, or override the reasoning; "
            "`kinevla calibrate` finds what suits a checkpoint"
        )
    return Reasoning.OK, ""


def status_of(problem: Exception) -> int:
    """The state that a failure is named by."""
    if isinstance(problem, ImageError | PictureFault):
        return int(Reasoning.NO_OBSERVATION)
    if isinstance(problem, RemotePolicyError):
        return int(Reasoning.ERROR)  # there need be no torch, which the others come with
    from kinevla_ros.generator.device import GpuOutOfMemory, NoGpu
    from kinevla_ros.generator.inference import NotUnderstood

    statuses = {
        NotUnderstood: Reasoning.NOT_UNDERSTOOD,
        GpuOutOfMemory: Reasoning.OUT_OF_MEMORY,
        NoGpu: Reasoning.NO_GPU,
    }
    return int(statuses.get(type(problem), Reasoning.ERROR))
