"""Episodes written as they happen: raw messages to MCAP, one rosbag2 folder each."""
