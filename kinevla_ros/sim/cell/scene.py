"""The cell as MJCF: RM75 with gripper, table, bread, carrot, plate, front and wrist camera.

The arm comes from `robot.model`; contact settings are those under which a grasp holds for
8 s of shaking (elliptic cones, impratio 10, pad condim 4).
"""

from __future__ import annotations

import math

from kinevla_ros.base.arm import GRIPPER_STROKE
from kinevla_ros.base.cameras import CAMERA_HEIGHT, CAMERA_WIDTH
from kinevla_ros.robot.model import (
    BASE,
    EFFORT_LIMITS,
    LINKS,
    POSITION_LIMITS,
    TOOL_LENGTH,
    Link,
)

FRONT_FOVY, WRIST_FOVY = 47.0, 75.0
"""Vertical fields of view, degrees."""

PLATE_RADIUS = 0.095
BREAD_HALF = (0.048, 0.020, 0.017)
"""Half sizes of the bread's lower block (m)."""

CARROT_PROFILE = (
    ("lower", -0.050, -0.018, 0.010),
    ("middle", -0.018, 0.018, 0.013),
    ("upper", 0.018, 0.042, 0.015),
    ("leaf", 0.052, 0.075, 0.007),
)
"""Capsules along the carrot's x axis: name, start, end, radius (m)."""

SERVO_STIFFNESS = (800, 800, 600, 600, 300, 300, 300)
SERVO_DAMPING = (60, 60, 45, 45, 25, 25, 25)


def scene_xml() -> str:
    """Return the whole cell as MJCF text."""
    return f"""<mujoco model="kinevla_cell">
  <compiler angle="radian" autolimits="true"/>
  <option timestep="0.002" integrator="implicitfast" cone="elliptic" impratio="10"
    jacobian="dense"/>
  <visual>
    <quality offsamples="0" shadowsize="0"/>
    <global offwidth="{CAMERA_WIDTH}" offheight="{CAMERA_HEIGHT}"/>
    <map znear=".01" zfar="10"/>
    <headlight ambient=".35 .35 .35" diffuse=".45 .45 .45" specular=".1 .1 .1"/>
  </visual>
  <default>
    <default class="arm"><geom contype="1" conaffinity="2" condim="3" friction=".6"/></default>
    <default class="pad"><geom contype="1" conaffinity="2" condim="4" friction="1.2 .05 .002"
      solref=".005 1" solimp=".95 .99 .001" priority="1" rgba=".1 .1 .1 1"/></default>
    <default class="object"><geom contype="2" conaffinity="3" condim="4"
      friction=".9 .02 .001" solref=".005 1"/></default>
  </default>
  <worldbody>
    <light name="key" pos="0.4 -0.5 1.6" dir="0 .3 -1" diffuse=".5 .5 .5" castshadow="false"/>
    <light name="fill" pos="0.4 0.6 1.6" dir="0 -.3 -1" diffuse=".3 .3 .3" castshadow="false"/>
    <geom name="table" class="object" type="box" pos=".35 0 -.02" size=".45 .5 .02"
      rgba=".72 .58 .42 1"/>
    <geom name="floor" type="plane" pos="0 0 -.7" size="3 3 .1" rgba=".4 .42 .45 1"
      contype="0" conaffinity="0"/>
    <camera name="front" pos=".80 0 .62" xyaxes="0 1 0 -.7071 0 .7071" fovy="{FRONT_FOVY}"/>
    {_arm()}
    {_plate()}
    {_carrot()}
    {_bread()}
  </worldbody>
  <contact><exclude body1="link1" body2="world"/></contact>
  <equality><joint joint1="finger_left" joint2="finger_right" solref=".005 1"/></equality>
  <actuator>
    {_servos()}
    <position name="gripper" joint="finger_left" kp="1500" kv="40" forcerange="-20 20"
      ctrlrange="-.01 {GRIPPER_STROKE / 2}"/>
  </actuator>
</mujoco>"""


def _servos() -> str:
    rows = zip(SERVO_STIFFNESS, SERVO_DAMPING, EFFORT_LIMITS, strict=True)
    return "".join(
        f'<position joint="joint{i}" kp="{kp}" kv="{kv}" forcerange="-{effort} {effort}"/>'
        for i, (kp, kv, effort) in enumerate(rows, start=1)
    )


def _arm() -> str:
    xml = _shape(BASE, 0)
    for number, link in enumerate(LINKS, start=1):
        ixx, iyy, izz, iyz = link.inertia
        limit = POSITION_LIMITS[number - 1]
        xml += (
            f'<body name="{link.name}" pos="{_text(link.xyz)}" euler="{link.roll} 0 0" '
            f'gravcomp="1"><inertial mass="{link.mass}" pos="{_text(link.com)}" '
            f'fullinertia="{ixx} {iyy} {izz} 0 0 {iyz}"/>'
            f'<joint name="joint{number}" axis="0 0 1" range="-{limit} {limit}" damping="2" '
            f'armature=".1" frictionloss=".1"/>{_shape(link, number)}'
        )
    return xml + _gripper() + "</body>" * len(LINKS)


def _shape(link: Link, number: int) -> str:
    kind, radius, start, end = link.shape
    colour = ".82 .83 .85 1" if number % 2 else ".25 .27 .30 1"
    return (
        f'<geom name="{link.name}" class="arm" type="{kind}" size="{radius}" '
        f'fromto="{_text(start)} {_text(end)}" rgba="{colour}"/>'
    )


def _gripper() -> str:
    return f"""
    <body name="gripper" euler="0 0 {math.pi}" gravcomp="1">
      <geom class="arm" type="box" pos="0 0 .025" size=".020 .045 .025" mass=".25"
        rgba=".15 .15 .16 1"/>
      <camera name="wrist" pos=".075 0 .02" xyaxes="0 1 0 .94 0 .342" fovy="{WRIST_FOVY}"/>
      <site name="tool" pos="0 0 {TOOL_LENGTH}" size=".004" rgba="1 0 0 0" group="4"/>
      {_finger("left", 1)}
      {_finger("right", -1)}
    </body>"""


def _finger(side: str, sign: int) -> str:
    return f"""<body name="finger_{side}" pos="0 0 .05" gravcomp="1">
        <joint name="finger_{side}" type="slide" axis="0 {sign} 0"
          range="0 {GRIPPER_STROKE / 2}" damping="5" armature=".01"/>
        <geom class="arm" type="box" pos="0 {sign * 0.010} .022" size=".010 .006 .022"
          mass=".02" rgba=".2 .2 .2 1"/>
        <geom name="pad_{side}" class="pad" type="box" pos="0 {sign * 0.0055} .062"
          size=".010 .0055 .020" mass=".02"/></body>"""


def _plate() -> str:
    segments, rim = 20, PLATE_RADIUS - 0.012
    width = math.pi * rim / segments * 1.08
    xml = (
        '<body name="plate" pos=".25 .235 .003"><freejoint/>'
        f'<geom class="object" type="cylinder" size="{PLATE_RADIUS - 0.025} .004" '
        'pos="0 0 .004" mass=".25" rgba=".93 .93 .95 1"/>'
    )
    for k in range(segments):
        a = 2 * math.pi * k / segments
        # Each rim segment leans outwards by 24 degrees.
        quat = (
            math.cos(a / 2) * math.cos(0.21),
            math.sin(a / 2) * math.sin(0.21),
            -math.cos(a / 2) * math.sin(0.21),
            math.sin(a / 2) * math.cos(0.21),
        )
        position = (rim * math.cos(a), rim * math.sin(a), 0.010)
        xml += (
            f'<geom class="object" type="box" size=".016 {width:.4f} .003" '
            f'pos="{_text(position)}" quat="{_text(quat)}" mass=".01" rgba=".90 .90 .93 1"/>'
        )
    return xml + "</body>"


def _carrot() -> str:
    """A carrot along x; the thick, leafy upper end at +x."""
    looks = {
        "lower": (0.018, ".95 .45 .08 1"),
        "middle": (0.030, ".95 .48 .10 1"),
        "upper": (0.030, ".95 .50 .12 1"),
        "leaf": (0.002, ".2 .6 .15 1"),
    }
    geoms = "".join(
        f'<geom name="carrot_{name}" class="object" condim="6" type="capsule" size="{radius}" '
        f'fromto="{start} 0 0 {end} 0 0" mass="{looks[name][0]}" rgba="{looks[name][1]}"/>'
        for name, start, end, radius in CARROT_PROFILE
    )
    return f'<body name="carrot" pos=".22 -.19 .02"><freejoint/>{geoms}</body>'


def _bread() -> str:
    x, y, z = BREAD_HALF
    return f"""<body name="bread" pos=".25 -.04 .003"><freejoint/>
      <geom name="bread_block" class="object" type="box" size="{x} {y} {z}" pos="0 0 {z}"
        mass=".06" rgba=".80 .60 .35 1"/>
      <geom name="bread_crust" class="object" type="ellipsoid" size="{x + 0.002} {y + 0.001} .015"
        pos="0 0 {2 * z}" mass=".02" rgba=".70 .45 .20 1"/></body>"""


def _text(values: tuple[float, ...]) -> str:
    return " ".join(f"{v:.6g}" for v in values)
