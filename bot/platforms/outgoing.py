"""Messages that agents send to places on platforms: where to, with which files, and was it sent.

The tools in `tools/messages` come here; the channel of the platform does the sending. A place is
one that the bot itself is in, found by its name or id, and a file is one that the person may read:
never anything else that a text names. What a call means is settled before a person is asked, and
checked again before it leaves.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from bot.core.canonical import Json
from bot.core.channel import Channel, Outbound
from bot.core.effect import Effect, EffectKind, EffectState, Outcome, Policy
from bot.core.errors import Conflict, ConnectionBroken, DeveloperError, NotFound
from bot.core.event import Attachment
from bot.core.ids import ConvId, EffectId, TenantId
from bot.core.tool import ToolContext
from bot.files.library import Library
from bot.frozen import field, frozen
from bot.platforms.bulletins import Bulletins
from bot.platforms.lent import Spot
from bot.store.bulletins import Bulletin
from bot.store.installs import PREFIX as INSTALLED

Shared = Callable[[TenantId, str], Awaitable[tuple[Channel | None, Sequence[str]]]]
NAMED = 12
"""How many places an error names."""
_AGAIN: Mapping[str, Json] = {"attempt": 2}


@frozen
class Parcel:
    """What is to be sent, and where."""

    place: str
    """Name or id of the place."""
    place_id: str
    """The id that the person saw; empty when they saw none."""
    text: str
    files: Sequence[Attachment] = ()
    thread: str = ""
    extra: Mapping[str, Json] = field(default_factory=dict)
    """What the platform needs besides, such as a subject."""


async def _nowhere(tenant: TenantId, platform: str) -> tuple[Channel | None, Sequence[str]]:
    """There is no app that is installed in several workspaces."""
    return None, ()


class Outgoing:
    """Sends for tools."""

    def __init__(
        self,
        channel_of: Callable[[TenantId, str], Channel | None],
        library: Library | None,
        bulletins: Bulletins | None = None,
        shared_of: Shared = _nowhere,
    ) -> None:
        """`channel_of` gives a tenant's own channel of a platform, by the platform's name;
        `shared_of` the one whose app the tenant has installed in workspaces, and their accounts."""
        self.channel_of = channel_of
        self.library = library
        self._bulletins = bulletins
        self._shared_of = shared_of

    async def kinds(self, tenant: TenantId, platform: str) -> Sequence[Bulletin]:
        """The kinds of messages that have a place of their own there."""
        return await self._bulletins.listed(tenant, platform) if self._bulletins else ()

    async def place_of_kind(self, tenant: TenantId, platform: str, kind: str) -> Spot:
        """Where messages of this kind go. Raises NotFound, and as `place` does."""
        if self._bulletins is None:
            raise NotFound("This house has no kinds of messages. Name the place instead.")
        item = await self._bulletins.of(tenant, platform, kind)
        return await self.place(tenant, platform, item.place)

    async def places(self, tenant: TenantId, platform: str) -> Sequence[Spot]:
        """Where the bot may write, the tenant's own where the shared app is as well.

        Raises ConnectionBroken, VendorError.
        """
        shared, accounts = await self._shared_of(tenant, platform)
        own = self.channel_of(tenant, platform) if accounts else self._channel(tenant, platform)
        listing = getattr(own, "places", None)
        found: list[Spot] = [] if listing is None else list(await listing())
        for account in accounts:
            known = {spot.id for spot in found}
            more = await shared.places_in(account, tenant)  # type: ignore[union-attr]
            found += [spot for spot in more if spot.id not in known]
        return found

    async def place(self, tenant: TenantId, platform: str, named: str) -> Spot:
        """The one place of this name or id.

        Raises NotFound and Conflict with a sentence that helps to name it better.
        """
        spot_of = getattr(self.channel_of(tenant, platform), "spot", None)
        if spot_of is not None:  # where any address is a place
            spot: Spot = spot_of(named)
            return spot
        there = await self.places(tenant, platform)
        found = [spot for spot in there if spot.id == named]
        found = found or [spot for spot in there if _plain(spot.name) == _plain(named)]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(f"{spot.id} ({spot.about})" for spot in found[:NAMED])
            raise Conflict(f"Several places are called {named}. Give the id of one: {ids}.")
        names = ", ".join(sorted(spot.name for spot in there)[:NAMED]) or "nowhere yet"
        raise NotFound(
            f"The bot is in no place called {named} on {platform.capitalize()}. It is in: {names}. "
            "Somebody can invite it to others."
        )

    async def files(self, ctx: ToolContext, ids: Sequence[str]) -> tuple[Attachment, ...]:
        """Files of the person who asks, or shared ones, as a message carries them.

        Raises NotFound.
        """
        if ids and self.library is None:
            raise NotFound("This house keeps no files.")
        found = [await self.library.attachment(ctx, id_) for id_ in ids] if self.library else []
        return tuple(found)

    def rests_on(self, tenant: TenantId, platform: str) -> tuple[Policy, int]:
        """What makes a message of a tool go once there now, and for how many seconds."""
        channel = self.channel_of(tenant, platform)
        features = channel.features if channel else None
        return (features.policy, features.window_s) if features else (Policy.NONE, 0)

    async def send(
        self, ctx: ToolContext, platform: str, parcel: Parcel, spot: Spot | None = None
    ) -> Outcome:
        """Send it, as the effect that the context names; the same effect may come again.

        `spot` is the place, where the platform has no list of places and the tool knows it itself.

        Raises NotFound, Conflict (it is no longer what was shown), ConnectionBroken, VendorError.
        """
        if ctx.effect is None:
            raise DeveloperError("A message is sent as an effect.")
        spot = spot or await self._as_shown(ctx.tenant, platform, parcel)
        channel = await self._carrier(ctx.tenant, platform, spot.account)
        files = await self.files(ctx, [item.source for item in parcel.files])
        for now, shown in zip(files, parcel.files, strict=True):
            if shown.sha256 and now.sha256 != shown.sha256:
                raise Conflict(f"The file {now.name} is another than was shown. Ask for it anew.")
        before = bool(ctx.progress.get("place"))
        if ctx.save and not before:
            where = {"place": spot.id, "thread": parcel.thread}
            await ctx.save({**where, "account": spot.account} if spot.account else where)
        receipt = await channel.send(
            Outbound(
                tenant=ctx.tenant,
                conv=ctx.conv,
                account=spot.account,
                place=spot.id,
                thread=parcel.thread,
                effect=ctx.effect,
                kind=EffectKind.TOOL,
                text=parcel.text,
                attachments=files,
                extra={**parcel.extra, **(_AGAIN if before else {})},
            )
        )
        data = f"It stands in {spot.name}."
        return Outcome(
            state=EffectState.SENT, vendor_ref=receipt.vendor_ref, url=receipt.url, data=data
        )

    async def say(
        self, tenant: TenantId, platform: str, named: str, text: str, effect: EffectId
    ) -> Spot:
        """Send a line that an owner asks for themselves, to a place of this name or id.

        Where a platform has no list of places, its channel's `chosen` finds it. Raises like `send`.
        """
        chosen = getattr(self.channel_of(tenant, platform), "chosen", None)
        spot: Spot = await chosen(named) if chosen else await self.place(tenant, platform, named)
        channel = await self._carrier(tenant, platform, spot.account)
        await channel.send(
            Outbound(
                tenant=tenant,
                conv=ConvId(""),
                account=spot.account,
                place=spot.id,
                thread="",
                effect=effect,
                kind=EffectKind.TOOL,
                text=text,
                extra={"subject": "A test message"},
            )
        )
        return spot

    async def find(self, platform: str, effect: Effect) -> Outcome | None:
        """Look for it where the platform can be looked into; None: it surely is not there.

        Raises ConnectionBroken when nobody can look.
        """
        if not effect.progress.get("place"):
            return None  # the place is written down before anything is sent
        account = str(effect.progress.get("account") or "")
        look = getattr(await self._carrier(effect.tenant, platform, account), "find", None)
        if look is None:
            raise ConnectionBroken(f"{platform.capitalize()} cannot be looked into.")
        found: Outcome | None = await look(
            replace(effect, connection=account) if account else effect
        )
        return found

    async def _as_shown(self, tenant: TenantId, platform: str, parcel: Parcel) -> Spot:
        """The place, if it is still the one that was shown."""
        spot = await self.place(tenant, platform, parcel.place_id or parcel.place)
        if parcel.place_id and _plain(spot.name) != _plain(parcel.place):
            raise Conflict(
                f"The place {parcel.place_id} is called {spot.name}, not {parcel.place} as was "
                "shown. Ask for it anew."
            )
        return spot

    async def _carrier(self, tenant: TenantId, platform: str, account: str) -> Channel:
        """What speaks in an account: the shared app's, or the tenant's own channel."""
        if not account.startswith(INSTALLED):
            return self._channel(tenant, platform)
        shared, accounts = await self._shared_of(tenant, platform)
        if shared is None or account not in accounts:
            raise ConnectionBroken("This workspace is not connected any more.")
        return shared

    def _channel(self, tenant: TenantId, platform: str) -> Channel:
        channel = self.channel_of(tenant, platform)
        if channel is None:
            raise ConnectionBroken(
                f"{platform.capitalize()} is not connected here. An owner connects it with "
                f"`bot connect {platform}`."
            )
        return channel


def _plain(name: str) -> str:
    """A name as people mean it: with or without `#`, in any case."""
    return name.strip().removeprefix("#").casefold()
