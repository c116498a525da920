"""The arm through the topics of the vendor's ROS 2 driver."""
