"""Start the policy and the arm, with the simulated cell or with a real RM75 and two RealSense.

    ros2 launch kinevla_ros realman.launch.py sim:=true
    ros2 launch kinevla_ros realman.launch.py arm_ip:=192.168.1.18 front_serial:=… wrist_serial:=…
    ros2 launch kinevla_ros realman.launch.py only:=policy model:=… image_transport:=compressed

`--show-args` lists every argument. An argument left out leaves the parameter file its say.
"""

from __future__ import annotations

from itertools import pairwise

from launch import Action, LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    IncludeLaunchDescription,
    OpaqueFunction,
    RegisterEventHandler,
    SetEnvironmentVariable,
)
from launch.substitutions import EnvironmentVariable, PathJoinSubstitution
from launch_ros.actions import LifecycleNode, LifecycleTransition, Node
from launch_ros.event_handlers import OnStateTransition
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare
from lifecycle_msgs.msg import Transition

from kinevla_ros.base.resources import resource_path
from kinevla_ros.robot.model import urdf
from kinevla_ros.stack.isolation import DISCOVERY, RANGES
from kinevla_ros.stack.launcher import CELL_HOST, CELL_PORT, HALVES, half, simulated

SWITCH = {"default_value": "false", "choices": ["true", "false"]}
ARGUMENTS = [
    DeclareLaunchArgument("sim", description="the simulated cell, no hardware", **SWITCH),
    DeclareLaunchArgument("rviz", description="show robot, images, plan, reasoning", **SWITCH),
    DeclareLaunchArgument("console", description="serve the page to run the arm from", **SWITCH),
    DeclareLaunchArgument("arm_ip", default_value="", description="address of the real arm"),
    DeclareLaunchArgument(
        "transport",
        default_value="",
        choices=["", "api", "rm_driver"],
        description="way to the arm; api: the vendor's library, rm_driver: its ROS 2 driver",
    ),
    DeclareLaunchArgument("model", default_value="", description="checkpoint folder"),
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
        "front_serial", default_value="", description="serial number of the front RealSense"
    ),
    DeclareLaunchArgument(
        "wrist_serial", default_value="", description="serial number of the wrist RealSense"
    ),
]
POLICY_ARGUMENTS = ("model", "policy_url", "policy_actions", "image_transport")
DDS_PROFILES = "FASTRTPS_DEFAULT_PROFILES_FILE"


def generate_launch_description() -> LaunchDescription:
    own = str(resource_path("config", "fastdds.xml"))
    profiles = EnvironmentVariable(DDS_PROFILES, default_value=own)
    return LaunchDescription(
        [*ARGUMENTS, SetEnvironmentVariable(DDS_PROFILES, profiles), OpaqueFunction(function=start)]
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
    arm = simulated(CELL_PORT) if sim else real
    nodes = {
        "policy": node(
            given,
            "policy",
            **{name: given[name] for name in POLICY_ARGUMENTS},
        ),
        "arm": node(given, "arm", **arm),
    }
    if sim:
        nodes = {"cell": node(given, "cell", host=CELL_HOST, port=CELL_PORT), **nodes}
    if given["console"] == "true":
        nodes = {"console": node(given, "console"), **nodes}
    nodes = half(nodes, given["only"])
    # First: what starts after it inherits it, the cameras too.
    actions = [SetEnvironmentVariable(DISCOVERY, found), *nodes.values(), *bring_up(nodes)]
    if not sim and given["only"] != "policy":
        actions += [camera(given, "front"), camera(given, "wrist")]
    if given["rviz"] == "true":
        actions += rviz()
    return actions


def node(given: dict[str, str], name: str, **parameters: object) -> LifecycleNode:
    return LifecycleNode(
        package="kinevla_ros",
        executable=f"{name}_node",
        name=name,
        namespace="",
        parameters=[
            given["params_file"],
            {key: value for key, value in parameters.items() if value != ""},
        ],
        output="screen",
    )


def bring_up(nodes: dict[str, LifecycleNode]) -> list[Action]:
    """Configure and activate one node after the other: the arm last, when all it needs is there."""
    transitions = {
        name: LifecycleTransition(
            lifecycle_node_names=[name],
            transition_ids=[Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE],
        )
        for name in nodes
    }
    followers = [
        RegisterEventHandler(
            OnStateTransition(
                target_lifecycle_node=nodes[name],
                goal_state="active",
                entities=[transitions[following]],
                handle_once=True,
            )
        )
        for name, following in pairwise(nodes)
    ]
    return [*followers, next(iter(transitions.values()))]


def camera(given: dict[str, str], name: str) -> IncludeLaunchDescription:
    """A RealSense that publishes /camera/<name>/color/image_raw.

    Raises:
        ValueError: No serial number. Nobody would notice if the driver swapped the cameras.
    """
    serial = given[f"{name}_serial"]
    if not serial:
        raise ValueError(f"{name}_serial is not set; `rs-enumerate-devices -s` shows the numbers")
    return IncludeLaunchDescription(
        PathJoinSubstitution([FindPackageShare("realsense2_camera"), "launch", "rs_launch.py"]),
        launch_arguments={
            "camera_namespace": "camera",
            "camera_name": name,
            "serial_no": f"_{serial}",  # the underscore keeps it a string
            "enable_depth": "false",
            "rgb_camera.color_profile": "640x480x15",
        }.items(),
    )


def rviz() -> list[Node]:
    """RViz, and the robot's frames for it."""
    description = {"robot_description": ParameterValue(urdf(), value_type=str)}
    layout = str(resource_path("config", "kinevla.rviz"))
    return [
        Node(
            package="robot_state_publisher",
            executable="robot_state_publisher",
            parameters=[description],
        ),
        Node(package="rviz2", executable="rviz2", arguments=["-d", layout]),
    ]
