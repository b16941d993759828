"""Microsoft Teams: a bot in chats and channels. Docs: https://learn.microsoft.com/azure/bot-service/"""
