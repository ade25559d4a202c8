"""The gate: whose rules are in force, what a person signed, what stops a promotion."""
