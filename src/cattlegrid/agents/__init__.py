"""Agents' sessions: which environment, what the child may see, each agent's own format, and the guard."""
