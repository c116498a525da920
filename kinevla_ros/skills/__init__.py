"""Skills: a demonstrated way of a task set, put into other scenes without training."""
