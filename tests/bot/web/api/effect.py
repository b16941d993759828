"""A reply that a channel outside has shown."""

from bot.core.effect import Effect, EffectKind, EffectState, Policy
from bot.core.ids import AgentName, ConvId, EffectId, EventId, TenantId


def reply(tenant: str, conv: str, turn: str, ref: str) -> Effect:
    """Sent by the channel `chat` on its account `W1`, which calls it `ref`."""
    return Effect(
        id=EffectId(f"rep_{turn[4:]}"),
        tenant=TenantId(tenant),
        conv=ConvId(conv),
        turn=EventId(turn),
        step=1000,
        n=0,
        kind=EffectKind.REPLY,
        tool="chat",
        tool_version=1,
        agent=AgentName("bri"),
        person=None,
        connection="W1",
        arguments={"text": "x"},
        hash="h",
        policy=Policy.NONE,
        state=EffectState.SENT,
        vendor_ref=ref,
    )
