"""Variables of the environment that are named otherwise than the settings they stand for."""

from collections.abc import Mapping

from bot.config.file import Keys

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
}
"""Variables that other programs know too. They give way to the file."""
MODEL_VARIABLES: Mapping[str, str] = {"OPENAI_MODEL": "openai", "ANTHROPIC_MODEL": "anthropic"}
"""A provider's default model; counts where the provider's key is set and [models] names none."""
ENDPOINT = "BOT_ENDPOINT_"
NOT_SETTINGS = frozenset(
    {"BOT_CONFIG", "BOT_SPECS", "BOT_PYTHON", "BOT_TEST_SEEDS", "BOT_TEST_DATABASE_URL"}
    | {"BOT_SNAPSHOT", "BOT_TEST_POSTGRES", "BOT_TEST_KILLS", "BOT_TEST_POINT"}
)
"""`BOT_` variables that are no settings: where the file is, and switches of the tests."""
