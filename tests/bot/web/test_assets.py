"""The scripts joined and served: rules of joining, addresses that change, nothing but ours."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.web.assets import FOLDER, BrokenScript, address, assets, join, static

Client = TestClient[Any, Any]


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.js").write_text(text, "utf-8")
    return folder / "entry.js"


def test_modules_are_joined_after_what_they_import(tmp_path: Path) -> None:
    entry = write(
        tmp_path,
        entry='/** An entry. */\nimport { two } from "./b.js";\ntwo();\n',
        b='import { one } from "./a.js";\n// why\nexport function two() {\n  return one;\n}\n',
        a="export const one = 1;\n",
    )
    assert join(entry) == (
        "// a.js\nconst { one } = (() => {\nconst one = 1;\nreturn { one };\n})();\n"
        "// b.js\nconst { two } = (() => {\nfunction two() {\nreturn one;\n}\nreturn { two };\n})();\n"
        "// entry.js\n(() => {\ntwo();\n})();\n"
    )


def test_what_the_base_has_is_imported_and_not_joined_again(tmp_path: Path) -> None:
    entry = write(
        tmp_path,
        base='export { one } from "./a.js";\n',
        entry='import { one } from "./a.js";\none();\n',
        a="export const one = 1;\n",
    )
    text = join(entry, tmp_path / "base.js", "/static/base.js?v=1")
    assert text.startswith('import { one } from "/static/base.js?v=1";')
    assert "const one" not in text


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"entry": 'import { b } from "./a.js";', "a": ""}, "exports no b"),
        ({"entry": 'import * as a from "./a.js";'}, "entry.js:1: only"),
        ({"entry": "export default 1;"}, "entry.js:1: only"),
        (
            {"entry": 'import { a } from "./a.js";', "a": 'import { a } from "./a.js";'},
            "imports itself",
        ),
        (
            {
                "entry": 'import { x } from "./a.js";\nimport { y } from "./b.js";',
                "a": "export const x = 1;",
                "b": "export const x = 2;\nexport const y = 3;",
            },
            "exports x as well",
        ),
    ],
)
def test_a_module_that_breaks_a_rule_is_named(
    tmp_path: Path, files: dict[str, str], words: str
) -> None:
    with pytest.raises(BrokenScript, match=words):
        join(write(tmp_path, **files))


def test_what_the_base_does_not_offer_is_named(tmp_path: Path) -> None:
    entry = write(
        tmp_path,
        base='export { one } from "./a.js";',
        entry='import { two } from "./a.js";',
        a="export const one = 1;\nexport const two = 2;",
    )
    with pytest.raises(BrokenScript, match="does not offer two"):
        join(entry, tmp_path / "base.js", "/base.js")


def test_every_module_of_ours_is_part_of_a_script() -> None:
    joined = "".join(asset.body.decode() for name, asset in assets().items() if ".js" in name)
    for path in FOLDER.rglob("*.js"):
        assert path.parent == FOLDER or f"// {path.name}\n" in joined, path.name


def test_every_module_says_what_it_is() -> None:
    for path in FOLDER.rglob("*.js"):
        assert path.read_text("utf-8").startswith("/**"), path.name


def test_nothing_of_ours_names_another_host_or_turns_text_into_markup() -> None:
    for path in [*FOLDER.rglob("*.js"), *FOLDER.rglob("*.css")]:
        text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        for word in (
            "innerHTML",
            "outerHTML",
            "insertAdjacent",
            "document.write",
            "eval(",
            "@import",
        ):
            assert word not in text, (path.name, word)
        assert "//cdn" not in text, path.name
        assert 'fetch("http' not in text, path.name


async def client_of() -> Client:
    app = web.Application()
    app.router.add_get("/static/{file}", static)
    return TestClient(TestServer(app))


async def test_a_file_is_kept_forever_under_its_digest_only() -> None:
    async with await client_of() as client:
        kept = await client.get(address("chat.js"))
        assert "immutable" in kept.headers["Cache-Control"]
        assert kept.content_type == "text/javascript"
        asked = await client.get("/static/chat.js")
        assert asked.headers["Cache-Control"] == "no-cache"
        again = await client.get("/static/chat.js", headers={"If-None-Match": kept.headers["ETag"]})
        assert again.status == 304


async def test_a_file_is_sent_zipped_to_who_can_unzip() -> None:
    async with await client_of() as client:
        plain = await client.get("/static/app.css", headers={"Accept-Encoding": "identity"})
        zipped = await client.get("/static/app.css", headers={"Accept-Encoding": "gzip"})
        assert zipped.headers["Content-Encoding"] == "gzip"
        assert await plain.read() == await zipped.read()


@pytest.mark.parametrize(
    "name", ["nothing.js", "..%2fpages.py", "%2e%2e%2fpages.py", "shared%2fdom.js", "chat.js%00"]
)
async def test_a_path_only_ever_selects_one_of_our_names(name: str) -> None:
    async with await client_of() as client:
        assert (await client.get(f"/static/{name}")).status == 404
