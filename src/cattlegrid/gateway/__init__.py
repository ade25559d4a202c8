"""The MCP gateway: one tool surface whose calls reach one environment's workers, and no other."""
