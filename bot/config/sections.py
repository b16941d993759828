"""The sections of `bot.toml`, one class each: what a setting is called, may be, is when unset.

A description here is the sentence above the setting in `bot.example.toml`, word for word.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
)
from pydantic_core import PydanticCustomError

from bot.config.folders import folder
from bot.config.values import (
    bucket_name,
    is_private,
    kind_name,
    model_name,
    place_platform,
    server_name,
    web_address,
)
from bot.core.secret import Secret


def _whole(value: object) -> object:
    if isinstance(value, bool):
        raise PydanticCustomError("number_type", "a truth is no number")
    return value


def _listed(value: object) -> object:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def _secret(value: object) -> Secret:
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str):
        raise ValueError("It must be text in quotes.")
    return Secret(value.strip())


def _folder(value: object) -> object:
    return folder(value) if isinstance(value, str | Path) else value


def _begins(*starts: str) -> AfterValidator:
    """A secret that is known by how it begins; empty stays empty."""

    def begins(secret: Secret) -> Secret:
        if secret and not secret.reveal().startswith(starts):
            raise ValueError(f"It does not begin with {' or '.join(starts)}. Copy the whole of it.")
        return secret

    return AfterValidator(begins)


def _secret_address(secret: Secret) -> Secret:
    return Secret(web_address(secret.reveal()))


Whole = Annotated[int, BeforeValidator(_whole)]
Number = Annotated[float, BeforeValidator(_whole), Field(allow_inf_nan=False)]
Hidden = Annotated[Secret, PlainValidator(_secret), PlainSerializer(str)]
Folder = Annotated[Path, BeforeValidator(_folder)]
Address = Annotated[str, AfterValidator(web_address)]
BucketName = Annotated[str, AfterValidator(bucket_name)]
ModelName = Annotated[str, AfterValidator(model_name)]
ModelList = Annotated[tuple[ModelName, ...], BeforeValidator(_listed)]
NO_SECRET = Secret("")


class Section(BaseModel):
    """Frozen; an unknown key is a mistake; a value is never repeated in an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True
    )


class Price(Section):
    """What a model costs, in US dollars for a million tokens."""

    input: Annotated[Number, Field(ge=0)] = Field(description="Dollars per million tokens read.")
    output: Annotated[Number, Field(ge=0)] = Field(
        description="Dollars per million tokens written."
    )


class Models(Section):
    """Which models think, in order: the next one is asked when one fails."""

    default: ModelList = Field(
        default=(), description="Models for everything that has no list of its own."
    )
    reason: ModelList = Field(default=(), description="Models for reasoning and for using tools.")
    write: ModelList = Field(default=(), description="Models for texts that people will read.")
    summarise: ModelList = Field(
        default=(), description="Models for summing up long conversations."
    )
    fast: ModelList = Field(default=(), description="Models for small, quick questions.")
    embeddings: Annotated[str, AfterValidator(lambda name: name and model_name(name))] = Field(
        default="",
        description="The model that finds what means the same; words are counted when empty.",
    )
    transcription: Annotated[str, AfterValidator(lambda name: name and model_name(name))] = Field(
        default="",
        description="The model that writes down voice notes; nobody listens to them when empty.",
    )
    timeout_s: Annotated[Number, Field(gt=0, le=3600)] = Field(
        default=120.0, description="Seconds that one call to a model may take."
    )
    transport: Literal["litellm", "direct"] = Field(
        default="litellm",
        description="How models are asked: direct goes past LiteLLM, where a provider allows it.",
    )
    price: dict[str, Price] = Field(
        default={},
        description="Prices that differ from the public list, or are missing there, by model.",
        examples=[{"openai/gpt-4o-mini": {"input": 0.15, "output": 0.6}}],
    )


class Limits(Section):
    """How much at once."""

    open_turns: Annotated[Whole, Field(ge=1, le=100_000)] = Field(
        default=1000,
        description="Conversations that are worked on at the same time; the rest wait. Where there "
        "are several workspaces, each leaves an eighth of them to the others.",
    )
    body_bytes: Annotated[Whole, Field(ge=1024, le=1 << 30)] = Field(
        default=1_048_576,
        description="The longest request that is read, in bytes; files are apart.",
    )
    person_per_minute: Annotated[Whole, Field(ge=1)] = Field(
        default=100_000, description="Messages of one person in a minute, on one channel."
    )
    tenant_per_minute: Annotated[Whole, Field(ge=1)] = Field(
        default=1_000_000, description="Messages of one tenant in a minute."
    )
    approvals_per_hour: Annotated[Whole, Field(ge=1)] = Field(
        default=60, description="Questions to people that one conversation may raise in an hour."
    )
    streams_per_person: Annotated[Whole, Field(ge=1)] = Field(
        default=100,
        description="Conversations that one person may watch at a time, in all windows.",
    )


class Budget(Section):
    """What may be spent on models in a day; without a line there is no limit."""

    tenant_day_usd: Annotated[Number, Field(gt=0)] | None = Field(
        default=None, description="US dollars a day for one tenant.", examples=[10.0]
    )
    person_day_usd: Annotated[Number, Field(gt=0)] | None = Field(
        default=None, description="US dollars a day for one person.", examples=[2.0]
    )


class Memory(Section):
    """What is kept, and for how long where."""

    archive_after_days: Annotated[Whole, Field(ge=7, le=36_500)] = Field(
        default=90,
        description="Days without a word after which a conversation is put away into a file.",
    )


class Blog(Section):
    """Where `blog_publish` writes: into a folder, or to a webhook, not both."""

    folder: Folder = Field(
        default=Path(), description="Folder of the posts; `blog` inside `home` when empty."
    )
    webhook_url: Address = Field(
        default="",
        description="Posts go to this address instead, signed as Standard Webhooks says.",
    )
    webhook_secret: Annotated[Hidden, _begins("whsec_")] = Field(
        default=NO_SECRET, description="Signs them; begins with whsec_."
    )


Kinds = Annotated[
    dict[
        Annotated[str, AfterValidator(place_platform)],
        dict[Annotated[str, AfterValidator(kind_name)], str],
    ],
    Field(
        description="Where each kind of message goes that agents post unasked, by the platform.",
        examples=[{"slack": {"news": "#announcements", "alarms": "#ops"}}],
    ),
]


class Workflow(Section):
    """Posting to one channel of Microsoft Teams without a bot: a webhook of its Workflows app."""

    teams_url: Annotated[Hidden, AfterValidator(_secret_address)] = Field(
        default=NO_SECRET,
        description="The address that Workflows shows; whoever knows it may post there.",
    )


class Payments(Section):
    """Getting paid through Stripe, and the most that one person may move."""

    stripe_key: Annotated[Hidden, _begins("sk_", "rk_")] = Field(
        default=NO_SECRET,
        description="The first workspace's key; others, and this one too, connect by hand.",
    )
    stripe_webhook_secret: Annotated[Hidden, _begins("whsec_")] = Field(
        default=NO_SECRET, description="Signs what Stripe tells; begins with whsec_."
    )
    at_once: Annotated[Whole, Field(ge=0)] = Field(
        default=10_000, description="The most at once, in whole units of whichever currency."
    )
    per_day: Annotated[Whole, Field(ge=0)] = Field(
        default=20_000, description="The most of one currency for one person within 24 hours."
    )
    times_per_day: Annotated[Whole, Field(ge=0)] = Field(
        default=50, description="How often one person may move money within 24 hours."
    )


Options = dict[str, str | bool | int | float]
"""What a channel or a package is told; it checks them itself."""


class Extensions(Section):
    """Packages outside this tree that bring channels, tools and services; docs/extending.md."""

    allow: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        default=(), description="Installed packages that are switched on; no other is imported."
    )
    options: dict[str, Options] = Field(
        default={},
        repr=False,
        description="What a package is told, by its name; its own page says what it wants.",
        examples=[{"paperboy": {"folder": "/srv/paperboy"}}],
    )


class FilesKept(Section):
    """Where the bytes of files lie: a folder, a bucket of S3 or R2, or Supabase Storage."""

    store: Literal["local", "s3", "supabase"] = Field(
        default="local",
        description="local (files_dir), s3 (also Cloudflare R2) or supabase.",
    )
    bucket: BucketName = Field(
        default="", description="The bucket of S3 or R2, which is there already and private."
    )
    endpoint: Address = Field(
        default="", description="Where S3 is, if not at Amazon; R2 tells it on its page."
    )
    region: BucketName = Field(default="auto", description="The region of S3; R2 knows only auto.")
    key_id: str = Field(default="", description="The access key's id for S3 or R2.")
    key_secret: Hidden = Field(default=NO_SECRET, description="The access key's secret.")
    supabase_url: Address = Field(
        default="", description="The project's address, such as https://abc.supabase.co."
    )
    supabase_key: Hidden = Field(
        default=NO_SECRET, description="Its secret key (sb_secret_… or the service_role key)."
    )

    supabase_bucket: BucketName = Field(
        default="kb_uploads", description="The bucket there, which is there already and private."
    )

    def mistakes(self) -> list[tuple[str, str]]:
        """Settings that the chosen store lacks, each with what mends it."""
        if self.store == "s3" and not (self.bucket and self.key_id and self.key_secret):
            return [("store", "S3 needs a bucket and a key. Set bucket, key_id, key_secret.")]
        if self.store == "supabase" and not (self.supabase_url and self.supabase_key):
            return [
                ("store", "Supabase needs an address and a key. Set supabase_url, supabase_key.")
            ]
        url = self.supabase_url
        if self.store == "supabase" and url.startswith("http:") and not is_private(url):
            return [("supabase_url", "The key would travel unencrypted. Write https.")]
        return []


class Log(Section):
    """What is written down about the running of the house."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info",
        description="The least important line that is kept: debug, info, warning or error.",
    )


class McpServer(Section):
    """One MCP server: a program (`command`) or an address (`url`)."""

    command: str = Field(default="", description="A program that speaks MCP over stdio.")
    args: tuple[str, ...] = Field(default=(), description="What it is started with.")
    env: dict[str, Hidden] = Field(
        default={}, repr=False, description="All that it finds in its environment but PATH."
    )
    url: Address = Field(default="", description="An address that speaks streamable HTTP.")
    headers: dict[str, Hidden] = Field(
        default={}, repr=False, description="Headers for this address and no other."
    )
    tenants: tuple[str, ...] = Field(default=(), description="Whose it is; the first one's.")
    agents: tuple[str, ...] = Field(
        default=(), description="Who has its tools; those whose file names `NAME.*` when empty."
    )
    read: tuple[str, ...] = Field(
        default=(), description="Its tools that only read and so run unasked."
    )
    timeout_s: Annotated[Number, Field(gt=0, le=55)] = Field(
        default=50.0, description="Seconds that one call may take."
    )


class Mcp(Section):
    """Servers whose tools agents may use; docs/integrations/mcp.md says more."""

    servers: dict[Annotated[str, AfterValidator(server_name)], McpServer] = Field(
        default={},
        repr=False,
        description="Programs (command, args, env) or addresses (url, headers), by a short name.",
        examples=[
            {
                "notes": {
                    "command": "notes-mcp",
                    "args": ["--folder", "notes"],
                    "agents": ["bri"],
                    "read": ["search"],
                    "timeout_s": 50.0,
                }
            }
        ],
    )


def unfit_servers(mcp: Mcp) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is wrong between the settings of a server: its keys, and a sentence with the mend."""
    for name, server in mcp.servers.items():
        keys = ("mcp", "servers", name)
        if bool(server.command) == bool(server.url):
            yield keys, "A server has a command or a url, one of the two."
        elif server.url.startswith("http:") and not is_private(server.url):
            yield (*keys, "url"), "Headers and words would travel unencrypted. Write https."
        elif server.headers and server.command:
            yield (*keys, "headers"), "A program gets no headers. Use env."
        elif (server.env or server.args) and server.url:
            yield keys, "An address has no args and no env. Use headers."


class ModelKeys(Section):
    """Keys of model providers. Each is also read from the provider's own variable."""

    openai: Hidden = Field(default=NO_SECRET, description="OpenAI; also OPENAI_API_KEY.")
    deepseek: Hidden = Field(default=NO_SECRET, description="DeepSeek; also DEEPSEEK_API_KEY.")
    anthropic: Hidden = Field(default=NO_SECRET, description="Anthropic; also ANTHROPIC_API_KEY.")
    gemini: Hidden = Field(default=NO_SECRET, description="Google Gemini; also GEMINI_API_KEY.")
    openrouter: Hidden = Field(
        default=NO_SECRET, description="OpenRouter; also OPENROUTER_API_KEY."
    )
    cerebras: Hidden = Field(default=NO_SECRET, description="Cerebras; also CEREBRAS_API_KEY.")
