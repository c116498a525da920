"""Parameters of the console node."""

from __future__ import annotations

from kinevla_ros.nodes.ros.parameters import Parameter

PARAMETERS = {
    "host": Parameter(
        "127.0.0.1",
        "Address to serve the page on; other than loopback it asks for the token that the "
        "terminal shows.",
    ),
    "port": Parameter(8070, "TCP port of the page; 0 takes a free one.", 0, 65535),
    "picture_rate": Parameter(
        5.0, "Pictures a second of each camera that a page gets (Hz).", 1.0, 15.0
    ),
    "image_transport": Parameter(
        "raw",
        "How the pictures come; compressed: <topic>/compressed.",
        choices=("raw", "compressed"),
    ),
}
