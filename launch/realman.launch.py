"""Start the policy and the arm, with the simulated cell or with a real RM75 and two RealSense.

    ros2 launch kinevla_ros realman.launch.py sim:=true
    ros2 launch kinevla_ros realman.launch.py arm_ip:=192.168.1.18 front_serial:=… wrist_serial:=…

`--show-args` lists every argument.
"""

from __future__ import annotations

from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    IncludeLaunchDescription,
    OpaqueFunction,
    RegisterEventHandler,
    SetEnvironmentVariable,
)
from launch.conditions import IfCondition, UnlessCondition
from launch.substitutions import (
    EnvironmentVariable,
    IfElseSubstitution,
    LaunchConfiguration,
    PathJoinSubstitution,
)
from launch_ros.actions import LifecycleNode, LifecycleTransition, Node
from launch_ros.event_handlers import OnStateTransition
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare
from lifecycle_msgs.msg import Transition

from kinevla_ros.robot.model import urdf

SHARE = FindPackageShare("kinevla_ros")
SIM = LaunchConfiguration("sim")
PARAMETERS = LaunchConfiguration("params_file")


def argument(name: str, default: object, description: str, **options: object) -> object:
    return DeclareLaunchArgument(name, default_value=default, description=description, **options)


ARGUMENTS = [
    argument("sim", "false", "the simulated cell, no hardware", choices=["true", "false"]),
    argument("arm_ip", "192.168.1.18", "address of the real arm's controller"),
    argument("transport", "api", "way to the arm: the vendor's library", choices=["api"]),
    argument("model", PathJoinSubstitution([SHARE, "models", "kinevla-tiny"]), "checkpoint folder"),
    argument("params_file", PathJoinSubstitution([SHARE, "config", "realman.yaml"]), "parameters"),
    argument("front_serial", "", "serial number of the front RealSense"),
    argument("wrist_serial", "", "serial number of the wrist RealSense"),
    argument("rviz", "false", "show robot, images, plan and reasoning", choices=["true", "false"]),
]


def lifecycle_node(name: str, *parameters: object, **options: object) -> LifecycleNode:
    return LifecycleNode(
        package="kinevla_ros",
        executable=f"{name}_node",
        name=name,
        namespace="",
        parameters=[PARAMETERS, *parameters],
        output="screen",
        **options,
    )


def bring_up(*names: str, **options: object) -> LifecycleTransition:
    """Configure and activate the nodes."""
    return LifecycleTransition(
        lifecycle_node_names=names,
        transition_ids=[Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE],
        **options,
    )


def realsense(context: LaunchContext) -> list[IncludeLaunchDescription]:
    """Both cameras, told apart by their serial numbers: a swap would not be noticed."""
    cameras = []
    for name in ("front", "wrist"):
        serial = LaunchConfiguration(f"{name}_serial").perform(context)
        if not serial:
            raise ValueError(f"{name}_serial is not set; see `rs-enumerate-devices -s`")
        cameras.append(
            IncludeLaunchDescription(
                PathJoinSubstitution(
                    [FindPackageShare("realsense2_camera"), "launch", "rs_launch.py"]
                ),
                launch_arguments={
                    "camera_namespace": "camera",
                    "camera_name": name,
                    "serial_no": f"_{serial}",  # the underscore keeps it a string
                    "enable_depth": "false",
                    "rgb_camera.color_profile": "640x480x15",
                }.items(),
            )
        )
    return cameras


def generate_launch_description() -> LaunchDescription:
    cell = lifecycle_node("cell", condition=IfCondition(SIM))
    arm = lifecycle_node(
        "arm",
        {
            "ip": IfElseSubstitution(SIM, "127.0.0.1", LaunchConfiguration("arm_ip")),
            "transport": LaunchConfiguration("transport"),
            # A real arm waits for /arm/enable.
            "enable_on_activate": ParameterValue(SIM, value_type=bool),
        },
    )
    policy = lifecycle_node("policy", {"model": LaunchConfiguration("model")})
    # The arm finds nobody to connect to before the cell is active.
    after_cell = OnStateTransition(
        target_lifecycle_node=cell, goal_state="active", entities=[bring_up("arm", "policy")]
    )
    rviz = IfCondition(LaunchConfiguration("rviz"))
    dds = "FASTRTPS_DEFAULT_PROFILES_FILE"
    own_dds = PathJoinSubstitution([SHARE, "config", "fastdds.xml"])
    return LaunchDescription(
        [
            *ARGUMENTS,
            SetEnvironmentVariable(dds, EnvironmentVariable(dds, default_value=own_dds)),
            OpaqueFunction(function=realsense, condition=UnlessCondition(SIM)),
            cell,
            arm,
            policy,
            RegisterEventHandler(after_cell, condition=IfCondition(SIM)),
            bring_up("cell", condition=IfCondition(SIM)),
            bring_up("arm", "policy", condition=UnlessCondition(SIM)),
            Node(
                package="robot_state_publisher",
                executable="robot_state_publisher",
                parameters=[{"robot_description": ParameterValue(urdf(), value_type=str)}],
                condition=rviz,
            ),
            Node(
                package="rviz2",
                executable="rviz2",
                arguments=["-d", PathJoinSubstitution([SHARE, "config", "kinevla.rviz"])],
                condition=rviz,
            ),
        ]
    )
