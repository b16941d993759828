"""Settings: what may be written where, and what is said about every mistake."""

import json
from pathlib import Path

import pytest

from bot.app import _secrets
from bot.config.mistakes import Mistaken
from bot.config.values import shipped_agents
from bot.config.variables import unread
from bot.core.secret import Secret
from bot.settings import (
    FIELDS,
    VARIABLES,
    Settings,
    find_file,
    home_of,
    load,
    surroundings,
    take_secrets,
)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file of the machine is found by chance."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))


def _said(tmp_path: Path, text: str = "", **environ: str) -> str:
    (tmp_path / "bot.toml").write_text(text)
    with pytest.raises(Mistaken) as refused:
        load("bot.toml", environ)
    assert refused.value.exit_code == 2
    return str(refused.value)


# Each row: what is wrong, the file, the variables, what must be said.
MISTAKES = [
    (
        "a misspelt key in a section",
        '[models]\ndefualt = ["openai/a"]',
        {},
        "bot.toml:2:1: models.defualt: There is no such setting. Did you mean models.default?",
    ),
    ("a misspelt section", "[modles]", {}, "bot.toml:1:1: modles: There is no such setting. Did"),
    ("a misspelt key at the top", "\n  prot = 1", {}, "bot.toml:2:3: prot: There is no such"),
    (
        "a key in the wrong section",
        "[limits]\ntenant_day_usd = 3",
        {},
        "bot.toml:2:1: limits.tenant_day_usd: There is no such setting. "
        "Did you mean budget.tenant_day_usd?",
    ),
    (
        "a misspelt key at any depth",
        '[models.price."openai/a"]\ninptu = 1\noutput = 2',
        {},
        'bot.toml:2:1: models.price."openai/a".inptu: There is no such setting. '
        'Did you mean models.price."openai/a".input?',
    ),
    (
        "a key that is near nothing",
        "colour = 1",
        {},
        "bot.toml:1:1: colour: There is no such setting. Take it out; bot.example.toml lists",
    ),
    (
        "a price with one side missing",
        '[models.price."openai/a"]\ninput = 1',
        {},
        'bot.toml:1:1: models.price."openai/a".output: It is missing. Add output',
    ),
    (
        "a word for a number",
        'port = "eighty"',
        {},
        'bot.toml:1:1: port: "eighty" is not a whole number from 0 to 65535.',
    ),
    ("a number out of range", "port = 70000", {}, "port: 70000 is not a whole number from 0 to"),
    ("a truth for a number", "port = true", {}, "port: true is not a whole number"),
    ("nothing where something must be", 'host = ""', {}, 'bot.toml:1:1: host: "" is not text'),
    ("a number for a text", "host = 5", {}, "bot.toml:1:1: host: 5 is not text in quotes."),
    (
        "a value for a section",
        "models = 3",
        {},
        "bot.toml:1:1: models: This is a section, not a value. Write [models]",
    ),
    ("a section for a value", "[port]\nx = 1", {}, "bot.toml:1:1: port: "),
    (
        "a word that is none of the choices",
        '[log]\nlevel = "wraning"',
        {},
        'bot.toml:2:1: log.level: "wraning" is not one of debug, info, warning, error. '
        'Did you mean "warning"?',
    ),
    (
        "a model without its provider",
        '[models]\ndefault = ["gpt-4o-mini"]',
        {},
        "bot.toml:2:12: models.default[0]: A model needs its provider in front. "
        "Write openai/gpt-4o-mini.",
    ),
    ("a number for a list", "[models]\nfast = 3", {}, "models.fast: 3 is not a list of texts"),
    ("an address that is none", 'public_url = "example.org"', {}, "public_url: It is not a web"),
    (
        "a password in an address",
        '[endpoint]\nslack = "https://me:secret@slack.com"',
        {},
        "bot.toml:2:1: endpoint.slack: An address holds no name and no password.",
    ),
    (
        "a vendor's private address",
        '[endpoint]\nslack = "https://10.0.0.1"',
        {},
        "endpoint.slack: This address lies inside a private network.",
    ),
    (
        "a vendor's unencrypted address",
        '[endpoint]\nslack = "http://slack.com"',
        {},
        "endpoint.slack: Keys and tokens would travel unencrypted. Write https.",
    ),
    (
        "a vendor in capitals",
        '[endpoint]\nSlack = "https://slack.com"',
        {},
        "endpoint.Slack: A vendor is named in lower case",
    ),
    (
        "a port that is none",
        "",
        {"BOT_NATS_URL": "nats://ann:hunter2@127.0.0.1:70000/ours"},
        "BOT_NATS_URL: Its port is none. Write one server, as nats://host:4222/name.",
    ),
    (
        "several servers where there is room for one",
        "",
        {"BOT_NATS_URL": "nats://10.0.0.1:4222,10.0.0.2:4222"},
        "BOT_NATS_URL: Its port is none. Write one server, as nats://host:4222/name.",
    ),
    (
        "a database of another kind",
        'database_url = "mysql://root:hunter2@h/d"',
        {},
        "database_url: It is not the address of a database that is spoken here.",
    ),
    (
        "a bind that others reach, without a public address",
        'host = "0.0.0.0"',
        {},
        "bot.toml:1:1: host: 0.0.0.0 can be reached from other machines, and public_url",
    ),
    (
        "the blog in two places",
        '[blog]\nfolder = "b"\nwebhook_url = "https://e.org/h"\nwebhook_secret = "whsec_x"',
        {},
        "bot.toml:3:1: blog.webhook_url: Posts go to a folder or to a webhook, not to both.",
    ),
    (
        "a webhook that nobody signs",
        '[blog]\nwebhook_url = "https://e.org/h"',
        {},
        "bot.toml:2:1: blog.webhook_url: A webhook needs the secret that signs it.",
    ),
    ("what is not TOML", "port = \n", {}, "bot.toml:1:8: It is not TOML: invalid value."),
    (
        "a misspelt variable",
        "",
        {"BOT_MODELS_DEFUALT": "openai/a"},
        "BOT_MODELS_DEFUALT: There is no such setting. Did you mean BOT_MODELS_DEFAULT?",
    ),
    ("a variable that is near nothing", "", {"BOT_X": "1"}, "BOT_X: There is no such setting. Uns"),
    ("a variable with a wrong value", "", {"BOT_PORT": "x"}, 'BOT_PORT: "x" is not a whole number'),
    (
        "a variable of a section with a wrong value",
        "",
        {"BOT_LIMITS_OPEN_TURNS": "0"},
        'BOT_LIMITS_OPEN_TURNS: "0" is not a whole number from 1 to 100000.',
    ),
    (
        "one blog by the file, one by a variable",
        '[blog]\nfolder = "b"',
        {"BOT_BLOG_WEBHOOK_URL": "https://e.org", "BOT_BLOG_WEBHOOK_SECRET": "whsec_x"},
        "BOT_BLOG_WEBHOOK_URL: Posts go to a folder or to a webhook, not to both.",
    ),
    (
        "a vendor's private address by a variable",
        "",
        {"BOT_ENDPOINT_STRIPE": "http://localhost:9"},
        "BOT_ENDPOINT_STRIPE: This address lies inside a private network.",
    ),
    (
        "a list of prices that is no table",
        "",
        {"BOT_MODELS_PRICE": "cheap"},
        "BOT_MODELS_PRICE: It",
    ),
    ("yes and no", "", {"BOT_ALLOW_PRIVATE_ENDPOINTS": "perhaps"}, "is not true or false."),
]


@pytest.mark.parametrize(
    ("text", "environ", "said"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES]
)
def test_a_mistake_is_named_with_its_place_and_its_mend(
    tmp_path: Path, text: str, environ: dict[str, str], said: str
) -> None:
    assert said in _said(tmp_path, text, **environ)


def test_all_mistakes_are_named_at_once_and_so_are_broken_rules_between_settings(
    tmp_path: Path,
) -> None:
    text = 'prot = 1\nhost = "0.0.0.0"\n[models]\ndefault = "gpt-4o"\n'
    text += '[blog]\nwebhook_url = "https://example.org"'
    lines = _said(tmp_path, text, BOT_PORT="x", BOT_HOMES="y").splitlines()
    assert sorted(line.split(": ")[0] for line in lines) == [
        "BOT_HOMES",
        "BOT_PORT",
        "bot.toml:1:1",
        "bot.toml:2:1",
        "bot.toml:4:1",
        "bot.toml:6:1",
    ]


def test_a_file_that_was_named_and_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(Mistaken, match=r"none\.toml: There is no such file"):
        load("none.toml", {})


@pytest.mark.parametrize(
    "text",
    ["master_key = 5", "[keys]\nopenai = 5", 'database_url = "mysql://me:hunter2@host"'],
)
def test_no_mistake_repeats_a_secret(tmp_path: Path, text: str) -> None:
    said = _said(tmp_path, text, BOT_KEYS_OPENAI="")
    assert "hunter2" not in said
    assert "5 is" not in said


def test_without_anything_every_default_holds(tmp_path: Path) -> None:
    settings = load(None, {})
    assert settings.home == tmp_path / ".switchboard"
    assert settings.blog.folder == tmp_path / ".switchboard" / "blog"
    assert settings.agents_dir == shipped_agents()
    assert settings.ports == tuple(range(8080, 8090))
    assert not settings.api_token
    assert not settings.keys.openai


def test_a_port_that_was_set_is_the_only_one_that_is_tried() -> None:
    assert load(None, {"BOT_PORT": "8080"}).ports == (8080,)


def test_a_setting_cannot_be_changed_after_it_was_read() -> None:
    settings = load(None, {})
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1  # type: ignore[misc]


def test_a_variable_wins_over_the_file_and_the_file_over_a_general_variable(tmp_path: Path) -> None:
    (tmp_path / "bot.toml").write_text('port = 1\ndatabase_url = "sqlite:///a"\nhost = "::1"')
    environ = {"BOT_PORT": "2", "DATABASE_URL": "sqlite:///b", "DIRECT_URL": "sqlite:///c"}
    settings = load(None, environ)
    assert (settings.port, settings.database_url, settings.host) == (2, "sqlite:///a", "::1")
    assert settings.direct_url == "sqlite:///c"
    both = load(None, {**environ, "BOT_DATABASE_URL": "sqlite:///d"})
    assert both.database_url == "sqlite:///d"


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load(None, {"BOT_PORT": "", "BOT_X": "", "BOT_MODELS_DEFAULT": ""}).port == 8080


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_every_setting_can_be_given_by_its_variable(name: str) -> None:
    samples = {
        "bool": "true",
        "int": "4096",
        "float": "2.5",
        "tuple": "openai/a, openai/b",
        "dict": '{"openai/x" = {input = 1, output = 2}}',
    }
    keys = VARIABLES[name]
    kind = str(FIELDS[keys].annotation)
    value = next((v for k, v in samples.items() if k in kind), "https://example.org/x")
    special = {
        "BOT_LOG_LEVEL": "debug",
        "BOT_BLOG_WEBHOOK_SECRET": "whsec_x",
        "BOT_PAYMENTS_STRIPE_KEY": "sk_x",
        "BOT_PAYMENTS_STRIPE_WEBHOOK_SECRET": "whsec_x",
        "BOT_BULLETINS": '{slack = {news = "#announcements"}}',
        "BOT_MODELS_EMBEDDINGS": "openai/text-embedding-3-small",
        "BOT_MODELS_TRANSCRIPTION": "openai/whisper-1",
        "BOT_MODELS_TRANSPORT": "direct",
        "BOT_EXTENSIONS_OPTIONS": '{paperboy = {folder = "/srv"}}',
        "BOT_OAUTH": '{x = {client_id = "1", client_secret = "2"}}',
        "BOT_CHANNELS": '{telegram = {token = "123:abc"}}',
        "BOT_MCP_SERVERS": '{notes = {command = "notes-mcp"}}',
        "BOT_DATABASE_URL": "postgresql://u:p@h/d",
        "BOT_DIRECT_URL": "postgresql://u:p@h/d",
        "BOT_NATS_URL": "nats://u:p@h/d",
        "BOT_HOST": "127.0.0.2",
        "BOT_FILES_STORE": "s3",
        "BOT_FILES_BUCKET": "my-files",
        "BOT_FILES_REGION": "eu-central-1",
        "BOT_FILES_SUPABASE_BUCKET": "my_files",
    }
    value = special.get(name, value)
    environ = {"BOT_BLOG_WEBHOOK_SECRET": "whsec_abc"}
    if name == "BOT_FILES_STORE":
        environ |= {"R2_BUCKET_NAME": "b", "R2_ACCESS_KEY_ID": "k", "R2_SECRET_ACCESS_KEY": "s"}
    found: object = load(None, {**environ, name: value})
    for key in keys:
        found = getattr(found, key)
    default: object = load(None, {})
    for key in keys:
        default = getattr(default, key)
    assert found != default


def test_names_that_other_programs_know_are_honoured() -> None:
    settings = load(
        None,
        {
            "OPENAI_API_KEY": "sk-1",
            "OPENAI_MODEL": "gpt-4o",
            "OPENAI_API_BASE": "http://127.0.0.1:9/v1/",
            "ANTHROPIC_MODEL": "claude-x",
            "BOT_ENDPOINT_GEMINI": "http://127.0.0.1:8",
        },
    )
    assert settings.keys.openai.reveal() == "sk-1"
    assert settings.models.default == ("openai/gpt-4o",)  # Anthropic has no key here
    assert settings.endpoint == {
        "openai": "http://127.0.0.1:9/v1",
        "gemini": "http://127.0.0.1:8",
    }


def test_the_address_of_a_model_in_use_may_be_private_whoever_serves_it() -> None:
    environ = {"BOT_ENDPOINT_MYLAB": "http://10.0.0.5:8000"}
    with pytest.raises(Mistaken):
        load(None, environ)
    load(None, {**environ, "BOT_MODELS_FAST": "mylab/llama"})
    load(None, {**environ, "BOT_ALLOW_PRIVATE_ENDPOINTS": "1"})


def test_a_webhook_inside_a_private_network_is_refused_unless_it_is_meant() -> None:
    blog = {"BOT_BLOG_WEBHOOK_URL": "http://10.0.0.5/h", "BOT_BLOG_WEBHOOK_SECRET": "whsec_x"}
    for environ in (blog, {"BOT_WORKFLOW_TEAMS_URL": "http://127.0.0.1:9/h?sig=1"}):
        with pytest.raises(Mistaken, match="private network") as caught:
            load(None, environ)
        assert "sig=1" not in str(caught.value)
        load(None, {**environ, "BOT_ALLOW_PRIVATE_ENDPOINTS": "1"})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", "127.8.8.8"])
def test_a_bind_on_this_machine_needs_no_public_address(host: str) -> None:
    assert load(None, {"BOT_HOST": host}).host == host


def test_a_bind_that_others_reach_is_taken_with_a_public_address() -> None:
    environ = {"BOT_HOST": "0.0.0.0", "BOT_PUBLIC_URL": "https://bots.example.org/"}
    assert load(None, environ).public_url == "https://bots.example.org"


def test_a_folder_in_the_file_is_meant_from_the_place_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "bot.toml").write_text('home = "data"\nagents_dir = "~/mine"')
    settings = load("etc/bot.toml", {})
    assert settings.home == tmp_path / "etc" / "data"
    assert settings.blog.folder == tmp_path / "etc" / "data" / "blog"
    assert settings.agents_dir == tmp_path / "mine"


def test_the_file_is_looked_for_by_name_then_here_then_at_home(tmp_path: Path) -> None:
    home = tmp_path / "h"
    home.mkdir()
    environ = {"BOT_HOME": str(home)}
    assert find_file(None, environ) is None
    (home / "bot.toml").write_text("")
    assert find_file(None, environ) == home / "bot.toml"
    (tmp_path / "bot.toml").write_text("")
    assert find_file(None, environ) == Path("bot.toml")
    assert find_file(None, {**environ, "BOT_CONFIG": "b"}) == Path("b")
    assert find_file("a", {**environ, "BOT_CONFIG": "b"}) == Path("a")


def test_the_home_is_found_even_when_other_settings_are_wrong(tmp_path: Path) -> None:
    (tmp_path / "bot.toml").write_text('home = "there"\nprot = 1')
    assert home_of(None, {}) == tmp_path / "there"
    assert home_of(None, {"BOT_HOME": str(tmp_path / "x")}) == tmp_path / "x"
    (tmp_path / "bot.toml").write_text("home = ")
    assert home_of(None, {}) == tmp_path / ".switchboard"


def test_secrets_are_taken_out_of_the_environment_and_nothing_else_is() -> None:
    environ = {
        "BOT_MASTER_KEY": "a",
        "BOT_API_TOKEN": "b",
        "OPENAI_API_KEY": "c",
        "BOT_KEYS_GEMINI": "d",
        "BOT_BLOG_WEBHOOK_SECRET": "e",
        "DATABASE_URL": "postgresql://u:p@h/d",
        "BOT_PORT": "1",
        "PATH": "/bin",
    }
    taken = take_secrets(environ)
    assert environ == {"BOT_PORT": "1", "PATH": "/bin"}
    assert "BOT_MASTER_KEY" in taken
    assert len(taken) == 6


def test_no_secret_is_shown_when_settings_are_printed_or_written_out() -> None:
    environ = {"BOT_API_TOKEN": "canary-1", "DATABASE_URL": "postgresql://u:canary-2@h/d"}
    settings = load(None, {**environ, "OPENAI_API_KEY": "canary-3"})
    shown = repr(settings) + str(settings) + json.dumps(settings.model_dump(mode="json")["keys"])
    assert "canary" not in shown
    assert settings.api_token == Secret("canary-1")


def test_settings_made_by_hand_have_their_folders_too(tmp_path: Path) -> None:
    from bot.config.sections import Blog

    assert Settings(home=tmp_path).blog.folder == tmp_path / "blog"
    assert Settings(home=tmp_path, blog=Blog()).blog.folder == tmp_path / "blog"
    mine = Blog(folder=tmp_path / "posts")
    assert Settings(home=tmp_path, blog=mine).blog.folder == tmp_path / "posts"


def test_the_terminal_says_what_it_can_do() -> None:
    assert surroundings({"TERM": "xterm"}).colour
    assert not surroundings({"TERM": "xterm", "NO_COLOR": "1"}).colour
    assert not surroundings({"TERM": "dumb"}).colour
    assert surroundings({"EDITOR": "vi"}).editor == "vi"


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"BOT_FILES_STORE": "s3"}, "Set bucket, key_id, key_secret"),
        ({"BOT_FILES_STORE": "s3", "R2_BUCKET_NAME": "b", "R2_ACCESS_KEY_ID": "k"}, "key_secret"),
        ({"BOT_FILES_STORE": "supabase", "SUPABASE_URL": "https://a.supabase.co"}, "supabase_key"),
        ({"BOT_FILES_STORE": "ftp"}, "one of local, s3, supabase"),
        ({"R2_BUCKET_NAME": "a/../b"}, "letters, digits"),
        (
            {
                "BOT_FILES_STORE": "supabase",
                "SUPABASE_URL": "http://example.org",
                "SUPABASE_SERVICE_ROLE_KEY": "k",
            },
            "unencrypted",
        ),
    ],
)
def test_a_store_of_files_that_lacks_something_stops_the_start(
    environ: dict[str, str], words: str
) -> None:
    with pytest.raises(Mistaken, match=words):
        load(None, environ)


def test_the_keys_of_stores_are_secrets() -> None:
    environ = {
        "BOT_FILES_STORE": "s3",
        "R2_BUCKET_NAME": "b",
        "R2_ACCESS_KEY_ID": "AKID",
        "R2_SECRET_ACCESS_KEY": "very-secret-1",
        "SUPABASE_SERVICE_ROLE_KEY": "very-secret-2",
    }
    settings = load(None, environ)
    assert settings.files.key_secret.matches("very-secret-1")
    assert "very-secret" not in repr(settings) + str(settings.model_dump()) + str(settings.files)
    assert take_secrets(environ) == {"R2_SECRET_ACCESS_KEY", "SUPABASE_SERVICE_ROLE_KEY"}
    masked = _secrets(settings)
    assert settings.files.key_secret in masked
    assert settings.files.supabase_key in masked


@pytest.mark.parametrize(
    ("environ", "hints"),
    [
        ({"OPENAI_API_KYE": "k"}, {"OPENAI_API_KEY": "OPENAI_API_KYE"}),
        ({"OPENAI_APIKEY": "k"}, {"OPENAI_API_KEY": "OPENAI_APIKEY"}),
        ({"SLACK_BOT_TOKENS": "k"}, {"SLACK_BOT_TOKEN": "SLACK_BOT_TOKENS"}),
        ({"OPENAI_API_KYE": "k", "OPENAI_API_KEY": "k"}, {}),
        ({"AZURE_OPENAI_API_KEY": "k", "FOO_CLIENT_ID": "k", "PATH": "/bin", "X": "1"}, {}),
        ({"OPENAI_API_KYE": ""}, {}),
    ],
)
def test_a_variable_that_was_probably_misspelt_is_a_hint(
    environ: dict[str, str], hints: dict[str, str]
) -> None:
    assert unread(environ) == hints
