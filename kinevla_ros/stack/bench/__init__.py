"""Benchmarks that run the whole stack."""
