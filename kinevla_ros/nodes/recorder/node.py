"""The recorder node: `record/start`, `record/stop`, `record/discard`, `record/status`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.serialization import deserialize_message
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

from kinevla_ros.base import topics
from kinevla_ros.data.recording.bag import FAILURE, NANO, SUCCESS
from kinevla_ros.data.recording.topics import INSTRUCTIONS, REASONING, recorded_topics
from kinevla_ros.msg import Reasoning, RecordedTopic, RecordStatus
from kinevla_ros.nodes.recorder.facts import facts
from kinevla_ros.nodes.recorder.parameters import PARAMETERS
from kinevla_ros.nodes.ros.guard import EXPECTED
from kinevla_ros.nodes.ros.logs.text import REASON, TEXT, bounded
from kinevla_ros.nodes.ros.managed import Diagnosis, ManagedNode
from kinevla_ros.nodes.ros.runtime import run
from kinevla_ros.nodes.ros.subscribe import SMALL

if TYPE_CHECKING:
    from kinevla_ros.data.recording.episode_file import TopicDefinition
    from kinevla_ros.data.recording.recorder import EpisodeRecorder, RecorderState
    from kinevla_ros.nodes.recorder.listening import Listening

LOOK_PERIOD = 0.5
MOST_TOPICS = 32


class RecorderNode(ManagedNode):
    """Listens as soon as it is active, and writes while an episode is under way."""

    def __init__(self) -> None:
        super().__init__("recorder", PARAMETERS)
        self._recorder: EpisodeRecorder | None = None
        self._listening: Listening | None = None
        self._last = ""
        self._status = self.create_publisher(RecordStatus, topics.RECORD_STATUS, 1)
        self.create_service(Trigger, topics.RECORD_START, self._on_start)
        self.create_service(SetBool, topics.RECORD_STOP, self._on_stop)
        self.create_service(Trigger, topics.RECORD_DISCARD, self._on_discard)
        self.create_timer(LOOK_PERIOD, self._look)

    def configure(self) -> None:
        """Take the folder.

        Raises:
            RuntimeError: a package is missing.
            FolderInUse, OSError, TaskSetError: the folder or the task set cannot be used.
        """
        try:
            from kinevla_ros.data.recording.recorder import EpisodeRecorder
        except ModuleNotFoundError as missing:
            raise RuntimeError(f"{missing}; recording needs: pip install 'mcap>=1.6'") from missing
        values = self.values
        facts(values, "")
        recorded = recorded_topics(values["image_transport"])
        folder = Path(values["folder"]).expanduser().resolve()
        self._recorder = EpisodeRecorder(folder, recorded, values["least_free"] * 10**6)
        self.get_logger().info(f"episodes go to {folder}")

    def cleanup(self) -> None:
        """Give the folder back."""
        if self._recorder is not None:
            self._recorder.close()
        self._recorder = None

    def activate(self) -> None:
        """Listen."""
        from kinevla_ros.nodes.recorder.listening import Listening

        recorded = recorded_topics(self.values["image_transport"])
        self._listening = Listening(self, recorded, self._receive, self._refuse)

    def deactivate(self) -> None:
        """Listen no more; an episode under way is kept as a failure."""
        if self._listening is not None:
            self._listening.close()
        self._listening = None
        if self._recorder is not None:
            self._note(self._recorder.end(self._now()))

    def diagnosis(self) -> Diagnosis:
        """What is recorded."""
        if self._recorder is None:
            return Diagnosis("not configured", DiagnosticStatus.WARN)
        state = self._recorder.state(self._now())
        figures = {topic.name: f"{topic.rate:.1f} Hz" for topic in state.topics if topic.rate}
        figures |= {"free": f"{state.free / 1e9:.1f} GB"}
        if state.problem:
            return Diagnosis(state.problem, DiagnosticStatus.ERROR, figures)
        if state.waits_for:
            missing = f"nothing comes on {', '.join(state.waits_for)}"
            return Diagnosis(missing, DiagnosticStatus.WARN, figures)
        doing = f"recording {state.episode}, {state.seconds:.0f} s" if state.episode else "ready"
        return Diagnosis(doing, figures=figures)

    def _look(self) -> None:
        if self._listening is not None:
            self._listening.look()
            self._tell()

    def _tell(self) -> None:
        if self._recorder is not None:
            self._status.publish(self._message(self._recorder.state(self._now())))

    def _receive(self, topic: str, definition: TopicDefinition, data: bytes) -> None:
        if self._recorder is None:
            return
        self._recorder.receive(topic, definition, self._now(), data)
        if topic in (INSTRUCTIONS, REASONING) and len(data) <= SMALL:
            self._listen(topic, data)

    def _listen(self, topic: str, data: bytes) -> None:
        """Take note of what is said."""
        assert self._recorder is not None
        log, now = self._recorder.instructions, self._now() / NANO
        if topic == INSTRUCTIONS:
            log.hear(deserialize_message(data, String).data, now)
        else:
            reasoning = deserialize_message(data, Reasoning)
            log.read(reasoning.instruction, reasoning.status, now)

    def _on_start(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return self._serve(response, self._start)

    def _on_stop(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        verdict = SUCCESS if request.data else FAILURE
        return self._serve(response, lambda recorder: recorder.stop(verdict, self._now()))

    def _on_discard(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return self._serve(response, lambda recorder: f"{recorder.discard()} is discarded")

    def _start(self, recorder: EpisodeRecorder) -> str:
        instruction = str(self.get_parameter("instruction").value).strip()
        name = recorder.start(facts(self.values, instruction), self._now())
        return f"recording {name}"

    def _serve(self, response: Any, act: Callable[[EpisodeRecorder], str]) -> Any:
        """Do it and say what came of it; a fault of a kind that is not foreseen is logged."""
        try:
            if self.state != "active" or self._recorder is None:
                raise RuntimeError("the recorder node is not active")
            self._note(act(self._recorder))
            response.success, response.message = True, bounded(self._last, TEXT)
        except EXPECTED as problem:
            response.success, response.message = False, bounded(str(problem), TEXT)
        self._tell()
        return response

    def _note(self, text: str) -> None:
        """Log what became of an episode, and keep it for the status."""
        if text:
            self._last = text
            self.get_logger().info(text)

    def _refuse(self, problem: str) -> None:
        self.get_logger().warning(problem, throttle_duration_sec=1.0)

    def _now(self) -> int:
        return int(self.get_clock().now().nanoseconds)

    def _message(self, state: RecorderState) -> RecordStatus:
        fields: dict[str, Any] = {
            "episode": state.episode,
            "problem": bounded(state.problem, TEXT),
            "waits_for": [bounded(name, REASON) for name in state.waits_for],
            "instruction": bounded(state.instruction, TEXT),
            "seconds": state.seconds,
            "size": state.size,
            "waiting": state.waiting,
            "free": state.free,
            "skew": state.skew,
            "topics": [RecordedTopic(**vars(topic)) for topic in state.topics[:MOST_TOPICS]],
            "last": bounded(self._last, TEXT),
        }
        message = RecordStatus(**fields)
        message.header.stamp = self.get_clock().now().to_msg()
        return message


def main() -> int:
    """Run the node; returns the exit code."""
    return run(RecorderNode)


if __name__ == "__main__":
    sys.exit(main())
