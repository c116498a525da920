"""What the arm node shows: markers for RViz and, where nobody else does, the arm's frames."""

from __future__ import annotations

from rclpy.node import Node
from visualization_msgs.msg import Marker, MarkerArray

from kinevla_ros.base import topics
from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.nodes.arm.frames import PERIOD as FRAMES_PERIOD
from kinevla_ros.nodes.arm.frames import FramePublisher
from kinevla_ros.nodes.arm.safety_markers import chunk_markers, safety_markers
from kinevla_ros.nodes.ros.messages import BASE_FRAME, Stamps
from kinevla_ros.robot.driver.tick import Tick
from kinevla_ros.robot.gate.collision import CollisionModel
from kinevla_ros.robot.gate.workspace import Workspace
from kinevla_ros.robot.limits import JointLimits
from kinevla_ros.robot.state import ArmState
from kinevla_ros.robot.status import SafetyState

MARKERS_PERIOD = 0.2


class ArmDisplay:
    """Draws from timers of the node, so that nothing is drawn in the stream's thread.

    Args:
        node: that publishes.
        stamps: of its clock.
        prefix: goes before the name of every frame.
    """

    def __init__(self, node: Node, stamps: Stamps, prefix: str = "") -> None:
        self._stamps, self._frame = stamps, f"{prefix}{BASE_FRAME}"
        self._tick: Tick | None = None
        self._state: ArmState | None = None
        self._chunk: ActionChunk | None = None
        self._drawn: ActionChunk | None = None
        self._of_chunk: list[Marker] = []
        self._markers = node.create_publisher(MarkerArray, topics.SAFETY_MARKERS, 1)
        self._frames = FramePublisher(node, prefix)
        node.create_timer(MARKERS_PERIOD, self._draw)
        node.create_timer(FRAMES_PERIOD, self._tell_frames)

    def show(self, limits: JointLimits, workspace: Workspace) -> None:
        """Show how near these come; before the first tick."""
        self._limits, self._workspace = limits, workspace
        self._space = CollisionModel(workspace)  # the driver's is for its own thread

    def on_tick(self, tick: Tick) -> None:
        """Take what a tick gave, in whatever thread."""
        self._tick, self._state = tick, tick.state or self._state

    def follow(self, chunk: ActionChunk) -> None:
        """Take a chunk that was accepted."""
        self._chunk = chunk

    def _draw(self) -> None:
        tick = self._tick
        if tick is None or not self._markers.get_subscription_count():
            return
        moving = tick.status.state is SafetyState.MOVING
        chunk = self._draw_chunk() if moving else []
        stamp = self._stamps.to_ros(tick.now)
        markers = safety_markers(tick.status, chunk, self._workspace, stamp, self._frame)
        self._markers.publish(markers)

    def _draw_chunk(self) -> list[Marker]:
        """Markers of the newest chunk, made once for each."""
        chunk = self._chunk
        if chunk is not None and chunk is not self._drawn:
            self._of_chunk = chunk_markers(chunk, self._limits, self._space)
            self._drawn = chunk
        return self._of_chunk

    def _tell_frames(self) -> None:
        if self._state is not None:
            self._frames.update(self._state.q, self._stamps.to_ros(self._state.stamp))
