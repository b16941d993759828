"""Who answers: a rule, and the explanation of a choice among rules."""

from bot.core.ids import AgentName
from bot.frozen import frozen


@frozen
class Binding:
    """One rule: an event that fits every named part goes to this agent."""

    id: str
    agent: AgentName
    channel: str = ""
    workspace: str = ""
    place: str = ""
    thread: str = ""
    person: str = ""
    """A person's id, or the channel's id of them."""
    address: str = ""
    """A dialled number or an inbox address."""

    def describe(self) -> str:
        """The rule in words."""
        parts = [
            f"{name} {value}"
            for name in ("channel", "workspace", "place", "thread", "person", "address")
            if (value := getattr(self, name))
        ]
        return " and ".join(parts) or "everything else"


@frozen
class Verdict:
    """One rule and why it won or lost."""

    rule: str
    agent: AgentName | None
    won: bool
    why: str


@frozen
class Explanation:
    """Who answers, and why the others do not. No agent means a stated refusal."""

    agent: AgentName | None
    why: str
    verdicts: tuple[Verdict, ...] = ()
