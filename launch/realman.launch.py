"""Start the policy and the arm, with the simulated cell or with a real RM75 and two RealSense.

    ros2 launch kinevla_ros realman.launch.py sim:=true
    ros2 launch kinevla_ros realman.launch.py arm_ip:=192.168.1.18 front_serial:=… wrist_serial:=…
    ros2 launch kinevla_ros realman.launch.py cameras:=none front_topic:=/cam0/image_raw …
    ros2 launch kinevla_ros realman.launch.py only:=policy model:=… image_transport:=compressed
    ros2 launch kinevla_ros realman.launch.py sim:=true namespace:=left

`--show-args` lists every argument. An argument left out leaves the parameter file its say.
"""

from __future__ import annotations

import os
from posixpath import join

from launch import Action, LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    IncludeLaunchDescription,
    LogInfo,
    OpaqueFunction,
    SetEnvironmentVariable,
)
from launch.substitutions import EnvironmentVariable, PathJoinSubstitution
from launch_ros.actions import LifecycleNode, Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from kinevla_ros.base import topics
from kinevla_ros.base.cameras import CAMERAS
from kinevla_ros.base.resources import resource_path
from kinevla_ros.nodes.cameras.realsense import reads_realsense
from kinevla_ros.nodes.ros.messages import BASE_FRAME
from kinevla_ros.nodes.ros.parent import PARENT
from kinevla_ros.robot.model import MESHES, urdf
from kinevla_ros.stack.processes.claims import claim
from kinevla_ros.stack.processes.isolation import DISCOVERY, RANGES
from kinevla_ros.stack.processes.launcher import EXIT_TIMEOUT, HALVES, half
from kinevla_ros.stack.processes.packages import is_installed, require_packages
from kinevla_ros.stack.processes.steps import bring_up, ended
from kinevla_ros.stack.up import simulated_nodes

CLAIMS: list[object] = []
"""Held until this process ends: nobody else launches the same nodes."""

SWITCH = {"default_value": "false", "choices": ["true", "false"]}
ARGUMENTS = [
    DeclareLaunchArgument("sim", description="the simulated cell, no hardware", **SWITCH),
    DeclareLaunchArgument("rviz", description="show robot, images, plan, reasoning", **SWITCH),
    DeclareLaunchArgument("console", description="serve the page to run the arm from", **SWITCH),
    DeclareLaunchArgument(
        "shadow", description="the arm follows no chunk: the policy is only watched", **SWITCH
    ),
    DeclareLaunchArgument(
        "record", default_value="", description="with a recorder: folder for its episodes"
    ),
    DeclareLaunchArgument("arm_ip", default_value="", description="address of the real arm"),
    DeclareLaunchArgument(
        "transport",
        default_value="",
        choices=["", "api", "rm_driver"],
        description="way to the arm; api: the vendor's library, rm_driver: its ROS 2 driver",
    ),
    DeclareLaunchArgument("model", default_value="", description="checkpoint folder"),
    DeclareLaunchArgument(
        "skills", default_value="", description="folder of skills that move the arm"
    ),
    DeclareLaunchArgument(
        "keypoints", default_value="", description="file that finds the objects for the skills"
    ),
    DeclareLaunchArgument(
        "policy_url",
        default_value="",
        description="somebody else's policy in its place, such as ws://127.0.0.1:8000",
    ),
    DeclareLaunchArgument(
        "policy_actions",
        default_value="",
        choices=["", "absolute"],
        description="what the actions of policy_url are if its server does not say",
    ),
    DeclareLaunchArgument(
        "only",
        default_value="",
        choices=["", *HALVES],
        description="half of the nodes, for two machines (docs/remote.md); policy: that node; "
        "robot: all others",
    ),
    DeclareLaunchArgument(
        "discovery",
        default_value="",
        choices=["", *RANGES],
        description=f"who finds the nodes; local: this computer alone, subnet: others too; empty: "
        f"as {DISCOVERY} says, else local",
    ),
    DeclareLaunchArgument(
        "image_transport",
        default_value="",
        choices=["", "raw", "compressed"],
        description="how the policy gets its pictures",
    ),
    DeclareLaunchArgument(
        "params_file",
        default_value=str(resource_path("config", "realman.yaml")),
        description="parameters of the nodes",
    ),
    DeclareLaunchArgument(
        "namespace",
        default_value="",
        description="of all nodes and their topics, and before their frames: one for each arm",
    ),
    DeclareLaunchArgument(
        "cameras",
        default_value="realsense",
        choices=["realsense", "none"],
        description="none: their drivers are started elsewhere",
    ),
    DeclareLaunchArgument(
        "front_topic", default_value="", description="pictures of the front camera, not compressed"
    ),
    DeclareLaunchArgument(
        "wrist_topic", default_value="", description="pictures of the wrist camera, not compressed"
    ),
    DeclareLaunchArgument(
        "joint_states_topic", default_value="", description="joint states of arm and gripper"
    ),
    DeclareLaunchArgument(
        "front_serial", default_value="", description="serial number of the front RealSense"
    ),
    DeclareLaunchArgument(
        "wrist_serial", default_value="", description="serial number of the wrist RealSense"
    ),
]
FRAMELESS = ("console", "recorder")
"""Nodes that publish in no frame."""

REALSENSE = "realsense2_camera"
"""The ROS driver of RealSense cameras."""

SHOWN = (
    "robot_description",
    topics.PLANNED_PATH,
    topics.REASONING_MARKERS,
    topics.KEYPOINT_MARKERS,
    topics.SAFETY_MARKERS,
    *(f"camera/{name}/color/image_raw" for name in CAMERAS),
)
"""Topics of the layout for RViz."""

POLICY_ARGUMENTS = (
    "model",
    "skills",
    "keypoints",
    "policy_url",
    "policy_actions",
    "image_transport",
)
DDS_PROFILES = "FASTRTPS_DEFAULT_PROFILES_FILE"


def generate_launch_description() -> LaunchDescription:
    own = str(resource_path("config", "fastdds.xml"))
    profiles = EnvironmentVariable(DDS_PROFILES, default_value=own)
    return LaunchDescription(
        [
            *ARGUMENTS,
            SetEnvironmentVariable(DDS_PROFILES, profiles),
            SetEnvironmentVariable(PARENT, str(os.getpid())),
            OpaqueFunction(function=start),
        ]
    )


def start(context: LaunchContext) -> list[Action]:
    given = context.launch_configurations
    found = RANGES.get(given["discovery"]) or EnvironmentVariable(
        DISCOVERY, default_value=RANGES["local"]
    )
    sim = given["sim"] == "true"
    real = {name: given[name] for name in ("arm_ip", "transport")}
    if sim and any(real.values()):
        raise ValueError("sim:=true has an arm of its own: leave arm_ip and transport out")
    values = simulated_nodes(given["namespace"]) if sim else {"policy": {}, "arm": real}
    if given["shadow"] == "true":
        values["arm"]["shadow"] = True
    values["policy"] = {name: given[name] for name in POLICY_ARGUMENTS}
    if given["record"]:
        folder = os.path.abspath(os.path.expanduser(given["record"]))
        tasks = text(given["model"]) if given["model"] else ""
        values = {"recorder": {"folder": text(folder), "tasks": tasks}, **values}
    if given["console"] == "true":
        values = {"console": {}, **values}
    cameras = {} if sim or given["only"] == "policy" else serials(given)
    own = bool(cameras) and reads_realsense() and not is_installed(REALSENSE)
    if own:
        numbers = {f"{name}_serial": text(serial) for name, serial in cameras.items()}
        values = {"cameras": numbers, **values}
    needed = ["robot_state_publisher", "rviz2"] if given["rviz"] == "true" else []
    require_packages(needed + ([REALSENSE] if cameras and not own else []))
    nodes = {name: node(given, name, **each) for name, each in half(values, given["only"]).items()}
    CLAIMS.extend(claim(nodes, given["namespace"]))
    # First: what starts after it inherits it, the cameras too.
    actions = [
        SetEnvironmentVariable(DISCOVERY, found),
        *nodes.values(),
        *bring_up(nodes, given["namespace"]),
    ]
    if cameras:
        driver = "kinevla_ros's own node, since there is no realsense2_camera" if own else REALSENSE
        actions.append(LogInfo(msg=f"cameras: {driver}"))
    if not own:
        actions += [camera(given, name, serial) for name, serial in cameras.items()]
    if given["rviz"] == "true":
        actions += rviz(given)
    return actions


def node(given: dict[str, str], name: str, **parameters: object) -> LifecycleNode:
    return LifecycleNode(
        package="kinevla_ros",
        executable=f"{name}_node",
        name=name,
        namespace=given["namespace"],
        parameters=[
            given["params_file"],
            {"frame_prefix": prefix(given)} if given["namespace"] and name not in FRAMELESS else {},
            {key: value for key, value in parameters.items() if value != ""},
        ],
        remappings=list(renamed(given).items()),
        output="screen",
        sigterm_timeout=str(EXIT_TIMEOUT),
        on_exit=[OpaqueFunction(function=ended, args=[f"the {name} node has ended"])],
    )


def renamed(given: dict[str, str]) -> dict[str, str]:
    """Topics that this lab calls otherwise, and their names here."""
    names = {
        "camera/front/color/image_raw": given["front_topic"],
        "camera/wrist/color/image_raw": given["wrist_topic"],
        topics.JOINT_STATES: given["joint_states_topic"],
    }
    return {topic: name for topic, name in names.items() if name}


def text(value: str) -> ParameterValue:
    """A parameter that stays a text, whatever it looks like."""
    return ParameterValue(value, value_type=str)


def prefix(given: dict[str, str]) -> str:
    """Before the name of every frame; without a namespace what the parameter file says."""
    return f"{given['namespace'].strip('/')}/" if given["namespace"] else ""


def serials(given: dict[str, str]) -> dict[str, str]:
    """Camera to serial number; empty where this launch starts no camera.

    Raises:
        ValueError: one is missing. Nobody would notice if the driver swapped the cameras.
    """
    found = {name: given[f"{name}_serial"] for name in CAMERAS}
    if given["cameras"] == "none" or (given["only"] == "robot" and not any(found.values())):
        return {}
    for name, serial in found.items():
        if not serial:
            raise ValueError(
                f"{name}_serial is not set; `rs-enumerate-devices -s` shows the numbers. With "
                "other drivers: cameras:=none"
            )
    return found


def camera(given: dict[str, str], name: str, serial: str) -> IncludeLaunchDescription:
    """A RealSense that publishes camera/<name>/color/image_raw."""
    return IncludeLaunchDescription(
        PathJoinSubstitution([FindPackageShare(REALSENSE), "launch", "rs_launch.py"]),
        launch_arguments={
            "camera_namespace": f"{given['namespace']}/camera".strip("/"),
            "camera_name": name,
            "serial_no": f"_{serial}",  # the underscore keeps it a string
            "enable_depth": "false",
            "rgb_camera.color_profile": "640x480x15",
        }.items(),
    )


def rviz(given: dict[str, str]) -> list[Node]:
    """RViz, and the robot's frames for it."""
    description = {
        "robot_description": text(urdf(MESHES)),
        "frame_prefix": prefix(given),
    }
    layout = str(resource_path("config", "kinevla.rviz"))
    namespace, names = given["namespace"], renamed(given)
    # The layout names topics without a namespace, and RViz itself is in none.
    shown = [(f"/{name}", join("/", namespace, names.get(name, name))) for name in SHOWN]
    arguments = ["-d", layout, "-f", f"{prefix(given)}{BASE_FRAME}"]
    return [
        Node(
            package="robot_state_publisher",
            executable="robot_state_publisher",
            namespace=namespace,
            parameters=[description],
            remappings=list(names.items()),
        ),
        Node(package="rviz2", executable="rviz2", remappings=shown, arguments=arguments),
    ]
