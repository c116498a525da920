"""The camera node: RealSense cameras where ROS brings no driver for them."""
