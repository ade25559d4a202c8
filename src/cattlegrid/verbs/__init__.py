"""One function for each thing a user can ask for. Every face (command line, MCP) calls these."""
