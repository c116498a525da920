"""Benchmarks of gate, stream and motion."""
