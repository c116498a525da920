"""The ROS nodes: parameters, topics and threads around what the other rooms do."""
