"""What the table of faults is made of: each tool that sends words out, before the service that plays.

A service's refusals are in its own words, by the name that the table calls them. The mail server
speaks no HTTP, so its row has fewer of them.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bot.core.channel import Channel
from bot.core.effect import EffectState, Policy
from bot.core.ids import EffectId
from bot.core.tool import Arguments, Tool, ToolContext
from bot.platforms.lent import Spot
from bot.platforms.outgoing import Outgoing
from bot.responsible import Responsible
from bot.store.sqlite import SqliteDatabase
from channels.email.channel import make as mail_by
from channels.telegram.channel import make as telegram_by
from tests.channels import email_side, slack_side, sms_side, teams_side, telegram_side
from tests.channels.discord_house import House
from tests.fakes import graph_tokens, resend_server, sendgrid_server
from tests.fakes.database import lay
from tests.fakes.discord_server import DiscordServer
from tests.fakes.graph_channels import GraphChannels
from tests.fakes.graph_mail import GraphMail
from tests.fakes.oauth_house import OAuthHouse
from tests.fakes.resend_server import ResendServer
from tests.fakes.sendgrid_server import SendGridServer
from tests.fakes.slack_server import SlackServer
from tests.fakes.smtp_server import SmtpServer
from tests.fakes.teams_connector import WORKFLOW
from tests.fakes.teams_server import TeamsServer
from tests.fakes.telegram_server import TelegramServer
from tests.fakes.troubled import Wire
from tests.fakes.twilio_server import TwilioServer
from tests.tools.kit import TENANT, context
from tests.tools.mailbox.conftest import Kept, find, full
from tests.tools.messages import test_sms, test_teams, test_teams_person, test_telegram
from tools.community import guild
from tools.community._settings import GuildSettings
from tools.messages import discord, email, slack, sms, teams, telegram
from tools.messages._settings import TelegramSettings

DEED = "deed"
AFTER_S = 90
"""How long a service wants to be left alone: longer than any adapter waits by itself."""
Says = Mapping[str, tuple[int, Any, str]]
"""Name of a refusal → status, body, and words of what a person reads."""


@dataclass
class Row:
    """One tool before its service."""

    tool: Tool
    given: Mapping[str, Any]
    kept: Kept
    wire: Any
    """Where it goes wrong: `fail`, `calls_of`."""
    there: Callable[[], int]
    """How often it is done."""
    says: Says
    renews: str = ""
    """`itself`: a token that is refused is asked for anew and the deed goes on; `later`: it goes
    with the next attempt; empty: a key that is refused is over."""
    hears: frozenset[str] = frozenset()
    """What does not keep it from hearing the end, since its library asks again by its key."""
    after_s: float = AFTER_S
    """When it is to come again after a refusal for the moment."""

    @property
    def policy(self) -> Policy:
        """What makes it go once."""
        rests_on = self.tool.rests_on
        return rests_on(self.kept.call(), None)[0] if rests_on else self.tool.policy

    async def args(self) -> Arguments:
        """What a person said yes to."""
        return await full(self.kept.call(), self.tool, **self.given)

    async def perform(self, args: Arguments) -> EffectState:
        """One attempt."""
        async with asyncio.timeout(8):
            return (await self.tool.perform(self.kept.call(), args)).state

    async def is_found(self, args: Arguments) -> bool:
        """Whether a look-up finds it."""
        found = await find(self.kept.call(), self.tool, args)
        return found is not None and found.state is EffectState.SENT

    async def end(self, args: Arguments) -> None:
        """As the ledger goes on where an answer is missing; where it would ask, nothing more."""
        is_looked_up = self.policy is Policy.READBACK and await self.is_found(args)
        if self.policy is not Policy.NONE and not is_looked_up:
            assert await self.perform(args) is EffectState.SENT


def _stands(server: Any, call: str, says: Says) -> Wire:
    """The wire of a service, with its words."""
    wire: Wire = server.wire
    wire.calls = {DEED: call}
    pause = {"Retry-After": str(AFTER_S), "Via": "1.1 google"}
    wire.says |= {how: (status, body, {}) for how, (status, body, _) in says.items()}
    status, body, _ = says["limited"]
    wire.says["limited"] = (status, body, pause)
    return wire


def _call(channel: Any, **more: Any) -> ToolContext:
    """A call in the tenant whose channel this is."""
    outgoing = Outgoing(lambda who, name: channel if who == TENANT else None, None)
    return context(**{"settings": outgoing, "effect": EffectId("eff_1"), **more})


def _slack_no(word: str) -> dict[str, Any]:
    return {"ok": False, "error": word}


SLACK: Says = {
    "forbidden": (200, _slack_no("restricted_action"), "does not allow the app to post"),
    "missing": (200, _slack_no("channel_not_found"), "no such channel"),
    "conflict": (200, _slack_no("is_archived"), "archived"),
    "large": (200, _slack_no("msg_too_long"), "too long for Slack"),
    "too large": (413, {}, "413"),
    "unfit": (200, _slack_no("invalid_arguments"), "invalid_arguments"),
    "unfit too": (422, {}, "422"),
    "limited": (429, _slack_no("ratelimited"), "left alone"),
    "unauthorized": (200, _slack_no("invalid_auth"), "does not know this token"),
}


@asynccontextmanager
async def by_slack(folder: Path) -> AsyncIterator[Row]:
    """The channel, by Socket Mode."""
    async with SlackServer() as server, slack_side.listening(server) as side:
        place = server.world.channel("general", slack_side.ANA)
        wire = _stands(server, "POST /api/chat.postMessage", SLACK)
        there = lambda: len(server.shown(place))  # noqa: E731
        given = {"place": "#general", "text": "We are open"}
        yield Row(slack.TOOLS[0], given, Kept(_call(side.channel)), wire, there, SLACK)
        assert server.mistakes == []


def _discord_no(code: int, words: str) -> dict[str, Any]:
    return {"code": code, "message": words}


DISCORD: Says = {
    "forbidden": (403, _discord_no(50013, "Missing Permissions"), "role the permission for it"),
    "missing": (404, _discord_no(10003, "Unknown Channel"), "no such channel"),
    "conflict": (409, _discord_no(40002, "Conflict"), "code 40002"),
    "large": (413, _discord_no(40005, "Request entity too large"), "too large for Discord"),
    "unfit": (422, _discord_no(50035, "Invalid Form Body"), "code 50035"),
    "limited": (429, {"message": "slow", "retry_after": AFTER_S, "global": False}, "for a rest"),
    "unauthorized": (401, _discord_no(0, "401: Unauthorized"), "refuses the bot's token"),
}
BY_KEY = frozenset({"error_after"})
"""discord.py asks again after a 500, with the same nonce."""


class _Known:
    """A channel that need not wait for the gateway to know a place."""

    def __init__(self, channel: Channel, spot: Spot) -> None:
        self._channel, self._spot = channel, spot

    async def places(self) -> list[Spot]:
        return [self._spot]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)


@asynccontextmanager
async def by_discord(folder: Path, tool: str) -> AsyncIterator[Row]:
    """The channel, by the gateway, and the server's own tools."""
    async with DiscordServer() as server:
        world, ana = server.world, server.world.person("ana")
        async with House(server, {"guild_id": world.guild_id}, listens=False) as discords:
            channel = discords.channel

            async def responsible(ctx: ToolContext) -> list[Responsible]:
                return [Responsible(is_owner=True, accounts=())]

            lent = GuildSettings(guild=lambda who: channel.guild, responsible=responsible)
            who = {"member_id": ana.id, "member_name": "ana"}
            helper = {"role_id": world.role("Helper"), "role_name": "Helper"}
            where = {"channel_id": world.general.id, "channel_name": "general"}
            posts = "POST /api/v10/channels/[0-9]+/messages"
            there = lambda: len(server.shown(world.general.id))  # noqa: E731
            made: Tool
            made, given, ctx, call = {
                "send": (
                    discord.TOOLS[0], {"place": "#general", "text": "We are open"},
                    _call(_Known(channel, Spot(id=world.general.id, name="#general"))), posts,
                ),
                "recognise": (
                    guild.TOOLS[1], {**who, **where, "text": "thank you"},
                    context(settings=lent), posts,
                ),
                "role": (
                    guild.TOOLS[2], {**who, **helper, "action": "assign", "reason": "leads"},
                    context(settings=lent), "PUT /api/v10/guilds/.*/roles/[0-9]+",
                ),
            }[tool]  # fmt: skip
            if tool == "role":
                there = lambda: len(ana.roles)  # noqa: E731
            says = dict(DISCORD)
            if tool == "role":
                says["forbidden"] = (*DISCORD["forbidden"][:2], "drag it above Helper")
                says["missing"] = (404, _discord_no(10007, "Unknown Member"), "not on the server")
            row = Row(made, given, Kept(ctx), _stands(server, call, says), there, says, "", BY_KEY)
            if tool == "role":  # a PUT that is cut is asked once more, and nothing is in its answer
                row.hears = BY_KEY | {"cut", "lost", "truncated"}
            yield row
        assert server.mistakes == []


def _telegram_no(status: int, words: str, **more: Any) -> dict[str, Any]:
    return {"ok": False, "error_code": status, "description": words, **more}


TELEGRAM: Says = {
    "forbidden": (403, _telegram_no(403, "Forbidden: bot was blocked by the user"), "blocked"),
    "missing": (400, _telegram_no(400, "Bad Request: chat not found"), "hat not found"),
    "conflict": (409, _telegram_no(409, "Conflict: terminated"), "Another program"),
    "large": (413, _telegram_no(413, "Request Entity Too Large"), "Too Large"),
    "unfit": (422, _telegram_no(422, "Unprocessable Entity"), "Unprocessable"),
    "limited": (
        429, _telegram_no(429, "Too Many Requests", parameters={"retry_after": AFTER_S}), "a pause",
    ),
    "unauthorized": (401, _telegram_no(401, "Unauthorized"), "does not know this token"),
}  # fmt: skip


@asynccontextmanager
async def by_telegram(folder: Path, is_other: bool) -> AsyncIterator[Row]:
    """A saved chat, one's own or another's."""
    lay(folder / "house.db")
    db = SqliteDatabase(folder / "house.db")
    await db.open()
    async with TelegramServer() as server:
        channel = telegram_by(telegram_side.lent_for(server))
        outgoing = Outgoing(lambda who, name: channel if who == TENANT else None, None)
        told = TelegramSettings(db=db, outgoing=outgoing)
        ctx = context(settings=told, effect=EffectId("eff_1"))
        side = test_telegram.Side(db, channel, ctx)  # type: ignore[arg-type]
        person = telegram_side.BO if is_other else telegram_side.ANA
        await side.person("Ben" if is_other else "Ana", str(person.id))
        chat = server.world.private(person)
        given = {"text": "We are open", **({"place": "Ben"} if is_other else {})}
        wire = _stands(server, "POST /bot[^/]*/sendMessage", TELEGRAM)
        there = lambda: len(server.world.said(chat))  # noqa: E731
        yield Row(telegram.TOOLS[is_other], given, Kept(ctx), wire, there, TELEGRAM)
        await channel._api.close()
        assert server.mistakes == []
    await db.close()


def _no(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": f"{code} of Microsoft's"}}


TEAMS: Says = {
    "forbidden": (403, _no("BotNotInConversationRoster"), "Add it there"),
    "missing": (404, _no("ConversationNotFound"), "not there any more"),
    "conflict": (409, _no("Conflict"), "Conflict"),
    "large": (413, _no("MessageSizeTooBig"), "too long for Teams"),
    "unfit": (422, _no("BadSyntax"), "BadSyntax"),
    "limited": (429, _no("Throttled"), "a pause"),
    "unauthorized": (401, _no("BotNotRegistered"), "does not take the token"),
}
_FLOW = "must be switched on"
FLOW: Says = {
    "forbidden": (403, {}, _FLOW), "missing": (404, {}, _FLOW), "conflict": (409, {}, _FLOW),
    "large": (413, {}, "too long"), "unfit": (422, {}, _FLOW), "limited": (429, {}, "a pause"),
    "unauthorized": (401, {}, _FLOW),
}  # fmt: skip
PERSON: Says = {
    "forbidden": (403, _no("Forbidden"), "ChannelMessage.Send"),
    "missing": (404, _no("NotFound"), "nothing of this id"),
    "conflict": (409, _no("Conflict"), "of this id already"),
    "large": (413, _no("RequestEntityTooLarge"), "refused it"),
    "unfit": (422, _no("UnprocessableEntity"), "refused it"),
    "limited": (429, _no("TooManyRequests"), "a pause"),
    "unauthorized": (401, _no("InvalidAuthenticationToken"), "any more"),
}


@asynccontextmanager
async def by_teams(folder: Path, is_flow: bool) -> AsyncIterator[Row]:
    """The bot in a channel, or the workflow of one."""
    async with TeamsServer() as server, teams_side.listening(server) as side:
        channel = server.world.channel("general", teams_side.ANA)
        given = {"text": "We are open", **({} if is_flow else {"channel_id": channel})}
        says, place = (FLOW, WORKFLOW) if is_flow else (TEAMS, channel)
        path = urlsplit(server.workflow_url).path if is_flow else "/.*/v3/conversations"
        there = lambda: len([m for m in server.shown(place) if m.bot or is_flow])  # noqa: E731
        row = Row(
            teams.TOOLS[0], given, Kept(test_teams.ctx(side)),
            _stands(server, f"POST {path}", says), there, says, "" if is_flow else "itself",
        )  # fmt: skip
        if is_flow:  # there is nothing in its answer
            row.hears = frozenset({"truncated"})
        yield row
        await server.settled()
        assert server.mistakes == []


@asynccontextmanager
async def by_person(folder: Path) -> AsyncIterator[Row]:
    """Whoever connected Microsoft 365."""
    async with GraphChannels() as server, OAuthHouse(folder, server) as accounts:
        server.members.add(test_teams_person.TEAM)
        await accounts.connect(scopes=(test_teams_person.SCOPE,))
        given = test_teams_person.POST.model_dump(exclude_unset=True) | {"as_person": True}
        wire = _stands(server, "POST /v1.0/teams/.*/messages", PERSON)
        there = lambda: len(server.posts)  # noqa: E731
        ctx = test_teams_person.ctx(accounts)
        yield Row(teams.TOOLS[0], given, Kept(ctx), wire, there, PERSON, "itself")
    assert server.mistakes == []


def _twilio_no(code: int, status: int) -> dict[str, Any]:
    return {"code": code, "message": "words of Twilio's", "status": status}


SMS: Says = {
    "forbidden": (403, _twilio_no(21408, 403), "may not text this country"),
    "missing": (404, _twilio_no(20404, 404), "error 20404"),
    "conflict": (409, {}, "409"),
    "large": (413, {}, "413"),
    "unfit": (422, {}, "422"),
    "limited": (429, _twilio_no(20429, 429), "for a moment"),
    "unauthorized": (401, _twilio_no(20003, 401), "does not know these credentials"),
}


@asynccontextmanager
async def by_sms(folder: Path) -> AsyncIterator[Row]:
    """The house's own number."""
    async with TwilioServer(receipts="held") as server:
        server.world.number(sms_side.OURS)
        async with sms_side.listening(server) as side:
            wire = _stands(server, "POST /.*/Messages.json", SMS)
            there = lambda: len(server.world.said(sms_side.BEN))  # noqa: E731
            given = {"to": sms_side.BEN, "text": "We are open"}
            yield Row(sms.TOOLS[0], given, Kept(test_sms.called(side)), wire, there, SMS)
        await server.settled()
        assert server.mistakes == []


def _resend_no(status: int, name: str) -> dict[str, Any]:
    return {"statusCode": status, "name": name, "message": f"{name} of Resend's"}


MAIL: Mapping[str, Says] = {
    "resend": {
        "forbidden": (403, _resend_no(403, "validation_error"), "validation_error"),
        "missing": (404, _resend_no(404, "not_found"), "not_found"),
        "large": (413, {}, "413"),
        "unfit": (422, _resend_no(422, "invalid_parameter"), "invalid_parameter"),
        "limited": (429, _resend_no(429, "rate_limit_exceeded"), "a pause"),
        "unauthorized": (401, _resend_no(401, "missing_api_key"), "does not take this key"),
    },
    "sendgrid": {
        "forbidden": (403, {"errors": [{"message": "not a verified sender"}]}, "not a verified"),
        "missing": (404, {}, "404"),
        "conflict": (409, {}, "409"),
        "large": (413, {"errors": [{"message": "Payload too large"}]}, "Payload too large"),
        "unfit": (422, {}, "422"),
        "limited": (429, {"errors": [{"message": "too many requests"}]}, "a pause"),
        "unauthorized": (401, {"errors": [{"message": "expired"}]}, "does not take this key"),
    },
    "graph": {
        "forbidden": (403, _no("ErrorAccessDenied"), "Mail.Send"),
        "missing": (404, _no("ErrorInvalidUser"), "no mailbox of this address"),
        "conflict": (409, _no("ErrorConflict"), "refused it"),
        "large": (413, _no("ErrorMessageSizeExceeded"), "refused it"),
        "unfit": (422, _no("ErrorInvalidRequest"), "refused it"),
        "limited": (429, _no("ApplicationThrottled"), "a pause"),
        "unauthorized": (401, _no("InvalidAuthenticationToken"), "does not take the token"),
    },
}
SMTP: Says = {
    "forbidden": (550, "MAIL", "5.7.1 not you"),
    "missing": (550, "RCPT", "5.1.1 nobody"),
    "large": (552, ".", "5.3.4 too large"),
    "unfit": (554, ".", "5.6.0 spam"),
    "limited": (451, "RCPT", "4.7.1 later"),
    "unauthorized": (535, "AUTH", "smtp_password"),
}


@dataclass
class Line:
    """The wire of a server of SMTP."""

    server: SmtpServer
    elsewhere: str = ""

    def fail(self, operation: str, how: str, times: int = 1) -> None:
        """As `Troubled.fail`."""
        if how in SMTP:
            code, command, words = SMTP[how]
            for _ in range(3 if command == "AUTH" else 1):  # each of its ways is tried
                self.server.fail(command, f"{code} {words}")
        else:
            self.server.fail(".", {"error": "cut"}.get(how, how))

    def calls_of(self, operation: str) -> int:
        """How many mails were begun: each has a connection of its own."""
        return self.server.commands.count("EHLO")

    def end(self) -> None:
        """As `Troubled.end`."""
        self.server._closing.set()


@asynccontextmanager
async def by_mail(folder: Path, carrier: str) -> AsyncIterator[Row]:
    """One carrier."""
    given = {"place": "ben@example.org", "subject": "Tea", "text": "We meet at four"}
    made: dict[str, Callable[[], Any]] = {
        "smtp": partial(SmtpServer, "team", "pw"),
        "resend": ResendServer,
        "sendgrid": SendGridServer,
        "graph": partial(GraphMail, email_side.HOME, email_side.KELLY),
        "sendmail": partial(GraphMail, email_side.HOME, email_side.KELLY),
    }
    async with made[carrier]() as server:
        told, ends, call = _told(carrier, server)
        channel = mail_by(email_side.lent(endpoints=ends, **told))
        ctx = _call(channel, agent="mark")
        if carrier == "smtp":
            there = lambda: len(server.taken)  # noqa: E731
            row = Row(email.TOOLS[0], given, Kept(ctx), Line(server), there, SMTP)
            row.after_s = 5.0
        else:
            says = MAIL["graph" if carrier == "sendmail" else carrier]
            wire = _stands(server, call, says)
            if carrier == "sendgrid":  # which says until when, and not for how long
                until = {"X-RateLimit-Reset": str(int(time.time()) + AFTER_S)}
                wire.says["limited"] = (*wire.says["limited"][:2], until)
            there = lambda: len(server.sent)  # noqa: E731
            row = Row(email.TOOLS[0], given, Kept(ctx), wire, there, says)
        row.renews = "later" if carrier in ("graph", "sendmail") else ""
        # Resend is asked again under the key; the others answer 202, with nothing in it.
        again = {"error", "cut", "error_after", "lost"}
        row.hears = frozenset(again if carrier == "resend" else {"truncated"})
        yield row
        assert server.mistakes == []


def _told(carrier: str, server: Any) -> tuple[dict[str, Any], dict[str, str], str]:
    """Settings, endpoints, and the call that sends."""
    if carrier == "smtp":
        host = {"smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_security": "none"}
        return {**host, "smtp_username": "team", "smtp_password": "pw"}, {}, ""
    if carrier == "resend":
        server.domains = {"bot.example"}
        return {"resend_api_key": resend_server.KEY}, {"resend": server.base}, "POST /emails"
    if carrier == "sendgrid":
        server.senders = {"bot.example"}
        key = {"sendgrid_api_key": sendgrid_server.KEY}
        return key, {"sendgrid": server.base}, "POST /v3/mail/send"
    app = {"ms_tenant_id": graph_tokens.TENANT, "ms_client_id": graph_tokens.CLIENT}
    app |= {"ms_client_secret": graph_tokens.SECRET, "ms_drafts": carrier == "graph"}
    call = "/messages/.*/send" if carrier == "graph" else "/sendMail"
    return app, dict.fromkeys(("graph", "microsoft"), server.base), f"POST /v1.0/users/.*{call}"


ROWS: Mapping[str, Callable[[Path], Any]] = {
    "send_slack_message": by_slack,
    "send_discord_message": partial(by_discord, tool="send"),
    "send_telegram_message": partial(by_telegram, is_other=False),
    "send_telegram_message_to": partial(by_telegram, is_other=True),
    "teams_post_message": partial(by_teams, is_flow=False),
    "teams_post_message-flow": partial(by_teams, is_flow=True),
    "teams_post_message-person": by_person,
    "send_sms": by_sms,
    **{f"send_email-{each}": partial(by_mail, carrier=each) for each in
       ("smtp", "resend", "sendgrid", "graph", "sendmail")},
    "community_recognise": partial(by_discord, tool="recognise"),
    "community_role": partial(by_discord, tool="role"),
}  # fmt: skip
LACKS = {"send_email-smtp": ("conflict", "redirect", "truncated", "error_after")}
"""What cannot happen to one of them."""
