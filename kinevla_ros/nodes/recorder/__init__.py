"""The recorder node: episodes of everything that happens, as rosbag2 folders."""
