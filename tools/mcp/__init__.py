"""MCP servers as sets of tools: programs started by the house, or addresses that it asks."""
