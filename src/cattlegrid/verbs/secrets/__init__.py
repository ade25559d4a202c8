"""`secrets`: one function for each of its commands."""
