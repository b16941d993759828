"""Who serves language models: names, keys, addresses, and the model proposed for each.

One row per provider; everything else about one is LiteLLM's business. `check` tries a key with
one plain request, without LiteLLM, so that a pasted key is known to work before it is kept.
Addresses and headers: the providers' API references, read 2026-11-21:
https://platform.openai.com/docs/api-reference/models, https://docs.claude.com/en/api/models-list,
https://ai.google.dev/api/models, https://openrouter.ai/docs/api-reference/limits,
https://api-docs.deepseek.com/api/list-models, https://inference-docs.cerebras.ai/api-reference/models
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import aiohttp

from agents.runtime.connector import CONNECT_S, read
from agents.runtime.failures import Failure, Kind, kind_of_status, spoken_by, wait_of
from bot.core.errors import Invalid
from bot.core.secret import Secret
from bot.frozen import frozen
from bot.lazy import at_hand

CHECK_S = 15.0
MAX_ANSWER = 4 << 20


@frozen
class Provider:
    """One row."""

    title: str
    """As people say it."""
    base: str
    """Address of its API."""
    default: str = ""
    """The model that answers when none is named."""
    variable: str = ""
    """Where its key is set; empty for one that runs on this machine and needs none."""
    models: str = "/models"
    """Path of its list of models."""
    chat: str = "/chat/completions"
    """Path that takes requests in OpenAI's shape; empty where none does."""
    proof: str = ""
    """Path that needs a key, where the list needs none."""
    header: str = "Authorization"
    """The header that carries the key."""
    more: tuple[tuple[str, str], ...] = ()
    """Headers beside the key."""

    @property
    def is_local(self) -> bool:
        """It runs on a machine of the operator's and costs nothing."""
        return not self.variable

    @property
    def speaks_openai(self) -> bool:
        """It can be asked without LiteLLM."""
        return bool(self.chat)


OLLAMA = Provider(
    title="Ollama",
    base="http://127.0.0.1:11434",
    models="/v1/models",
    chat="/v1/chat/completions",
)
"""Its OpenAI shape: https://docs.ollama.com/openai (read 2026-11-21)."""
PROVIDERS: Mapping[str, Provider] = {
    "openai": Provider(
        title="OpenAI",
        base="https://api.openai.com/v1",
        default="openai/gpt-5.4-mini",
        variable="OPENAI_API_KEY",
    ),
    "anthropic": Provider(
        title="Anthropic",
        base="https://api.anthropic.com",
        default="anthropic/claude-haiku-5-5",
        variable="ANTHROPIC_API_KEY",
        models="/v1/models?limit=1000",
        chat="",
        header="x-api-key",
        more=(("anthropic-version", "2023-06-01"),),
    ),
    "gemini": Provider(
        title="Google Gemini",
        base="https://generativelanguage.googleapis.com/v1beta",
        default="gemini/gemini-3.8-flash",
        variable="GEMINI_API_KEY",
        models="/models?pageSize=1000",
        chat="",
        header="x-goog-api-key",
    ),
    "deepseek": Provider(
        title="DeepSeek",
        base="https://api.deepseek.com/v1",
        default="deepseek/deepseek-v4-flash",
        variable="DEEPSEEK_API_KEY",
    ),
    "openrouter": Provider(
        title="OpenRouter",
        base="https://openrouter.ai/api/v1",
        default="openrouter/openai/gpt-5.4-mini",
        variable="OPENROUTER_API_KEY",
        proof="/key",
    ),
    "cerebras": Provider(
        title="Cerebras",
        base="https://api.cerebras.ai/v1",
        default="cerebras/gpt-oss-120b",
        variable="CEREBRAS_API_KEY",
    ),
    "ollama": OLLAMA,
    "ollama_chat": OLLAMA,
    "lm_studio": Provider(title="LM Studio", base="http://127.0.0.1:1234/v1"),
    "llamafile": Provider(title="llamafile", base="http://127.0.0.1:8080/v1"),
    "hosted_vllm": Provider(title="vLLM", base="http://127.0.0.1:8000/v1"),
}

_PREFIXES = (
    ("sk-ant-", "anthropic"),
    ("sk-or-", "openrouter"),
    ("sk-proj-", "openai"),
    ("sk-svcacct-", "openai"),
    ("csk-", "cerebras"),
    ("AIza", "gemini"),
)
_DEEPSEEK = re.compile(r"sk-[0-9a-f]{32}")
"""Observed, not documented: OpenAI's old keys have 48 letters and digits after `sk-`."""


def provider_of(key: str) -> str | None:
    """The provider whose keys look like this; None when no known one does."""
    key = key.strip()
    for prefix, name in _PREFIXES:
        if key.startswith(prefix):
            return name
    if _DEEPSEEK.fullmatch(key):
        return "deepseek"
    return "openai" if key.startswith("sk-") else None


def provider(name: str) -> Provider:
    """The row of a provider; one that is not in the table is known by its name alone."""
    return PROVIDERS.get(name) or Provider(
        title=name, base="", variable=f"{name.upper().replace('-', '_')}_API_KEY", chat=""
    )


def address(name: str, endpoint: str) -> str:
    """An operator's address as the provider's own is written: a bare host gets the usual path."""
    endpoint = endpoint.rstrip("/")
    if name == "anthropic":
        return endpoint.removesuffix("/v1/messages").removesuffix("/v1")
    if urlsplit(endpoint).path:
        return endpoint
    return endpoint + urlsplit(provider(name).base).path


def chat_url(name: str, base: str) -> str:
    """Where a provider that speaks OpenAI's shape takes its requests."""
    path = provider(name).chat
    return base + (path.removeprefix("/v1") if base.endswith("/v1") else path)


def hearing_url(name: str, base: str) -> str:
    """Where a provider that speaks OpenAI's shape takes recordings."""
    return chat_url(name, base).removesuffix("/chat/completions") + "/audio/transcriptions"


async def check(name: str, key: Secret, endpoint: str = "") -> list[str]:
    """Try a key: the provider's models, by their names with prefix, the proposed one first.

    Raises OperatorError (wrong key, unreachable), VendorError, or Invalid for an unknown provider.
    """
    row = PROVIDERS.get(name)
    if row is None:
        raise Invalid(f"No provider is called {name!r}. Known ones: {', '.join(PROVIDERS)}.")
    base = address(name, endpoint) if endpoint else row.base
    await at_hand("aiohttp")
    limit = aiohttp.ClientTimeout(total=CHECK_S, connect=CONNECT_S, sock_connect=CONNECT_S)
    headers = dict(row.more)
    if key:
        bearer = "Bearer " if row.header == "Authorization" else ""
        headers[row.header] = bearer + key.reveal()
    async with aiohttp.ClientSession(timeout=limit, headers=headers, trust_env=True) as session:
        asked = _Asked(name=name, key=key, base=base)
        if row.proof:
            await asked.get(session, row.proof)
        found = listed(name, await asked.get(session, row.models))
    return sorted(found, key=lambda model: model != row.default)


_NO_CHAT = re.compile(
    r"embed|whisper|tts|dall-e|image|moderation|realtime|transcri|audio|rerank|sora|veo",
    re.IGNORECASE,
)


def proposed(model: str, name: str, found: Sequence[str]) -> str:
    """The model to answer with: the one that was asked for, else the provider's usual one, else
    the first that its list has. Raises Invalid where the list lacks the one that was asked for.

    Providers list dated names of what they take undated, and Ollama and OpenRouter know a model
    with a word behind a colon: those count as listed.
    """
    wanted = model or provider(name).default
    if not found or any(_is_same(wanted, one) for one in found):
        return wanted
    if model:
        some = ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
        raise Invalid(
            f"{provider(name).title} lists no model {model} for this key. It lists {some}. "
            "One that it hides can be named in the settings, as models.default.",
            field="model",
        )
    return next((one for one in found if not _NO_CHAT.search(one)), wanted)


def _is_same(wanted: str, one: str) -> bool:
    return (
        one == wanted
        or one.startswith((f"{wanted}-", f"{wanted}:"))
        or wanted.startswith(f"{one}:")
    )


@frozen
class _Asked:
    name: str
    key: Secret
    base: str

    async def get(self, session: aiohttp.ClientSession, path: str) -> object:
        """The answer as JSON; raises what its failure is for a person."""
        try:
            async with session.get(self.base + path, allow_redirects=False) as response:
                body = await read(response, MAX_ANSWER)
                text = "" if body is None else body.decode("utf-8", "replace")
                if response.status == 200:
                    return json.loads(text)
                kind = kind_of_status(response.status, text)
                failure = self._failure(
                    Kind.NONSENSE if kind is Kind.NOT_FOUND else kind,
                    status=response.status,
                    words=spoken_by(text),
                    retry_after_s=wait_of(response.headers.get("Retry-After")),
                )
        except aiohttp.ClientConnectorCertificateError:  # a ValueError as well
            failure = self._failure(Kind.CERTIFICATE)
        except ValueError:
            failure = self._failure(Kind.NONSENSE, words=spoken_by(text))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            failure = self._failure(Kind.UNREACHABLE)
        except TimeoutError:
            failure = self._failure(Kind.TIMEOUT)
        except aiohttp.ClientError as error:
            failure = self._failure(Kind.SERVER, words=str(error))
        raise failure.error()

    def _failure(
        self,
        kind: Kind,
        *,
        status: int | None = None,
        words: str = "",
        retry_after_s: float | None = None,
    ) -> Failure:
        row = provider(self.name)
        return Failure(
            kind=kind,
            provider=self.name,
            title=row.title,
            model="",
            host=urlsplit(self.base).netloc,
            variable=row.variable,
            key=self.key,
            status=status,
            words=words,
            retry_after_s=retry_after_s,
        )


def listed(name: str, answer: object) -> list[str]:
    """Names of models in any of the providers' shapes, with the provider's prefix."""
    items = answer.get("data", answer.get("models")) if isinstance(answer, dict) else None
    found = []
    for item in items if isinstance(items, list) else ():
        text = item.get("id") or item.get("name") if isinstance(item, dict) else None
        if isinstance(text, str) and text:
            found.append(f"{name}/{text.removeprefix('models/')}")
    return found
