"""The process that streams to the arm: its loop, its requests and its connection."""
