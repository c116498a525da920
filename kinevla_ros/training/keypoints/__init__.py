"""From labelled scenes to a network that finds keypoints."""
