"""Parameters of the recorder node."""

from __future__ import annotations

from kinevla_ros.nodes.ros.parameters import Parameter

PARAMETERS = {
    "folder": Parameter(
        "recordings", "Where the episodes go, a folder each; made if absent, beside others' kept."
    ),
    "image_transport": Parameter(
        "raw",
        "How the pictures come; compressed: <topic>/compressed.",
        choices=("raw", "compressed"),
    ),
    "instruction": Parameter(
        "",
        "What the next episodes show, where nobody says it on /instruction; empty: what is said.",
        live=True,
    ),
    "teaching": Parameter(
        "targets",
        "Where the actions are; targets: in what the arm is sent, hand: the arm is guided by hand, "
        "and its measured motion is the action.",
        choices=("targets", "hand"),
    ),
    "tasks": Parameter("", "Task set that the instructions are of; empty: the shipped one."),
    "least_free": Parameter(
        1000, "Space that stays free on the disk (MB); with less nothing more is written.", 1, 10**6
    ),
}
