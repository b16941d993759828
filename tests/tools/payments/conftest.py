"""The played Stripe reads forms by the published description: a test that speaks with it needs it."""

from pathlib import Path

import pytest

from tests.published import needs

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, and say so, where the description is absent."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(needs("stripe.json"))
