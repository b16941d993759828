"""The agents, one Markdown file each, and the runtime that runs them."""
