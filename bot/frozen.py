"""Values: frozen, slotted, keyword-only dataclasses whose methods are made when they are needed.

`@frozen` gives what `@dataclass(frozen=True, slots=True, kw_only=True)` gives. The standard library
writes six methods of every such class as source and compiles each where the class is defined. A
start defines two hundred of them and makes instances of a few dozen, so that this was a fifth of
its time. Here all values share how they are compared, hashed, shown and kept from being changed,
and `__init__` is compiled when the first instance is made. `field`, `fields`, `replace`, `asdict`
and `match` work on values as on any dataclass, and mypy reads them as frozen ones.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, FrozenInstanceError, dataclass, fields
from dataclasses import field as field  # so that one import serves a file of values
from operator import attrgetter
from typing import Any, NoReturn, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """Make a class a value; what it defines itself is kept."""
    own = set(vars(cls))
    made: Any = dataclass(init=False, repr=False, eq=False, slots=True, kw_only=True)(cls)
    compared = [each.name for each in fields(made) if each.compare]
    methods: Mapping[str, object] = {
        "__init__": _until_first_used(made),
        "__setattr__": _refuse_to_set,
        "__delattr__": _refuse_to_delete,
        "__repr__": _show,
        "__getstate__": _state,
        "__setstate__": _take_state,
        **_comparing(attrgetter(*compared) if compared else lambda _: ()),
    }
    for name, method in methods.items():
        if name not in own:
            setattr(made, name, method)
    done: type[T] = made
    return done


def _until_first_used(cls: Any) -> Callable[..., None]:
    """An `__init__` that puts the real one in its place and calls it."""

    def __init__(self: object, *args: object, **given: object) -> None:
        cls.__init__ = _init(cls)
        cls.__init__(self, *args, **given)

    return __init__


def _init(cls: Any) -> Callable[..., None]:
    """The `__init__` that takes each field as a keyword and stores it past `__setattr__`."""
    known: dict[str, Any] = {"_absent": MISSING}
    words, lines = [], []
    for each in fields(cls):
        name = each.name
        given = name
        known[f"_set_{name}"] = getattr(cls, name).__set__
        if each.default_factory is not MISSING:
            known[f"_make_{name}"] = each.default_factory
            words.append(f"{name}=_absent")
            given = f"_make_{name}() if {name} is _absent else {name}"
        elif each.default is not MISSING:
            known[f"_usual_{name}"] = each.default
            words.append(f"{name}=_usual_{name}")
        else:
            words.append(name)
        lines.append(f"  _set_{name}(self, {given})")
    if hasattr(cls, "__post_init__"):
        lines.append("  self.__post_init__()")
    head = f"def __init__(self{', *, ' if words else ''}{', '.join(words)}):"
    exec("\n".join((head, *(lines or ["  pass"]))), known)  # noqa: S102 (names of fields alone)
    init: Callable[..., None] = known["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init


def _comparing(compared: Callable[[Any], object]) -> Mapping[str, object]:
    """Equality and hash of one class by the fields that count for them."""

    def __eq__(self: object, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return compared(self) == compared(other)

    def __hash__(self: object) -> int:
        return hash(compared(self))

    return {"__eq__": __eq__, "__hash__": __hash__}


def _show(self: Any) -> str:
    shown = (f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _refuse_to_set(self: object, name: str, _: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: object, name: str) -> NoReturn:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> Sequence[object]:
    return [getattr(self, each.name) for each in fields(self)]


def _take_state(self: Any, state: Sequence[object]) -> None:
    for each, kept in zip(fields(self), state, strict=True):
        object.__setattr__(self, each.name, kept)
