"""Closed-loop evaluation in the cell: success with intervals, latency, videos of failures."""
