"""The settings, in the shapes that the parts of a house take."""

from agents.runtime.models import ModelSetup
from bot.core.model import Task
from bot.core.ports import Clock
from bot.settings import Settings


def model_setup(settings: Settings, clock: Clock) -> ModelSetup:
    """What the door to models is made of."""
    models, keys = settings.models, settings.keys
    return ModelSetup(
        clock=clock,
        keys={name: key for name in type(keys).model_fields if (key := getattr(keys, name))},
        endpoints=dict(settings.endpoint),
        default=models.default,
        lists={task: getattr(models, task.value) for task in Task},
        prices={name: (price.input, price.output) for name, price in models.price.items()},
        timeout_s=models.timeout_s,
        transport=models.transport,
        embeddings=models.embeddings,
    )


def micros(dollars: float | None) -> int | None:
    """Millionths of a dollar; None where there is no limit."""
    return None if dollars is None else int(dollars * 1_000_000)
