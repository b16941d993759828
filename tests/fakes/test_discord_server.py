"""The played Discord against discord.py, unpatched but for its two addresses."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from yarl import URL

from tests.fakes.discord_rest import Fault
from tests.fakes.discord_server import TOKEN, DiscordServer
from tests.fakes.discord_world import Message
from tests.published import needs

discord = pytest.importorskip("discord")


class Bot(discord.Client):
    """Writes down what it hears."""

    def __init__(self, intents: Any = None) -> None:
        if intents is None:
            intents = discord.Intents.default()
            intents.message_content = True
        super().__init__(intents=intents, max_messages=None, guild_ready_timeout=0.05)
        self.heard: list[Any] = []
        self.pressed: list[Any] = []
        self.gone: list[int] = []
        self.reactions: list[str] = []

    async def on_message(self, message: Any) -> None:
        self.heard.append(message)

    async def on_raw_message_edit(self, payload: Any) -> None:
        self.heard.append(payload.message)

    async def on_raw_message_delete(self, payload: Any) -> None:
        self.gone.append(payload.message_id)

    async def on_raw_reaction_add(self, payload: Any) -> None:
        self.reactions.append(payload.emoji.name)

    async def on_interaction(self, interaction: Any) -> None:
        self.pressed.append(interaction)
        data = interaction.data
        if interaction.type is discord.InteractionType.modal_submit:
            said = data["components"][0]["components"][0]["value"]
            await interaction.response.send_message(f"Noted: {said}", ephemeral=True)
        elif interaction.type is discord.InteractionType.application_command:
            await interaction.response.defer(ephemeral=True)
            await interaction.followup.send("All is well.")
        elif data["custom_id"] == "ok":
            await interaction.response.edit_message(content="Approved", view=None)
            await interaction.followup.send("Thank you.", ephemeral=True)
        elif data["custom_id"] == "edit":
            modal = discord.ui.Modal(title="Edit", custom_id="form")
            modal.add_item(discord.ui.TextInput(label="Text", custom_id="text", default="old"))
            await interaction.response.send_modal(modal)


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as server:
        yield server


@pytest.fixture
async def bot(server: DiscordServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bot]:
    point(server, monkeypatch)
    async with Bot() as bot:
        await started(server, bot)
        yield bot


def point(server: DiscordServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discord.http.Route, "BASE", f"{server.url}/api/v10")
    gateway = discord.gateway.DiscordWebSocket
    monkeypatch.setattr(gateway, "DEFAULT_GATEWAY", URL(server.gateway.url))


async def started(server: DiscordServer, bot: Bot) -> asyncio.Task[None]:
    task = asyncio.create_task(bot.start(server.token))
    await server.gateway.until_connected()
    await server.until(bot.is_ready)
    return task


def view() -> Any:
    view = discord.ui.View()
    view.add_item(discord.ui.Button(label="Approve", custom_id="ok"))
    view.add_item(discord.ui.Button(label="Edit", custom_id="edit"))
    view.add_item(discord.ui.Button(label="Nothing", custom_id="silence"))
    return view


async def card(server: DiscordServer, bot: Bot, place: str = "") -> Message:
    channel = await bot.fetch_channel(int(place or server.channel()))
    await channel.send("May I?", view=view())
    return server.shown(place or server.channel())[-1]


async def test_people_are_heard_where_they_speak(server: DiscordServer, bot: Bot) -> None:
    first = await server.say("ana", "hello")
    await server.say("bo", "{bot} and you?", server.channel())
    thread = await server.thread("bo", "plans", server.channel())
    await server.say("bo", "in here", thread, files=[("a.txt", "text/plain", b"content")])
    await server.until(lambda: len(bot.heard) == 3)
    direct, mention, inside = bot.heard
    assert direct.guild is None and direct.author.name == "ana" and direct.content == "hello"
    assert mention.mentions[0].id == bot.user.id and mention.guild.id == int(server.world.guild_id)
    assert inside.channel.type is discord.ChannelType.public_thread
    assert await inside.attachments[0].read() == b"content"
    await server.edit(first, "hello!")
    await server.delete(first)
    await server.react("ana", await card(server, bot))
    await server.until(lambda: bot.reactions == ["👍"] and bot.gone == [int(first.id)])
    assert [each.content for each in bot.heard if each.id == int(first.id)] == ["hello", "hello!"]
    assert not server.mistakes


async def test_without_the_intent_only_what_is_said_to_it_has_words(
    server: DiscordServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    point(server, monkeypatch)
    async with Bot(discord.Intents.default()) as bot:
        await started(server, bot)
        await server.say("ana", "among ourselves", server.channel())
        await server.say("ana", "{bot} hello", server.channel())
        await server.say("ana", "alone")
        await server.until(lambda: len(bot.heard) == 3)
        words = [each.content for each in bot.heard]
        assert words[0] == "" and words[1].endswith(" hello") and words[2] == "alone"


async def test_what_it_sends_is_shown_and_changed_and_not_sent_twice(
    server: DiscordServer, bot: Bot
) -> None:
    server.rest.rates.per_route.clear()
    channel = await bot.fetch_channel(int(server.channel()))
    sent = await channel.send("@everyone one", nonce="eff_1")
    await sent.edit(content="two")
    assert server.texts(server.channel()) == ["two"]
    assert server.shown(server.channel())[0].pings_everyone, "nothing was said against it"
    await channel.send("@everyone", allowed_mentions=discord.AllowedMentions.none())
    assert not server.shown(server.channel())[1].pings_everyone
    await channel.send("file", file=discord.File(io.BytesIO(b"abc"), "a.txt"))
    assert list(server.shown(server.channel())[2].files.values()) == [b"abc"]
    body = {"content": "three", "nonce": "n1", "enforce_nonce": True}
    post = discord.http.Route("POST", "/channels/{channel_id}/messages", channel_id=channel.id)
    first = await bot.http.request(post, json=body)
    again = await bot.http.request(post, json=body | {"content": "four"})
    assert first["id"] == again["id"] and server.rest.deduplicated == 1
    server.forget_nonces()
    async with channel.typing():
        pass
    assert server.rest.typing == [server.channel()]
    assert server.texts(server.channel())[-1] == "three"
    assert not server.mistakes


async def test_a_press_answers_changes_and_asks(server: DiscordServer, bot: Bot) -> None:
    asked = await card(server, bot)
    pressed = await server.press("ana", asked, "Edit")
    assert pressed.inputs == {"text": "old"}
    sent = await server.submit(pressed, text="new")
    assert sent.private == ["Noted: new"]
    assert not any("Noted" in text for text in server.texts(server.channel(), "bo"))
    done = await server.press("ana", asked, "ok")
    await server.until(lambda: done.private)
    assert done.private == ["Thank you."] and asked.text == "Approved" and not asked.buttons
    with pytest.raises(LookupError):
        await server.press("ana", asked, "ok")
    assert not server.mistakes


async def test_a_press_that_is_not_answered_fails(server: DiscordServer, bot: Bot) -> None:
    server.interactions.ack_s = 0.2
    asked = await card(server, bot, server.direct("ana"))
    pressed = await server.press("ana", asked, "Nothing")
    assert pressed.failed
    with pytest.raises(discord.NotFound):
        await bot.pressed[-1].response.send_message("too late")


async def test_a_token_ends_after_a_quarter_of_an_hour(server: DiscordServer, bot: Bot) -> None:
    pressed = await server.press("ana", await card(server, bot), "ok")
    server.age(pressed, 901)
    with pytest.raises(discord.HTTPException) as error:
        await bot.pressed[-1].followup.send("late")
    assert error.value.code == 50027


async def test_commands_are_registered_and_used(server: DiscordServer, bot: Bot) -> None:
    with pytest.raises(LookupError):
        await server.command("ana", "status")
    commands = [{"name": "status", "description": "How it is", "type": 1}]
    await bot.http.bulk_upsert_global_commands(bot.application_id, commands)
    used = await server.command("ana", "status")
    await server.until(lambda: used.private == ["All is well."])
    assert not server.mistakes


async def test_what_breaks_is_resumed_and_what_was_missed_is_told(
    server: DiscordServer, bot: Bot
) -> None:
    await server.gateway.cut()
    await server.say("ana", "while away")
    await server.until(lambda: bot.heard)
    assert (server.gateway.identified, server.gateway.resumed) == (1, 1)
    await server.gateway.ask_to_reconnect()
    await server.until(lambda: server.gateway.resumed == 2)
    await server.gateway.forget_sessions()
    await server.gateway.cut(4000)
    await server.say("ana", "lost")
    await server.until(lambda: server.gateway.identified == 2)
    await server.say("ana", "heard")
    await server.until(lambda: len(bot.heard) == 2)
    assert [each.content for each in bot.heard] == ["while away", "heard"]
    assert not server.mistakes


@pytest.mark.parametrize(
    ("code", "error"),
    [(4004, "ConnectionClosed"), (4013, "ConnectionClosed"), (4014, "PrivilegedIntentsRequired")],
)
async def test_a_fatal_close_ends_the_client(
    server: DiscordServer, monkeypatch: pytest.MonkeyPatch, code: int, error: str
) -> None:
    point(server, monkeypatch)
    server.gateway.refuse_with = code
    async with Bot() as bot:
        with pytest.raises(getattr(discord, error)):
            await bot.start(TOKEN)
    assert not server.mistakes


async def test_a_foreign_token_is_refused(
    server: DiscordServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    point(server, monkeypatch)
    async with Bot() as bot:
        with pytest.raises(discord.LoginFailure):
            await bot.login("another")


async def test_what_does_not_fit_is_refused_and_kept(server: DiscordServer, bot: Bot) -> None:
    post = discord.http.Route(
        "POST", "/channels/{channel_id}/messages", channel_id=server.channel()
    )
    twice = {"type": 2, "style": 1, "label": "a", "custom_id": "same"}
    wrong: list[dict[str, Any]] = [
        {"content": "x" * 2001},
        {"content": " "},
        {"content": 5},
        {"content": "a", "components": [{"type": 1, "components": [twice, twice]}]},
        {"content": "a", "nonce": "n" * 26},
        {"embeds": [{"description": "x" * 4096}, {"description": "y" * 4096}]},
    ]
    server.rest.rates.per_route.clear()
    for body in wrong:
        with pytest.raises(discord.HTTPException):
            await bot.http.request(post, json=body)
    assert len(server.mistakes) == len(wrong)
    assert not server.shown(server.channel())


@needs("discord.json")
async def test_a_misspelt_field_passes_and_is_kept(server: DiscordServer, bot: Bot) -> None:
    post = discord.http.Route(
        "POST", "/channels/{channel_id}/messages", channel_id=server.channel()
    )
    await bot.http.request(post, json={"content": "a", "enforce_once": True})
    assert "enforce_once" in server.mistakes[-1]


async def test_faults_and_the_ban(server: DiscordServer, bot: Bot) -> None:
    server.rest.rates.per_route.clear()
    channel = await bot.fetch_channel(int(server.channel()))
    server.fail("POST /channels", status=429, retry_after_s=0.05)
    await channel.send("in time")
    server.fail("POST /channels", cut=True, after=True)
    with pytest.raises((OSError, aiohttp.ClientError)):
        await channel.send("gone out, unanswered")
    assert server.texts(server.channel()) == ["in time", "gone out, unanswered"]
    server.forbid(server.channel())
    with pytest.raises(discord.Forbidden):
        await channel.send("may not")
    server.rest.rates.ban_after = 3
    with pytest.raises(discord.Forbidden):
        await channel.send("may not")
    assert server.banned
    with pytest.raises(discord.HTTPException):
        await channel.send("banned")


async def test_faster_than_allowed_is_429_and_a_mistake(server: DiscordServer, bot: Bot) -> None:
    headers = {"Authorization": f"Bot {TOKEN}", "User-Agent": "DiscordBot (https://x.example, 1)"}
    address = f"{server.url}/api/v10/channels/{server.channel()}/messages"
    async with aiohttp.ClientSession(headers=headers) as session:
        for n in range(6):
            async with session.post(address, json={"content": str(n)}) as response:
                last, body = response, await response.json()
    assert last.status == 429 and last.headers["X-RateLimit-Scope"] == "user"
    assert 0 < body["retry_after"] <= 5 and len(server.mistakes) == 1
    server.mistakes.clear()


async def test_interactions_by_http_are_signed(server: DiscordServer) -> None:
    from aiohttp import web
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(server.public_key))

    async def take(request: web.Request) -> web.Response:
        raw = await request.read()
        signed = request.headers["X-Signature-Timestamp"].encode() + raw
        try:
            key.verify(bytes.fromhex(request.headers["X-Signature-Ed25519"]), signed)
        except InvalidSignature:
            return web.Response(status=401)
        if json.loads(raw)["type"] == 1:
            return web.json_response({"type": 1})
        return web.json_response({"type": 4, "data": {"content": "seen", "flags": 64}})

    app = web.Application()
    app.router.add_post("/i", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.interactions.url = f"http://127.0.0.1:{runner.addresses[0][1]}/i"
    assert await server.interactions.probe() == []
    message = await server.say("ana", "hello")
    pressed = await server.press_raw("ana", message, "ok")
    assert pressed.private == ["seen"] and not pressed.failed
    await runner.cleanup()
    assert not server.mistakes


def test_a_fault_names_what_it_hits() -> None:
    server = DiscordServer()
    server.fail("PATCH", times=2, status=500)
    assert server.rest._fault("POST /channels/{channel_id}/messages") is None
    assert isinstance(server.rest._fault("PATCH /channels/{channel_id}"), Fault)
    assert server.rest._fault("PATCH /x") and server.rest._fault("PATCH /x") is None
