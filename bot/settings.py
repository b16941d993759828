"""Every setting of the process: what it is called, what it may be, where it came from.

Settings come from `bot.toml` and from the environment, are checked once, and never change while
the process runs. This is the only file that reads the environment. Precedence: a `BOT_` variable,
then the file, then a general variable such as `DATABASE_URL` or `OPENAI_API_KEY`, then the default.
What an admin changes while the house runs is no setting; it is a row of a table.
`bot.example.toml` is checked line by line against the models.
"""

import os
import sys
import tomllib
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo

from bot.config import tree
from bot.config.endpoints import unfit_endpoints, unfit_hooks
from bot.config.file import Keys, NotToml, read
from bot.config.folders import DEFAULT_HOME, followed, home_folder, is_folder
from bot.config.mistakes import Mistake, Mistaken, Places, explain, nearest
from bot.config.platforms import Platforms, unfit_platforms
from bot.config.sections import (
    NO_SECRET,
    Address,
    Blog,
    Budget,
    Extensions,
    FilesKept,
    Folder,
    Hidden,
    Kinds,
    Limits,
    Log,
    Mcp,
    Memory,
    ModelKeys,
    Models,
    Options,
    Payments,
    Section,
    Whole,
    Workflow,
    unfit_servers,
)
from bot.config.values import (
    database_address,
    is_loopback,
    nats_address,
    shipped_agents,
    vendor_name,
)
from bot.config.variables import ENDPOINT, GENERAL, MODEL_VARIABLES, NOT_SETTINGS, TABLES, unread
from bot.core.secret import Secret
from bot.frozen import frozen

FREE_PORTS = range(8080, 8090)
"""Tried in turn when no port was set."""


class Settings(Section):
    """All of them. Frozen: a change takes a restart."""

    home: Folder = Field(
        default=Path(DEFAULT_HOME),
        description="Folder of everything that is kept: database, files, keys, logs.",
    )
    host: Annotated[str, Field(min_length=1)] = Field(
        default="127.0.0.1",
        description="Address to listen on; any but this machine's needs public_url.",
    )
    port: Annotated[Whole, Field(ge=0, le=65535)] = Field(
        default=8080,
        description="Port to listen on; without a line 8081 to 8089 are tried as well.",
    )
    public_url: Address = Field(
        default="", description="The address at which people reach the house."
    )
    database_url: Annotated[str, AfterValidator(database_address)] = Field(
        default="", repr=False, description="PostgreSQL; an SQLite file inside `home` when empty."
    )
    direct_url: Annotated[str, AfterValidator(database_address)] = Field(
        default="", repr=False, description="The same database past its pooler, for upgrades."
    )
    nats_url: Annotated[str, AfterValidator(nats_address)] = Field(
        default="", repr=False, description="NATS, which then carries words between processes."
    )
    files_dir: Folder = Field(
        default=Path(), description="Folder of files that people send; inside `home` when empty."
    )
    files_shared: bool = Field(
        default=False, description="Whether files_dir is the same for every process of a database."
    )
    agents_dir: Folder = Field(
        default=Path(),
        description="Folder of the agents' files; those that come with it when empty.",
    )
    master_key: Hidden = Field(
        default=NO_SECRET, description="Opens all stored secrets; a file inside `home` when empty."
    )
    api_token: Hidden = Field(default=NO_SECRET, description="The first owner's token for the API.")
    allow_private_endpoints: bool = Field(
        default=False, description="Whether an [endpoint] may lie inside a private network."
    )
    models: Models = Models()
    limits: Limits = Limits()
    budget: Budget = Budget()
    memory: Memory = Memory()
    blog: Blog = Blog()
    bulletins: Kinds = Field(default={})
    workflow: Workflow = Workflow()
    payments: Payments = Payments()
    channels: dict[Annotated[str, AfterValidator(vendor_name)], Options] = Field(
        default={},
        repr=False,
        description="Chat platforms, by name; docs/channels/ says what each one wants.",
        examples=[{"telegram": {"token": "123456:what-BotFather-gave"}}],
    )
    oauth: dict[Annotated[str, AfterValidator(vendor_name)], Options] = Field(
        default={},
        repr=False,
        description="Our apps at services that accounts are connected of, by the service's name.",
        examples=[{"google": {"client_id": "123.apps.example", "client_secret": "GOCSPX-what"}}],
    )
    extensions: Extensions = Extensions()
    files: FilesKept = FilesKept()
    log: Log = Log()
    mcp: Mcp = Mcp()
    keys: ModelKeys = ModelKeys()
    endpoint: dict[Annotated[str, AfterValidator(vendor_name)], Address] = Field(
        default={},
        description="Where a vendor is reached instead of its own address, by its name.",
        examples=[{"openai": "http://127.0.0.1:11434/v1"}],
    )

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, raw: object) -> object:
        """Settle the folders that depend on others."""
        if not isinstance(raw, dict):
            return raw
        filled = dict(raw)
        if not filled.get("agents_dir"):
            filled["agents_dir"] = shipped_agents()
        filled["home"] = home = filled.get("home") or DEFAULT_HOME
        if not is_folder(home):  # which is refused
            return filled
        filled["files_dir"] = filled.get("files_dir") or Path(home) / "files"
        blog = filled.get("blog", {})
        if isinstance(blog, Blog):
            blog = {name: getattr(blog, name) for name in blog.model_fields_set}
        if isinstance(blog, Mapping):
            own = Path(home) / "blog"
            named = blog.get("folder") or own
            is_own = str(named) == str(own)  # any other link is one that somebody means
            filled["blog"] = {**blog, "folder": named if is_own else followed(named)}
        return filled

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports to try, in order: the one that was set, or the usual ones."""
        return (self.port,) if "port" in self.model_fields_set else tuple(FREE_PORTS)


def fields(
    section: type[BaseModel] = Settings, above: Keys = ()
) -> Iterator[tuple[Keys, FieldInfo]]:
    """Every single setting with its keys from the outside in."""
    for name, info in section.model_fields.items():
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from fields(kind, (*above, name))
        else:
            yield (*above, name), info


FIELDS: Mapping[Keys, FieldInfo] = dict(fields())
VARIABLES: Mapping[str, Keys] = {
    "BOT_" + "_".join(keys).upper(): keys for keys in FIELDS if keys != ("endpoint",)
}
SECRET_VARIABLES = frozenset(
    name
    for name, keys in (*VARIABLES.items(), *GENERAL.items())
    if (keys in FIELDS and (FIELDS[keys].annotation is Secret or FIELDS[keys].repr is False))
    or keys[0] in ("channels", "oauth")
)
"""Variables that hold a secret; `take_secrets` removes them."""


def take_secrets(environ: MutableMapping[str, str] | None = None) -> frozenset[str]:
    """Remove every secret from the environment, so that no child process inherits one.

    Call it once, after `load`. Returns the names that were there. What the kernel shows of the
    process's first environment (`/proc/PID/environ`, for its own user) cannot be changed from here.
    """
    environ = os.environ if environ is None else environ
    there = frozenset(name for name in SECRET_VARIABLES if name in environ)
    for name in there:
        del environ[name]
    return there


def find_file(config: str | None = None, environ: Mapping[str, str] | None = None) -> Path | None:
    """The settings' file: the named one, else `./bot.toml`, else the one in the home folder."""
    environ = os.environ if environ is None else environ
    named = config or environ.get("BOT_CONFIG")
    if named:
        return Path(named).expanduser()
    home = home_folder(environ.get("BOT_HOME"))
    return next((p for p in (Path("bot.toml"), home / "bot.toml") if p.is_file()), None)


def misspelt() -> dict[str, str]:
    """Variables that are set and that nobody reads, by the one that was probably meant."""
    return unread(os.environ)


def home_of(config: str | None = None, environ: Mapping[str, str] | None = None) -> Path:
    """The home folder, even where other settings are wrong: how a verb finds the running house."""
    environ = os.environ if environ is None else environ
    home: object = environ.get("BOT_HOME")
    file = find_file(config, environ)
    if not home and file is not None:
        try:
            home = _beside(read(file).values.get("home"), file)
        except (OSError, NotToml):
            home = None
    return home_folder(home)


def load(
    config: str | None = None,
    environ: Mapping[str, str] | None = None,
    platforms: Platforms | None = None,
) -> Settings:
    """Read and check all, what `platforms` are told too. Raises Mistaken, with every mistake."""
    environ = os.environ if environ is None else environ
    raw: dict[str, object] = {}
    places = Places()
    found = _from_file(find_file(config, environ), raw, places)
    found += _from_variables(environ, raw, places)
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        wrong = explain(error, Settings, FIELDS, places)
        found += wrong
        for mistake in wrong:
            tree.take_out(raw, mistake.keys)
        try:  # without what is wrong, so that the rules between settings are heard as well
            settings = Settings.model_validate(raw)
        except ValidationError:
            raise Mistaken(found) from None
    found += _between(settings, raw, places)
    if platforms:
        may_be_brought = bool(settings.extensions.allow)
        found += unfit_platforms(settings.channels, platforms, may_be_brought, places)
    if found:
        raise Mistaken(found)
    return settings


def _from_file(file: Path | None, raw: dict[str, object], places: Places) -> list[Mistake]:
    if file is None:
        return []
    try:
        parsed = read(file)
    except FileNotFoundError:
        return [Mistake(where=str(file), what="There is no such file. Name another, or make it.")]
    except OSError as error:
        return [Mistake(where=str(file), what=f"It cannot be read: {error.strerror}.")]
    except NotToml as error:
        where = f"{file}:{error.line}:{error.column}"
        return [Mistake(where=where, what=f"It is not TOML: {error}. Mend this line.")]
    raw.update(tree.copy(parsed.values))
    places.file = parsed
    for keys, info in FIELDS.items():
        if info.annotation is Path:
            tree.put(raw, keys, _beside(tree.get(raw, keys), file), only_if_there=True)
    return []


def _beside(value: object, file: Path) -> object:
    """A folder named in a file is meant from that file's own folder."""
    if not isinstance(value, str) or not value or value.startswith("~"):
        return value
    return str(file.absolute().parent / value)


def _from_variables(
    environ: Mapping[str, str], raw: dict[str, object], places: Places
) -> list[Mistake]:
    found: list[Mistake] = []
    for name, keys in _named(environ).items():
        value: object = environ[name]
        if keys in TABLES:
            try:
                value = tomllib.loads(f"it = {value}")["it"]
            except tomllib.TOMLDecodeError:
                what = f"It is not a TOML table. Write {TABLES[keys]}."
                found.append(Mistake(where=name, what=what))
                continue
        tree.put(raw, keys, value)
        places.variables[keys] = name
    _general(environ, raw, places)
    for name in environ:
        if name.startswith("BOT_") and environ[name] and not _known(name):
            near = nearest(name, (*VARIABLES, "BOT_CONFIG"))
            mend = f"Did you mean {near}? Rename it, or unset it." if near else "Unset it."
            found.append(Mistake(where=name, what=f"There is no such setting. {mend}"))
    return found


def _named(environ: Mapping[str, str]) -> dict[str, Keys]:
    """The `BOT_` variables that are set, with the keys that they stand for."""
    named = {name: keys for name, keys in VARIABLES.items() if environ.get(name)}
    for name, value in environ.items():
        if name.startswith(ENDPOINT) and name != ENDPOINT and value:
            named[name] = ("endpoint", name.removeprefix(ENDPOINT).lower())
    return named


def _known(name: str) -> bool:
    is_endpoint = name.startswith(ENDPOINT) and name != ENDPOINT
    return name in VARIABLES or name in NOT_SETTINGS or is_endpoint


def _general(environ: Mapping[str, str], raw: dict[str, object], places: Places) -> None:
    for name, keys in GENERAL.items():
        if (value := environ.get(name)) and not tree.get(raw, keys):
            tree.put(raw, keys, value)
            places.variables[keys] = name
    models = []
    for name, provider in MODEL_VARIABLES.items():
        if (value := environ.get(name)) and tree.get(raw, ("keys", provider)):
            models.append(value if "/" in value else f"{provider}/{value}")
            places.variables.setdefault(("models", "default"), name)
    if models and not tree.get(raw, ("models", "default")):
        tree.put(raw, ("models", "default"), models)


def _between(settings: Settings, raw: Mapping[str, object], places: Places) -> list[Mistake]:
    """The rules that hold between settings."""
    found: list[tuple[Keys, str]] = []
    if not is_loopback(settings.host) and not settings.public_url:
        what = f"{settings.host} can be reached from other machines, and public_url is not set. "
        what += "Set public_url to the address that people use, or host to 127.0.0.1."
        found.append((("host",), what))
    if (blog := settings.blog).webhook_url and tree.get(raw, ("blog", "folder")):
        what = "Posts go to a folder or to a webhook, not to both. Take out one of the two."
        found.append((("blog", "webhook_url"), what))
    if blog.webhook_url and not blog.webhook_secret:
        what = "A webhook needs the secret that signs it. Set webhook_secret."
        found.append((("blog", "webhook_url"), what))
    found += list(unfit_servers(settings.mcp))
    found += [(("files", name), what) for name, what in settings.files.mistakes()]
    found += unfit_endpoints(
        settings.endpoint,
        settings.models,
        settings.agents_dir,
        may_be_private=settings.allow_private_endpoints,
        may_be_brought=bool(settings.extensions.allow),
    )
    flow = settings.workflow.teams_url.reveal()
    hooks = ((("blog", "webhook_url"), blog.webhook_url), (("workflow", "teams_url"), flow))
    found += unfit_hooks(hooks, may_be_private=settings.allow_private_endpoints)
    return [places.mistake(keys, what) for keys, what in found]


def search_path(environ: Mapping[str, str] | None = None) -> str:
    """Where programs are looked for."""
    environ = os.environ if environ is None else environ
    return environ.get("PATH") or os.defpath


@frozen
class Surroundings:
    """What the terminal around a verb can do."""

    colour: bool
    """Colours are welcome, where the output is a terminal at all."""
    screen: bool
    """A browser window can be opened."""
    editor: str
    """The person's editor; may be empty."""


def surroundings(environ: Mapping[str, str] | None = None) -> Surroundings:
    """Read what the command line needs to know of the terminal it runs in."""
    environ = os.environ if environ is None else environ
    has_windows = sys.platform in ("win32", "darwin")
    return Surroundings(
        colour=not environ.get("NO_COLOR") and environ.get("TERM", "dumb") != "dumb",
        screen=has_windows or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")),
        editor=environ.get("VISUAL") or environ.get("EDITOR") or "",
    )
