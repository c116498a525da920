"""The small model as ONNX graphs for a CPU."""
