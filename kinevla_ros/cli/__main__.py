"""`python -m kinevla_ros.cli`, for launchers that start a module."""

from kinevla_ros.cli import main

main()
