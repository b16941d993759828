"""Slack: messages, mentions, buttons and forms, by Socket Mode or by HTTP. `make` is in `channel`.

https://docs.slack.dev/apis/ (read 2026-11-21)
"""
