"""The console: a page to see the arm and the policy on, and to run them from."""
