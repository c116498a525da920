"""Fine-tuning of a large model by low-rank adapters."""
