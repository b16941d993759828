"""MCP servers, as real processes: ours, the reference, and rogues."""
