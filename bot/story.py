"""The story of one event as JSON: what came in, its steps, what was done, what the book says."""

from bot.core.canonical import Json
from bot.core.conversation import Step
from bot.core.times import iso
from bot.store.rows import loads
from bot.store.spends import Total
from bot.transcript import Shown, Story, Title, shown_effect, shown_entry, shown_event

_TITLES = {
    "prompt": "Laid the prompt",
    "model": "Asked the model",
    "tool": "Looked something up",
    "effect": "Did what needs no yes",
    "code": "Drew a code for the question",
    "withdraw": "Found the approval to withdraw",
}


def shown_story(story: Story, whole: bool, title: Title) -> Shown:
    """A trace; `whole` brings what each step was given and returned."""
    spent = iter(story.spent)
    return {
        **shown_event(story.stored),
        "steps": [
            _step(step, next(spent, None) if step.kind == "model" else None, whole)
            for step in story.steps
        ],
        "effects": [shown_effect(effect, title(effect)) for effect in story.effects],
        "audit": [shown_entry(entry) for entry in story.audit],
    }


def _step(step: Step, spent: Total | None, whole: bool) -> Shown:
    data = _unfolded(loads(step.result)) if step.result else None
    title = _TITLES.get(step.kind, step.kind)
    tool = data.get("tool") if isinstance(data, dict) else None
    if about := spent.model if spent else tool:
        title = f"{title}: {about}"
    return {
        "step": step.step,
        "kind": step.kind,
        "title": title,
        "at": iso(step.at),
        "ms": step.ms,
        "tokens_in": spent.tokens_in if spent else 0,
        "tokens_out": spent.tokens_out if spent else 0,
        "micros": spent.micros if spent else 0,
        "data": data if whole else None,
    }


def _unfolded(data: Json) -> Json:
    """What a step returned, with the messages of a model as JSON and not as text in it."""
    if isinstance(data, dict) and str(data.get("message", "")).startswith("["):
        return {**data, "message": loads(str(data["message"]))}
    return data
