"""The policy node's parameters."""

from __future__ import annotations

from typing import Any

from kinevla_ros.base.action_space import ABSOLUTE
from kinevla_ros.generator.pictures.camera_shift import LIMIT, WARNING
from kinevla_ros.generator.pictures.checks import PictureLimits
from kinevla_ros.nodes.ros.images import TRANSPORTS
from kinevla_ros.nodes.ros.parameters import FRAME_PREFIX, Parameter

ANY_CONSISTENCY = 0.0
WHEN_UNSURE = "report", "slow", "ask"
PICTURES = "pictures."
LIMITS = PictureLimits()
PARAMETERS = {
    **FRAME_PREFIX,
    "model": Parameter("", "Checkpoint folder; empty for this package's models/kinevla-tiny."),
    "skills": Parameter(
        "",
        "Folder of skills (`kinevla skill learn`) that give the chunks in the place of the model's "
        "codes; the checkpoint then only finds the objects. Empty: none.",
    ),
    "keypoints": Parameter(
        "",
        "File of `kinevla train keypoints` that finds the objects for the skills in the place of "
        "the checkpoint; what it sees is shown in RViz. Empty: none.",
    ),
    "policy_url": Parameter(
        "",
        "Where somebody else serves a policy in OpenPI's protocol, such as ws://127.0.0.1:8000, to "
        "take chunks from in the place of a checkpoint; empty: none.",
    ),
    "policy_actions": Parameter(
        "",
        "What the actions of policy_url are if its server does not say. absolute: targets of seven "
        "joints (rad) and the gripper's opening (m), one every 0.1 s; empty: it must say.",
        choices=("", ABSOLUTE),
    ),
    "policy_url_anywhere": Parameter(
        False, "Whether policy_url may be on another machine; there is no password."
    ),
    "device": Parameter(
        "auto",
        "Where the model runs; auto: on the GPU if there is one.",
        choices=("auto", "cpu", "cuda"),
    ),
    "weights": Parameter(
        "",
        "Round the language model's weights to 8 bits; empty: as they are. fp8 needs a GPU that "
        "has it.",
        choices=("", "int8", "fp8"),
    ),
    "depth_head": Parameter(
        False, "Choose later codes by the checkpoint's depth head (`kinevla train depth-head`)."
    ),
    "threads": Parameter(1, "Threads of the model's arithmetic.", 1, 64),
    "accept": Parameter(
        "known",
        "What moves. known: what the checkpoint's task set knows. any, for a model fine-tuned from "
        "OpenVLA: an instruction that is refused is given to the model as it is, and what it "
        "writes is shown and followed, inside the same limits.",
        choices=("known", "any"),
    ),
    "question_timeout": Parameter(
        60.0,
        "How long a question waits for its answer; what is said later is an instruction (s).",
        5.0,
        600.0,
    ),
    "chunk_period": Parameter(
        0.2, "Time from one observation to the next inference; a chunk lasts 0.5 s (s).", 0.05, 0.4
    ),
    "max_observation_age": Parameter(0.3, "Oldest usable picture or joint state (s).", 0.05, 2.0),
    "max_camera_skew": Parameter(
        0.1,
        "Largest time between the two pictures, between them and a joint state, and of a stamp "
        "ahead of this computer's clock (s).",
        0.01,
        1.0,
    ),
    "min_consistency": Parameter(
        0.1,
        "Least probability of the words, given the codes, for a chunk to be sent, as `kinevla "
        "calibrate` finds it for a checkpoint; 0 sends every chunk and measures none.",
        0.0,
        1.0,
    ),
    "when_unsure": Parameter(
        "report",
        "What happens where the policy doubts itself, see `doubt` of Reasoning. report: nothing "
        "more; slow: the arm goes on at half its speed until the doubt is gone; ask: nothing moves "
        "until the instruction is said again.",
        choices=WHEN_UNSURE,
    ),
    "image_transport": Parameter(
        "raw",
        "How pictures come: raw, or as JPEG or PNG from image_transport's <topic>/compressed.",
        choices=tuple(TRANSPORTS),
    ),
    "images_reliable": Parameter(
        False, "Ask for reliable pictures; best effort matches every camera driver."
    ),
    "camera_reference": Parameter(
        "",
        "Picture of the front camera's view as `kinevla camera-reference` writes it, with which "
        "the live view is compared; empty: the camera is not watched.",
    ),
    "camera_shift_warning": Parameter(
        WARNING,
        "Shift of the view that is reported on /diagnostics (px of a picture 320 wide).",
        1.0,
        80.0,
    ),
    "camera_shift_limit": Parameter(
        LIMIT, "Shift of the view above which nothing moves (px of a picture 320 wide).", 1.0, 80.0
    ),
    f"{PICTURES}min_side": Parameter(
        LIMITS.min_side, "Least width and height of a picture (px).", 1, 4096
    ),
    f"{PICTURES}max_side": Parameter(
        LIMITS.max_side, "Largest width and height; checked before it is decoded (px).", 1, 16384
    ),
    f"{PICTURES}dark": Parameter(
        LIMITS.dark, "A picture is dark when 95 % of it is below (0 to 255).", 0.0, 255.0
    ),
    f"{PICTURES}burnt_out": Parameter(
        LIMITS.burnt_out, "A picture is burnt out when 95 % of it is above (0 to 255).", 0.0, 255.0
    ),
    f"{PICTURES}contrast": Parameter(
        LIMITS.contrast,
        "A picture is of one colour when its standard deviation, noise left out, is below (0 to "
        "127).",
        0.0,
        127.0,
    ),
    f"{PICTURES}correlation": Parameter(
        LIMITS.correlation,
        "A picture is noise when pixels near each other correlate less (0 to 1).",
        0.0,
        1.0,
    ),
    f"{PICTURES}frozen_motion": Parameter(
        LIMITS.frozen_motion,
        "A picture is frozen when it is the same although a joint moved more (rad).",
        0.005,
        6.3,
    ),
    f"{PICTURES}frozen_difference": Parameter(
        LIMITS.frozen_difference,
        "Pictures are the same when they differ less on average; below a sensor's noise (0 to "
        "255).",
        0.0,
        10.0,
    ),
}


def picture_limits(values: dict[str, Any]) -> PictureLimits:
    """When a picture is none, from the parameters' values."""
    given = {name.partition(PICTURES)[2]: v for name, v in values.items() if PICTURES in name}
    return PictureLimits(**given)
