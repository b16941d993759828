"""Each platform's own library used by hand: the least that answers a mention with a model.

    python -m bench.hand slack --at URL --port P --model-url URL [--plain]

It keeps nothing, knows nobody and loses what it has when it dies: that is the point of it. The model
is called by LiteLLM, with `--plain` by aiohttp. Tokens are those of the played platforms.
"""

import argparse
import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import aiohttp
from aiohttp import web

from bench.floor import Model, by_aiohttp, by_litellm

Ask = Callable[[str], Awaitable[str]]


async def slack(ask: Ask, at: str, port: int) -> None:
    """slack-bolt, told by HTTP."""
    from slack_bolt.async_app import AsyncApp
    from slack_sdk.web.async_client import AsyncWebClient

    from tests.fakes.slack_apps import BOT_TOKEN, SIGNING_SECRET

    client = AsyncWebClient(BOT_TOKEN, base_url=f"{at}/api/", timeout=60)
    app = AsyncApp(client=client, signing_secret=SIGNING_SECRET)

    @app.event("app_mention")
    async def mentioned(event, say):  # type: ignore[no-untyped-def]
        root = event.get("thread_ts") or event["ts"]
        await say(text=await ask(event["text"]), thread_ts=root)

    @app.event("message")
    async def told(event):  # type: ignore[no-untyped-def]
        """What nobody asked us."""

    await _serve(app.web_app(path="/webhooks/slack/events"), port)


async def telegram(ask: Ask, at: str, port: int) -> None:
    """python-telegram-bot, polling."""
    from telegram import Update
    from telegram.ext import Application, ContextTypes, MessageHandler, filters

    from tests.fakes.telegram_server import TOKEN

    async def answer(update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        message = update.effective_message
        if message and message.text:
            await message.reply_text(await ask(message.text))

    built = Application.builder().token(TOKEN).base_url(f"{at}/bot").concurrent_updates(1024)
    patient = built.connection_pool_size(1024).pool_timeout(60).read_timeout(60).connect_timeout(60)
    app = patient.get_updates_read_timeout(60).build()
    app.add_handler(MessageHandler(filters.TEXT, answer))
    async with app:
        await app.start()
        if app.updater:
            await app.updater.start_polling()
        await _serve(web.Application(), port)


async def discord(ask: Ask, at: str, port: int) -> None:
    """discord.py, by its gateway."""
    import discord as library

    from channels.discord.calls import point
    from tests.fakes.discord_server import TOKEN

    point(at)
    intents = library.Intents.none()
    intents.guilds = intents.messages = intents.message_content = True
    client = library.Client(intents=intents)
    waiting = []

    @client.event
    async def on_ready() -> None:
        waiting.append(asyncio.create_task(_serve(web.Application(), port)))

    @client.event
    async def on_message(message: library.Message) -> None:
        if not message.author.bot:
            text = message.content.replace(f"<@{client.user.id}>", "") if client.user else ""
            await message.channel.send(await ask(text.strip()))

    await client.start(TOKEN)


async def teams(ask: Ask, at: str, port: int) -> None:
    """The Bot Framework's protocol by aiohttp and PyJWT."""
    import jwt

    from tests.fakes.teams_server import APP, SECRET, TENANT

    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    async with session.get(f"{at}/v1/.well-known/keys") as found:
        keys = {key["kid"]: jwt.PyJWK(key) for key in (await found.json())["keys"]}
    form = {"grant_type": "client_credentials", "client_id": APP, "client_secret": SECRET}
    form["scope"] = "https://api.botframework.com/.default"
    async with session.post(f"{at}/{TENANT}/oauth2/v2.0/token", data=form) as found:
        head = {"Authorization": f"Bearer {(await found.json())['access_token']}"}
    tasks = set()

    async def answer(told: dict) -> None:  # type: ignore[type-arg]
        text = await ask(told["text"].split("</at>")[-1].strip())
        body = {"type": "message", "text": text, "replyToId": told["id"]}
        place = told["conversation"]["id"]
        path = f"{told['serviceUrl']}v3/conversations/{place}/activities/{told['id']}"
        async with session.post(path, json=body, headers=head) as sent:
            await sent.read()

    async def take(request: web.Request) -> web.Response:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        key = keys[jwt.get_unverified_header(token)["kid"]]
        issuer = "https://api.botframework.com"
        jwt.decode(token, key.key, algorithms=["RS256"], audience=APP, issuer=issuer)
        told = await request.json()
        if told["type"] == "message":
            tasks.add(task := asyncio.create_task(answer(told)))
            task.add_done_callback(tasks.discard)
        return web.Response()

    app = web.Application()
    app.router.add_post("/webhooks/teams/messages", take)
    await _serve(app, port)


async def _serve(app: web.Application, port: int) -> None:
    """Serve; on the platforms that are not told by HTTP it only says that all is ready."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    await asyncio.Event().wait()


PLATFORMS = {"slack": slack, "telegram": telegram, "discord": discord, "teams": teams}


async def serve(platform: str, at: str, port: int, url: str, plain: bool) -> None:
    """Run until told to stop."""
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    model: Model = by_aiohttp(session, url) if plain else by_litellm(session, url)

    async def ask(text: str) -> str:
        return await model({"messages": [{"role": "user", "content": text}]})

    await ask("hello")  # its library is loaded before anybody counts
    await PLATFORMS[platform](ask, at, port)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("platform", choices=PLATFORMS)
    parser.add_argument("--at", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model-url", required=True)
    parser.add_argument("--plain", action="store_true")
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(given.platform, given.at, given.port, given.model_url, given.plain))


if __name__ == "__main__":
    main()
