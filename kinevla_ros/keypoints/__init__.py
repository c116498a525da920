"""Semantic keypoints: found in pictures, put into space, refined by what is known of them."""
