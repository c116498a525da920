"""From a sentence to the slots of a task, a question or a refusal."""
