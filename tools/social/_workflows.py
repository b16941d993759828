"""The publish workflows by their ids, as data: which network, whose work it is, what it is for.

The ids and their networks are those of the list of systems that the house was asked for, WF-041 to
WF-108; the numbers between name no network there. Where a network has two, what tells them apart is
our reading. Each goes the same way (`steps_of`); that it is checked, asked and done once is the
house's doing, whatever an agent makes of the steps.
"""

from bot.frozen import frozen


@frozen
class Workflow:
    """One way to publish."""

    id: str
    title: str
    agent: str
    network: str
    """Its tools are `<network>_publish` and, where there are such, `<network>_read`, `_list`."""
    form: str = ""
    """What the post is like, where the network takes several kinds."""
    needs: str = ""
    """What must be known beside the text."""

    @property
    def tool(self) -> str:
        """The tool that publishes."""
        return f"{self.network}_publish"


WORKFLOWS: tuple[Workflow, ...] = (
    Workflow(id="WF-041", title="an article on the blog", agent="reynolds", network="blog"),
    Workflow(id="WF-042", title="a post on X", agent="kelly", network="x"),
    Workflow(id="WF-045", title="a post on LinkedIn", agent="link", network="linkedin"),
    Workflow(
        id="WF-048",
        title="a pin on Pinterest",
        agent="cornwall",
        network="pinterest",
        needs="the board and a picture",
    ),
    Workflow(id="WF-049", title="a post on Tumblr", agent="terry", network="tumblr"),
    Workflow(
        id="WF-051",
        title="a text post on Reddit",
        agent="donna",
        network="reddit",
        form="a title and a text, no link",
        needs="the subreddit",
    ),
    Workflow(
        id="WF-052",
        title="a link post on Reddit",
        agent="donna",
        network="reddit",
        form="a title and a link, no text",
        needs="the subreddit and the link",
    ),
    Workflow(
        id="WF-054",
        title="a film or photos on TikTok",
        agent="timmy",
        network="tiktok",
        needs="the film or photos, and who may see it",
    ),
    Workflow(id="WF-055", title="a post on Threads", agent="dwight", network="threads"),
    Workflow(
        id="WF-056",
        title="a post for Alignable, put up by a person",
        agent="emma",
        network="alignable",
    ),
    Workflow(id="WF-057", title="a post on a Facebook page", agent="fran", network="facebook"),
    Workflow(
        id="WF-108",
        title="a short piece of news on the blog",
        agent="reynolds",
        network="blog",
        form="at most three sentences",
    ),
)
BY_ID = {workflow.id: workflow for workflow in WORKFLOWS}


def steps_of(workflow: Workflow, own: frozenset[str]) -> str:
    """What an agent with these tools does, step by step."""
    form = f": {workflow.form}" if workflow.form else ""
    needs = f" Ask for {workflow.needs}, if it was not said." if workflow.needs else ""
    reading = [f"{workflow.network}_{verb}" for verb in ("read", "list")]
    reads = next((name for name in reading if name in own), "")
    back = (
        f"When the outcome says that it was published, read it back with {reads} and compare it "
        "with what was approved."
        if reads
        else "There is no tool to read it back; the address in the outcome is what is known."
    )
    return "\n".join(
        (
            f"{workflow.id}: {workflow.title}, {workflow.agent}'s work.",
            f"1. Draft{form}.{needs} Text in quotation marks is taken word for word.",
            f"2. Check and ask: call {workflow.tool} with the draft. What the network would refuse "
            "comes back to you: mend it and call again. What fits goes before a person.",
            "3. Wait: nothing is published before the yes. The house does it then, once.",
            f"4. {back}",
            "5. Report in one message: the address, what stands there, and what differs or failed.",
        )
    )
