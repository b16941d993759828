"""What `@frozen` makes behaves as the dataclass that the standard library makes."""

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, asdict, dataclass, fields, is_dataclass, replace

import pytest

from bot.frozen import field, frozen


@frozen
class Ours:
    """A value with every kind of field."""

    name: str
    count: int = 3
    tags: list[str] = field(default_factory=list)
    hidden: str = field(default="h", repr=False)
    apart: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """The same by the standard library."""

    name: str
    count: int = 3
    tags: list[str] = field(default_factory=list)
    hidden: str = field(default="h", repr=False)
    apart: int = field(default=0, compare=False)


@frozen
class Key:
    """A value that can be hashed."""

    a: int
    b: str = ""


@frozen
class Single:
    """A value of one field."""

    a: tuple[int, ...]


@frozen
class Empty:
    """A value of no field."""


@frozen
class Checked:
    """A value that has a look at itself, and a word of its own."""

    a: int

    def __post_init__(self) -> None:
        if self.a < 0:
            raise ValueError("a is less than nothing")

    def __repr__(self) -> str:
        return "checked"

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 7


def test_fields_and_defaults_are_those_of_a_dataclass():
    ours, plain = Ours(name="x"), Plain(name="x")
    assert is_dataclass(Ours)
    assert [f.name for f in fields(Ours)] == [f.name for f in fields(Plain)]
    assert asdict(ours) == asdict(plain)
    assert Ours.__slots__ == Plain.__slots__
    assert Ours.__match_args__ == Plain.__match_args__
    assert not hasattr(ours, "__dict__")


def test_a_factory_makes_a_default_for_each_instance():
    one, other = Ours(name="x"), Ours(name="x")
    assert one.tags == [] and one.tags is not other.tags
    assert Ours(name="x", tags=["t"]).tags == ["t"]


def test_it_is_shown_as_a_dataclass_is():
    assert repr(Ours(name="x")) == repr(Plain(name="x")).replace("Plain", "Ours")
    assert "hidden" not in repr(Ours(name="x", hidden="secret"))
    assert repr(Empty()) == "Empty()"


@pytest.mark.parametrize("given", [{}, {"name": "x", "other": 1}])
def test_wrong_words_are_refused_with_the_words_of_a_dataclass(given):
    with pytest.raises(TypeError) as plain:
        Plain(**given)
    with pytest.raises(TypeError) as ours:
        Ours(**given)
    assert str(ours.value) == str(plain.value).replace("Plain", "Ours")
    with pytest.raises(TypeError):
        Ours("x")


@pytest.mark.parametrize("name", ["name", "unknown"])
def test_it_cannot_be_changed(name):
    ours = Ours(name="x")
    with pytest.raises(FrozenInstanceError):
        setattr(ours, name, "y")
    with pytest.raises(FrozenInstanceError):
        delattr(ours, name)
    assert ours.name == "x"


def test_equal_is_what_has_equal_fields_and_is_of_the_same_class():
    assert Ours(name="x", apart=1) == Ours(name="x", apart=2)
    assert Ours(name="x") != Ours(name="y")
    assert Ours(name="x", hidden="a") != Ours(name="x", hidden="b")
    assert Ours(name="x") != Plain(name="x")
    assert Empty() == Empty() and Single(a=(1,)) != Single(a=(2,))
    assert Single(a=(1,)) != (1,)


def test_equal_ones_have_one_hash_and_unhashable_fields_have_none():
    assert len({Key(a=1), Key(a=1), Key(a=2)}) == 2
    assert len({Empty(), Empty()}) == 1
    with pytest.raises(TypeError):
        hash(Ours(name="x"))


def test_what_a_class_defines_itself_is_kept():
    assert repr(Checked(a=1)) == "checked"
    assert Checked(a=1) == Checked(a=2)
    assert hash(Checked(a=1)) == 7
    with pytest.raises(ValueError, match="less than nothing"):
        Checked(a=-1)


def test_a_changed_copy_is_made_by_replace():
    assert replace(Key(a=1, b="b"), a=2) == Key(a=2, b="b")


def test_it_can_be_copied_and_pickled():
    ours = Ours(name="x", tags=["t"], apart=4)
    for made in (copy.copy(ours), copy.deepcopy(ours), pickle.loads(pickle.dumps(ours))):
        assert made == ours and made.apart == 4
    assert copy.deepcopy(ours).tags is not ours.tags


def test_it_can_be_matched():
    match Key(a=1, b="b"):
        case Key(a=1, b=b):
            assert b == "b"
        case _:
            pytest.fail("not matched")


def test_the_real_init_takes_its_place_when_the_first_instance_is_made():
    @frozen
    class Late:
        a: int = 1

    before = Late.__init__
    assert Late(a=2).a == 2
    assert Late.__init__ is not before
    assert list(inspect.signature(Late).parameters) == ["a"]
    assert Late().a == 1
