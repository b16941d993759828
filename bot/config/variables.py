"""Variables of the environment that are named otherwise than the settings they stand for."""

from collections.abc import Mapping

from bot.config.file import Keys
from bot.config.mistakes import nearest

GENERAL: Mapping[str, Keys] = {
    "DATABASE_URL": ("database_url",),
    "DIRECT_URL": ("direct_url",),
    "OPENAI_API_KEY": ("keys", "openai"),
    "DEEPSEEK_API_KEY": ("keys", "deepseek"),
    "ANTHROPIC_API_KEY": ("keys", "anthropic"),
    "GEMINI_API_KEY": ("keys", "gemini"),
    "OPENROUTER_API_KEY": ("keys", "openrouter"),
    "CEREBRAS_API_KEY": ("keys", "cerebras"),
    "OPENAI_API_BASE": ("endpoint", "openai"),
    "R2_ENDPOINT": ("files", "endpoint"),
    "R2_BUCKET_NAME": ("files", "bucket"),
    "R2_ACCESS_KEY_ID": ("files", "key_id"),
    "R2_SECRET_ACCESS_KEY": ("files", "key_secret"),
    "SUPABASE_URL": ("files", "supabase_url"),
    "SUPABASE_SERVICE_ROLE_KEY": ("files", "supabase_key"),
    "SLACK_BOT_TOKEN": ("channels", "slack", "bot_token"),
    "SLACK_APP_TOKEN": ("channels", "slack", "app_token"),
    "SLACK_SIGNING_SECRET": ("channels", "slack", "signing_secret"),
    "SLACK_MATCH_EMAILS": ("channels", "slack", "match_emails"),
    "SLACK_AGENT_APPS": ("channels", "slack", "agent_apps"),
    "SLACK_CLIENT_ID": ("channels", "slack", "client_id"),
    "SLACK_CLIENT_SECRET": ("channels", "slack", "client_secret"),
    "BOTFATHERTOKEN": ("channels", "telegram", "token"),
    "TWILIO_ACCOUNT_SID": ("channels", "sms", "account_sid"),
    "TWILIO_AUTH_TOKEN": ("channels", "sms", "auth_token"),
    "TWILIO_API_KEY": ("channels", "sms", "api_key"),
    "TWILIO_API_SECRET": ("channels", "sms", "api_secret"),
    "TWILIO_PHONE_NUMBER": ("channels", "sms", "numbers"),
    "DISCORD_BOT_TOKEN": ("channels", "discord", "token"),
    "DISCORD_PUBLIC_KEY": ("channels", "discord", "public_key"),
    "DISCORD_GUILD_ID": ("channels", "discord", "guild_id"),
    "STRIPE_SECRET_KEY": ("payments", "stripe_key"),
    "STRIPE_WEBHOOK_SECRET": ("payments", "stripe_webhook_secret"),
    "MS_TENANT_ID": ("channels", "email", "ms_tenant_id"),
    "MS_CLIENT_ID": ("channels", "email", "ms_client_id"),
    "MS_CLIENT_SECRET": ("channels", "email", "ms_client_secret"),
    "MS_SENDER_UPN": ("channels", "email", "ms_sender_upn"),
    "RESEND_API_KEY": ("channels", "email", "resend_api_key"),
    "RESEND_WEBHOOK_SECRET": ("channels", "email", "resend_webhook_secret"),
    "SENDGRID_API_KEY": ("channels", "email", "sendgrid_api_key"),
    "SMTP_HOST": ("channels", "email", "smtp_host"),
    "SMTP_PORT": ("channels", "email", "smtp_port"),
    "SMTP_USERNAME": ("channels", "email", "smtp_username"),
    "SMTP_PASSWORD": ("channels", "email", "smtp_password"),
    "IMAP_HOST": ("channels", "email", "imap_host"),
    "IMAP_PORT": ("channels", "email", "imap_port"),
    "IMAP_USERNAME": ("channels", "email", "imap_username"),
    "IMAP_PASSWORD": ("channels", "email", "imap_password"),
    "GOOGLE_CLIENT_ID": ("oauth", "google", "client_id"),
    "GOOGLE_CLIENT_SECRET": ("oauth", "google", "client_secret"),
    "META_APP_ID": ("oauth", "facebook", "client_id"),
    "META_APP_SECRET": ("oauth", "facebook", "client_secret"),
    "X_CLIENT_ID": ("oauth", "x", "client_id"),
    "X_CLIENT_SECRET": ("oauth", "x", "client_secret"),
    "MICROSOFT_CLIENT_ID": ("oauth", "microsoft", "client_id"),
    "MICROSOFT_CLIENT_SECRET": ("oauth", "microsoft", "client_secret"),
    "REDDIT_CLIENT_ID": ("oauth", "reddit", "client_id"),
    "REDDIT_CLIENT_SECRET": ("oauth", "reddit", "client_secret"),
    "PINTEREST_APP_ID": ("oauth", "pinterest", "client_id"),
    "PINTEREST_SECRET_KEY": ("oauth", "pinterest", "client_secret"),
    "PINTEREST_APP_SECRET_KEY": ("oauth", "pinterest", "client_secret"),
    "LINKEDIN_CLIENT_ID": ("oauth", "linkedin", "client_id"),
    "LINKEDIN_CLIENT_SECRET": ("oauth", "linkedin", "client_secret"),
    "TIKTOK_CLIENT_KEY": ("oauth", "tiktok", "client_id"),
    "TIKTOK_CLIENT_SECRET": ("oauth", "tiktok", "client_secret"),
    "TUMBLR_AUTH_KEY": ("oauth", "tumblr", "client_id"),
    "TUMBLR_OAUTH_SECRET": ("oauth", "tumblr", "client_secret"),
}
"""Variables that other programs know too. They give way to the file."""
MODEL_VARIABLES: Mapping[str, str] = {"OPENAI_MODEL": "openai", "ANTHROPIC_MODEL": "anthropic"}
"""A provider's default model; counts where the provider's key is set and [models] names none."""
TABLES: Mapping[Keys, str] = {
    ("bulletins",): '{slack = {news = "#announcements"}}',
    ("models", "price"): '{"openai/x" = {input = 1, output = 2}}',
    ("mcp", "servers"): '{notes = {command = "notes-server"}}',
    ("extensions", "options"): '{paperboy = {folder = "/srv"}}',
    ("oauth",): '{google = {client_id = "id", client_secret = "secret"}}',
    ("channels",): '{telegram = {token = "123:abc"}}',
}
"""Settings that are tables: how one is written in a variable."""
ENDPOINT = "BOT_ENDPOINT_"
NOT_SETTINGS = frozenset(
    {"BOT_CONFIG", "BOT_SPECS", "BOT_PYTHON", "BOT_TEST_SEEDS", "BOT_TEST_DATABASE_URL"}
    | {"BOT_TEST_NODE"}
    | {"BOT_SNAPSHOT", "BOT_TEST_POSTGRES", "BOT_TEST_KILLS", "BOT_TEST_POINT"}
)
"""`BOT_` variables that are no settings: where the file is, and switches of the tests."""
VERY_CLOSE = 0.92
"""From this likeness on a variable of somebody's is taken for a misspelling of one of `GENERAL`."""


def unread(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables that nobody here reads, by the unset one that was probably meant.

    Only a hint: the environment holds what other programs read.
    """
    known = (*GENERAL, *MODEL_VARIABLES)
    free = [name for name in known if not environ.get(name)]
    others = (name for name in environ if "_" in name and environ[name] and name not in known)
    meant = ((nearest(name, free, VERY_CLOSE), name) for name in others)
    return {near: name for near, name in meant if near}
