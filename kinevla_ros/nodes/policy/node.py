"""The policy node: pictures, joint states and an instruction in; reasoning and chunks out."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from functools import partial
from typing import TYPE_CHECKING, cast

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus
from sensor_msgs.msg import CompressedImage, Image, JointState
from std_msgs.msg import String

from kinevla_ros.base import topics
from kinevla_ros.base.action_space import ActionSpaceError
from kinevla_ros.data.synchronisation.images import picture_topic
from kinevla_ros.data.synchronisation.observation import NoObservation, ReceivedObservation
from kinevla_ros.data.synchronisation.stamp_checks import Arrival
from kinevla_ros.msg import Reasoning
from kinevla_ros.nodes.policy.arm_watch import ArmWatch
from kinevla_ros.nodes.policy.caution import Caution
from kinevla_ros.nodes.policy.execution import Execution
from kinevla_ros.nodes.policy.hearing import Hearing
from kinevla_ros.nodes.policy.output import CHUNK_TIME, Output, judge, status_of
from kinevla_ros.nodes.policy.parameters import ANY_CONSISTENCY, PARAMETERS
from kinevla_ros.nodes.policy.sight import Sight
from kinevla_ros.nodes.policy.source import close_policy, open_policy
from kinevla_ros.nodes.ros.images import TRANSPORTS, transported
from kinevla_ros.nodes.ros.latency import Latency
from kinevla_ros.nodes.ros.logs.text import TEXT, bounded
from kinevla_ros.nodes.ros.managed import Diagnosis, ManagedNode
from kinevla_ros.nodes.ros.messages import NANO, Stamps, reasoning_to_message
from kinevla_ros.nodes.ros.qos import image_qos
from kinevla_ros.nodes.ros.runtime import run
from kinevla_ros.nodes.ros.subscribe import PICTURE, subscribe
from kinevla_ros.serving.errors import RemotePolicyError
from kinevla_ros.srv import OverrideReasoning

if TYPE_CHECKING:
    from kinevla_ros.generator.inference import Inference
    from kinevla_ros.nodes.policy.source import AnyPolicy
    from kinevla_ros.skills.policy import SkillPolicy

VETOED = "an operator has vetoed the motion; ~/override_reasoning with RELEASE ends it"
STAMP_JITTER = 0.02
"""A picture so little (s) before its time is as good as due; the next would come much later."""

PICTURE_TIMEOUT = 0.05
COMPLAINT_PERIOD = 1.0
"""Why there is no motion comes at most so often, and pictures may take so long to begin, s."""

JOIN_TIMEOUT = 5.0
EXPIRY_PERIOD = 0.5
"""How often it is looked whether a question has waited long enough, s."""


class PolicyNode(ManagedNode):
    """Infers in a thread of its own, so that no picture waits for the model."""

    def __init__(self) -> None:
        super().__init__("policy", PARAMETERS)
        self._stamps, self._sight = Stamps(self.get_clock()), Sight(self.values)
        self._observations = self._sight.observations
        self._policy: AnyPolicy | None = None
        self._served, self._skilled = (bool(self.values[n]) for n in ("policy_url", "skills"))
        self._heard = 0
        self._stop, self._picture = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._model_time, self._latency = Latency(), Latency()
        self._complaint, self._complained_at = "", 0.0
        self._inferring_since: float | None = None
        arm = ArmWatch(self)
        self._caution = Caution(self, self.values["when_unsure"], arm)
        self._output = Output(self, self.values["frame_prefix"], arm.obstacle)
        self._hearing = Hearing(
            self._output,
            self.get_logger(),
            self._served,
            self.values["accept"],
            self.values["question_timeout"],
        )
        self._execution = Execution(
            self, self._hearing, arm.obstacle, lambda: self.state == "active"
        )
        self._output.listen(self._execution)
        self._create_topics()

    def _create_topics(self) -> None:
        transport = self.values["image_transport"]
        qos = image_qos(self.values["images_reliable"])
        for camera in self._observations.topics:
            # Remapped is the picture's topic, whatever way its pictures come.
            topic = self.resolve_topic_name(picture_topic(camera, "raw").lstrip("/"))
            topic = transported(topic, transport)
            take = partial(self._on_image, camera)
            self.create_subscription(TRANSPORTS[transport], topic, take, qos)
            self._observations.topics[camera] = topic
        joints = self._observations.miss_joints
        subscribe(self, JointState, topics.JOINT_STATES, self._on_joints, joints, 10)
        subscribe(self, String, topics.INSTRUCTION, self._on_instruction, self._on_no_instruction)
        self.create_timer(EXPIRY_PERIOD, self._hearing.expire)
        self.create_service(OverrideReasoning, "~/override_reasoning", self._on_override)

    def configure(self) -> None:
        """Load the checkpoint or connect to the policy's server."""
        self._sight.configure()
        try:
            self._policy, which = open_policy(self.values, self._measured)
            self._caution.watch(self._policy)
            # What a served policy understands only its server knows.
            if known := getattr(self._policy, "tasks", None):
                self._hearing.understand(known)
        except (RuntimeError, ActionSpaceError) as problem:
            self._output.explain(status_of(problem), "", str(problem))
            raise
        self.get_logger().info(which)

    @property
    def _least_consistency(self) -> float:
        """What decides; a served policy's is not known, and skills have none."""
        unknown = self._served or self._skilled
        return ANY_CONSISTENCY if unknown else float(self.values["min_consistency"])

    @property
    def _measured(self) -> bool:
        """Whether consistency decides."""
        return self._least_consistency > ANY_CONSISTENCY

    def cleanup(self) -> None:
        """Forget the checkpoint or the connection."""
        policy, self._policy = self._policy, None
        close_policy(policy)

    def activate(self) -> None:
        """Begin to infer as soon as an instruction comes."""
        if self._thread is not None and self._thread.is_alive():
            raise RuntimeError("the last inference has not ended yet; activate again later")
        self._hearing.forget()
        self._sight.start()
        self._model_time.clear()
        self._latency.clear()
        self._complaint = ""
        self._stop.clear()
        # A daemon: an inference that never ends must not keep the process.
        self._thread = threading.Thread(
            target=self._infer_until_stopped, name="inference", daemon=True
        )
        self._thread.start()

    def deactivate(self) -> None:
        """Stop inferring; the arm slows to rest when the last chunk has run out."""
        self._stop.set()
        self._execution.close()
        self._sight.stop()
        self._wake()
        if self._thread is not None:
            self._thread.join(JOIN_TIMEOUT)
        self._caution.end()

    def diagnosis(self) -> Diagnosis:
        """What the policy does, and how fast."""
        figures = {
            "model time": self._model_time.summary(),
            "picture to chunk": self._latency.summary(),
        }
        since = self._inferring_since
        if since is not None and (spent := time.monotonic() - since) > CHUNK_TIME:
            text = f"an inference has been under way for {spent:.1f} s"
            return Diagnosis(text, DiagnosticStatus.WARN, figures)
        if self._complaint:
            return Diagnosis(self._complaint, DiagnosticStatus.WARN, figures)
        instruction = self._hearing.instruction
        text = f'carrying out "{instruction}"' if instruction else "waiting for an instruction"
        return Diagnosis(text, figures=figures)

    def stages(self) -> dict[str, Diagnosis]:
        """Observation, front camera and inference."""
        figures = {"model time": self._model_time.summary()}
        idle = self._hearing.instruction is None
        inferring = Diagnosis("idle" if idle else "inferring", figures=figures)
        return {**self._sight.stages(), "inference": inferring}

    def _on_image(self, camera: str, image: Image | CompressedImage) -> None:
        if len(image.data) > PICTURE:
            text = f"a picture of the {camera} camera has {len(image.data)} bytes and is dropped"
            self.get_logger().warning(text, throttle_duration_sec=COMPLAINT_PERIOD)
            return
        self._observations.add_image(camera, self._arrival(image.header.stamp), image)
        self._picture.set()

    def _on_joints(self, message: JointState) -> None:
        self._observations.read_joints(self._arrival(message.header.stamp), message)

    def _arrival(self, stamp: Time) -> Arrival:
        said = stamp.sec + stamp.nanosec / NANO
        return Arrival(self._stamps.to_monotonic(stamp), said, time.monotonic())

    def _on_instruction(self, message: String) -> None:
        if self.state != "active":
            self.get_logger().warning("the policy is not active: the instruction is ignored")
            return
        self._complaint, self._complained_at = "", time.monotonic()
        self._hearing.hear(message.data)
        self._wake()

    def _on_no_instruction(self, problem: str) -> None:
        if self.state == "active":
            self._complaint = ""
            self._hearing.hear_nothing(problem)

    def _on_override(
        self, request: OverrideReasoning.Request, response: OverrideReasoning.Response
    ) -> OverrideReasoning.Response:
        answer = self._hearing.override(request, response)
        self._wake()
        return answer

    def _wake(self) -> None:
        """Have what a person says answered from the newest picture, before the next one comes."""
        self._picture.set()

    def _infer_until_stopped(self) -> None:
        due, answered = 0.0, None
        while not self._stop.is_set():
            self._picture.wait(PICTURE_TIMEOUT)
            self._picture.clear()
            instruction = self._hearing.instruction
            if instruction is None:
                self._caution.end()
                self._sight.check_idly()
                answered = None
                continue
            asked = instruction, self._hearing.words.texts
            if asked != answered:
                due = 0.0
            if self._hearing.words.vetoed:
                self._complain(Reasoning.VETOED, instruction, VETOED)
                continue
            if clock := self.clock_watch.problem():
                self._complain(Reasoning.NO_OBSERVATION, instruction, clock)
                continue
            try:
                observation = self._sight.newest()
            except NoObservation as problem:
                self._complain(Reasoning.NO_OBSERVATION, instruction, str(problem))
                continue
            if observation.stamp > due - STAMP_JITTER:
                self._infer(instruction, observation)
                answered, due = asked, observation.stamp + self.values["chunk_period"]

    def _infer(self, instruction: str, received: ReceivedObservation) -> None:
        """Infer once and publish what came of it."""
        assert self._policy is not None
        words, override = self._hearing.words.texts, None
        if words:
            from kinevla_ros.generator.decoding.override import Override

            override = Override(*words)
        if self._skilled and self._heard != self._hearing.heard:
            self._heard = self._hearing.heard
            cast("SkillPolicy", self._policy).hear()
        self._inferring_since = time.monotonic()
        try:
            self._sight.check(received)
            inference = self._policy.infer(
                instruction,
                received.observation,
                override,
                consistency=self._measured,
            )
        except Exception as problem:
            # Whatever goes wrong in here means no motion, and the node must be there to say so.
            status, detail = status_of(problem), bounded(str(problem), TEXT)
            if status == Reasoning.ERROR and not isinstance(problem, RemotePolicyError):
                self.get_logger().error(traceback.format_exc(), throttle_duration_sec=10.0)
                detail = f"{type(problem).__name__}: {detail}"
            self._complain(status, instruction, detail)
            return
        finally:
            self._inferring_since = None
            self._output.keypoints(self._policy, received.ros_stamp)
        # A new instruction, other words or a veto may have come in the meantime.
        same = instruction == self._hearing.instruction and words == self._hearing.words.texts
        if same and not self._hearing.words.vetoed and not self._stop.is_set():
            self._publish(inference, received.ros_stamp, words is not None)

    def _publish(self, inference: Inference, stamp: Time, overridden: bool) -> None:
        self._model_time.add(inference.model_time)
        doubt = self._caution.doubt(inference)
        status, detail = judge(inference, self._least_consistency)
        if status == Reasoning.OK:
            status, detail = self._caution.act(doubt, inference.instruction, self._hearing.heard)
        self._complaint = detail
        if status == Reasoning.OK:
            self._output.chunk(inference.chunk, stamp)
            self._latency.add(time.monotonic() - inference.stamp)
        else:
            text = f"no motion: {detail}"
            self.get_logger().warning(text, throttle_duration_sec=COMPLAINT_PERIOD)
        reasoning = reasoning_to_message(inference, stamp, overridden, doubt)
        reasoning.status, reasoning.detail = status, detail
        self._output.reasoning(reasoning)
        if status == Reasoning.OK:
            # For people to look at, and it takes milliseconds: after what the arm waits for.
            self._output.path(inference.chunk, stamp)

    def _complain(self, status: int, instruction: str, detail: str) -> None:
        """Say now and then why there is no motion."""
        now = time.monotonic()
        if now - self._complained_at < COMPLAINT_PERIOD:
            return
        self._complained_at, self._complaint = now, detail
        self.get_logger().warning(f"no motion: {detail}")
        self._output.explain(status, instruction, detail)


def main() -> int:
    """Run the node; returns the exit code."""
    return run(PolicyNode)


if __name__ == "__main__":
    sys.exit(main())
