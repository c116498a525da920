"""From messages to what a policy sees, the same way live and from a bag."""
