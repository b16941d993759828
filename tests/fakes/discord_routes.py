"""What each REST path of a played Discord does. Imported for its registrations.

https://docs.discord.com/developers/resources/message, …/channel, …/guild,
…/interactions/application-commands (read 2026-11-21)
"""

import time

from tests.fakes.discord_interactions import LATER, LATER_UPDATE, MESSAGE, UPDATE, Interaction
from tests.fakes.discord_rest import Answer, Call, Rest, check_and_change, route
from tests.fakes.discord_rules import Refusal, check_message
from tests.fakes.discord_world import DM, Body, Message, snowflake

MESSAGES = "/channels/{channel_id}/messages"
ONE = MESSAGES + "/{message_id}"
REACTIONS = ONE + "/reactions/{emoji_name}"
COMMANDS = "/applications/{application_id}/commands"
GUILD_COMMANDS = "/applications/{application_id}/guilds/{guild_id}/commands"
HOOK = "/webhooks/{webhook_id}/{webhook_token}"
ROLE = "/guilds/{guild_id}/members/{user_id}/roles/{role_id}"


def _raw(call: Call) -> dict[str, bytes]:
    return {name: raw for name, (_, _, raw) in call.files.items()}


# --- who and where -------------------------------------------------------------------------


@route("GET", "/users/@me")
async def me(rest: Rest, call: Call) -> Answer:
    return 200, rest.world.bot.shape()


@route("GET", "/users/@me/guilds")
async def my_guilds(rest: Rest, call: Call) -> Answer:
    return 200, [{"id": rest.world.guild_id, "name": "Harbour", "owner": False, "features": []}]


@route("GET", "/users/{user_id}")
async def user(rest: Rest, call: Call) -> Answer:
    found = rest.world.users.get(call.args["user_id"])
    if found is None:
        raise Refusal(404, 10013, "Unknown User")
    return 200, found.shape()


@route("POST", "/users/@me/channels")
async def open_direct(rest: Rest, call: Call) -> Answer:
    found = rest.world.users.get(str(call.body.get("recipient_id")))
    if found is None:
        raise Refusal(400, 50033, "Invalid Recipient(s)")
    return 200, rest.world.direct(found).shape()


@route("GET", "/gateway")
async def gateway(rest: Rest, call: Call) -> Answer:
    return 200, {"url": rest.gateway.url}


@route("GET", "/gateway/bot")
async def gateway_bot(rest: Rest, call: Call) -> Answer:
    left = {"total": 1000, "remaining": 1000 - rest.gateway.identified, "reset_after": 86_400_000}
    limit = {**left, "max_concurrency": 1}
    return 200, {"url": rest.gateway.url, "shards": 1, "session_start_limit": limit}


@route("GET", "/applications/@me")
@route("GET", "/oauth2/applications/@me")
async def application(rest: Rest, call: Call) -> Answer:
    owner = rest.world.person("olga").shape()
    return 200, {
        "id": rest.world.app_id,
        "name": "Switchboard",
        "icon": None,
        "description": "",
        "summary": "",
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": rest.interactions.public_key,
        "owner": owner,
        "team": None,
        "flags": rest.world.app_flags,
        "rpc_origins": [],
        "interactions_endpoint_url": rest.interactions.url or None,
        "bot": rest.world.bot.shape(),
    }


@route("GET", "/guilds/{guild_id}")
async def guild(rest: Rest, call: Call) -> Answer:
    _guild(rest, call)
    return 200, rest.world.guild_head()


@route("GET", "/guilds/{guild_id}/channels")
async def guild_channels(rest: Rest, call: Call) -> Answer:
    _guild(rest, call)
    return 200, [each.shape() for each in rest.world.channels.values() if each.guild]


@route("GET", "/guilds/{guild_id}/roles")
async def roles(rest: Rest, call: Call) -> Answer:
    _guild(rest, call)
    return 200, [rest.world.role_shape(id) for id in rest.world.roles]


@route("GET", "/guilds/{guild_id}/members/search")
async def search(rest: Rest, call: Call) -> Answer:
    """https://docs.discord.com/developers/resources/guild#search-guild-members (read 2026-11-21)"""
    _guild(rest, call)
    if set(call.query) - {"query", "limit"} or not call.query.get("query"):
        raise Refusal(400, 50035, "Invalid Form Body", errors={"query": ["required"]})
    limit = int(call.query.get("limit", 1))
    if not 1 <= limit <= 1000:
        raise Refusal(400, 50035, "Invalid Form Body", errors={"limit": ["1 to 1000"]})
    begins = call.query["query"].lower()
    found = [user for user in rest.world.users.values() if user.name.startswith(begins)]
    return 200, [{**user.member(), "user": user.shape()} for user in found[:limit]]


@route("GET", "/guilds/{guild_id}/members/{user_id}")
async def member(rest: Rest, call: Call) -> Answer:
    _guild(rest, call)
    found = rest.world.users.get(call.args["user_id"])
    if found is None:
        raise Refusal(404, 10007, "Unknown Member")
    return 200, {**found.member(), "user": found.shape()}


@route("PUT", ROLE)
async def give_role(rest: Rest, call: Call) -> Answer:
    roles = await _roles_of(rest, call)
    if call.args["role_id"] not in roles:
        roles.append(call.args["role_id"])
    rest.reasons.append(call.reason)
    return 204, None


@route("DELETE", ROLE)
async def take_role(rest: Rest, call: Call) -> Answer:
    roles = await _roles_of(rest, call)
    if call.args["role_id"] in roles:
        roles.remove(call.args["role_id"])
    rest.reasons.append(call.reason)
    return 204, None


async def _roles_of(rest: Rest, call: Call) -> list[str]:
    _guild(rest, call)
    found = rest.world.users.get(call.args["user_id"])
    if found is None:
        raise Refusal(404, 10007, "Unknown Member")
    if call.args["role_id"] not in rest.world.roles:
        raise Refusal(404, 10011, "Unknown Role")
    if call.args["role_id"] in rest.forbidden:
        raise Refusal(403, 50013, "Missing Permissions")
    return found.roles


def _guild(rest: Rest, call: Call) -> None:
    if call.args["guild_id"] != rest.world.guild_id:
        raise Refusal(404, 10004, "Unknown Guild")


# --- channels and messages ------------------------------------------------------------------


@route("GET", "/channels/{channel_id}")
async def channel(rest: Rest, call: Call) -> Answer:
    return 200, rest.channel(call).shape()


@route("POST", "/channels/{channel_id}/typing")
async def typing(rest: Rest, call: Call) -> Answer:
    rest.typing.append(rest.channel(call).id)
    return 204, None


@route("GET", MESSAGES)
async def history(rest: Rest, call: Call) -> Answer:
    place = rest.channel(call)
    limit = int(call.query.get("limit", 50))
    if not 1 <= limit <= 100:
        raise Refusal(400, 50035, "Invalid Form Body", errors={"limit": ["1 to 100"]})
    found = [
        each
        for each in rest.world.messages.values()
        if each.channel is place and not each.deleted and not each.only_for
    ]
    found.sort(key=lambda each: int(each.id))
    if "after" in call.query:
        found = [each for each in found if int(each.id) > int(call.query["after"])][:limit]
    elif "before" in call.query:
        found = [each for each in found if int(each.id) < int(call.query["before"])][-limit:]
    else:
        found = found[-limit:]
    return 200, [each.shape(rest.world.messages) for each in reversed(found)]


@route("POST", MESSAGES)
async def create(rest: Rest, call: Call) -> Answer:
    place = rest.channel(call)
    check_message(call.body, _raw(call), is_new=True)
    nonce = str(call.body.get("nonce") or "")
    if nonce and call.body.get("enforce_nonce"):
        at, id = rest.nonces.get(nonce, (0.0, ""))
        if id and time.monotonic() - at < rest.nonce_window_s:
            rest.deduplicated += 1
            return 200, rest.world.messages[id].shape(rest.world.messages)
    message = await rest.put(place, rest.world.bot, call.body, call.files)
    if nonce:
        rest.nonces[nonce] = (time.monotonic(), message.id)
    return 200, message.shape(rest.world.messages)


@route("GET", ONE)
async def read(rest: Rest, call: Call) -> Answer:
    return 200, rest.message(call).shape(rest.world.messages)


@route("PATCH", ONE)
async def edit(rest: Rest, call: Call) -> Answer:
    message = rest.message(call)
    if message.author is not rest.world.bot:
        raise Refusal(403, 50005, "Cannot edit a message authored by another user")
    check_and_change(message, call.body, _raw(call))
    if "attachments" in call.body:  # those that are named stay, new ones are added
        named = {str(each.get("id")) for each in call.body["attachments"] or ()}
        message.attachments = [each for each in message.attachments if each["id"] in named]
    rest.attach(message, call.files)
    await rest.tell("MESSAGE_UPDATE", message)
    return 200, message.shape(rest.world.messages)


@route("DELETE", ONE)
async def delete(rest: Rest, call: Call) -> Answer:
    message = rest.message(call)
    if message.author is not rest.world.bot and message.channel.type == DM:
        raise Refusal(403, 50003, "Cannot execute action on a DM channel")
    message.deleted = True
    await tell_deleted(rest, message)
    return 204, None


async def tell_deleted(rest: Rest, message: Message) -> None:
    """MESSAGE_DELETE, which says nothing of what it was."""
    told: Body = {"id": message.id, "channel_id": message.channel.id}
    if message.channel.guild:
        told["guild_id"] = message.channel.guild
    await rest.gateway.dispatch("MESSAGE_DELETE", told, is_direct=message.channel.type == DM)


@route("PUT", REACTIONS + "/@me")
async def react(rest: Rest, call: Call) -> Answer:
    rest.message(call).reactions.setdefault(call.args["emoji_name"], set()).add(rest.world.bot.id)
    return 204, None


@route("DELETE", REACTIONS + "/@me")
async def unreact(rest: Rest, call: Call) -> Answer:
    rest.message(call).reactions.get(call.args["emoji_name"], set()).discard(rest.world.bot.id)
    return 204, None


@route("POST", ONE + "/threads")
async def thread_from(rest: Rest, call: Call) -> Answer:
    message = rest.message(call)
    if not message.channel.guild:
        raise Refusal(400, 50024, "Cannot execute action on this channel type")
    if message.id in rest.world.channels:
        raise Refusal(400, 160004, "A thread has already been created for this message")
    made = rest.world.thread(message.channel, call.body["name"], rest.world.bot, message.id)
    await rest.gateway.dispatch("THREAD_CREATE", made.shape(), is_direct=False)
    return 201, made.shape()


@route("POST", "/channels/{channel_id}/threads")
async def thread(rest: Rest, call: Call) -> Answer:
    made = rest.world.thread(rest.channel(call), call.body["name"], rest.world.bot)
    await rest.gateway.dispatch("THREAD_CREATE", made.shape(), is_direct=False)
    return 201, made.shape()


# --- commands -------------------------------------------------------------------------------


@route("GET", COMMANDS)
@route("GET", GUILD_COMMANDS)
async def commands(rest: Rest, call: Call) -> Answer:
    return 200, rest.commands.get(call.args.get("guild_id", ""), [])


@route("PUT", COMMANDS)
@route("PUT", GUILD_COMMANDS)
async def set_commands(rest: Rest, call: Call) -> Answer:
    place = call.args.get("guild_id", "")
    rest.commands[place] = [_command(rest, each) for each in call.body]
    return 200, rest.commands[place]


@route("POST", COMMANDS)
@route("POST", GUILD_COMMANDS)
async def add_command(rest: Rest, call: Call) -> Answer:
    place = call.args.get("guild_id", "")
    others = [each for each in rest.commands.get(place, []) if each["name"] != call.body["name"]]
    made = _command(rest, call.body)
    rest.commands[place] = [*others, made]
    return 201, made


def _command(rest: Rest, body: Body) -> Body:
    powers = body.get("default_member_permissions")
    return {
        "id": snowflake(),
        "application_id": rest.world.app_id,
        "version": snowflake(),
        "type": 1,
        "description": "",
        "default_member_permissions": None,
        "nsfw": False,
        "options": [],
    } | {**body, "default_member_permissions": None if powers is None else str(powers)}


# --- answers to interactions ----------------------------------------------------------------


@route("POST", "/interactions/{interaction_id}/{interaction_token}/callback")
async def callback(rest: Rest, call: Call) -> Answer:
    item = rest.interactions.respond(
        call.args["interaction_id"], call.args["interaction_token"], call.body
    )
    _keep_files(rest, item.original, call)
    if item.answered == UPDATE and item.message is not None and not item.message.only_for:
        await rest.tell("MESSAGE_UPDATE", item.message)
    if call.query.get("with_response") not in ("true", "1", "True"):
        return 204, None
    return 200, _told(rest, item)


def _told(rest: Rest, item: Interaction) -> Body:
    found: Body = {"interaction": {"id": item.id, "type": item.kind}}
    if item.original is None:
        return found
    found["interaction"]["response_message_id"] = item.original.id
    if item.answered in (MESSAGE, LATER, UPDATE, LATER_UPDATE):
        message = item.original.shape(rest.world.messages)
        found["resource"] = {"type": item.answered, "message": message}
    return found


def _keep_files(rest: Rest, message: Message | None, call: Call) -> None:
    if message is not None and call.files:
        rest.attach(message, call.files)


@route("POST", HOOK)
async def follow(rest: Rest, call: Call) -> Answer:
    item = _answered(rest, call)
    check_message(call.body, _raw(call), is_new=True)
    message = rest.interactions.follow(item, call.body)
    _keep_files(rest, message, call)
    return 200, message.shape(rest.world.messages)


@route("GET", HOOK + "/messages/@original")
async def read_original(rest: Rest, call: Call) -> Answer:
    return 200, _original(rest, call).shape(rest.world.messages)


@route("PATCH", HOOK + "/messages/@original")
async def edit_original(rest: Rest, call: Call) -> Answer:
    item, message = _answered(rest, call), _original(rest, call)
    check_and_change(message, call.body, _raw(call))
    message.flags &= ~(1 << 7)
    if message is item.message and not message.only_for:
        await rest.tell("MESSAGE_UPDATE", message)
    return 200, message.shape(rest.world.messages)


@route("DELETE", HOOK + "/messages/@original")
async def delete_original(rest: Rest, call: Call) -> Answer:
    _original(rest, call).deleted = True
    return 204, None


@route("PATCH", HOOK + "/messages/{message_id}")
async def edit_follow(rest: Rest, call: Call) -> Answer:
    _answered(rest, call)
    message = rest.world.messages.get(call.args["message_id"])
    if message is None or message.deleted or message.author is not rest.world.bot:
        raise Refusal(404, 10008, "Unknown Message")
    check_and_change(message, call.body, _raw(call))
    return 200, message.shape(rest.world.messages)


def _answered(rest: Rest, call: Call) -> Interaction:
    item = rest.interactions.find(call.args["webhook_token"], follow=True)
    if not item.answered:
        raise Refusal(404, 10015, "Unknown Webhook")
    return item


def _original(rest: Rest, call: Call) -> Message:
    item = _answered(rest, call)
    if item.original is None or item.original.deleted:
        raise Refusal(404, 10008, "Unknown Message")
    return item.original
