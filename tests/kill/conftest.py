"""One nursery for all tests of a worker."""

from collections.abc import Iterator

import pytest

from tests.kill.harness import Nursery


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """The process that forks lives."""
    made = Nursery()
    yield made
    made.close()
