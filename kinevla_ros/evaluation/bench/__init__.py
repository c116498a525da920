"""Benchmarks: how fast, how smooth, how safe; each prints a table and writes JSON."""
