"""What every node needs of ROS: parameters, messages, logs, lifecycle."""
