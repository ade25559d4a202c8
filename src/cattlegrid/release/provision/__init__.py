"""Creating what an environment lacks: wanted, planned, made."""
