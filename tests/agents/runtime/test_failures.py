"""What went wrong, sorted, and told without secrets."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from agents.runtime.connector import connector
from agents.runtime.failures import (
    Failure,
    Kind,
    kind_of_status,
    masked,
    no_key,
    spoken_by,
    wait_of,
)
from agents.runtime.providers import check
from agents.runtime.raised import kind_of
from bot.causes import cause_of
from bot.core.errors import ConnectionBroken, OperatorError, VendorError
from bot.core.secret import Secret

NOW = datetime(2027, 3, 3, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        (401, "", Kind.WRONG_KEY),
        (400, "API key not valid. Please pass a valid API key.", Kind.WRONG_KEY),
        (403, "Your country is not supported", Kind.REFUSED),
        (402, "", Kind.NO_MONEY),
        (400, "Your credit balance is too low to access the API", Kind.NO_MONEY),
        (429, "You exceeded your current quota", Kind.NO_MONEY),
        (429, "slow down", Kind.RATE),
        (400, "prompt is too long: 210000 tokens > 200000 maximum", Kind.OVERFLOW),
        (400, "The input token count (1200000) exceeds the maximum", Kind.OVERFLOW),
        (413, "", Kind.OVERFLOW),
        (404, "", Kind.NOT_FOUND),
        (422, "bad", Kind.REFUSED),
        (503, "", Kind.SERVER),
        (529, "overloaded_error", Kind.SERVER),
        (200, "<html>", Kind.NONSENSE),
    ],
)
def test_a_refusal_is_sorted_by_status_and_words(status: int, words: str, kind: Kind) -> None:
    assert kind_of_status(status, words) is kind


def test_the_innermost_cause_decides() -> None:
    inner = aiohttp.ConnectionTimeoutError("slow")
    outer = RuntimeError("wrapped")
    outer.__cause__ = ValueError("twice")
    outer.__cause__.__context__ = inner
    assert kind_of(outer) is Kind.UNREACHABLE
    assert kind_of(TimeoutError()) is Kind.TIMEOUT
    assert kind_of(RuntimeError("nobody knows")) is Kind.SERVER


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_names_model_host_status_and_one_step(kind: Kind) -> None:
    key = Secret("0123456789abcdefWXYZ")
    failure = Failure(
        kind=kind,
        provider="openai",
        title="OpenAI",
        model="openai/gpt-4o-mini",
        host="api.openai.com",
        variable="OPENAI_API_KEY",
        key=key,
        status=418,
        words=f"It is {key.reveal()} that\n  I refuse.",
    )
    message = failure.message
    for part in ("openai/gpt-4o-mini", "api.openai.com", "HTTP 418", "…WXYZ that I refuse.”"):
        assert part in message
    assert key.reveal() not in message
    assert message.endswith(".")
    assert "{" not in message
    assert isinstance(failure.error(), OperatorError | VendorError)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("Incorrect key: sk-live-abcdefghijklmnop.", "Incorrect key: …mnop."),
        ("key AIzaSyA0123456789012345 is bad", "key …2345 is bad"),
        ("a  b\n c", "a b c"),
        ("sk-short stays", "sk-short stays"),
    ],
)
def test_what_looks_like_a_key_is_masked(words: str, shown: str) -> None:
    assert masked(words, None) == shown


def test_long_words_are_cut() -> None:
    assert len(masked("word " * 500, None)) == 300


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"error": {"message": "No."}}', "No."),
        ('{"error": "No."}', "No."),
        ('{"message": "No."}', "No."),
        ('b\'{"error": {"message": "No."}}\'', "No."),
        ('[{"error": {"message": "No."}}]', "No."),
        ('{"error": {}}', '{"error": {}}'),
        ("{broken", "{broken"),
        ("plain", "plain"),
    ],
)
def test_the_sentence_is_found_in_the_body(body: str, said: str) -> None:
    assert spoken_by(body) == said


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("Wed, 03 Mar 2027 10:01:00 GMT", 60.0),
        ("Wed, 03 Mar 2027 09:00:00 GMT", 0.0),
        ("soon", None),
        (None, None),
    ],
)
def test_a_retry_after_is_read(header: str | None, seconds: float | None) -> None:
    assert wait_of(header, NOW) == seconds


class _Silent(aiohttp.abc.AbstractResolver):
    """A name server that never answers."""

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[object]:  # type: ignore[override]
        await asyncio.Event().wait()
        return []

    async def close(self) -> None:
        """Nothing is open."""


async def test_a_silent_name_server_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.runtime.connector.CONNECT_S", 0.02)  # a test does not wait for 4.5
    silent = connector(resolver=_Silent())
    async with aiohttp.ClientSession(connector=silent) as session:
        with pytest.raises(aiohttp.ConnectionTimeoutError) as caught:
            await session.get("http://model.example/", timeout=aiohttp.ClientTimeout(total=1))
    assert kind_of(caught.value) is Kind.UNREACHABLE


async def test_a_certificate_that_does_not_hold_is_told_from_a_host_that_is_not_there(
    tmp_path: Path,
) -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    key = ec.generate_private_key(ec.SECP256R1())
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(1)
    made = made.not_valid_before(NOW - timedelta(days=9000)).not_valid_after(
        NOW - timedelta(days=8000)
    )
    pem = made.public_key(key.public_key()).sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    pem += key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "both.pem").write_bytes(pem)
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.load_cert_chain(tmp_path / "both.pem")
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=shown)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, aiohttp.ClientSession(connector=connector()) as session:
        with pytest.raises(aiohttp.ClientConnectorCertificateError) as caught:
            await session.get(url)
        with pytest.raises(ConnectionBroken, match="does not hold.*Look at the clock"):
            await check("openai", Secret("sk-1234"), url)
    assert kind_of(caught.value) is Kind.CERTIFICATE


def test_every_kind_has_a_cause_of_its_own_that_the_error_carries() -> None:
    causes = [kind.value.cause for kind in Kind]
    assert len(set(causes)) == len(causes)
    assert all(cause.startswith("model.") for cause in causes)
    assert cause_of(no_key("openai/x", "OPENAI_API_KEY")) == "model.auth"
