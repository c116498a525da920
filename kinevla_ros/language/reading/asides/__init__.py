"""What people say around a request and what changes nothing of it."""
