"""The arm: model, limits, motion stream, safety and the link to the real controller."""
