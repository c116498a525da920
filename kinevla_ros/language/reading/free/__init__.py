"""Readers of sentences that no grammar of slots takes apart."""
