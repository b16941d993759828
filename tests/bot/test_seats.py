"""Who sits, and for whom a seat is left."""

from bot.seats import Sitting


def crowd(sitting: Sitting, tenant: str, many: int = 100) -> int:
    """So many of a tenant come; how many of them sit down."""
    seated = 0
    for _ in range(many):
        if sitting.may(tenant):
            sitting.take(tenant)
            seated += 1
    return seated


def test_a_tenant_alone_takes_every_seat() -> None:
    sitting = Sitting(16)
    assert crowd(sitting, "a") == 16
    assert sitting.turns_away
    assert sitting.look() == (0, {"a"})


def test_beside_another_a_tenant_leaves_an_eighth() -> None:
    sitting = Sitting(16)
    assert crowd(sitting, "b", 1) == 1
    assert crowd(sitting, "a") == 14
    assert sitting.turns_away
    assert crowd(sitting, "b") == 1
    sitting.leave("b")
    assert sitting.look() == (1, {"a"})
    assert not sitting.may("a")
    assert sitting.may("b")


def test_where_seats_are_few_none_is_left() -> None:
    sitting = Sitting(1)
    assert (crowd(sitting, "a"), crowd(sitting, "b")) == (1, 0)
    sitting.leave("a")
    assert crowd(sitting, "b") == 1


def test_no_more_are_let_in_at_once_than_the_nearest_to_its_share_has_left() -> None:
    sitting = Sitting(16)
    crowd(sitting, "b", 1)
    crowd(sitting, "a", 12)
    assert sitting.look() == (2, frozenset())


def test_of_those_who_wait_no_more_than_a_share_are_let_in_at_once() -> None:
    sitting = Sitting(16)
    for tenant in ("a", "b"):
        crowd(sitting, tenant, 1)
        sitting.leave(tenant)
    assert sitting.look() == (14, frozenset()), "all of them may be one tenant's"


def test_those_who_wait_go_before_those_who_come() -> None:
    sitting = Sitting(2)
    crowd(sitting, "a")
    sitting.look()
    sitting.leave("a")
    assert not sitting.may("a"), "somebody waits for this seat"
    assert sitting.look() == (1, frozenset())
    assert sitting.may("a")
