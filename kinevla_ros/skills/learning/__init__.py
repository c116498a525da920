"""From recorded episodes to a skill."""
