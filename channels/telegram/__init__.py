"""Telegram: a bot in private chats, groups and topics. Docs: https://core.telegram.org/bots/api"""
