"""The mirror: production's data into staging; read, masked, written, read back and compared."""
