"""The policy node's parameters."""

from __future__ import annotations

from kinevla_ros.nodes.images import TRANSPORTS
from kinevla_ros.nodes.parameters import Parameter

ANY_CONSISTENCY = 0.0
PARAMETERS = {
    "model": Parameter("", "Checkpoint folder; empty for this package's models/kinevla-tiny."),
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
        ANY_CONSISTENCY,
        "Least probability of the words, given the codes, for a chunk to be sent, as `kinevla "
        "calibrate` finds it for a checkpoint; 0 sends every chunk and measures none.",
        0.0,
        1.0,
    ),
    "image_transport": Parameter(
        "raw",
        "How pictures come: raw, or as JPEG or PNG from image_transport's <topic>/compressed.",
        choices=tuple(TRANSPORTS),
    ),
    "images_reliable": Parameter(
        False, "Ask for reliable pictures; best effort matches every camera driver."
    ),
}
