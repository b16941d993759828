"""Recognition and roles on the team's own Discord server, through the channel that is connected.

A name is looked up first; the id goes on the card with the name, and the channel acts only while
both still belong together. A role is given or taken twice without harm; a recognition carries a
nonce that Discord knows for some minutes.
https://docs.discord.com/developers/resources/guild (read 2026-11-21)
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from bot.core.card import Card
from bot.core.card import Field as Line
from bot.core.effect import EffectState, Outcome, Policy
from bot.core.errors import OperatorError
from bot.core.ids import EffectId
from bot.core.tool import Risk, Tool, ToolContext
from tools.community._rights import check
from tools.community._settings import Guild, GuildSettings

NONCE_S = 120
"""Discord remembers a nonce "for the past few minutes"; this is the careful reading.
https://docs.discord.com/developers/resources/message#create-message (read 2026-11-21)"""
ROLE_S = 600
"""A role is put again within ten minutes; later somebody may have taken it away on purpose."""
NOT_SET = (
    "Discord has no server for this. Set guild_id in [channels.discord] (or DISCORD_GUILD_ID) and "
    "connect Discord; it works for the first workspace of the house."
)


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _line(value: str) -> str:
    return " ".join(value.split())


Id = Annotated[str, Field(pattern=r"^\d{1,20}$")]
Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_line)]
Reason = Annotated[str, Field(min_length=1, max_length=400), AfterValidator(_line)]


class Find(BaseModel):
    """What is looked for."""

    model_config = ConfigDict(extra="forbid")

    kind: Annotated[Literal["member", "role", "channel"], BeforeValidator(_lower)]
    name: Annotated[str, Field(min_length=1, max_length=100)]


class Recognise(BaseModel):
    """A recognition."""

    model_config = ConfigDict(extra="forbid")

    member_id: Id
    member_name: Name
    channel_id: Id
    channel_name: Name
    text: Annotated[str, Field(min_length=1, max_length=1500)]


class ChangeRole(BaseModel):
    """A role that is given or taken."""

    model_config = ConfigDict(extra="forbid")

    action: Annotated[Literal["assign", "remove"], BeforeValidator(_lower)]
    member_id: Id
    member_name: Name
    role_id: Id
    role_name: Name
    reason: Reason


def show_recognition(args: Recognise) -> Card:
    """Who is praised, where, in which words."""
    return Card(
        title="Recognise a volunteer on Discord",
        recipients=(f"#{args.channel_name.lstrip('#')}",),
        fields=(
            Line(name="Member", value=f"{args.member_name} ({args.member_id})"),
            Line(name="Channel", value=f"#{args.channel_name.lstrip('#')} ({args.channel_id})"),
            Line(name="Text", value=args.text, long=True, editable="text"),
        ),
        body=args.text,
        audience="everyone who can read the channel; the member is notified",
    )


def show_role(args: ChangeRole) -> Card:
    """Whose role changes, which and why."""
    verb = "Assign" if args.action == "assign" else "Remove"
    return Card(
        title=f"{verb} a role on Discord",
        recipients=(args.member_name,),
        fields=(
            Line(name="Action", value=args.action),
            Line(name="Member", value=f"{args.member_name} ({args.member_id})"),
            Line(name="Role", value=f"{args.role_name} ({args.role_id})"),
            Line(name="Reason", value=args.reason, editable="reason"),
        ),
        warnings=("A role may open channels and rights on the server.",) if verb[0] == "A" else (),
        audience="the server's audit log",
    )


async def community_find(ctx: ToolContext, args: Find) -> Outcome:
    """Look up a member, a role or a channel of the team's Discord server by the start of its name.

    Use it before community_recognise and community_role, which need the id and the name together.
    Do not use it to list everybody.
    - kind: "member", "role" or "channel".
    - name: how the name begins.
    Example: {"kind": "member", "name": "ana"}
    """
    found = await _guild(ctx).find(args.kind, args.name)
    lines = [f"{args.kind} {id_}: {name}" for id_, name in found]
    none = f"There is no {args.kind} whose name begins like that."
    return Outcome(state=EffectState.SENT, data="\n".join(lines) or none)


async def community_recognise(ctx: ToolContext, args: Recognise) -> Outcome:
    """Recognise a volunteer: praise a member of the team's Discord server in one of its channels.

    Use it when the person wants somebody thanked or recognised there. Do not use it for other
    messages, or with an id that you guessed: community_find gives ids.
    - member_id, member_name: the member's id and name, as community_find or the person gave them.
    - channel_id, channel_name: the channel's id and name, likewise.
    - text: what everyone reads, in the person's words; the member's mention is put before it.
    Example: {"member_id": "80351110224678912", "member_name": "Ana", "channel_id":
    "41771983423143937", "channel_name": "general", "text": "thank you for the tents!"}
    """
    receipt = await _guild(ctx).recognise(
        (args.channel_id, args.channel_name),
        (args.member_id, args.member_name),
        args.text,
        EffectId(ctx.key),
    )
    return Outcome(
        state=EffectState.SENT,
        vendor_ref=receipt.vendor_ref,
        url=receipt.url,
        data=f"{args.member_name} was recognised in #{args.channel_name.lstrip('#')}.",
    )


async def community_role(ctx: ToolContext, args: ChangeRole) -> Outcome:
    """Assign a role to a member of the team's Discord server, or remove it.

    Use it when the person names the member and the role. Do not use it with ids that you guessed:
    community_find gives ids. Roles of administrators are not given. Somebody who may manage roles
    on the server and has a higher one, or an owner here, has to ask for it or to approve it.
    - action: "assign" or "remove".
    - member_id, member_name: the member's id and name, as community_find or the person gave them.
    - role_id, role_name: the role's id and name, likewise.
    - reason: why, in one sentence; it stands in the server's audit log.
    Example: {"action": "assign", "member_id": "80351110224678912", "member_name": "Ana", "role_id":
    "41771983423143936", "role_name": "Helper", "reason": "leads the tents team"}
    """
    await check(await _settings(ctx).responsible(ctx), _guild(ctx), args.role_id)
    is_given = args.action == "assign"
    member, role = (args.member_id, args.member_name), (args.role_id, args.role_name)
    await _guild(ctx).set_role(member, role, args.reason, has=is_given)
    said = "has the role" if is_given else "no longer has the role"
    return Outcome(
        state=EffectState.SENT,
        vendor_ref=f"{args.action}:{args.member_id}:{args.role_id}",
        data=f"{args.member_name} {said} {args.role_name}.",
    )


def _guild(ctx: ToolContext) -> Guild:
    """The tenant's server. Raises OperatorError where there is none."""
    found = _settings(ctx).guild(ctx.tenant)
    if found is None or found.tenant != ctx.tenant:
        raise OperatorError(NOT_SET)
    return found


def _settings(ctx: ToolContext) -> GuildSettings:
    if not isinstance(ctx.settings, GuildSettings):
        raise OperatorError(NOT_SET)
    return ctx.settings


TOOLS = (
    Tool(
        name="community_find",
        arguments=Find,
        perform=community_find,
        risk=Risk.READ,
        outside=True,
        saying="looking on the Discord server",
    ),
    Tool(
        name="community_recognise",
        arguments=Recognise,
        perform=community_recognise,
        preview=show_recognition,
        risk=Risk.WRITE,
        policy=Policy.KEYED,
        window_s=NONCE_S,
        egress=True,
        saying="recognising a volunteer",
    ),
    Tool(
        name="community_role",
        arguments=ChangeRole,
        perform=community_role,
        preview=show_role,
        risk=Risk.WRITE,
        policy=Policy.KEYED,
        window_s=ROLE_S,
        egress=True,
        saying="changing a role on Discord",
    ),
)
