"""The fetcher against a real server on this machine: redirects, caps, credentials, rebinding."""

import asyncio
import gzip
import socket
import ssl
import tracemalloc
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bot.core.errors import Invalid, VendorRefused, VendorUnknown
from bot.fetch.client import MAX_REDIRECTS, WebFetcher

PUBLIC = "93.184.216.34"


class House:
    """A server that writes down what it was asked, and what it was reached through."""

    def __init__(self) -> None:
        self.seen: list[web.Request] = []
        self.reached: list[tuple] = []
        self.answers: dict[str, Callable[[], web.StreamResponse]] = {}
        self.release = asyncio.Event()
        app = web.Application(client_max_size=10_000_000)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self.server = TestServer(app, host="127.0.0.1")

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        self.seen.append(request)
        path = request.path
        if path == "/slow":
            response = web.StreamResponse(headers={"Content-Type": "text/plain"})
            await response.prepare(request)
            await response.write(b"begun")
            await self.release.wait()
            return response
        if path == "/cut":
            response = web.StreamResponse(headers={"Content-Length": "100"})
            await response.prepare(request)
            await response.write(b"begun")
            assert request.transport
            request.transport.close()
            return response
        if path in self.answers:
            return self.answers[path]()
        return web.Response(text=f"<title>T</title><p>{path}</p>", content_type="text/html")

    @property
    def port(self) -> int:
        return self.server.port or 0

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def redirect(self, path: str, location: str, status: int = 302) -> None:
        self.answers[path] = lambda: web.Response(status=status, headers={"Location": location})

    def socket(self, where) -> socket.socket:
        """A socket that notes where it is asked to connect, and connects here."""
        house = self

        class Rerouted(socket.socket):
            def connect(self, address):
                house.reached.append(address)
                return super().connect(("127.0.0.1", house.port))

        family, kind, proto, *_ = where
        return Rerouted(family=family, type=kind, proto=proto)


@pytest.fixture
async def house():
    made = House()
    await made.server.start_server()
    yield made
    made.release.set()
    await made.server.close()


@pytest.fixture
async def other():
    made = House()
    await made.server.start_server()
    yield made
    await made.server.close()


class Names:
    """A resolver that gives one answer after the other, the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self._left = list(answers)
        self.calls: list[str] = []

    async def __call__(self, host, port):
        self.calls.append(host)
        return self._left.pop(0) if len(self._left) > 1 else self._left[0]


def fetcher(*houses: House, **more) -> WebFetcher:
    return WebFetcher(allow={("127.0.0.1", each.port) for each in houses}, **more)


async def test_a_page_is_fetched_and_read(house):
    page = await fetcher(house).fetch(house.url("/a"))
    assert (page.status, page.media_type, page.title, page.text) == (200, "text/html", "T", "/a")
    assert page.url == house.url("/a")
    assert page.body == b"<title>T</title><p>/a</p>"


async def test_a_body_and_headers_are_sent(house):
    page = await fetcher(house).fetch(
        house.url(), method="post", headers={"X-A": "b"}, body=b"{}", max_bytes=3
    )
    (asked,) = house.seen
    assert (asked.method, await asked.read(), asked.headers["X-A"]) == ("POST", b"{}", "b")
    assert page.body == b"<ti"


async def test_an_error_status_is_an_answer(house):
    house.answers["/gone"] = lambda: web.Response(status=410, text="gone")
    page = await fetcher(house).fetch(house.url("/gone"))
    assert (page.status, page.text) == (410, "gone")


async def test_loopback_is_refused_unless_the_operator_listed_it(house):
    with pytest.raises(Invalid):
        await WebFetcher().fetch(house.url())
    with pytest.raises(Invalid):
        await WebFetcher(allow={("127.0.0.1", 1)}).fetch(house.url())
    assert not house.seen


async def test_a_public_name_is_reached_by_its_checked_address_under_its_own_name(house):
    lookup = Names([PUBLIC])
    page = await WebFetcher(lookup=lookup, sockets=house.socket).fetch("http://shop.example.com/x")
    assert page.status == 200
    assert house.reached == [(PUBLIC, 80)]
    assert house.seen[0].headers["Host"] == "shop.example.com"


async def test_a_name_that_turns_inward_after_the_check_gains_nothing(house):
    lookup = Names([PUBLIC], ["127.0.0.1"])
    ours = WebFetcher(lookup=lookup, sockets=house.socket)
    await ours.fetch("http://rebind.example.com/")
    assert lookup.calls == ["rebind.example.com"]
    assert house.reached == [(PUBLIC, 80)]
    with pytest.raises(Invalid):
        await ours.fetch("http://rebind.example.com/")
    assert house.reached == [(PUBLIC, 80)]


async def test_a_name_that_turns_inward_at_a_redirect_is_refused(house):
    house.redirect("/", "/again")
    lookup = Names([PUBLIC], ["127.0.0.1"])
    with pytest.raises(Invalid):
        await WebFetcher(lookup=lookup, sockets=house.socket).fetch("http://rebind.example.com/")
    assert [each.path for each in house.seen] == ["/"]


@pytest.mark.parametrize("answer", ["127.0.0.1", "169.254.169.254", "::1", "fd00::1", "10.1.2.3"])
async def test_a_public_name_with_an_inside_address_is_refused(answer, house):
    with pytest.raises(Invalid):
        await WebFetcher(lookup=Names([answer]), sockets=house.socket).fetch(
            "http://a.example.com/"
        )
    assert not house.reached


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://2130706433/",
        "//127.0.0.1/",
        "http://user:pw@example.com/",
        "file:///etc/passwd",
        "http://example.com:6379/",
        "http://[::ffff:127.0.0.1]/",
        "http://[",
    ],
)
async def test_a_redirect_is_checked_like_a_new_address(location, house):
    house.redirect("/", location)
    with pytest.raises(Invalid):
        await fetcher(house).fetch(house.url())
    assert len(house.seen) == 1


async def test_three_redirects_are_followed_and_a_fourth_is_not(house):
    for n in range(MAX_REDIRECTS + 1):
        house.redirect(f"/{n}", f"/{n + 1}")
    page = await fetcher(house).fetch(house.url("/1"))
    assert page.url == house.url("/4")
    with pytest.raises(Invalid, match="redirects"):
        await fetcher(house).fetch(house.url("/0"))


async def test_a_credential_stays_with_its_origin(house, other):
    house.redirect("/same", "/end")
    house.redirect("/away", other.url("/end"))
    ours = fetcher(house, other)
    headers = {"Authorization": "Bearer x", "X-Api-Key": "y", "Cookie": "z", "Accept": "text/html"}
    await ours.fetch(house.url("/same"), headers=headers)
    assert house.seen[-1].headers["Authorization"] == "Bearer x"
    await ours.fetch(house.url("/away"), headers=headers)
    (away,) = other.seen
    assert away.headers["Accept"] == "text/html"
    assert not {"Authorization", "X-Api-Key", "Cookie"} & set(away.headers)


async def test_a_credential_is_not_sent_without_tls(house):
    ours = WebFetcher(lookup=Names([PUBLIC]), sockets=house.socket)
    with pytest.raises(Invalid, match="https"):
        await ours.fetch("http://api.example.com/", headers={"Authorization": "Bearer x"})
    assert not house.reached


async def test_a_post_is_never_sent_on_to_another_address(house, other):
    house.redirect("/", other.url("/"), status=307)
    page = await fetcher(house, other).fetch(house.url(), method="POST", body=b"order")
    assert page.status == 307
    assert not other.seen


async def test_a_cookie_is_given_to_nobody_not_even_after_a_redirect(house):
    headers = {"Set-Cookie": "a=b", "Location": "/2"}
    house.answers["/"] = lambda: web.Response(status=302, headers=headers)
    ours = WebFetcher(lookup=Names([PUBLIC]), sockets=house.socket)
    await ours.fetch("http://shop.example.com/")
    await ours.fetch("http://shop.example.com/3")
    assert [each.path for each in house.seen] == ["/", "/2", "/3"]
    assert not [each for each in house.seen if "Cookie" in each.headers]


@pytest.mark.parametrize("name", ["Host", "Content-Length", "transfer-encoding", "X\n", "", "Ü"])
async def test_headers_that_are_not_the_callers_are_refused(name, house):
    with pytest.raises(Invalid):
        await fetcher(house).fetch(house.url(), headers={name: "x"})
    with pytest.raises(Invalid):
        await fetcher(house).fetch(house.url(), headers={"X": "a\r\nY: b"})
    assert not house.seen


async def test_a_body_over_the_cap_is_refused_by_its_stated_length(house):
    house.answers["/"] = lambda: web.Response(body=b"x" * 1001)
    with pytest.raises(Invalid, match="1,000"):
        await fetcher(house).fetch(house.url(), max_bytes=1000)
    assert len((await fetcher(house).fetch(house.url(), max_bytes=1001)).body) == 1001


async def test_a_body_over_the_cap_without_a_length_is_refused_while_it_comes(house):
    async def endless():
        while True:
            yield b"x" * 10_000

    house.answers["/"] = lambda: web.Response(body=endless())
    with pytest.raises(Invalid, match="longer"):
        await fetcher(house).fetch(house.url(), max_bytes=100_000)


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda raw: zlib.compress(raw, wbits=-15)),
    ],
)
async def test_compressed_bodies_are_read_and_counted_after_decompression(coding, pack, house):
    packed = pack(b"a" * 50_000)
    house.answers["/"] = lambda: web.Response(body=packed, headers={"Content-Encoding": coding})
    page = await fetcher(house).fetch(house.url(), max_bytes=50_000)
    assert page.body == b"a" * 50_000
    assert len(packed) < 1000
    with pytest.raises(Invalid, match="longer"):
        await fetcher(house).fetch(house.url(), max_bytes=49_999)


async def test_a_bomb_is_refused_without_being_unpacked(house):
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(200)) + packer.flush()
    assert len(bomb) < 250_000
    house.answers["/"] = lambda: web.Response(body=bomb, headers={"Content-Encoding": "gzip"})
    tracemalloc.start()
    try:
        with pytest.raises(Invalid, match="longer"):
            await fetcher(house).fetch(house.url())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10_000_000


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "nonsense"])
async def test_a_coding_that_was_not_asked_for_is_refused(coding, house):
    house.answers["/"] = lambda: web.Response(body=b"x", headers={"Content-Encoding": coding})
    with pytest.raises(Invalid, match="compressed"):
        await fetcher(house).fetch(house.url())


async def test_a_broken_compressed_body_is_refused(house):
    house.answers["/"] = lambda: web.Response(body=b"no gzip", headers={"Content-Encoding": "gzip"})
    with pytest.raises(Invalid, match="broken"):
        await fetcher(house).fetch(house.url())


@pytest.mark.parametrize("coding", ["gzip", "br"])
async def test_what_a_post_did_is_unknown_when_its_answer_cannot_be_read(coding, house):
    house.answers["/"] = lambda: web.Response(body=b"no gzip", headers={"Content-Encoding": coding})
    with pytest.raises(VendorUnknown, match="compressed"):
        await fetcher(house).fetch(house.url(), method="POST", body=b"do it")


async def test_a_body_that_never_ends_is_given_up_as_unknown(house):
    with pytest.raises(VendorUnknown, match="did not answer"):
        await fetcher(house).fetch(house.url("/slow"), timeout_s=0.1)


async def test_an_answer_that_breaks_off_is_unknown(house):
    with pytest.raises(VendorUnknown, match="broke off"):
        await fetcher(house).fetch(house.url("/cut"))


async def test_a_host_that_nobody_listens_on_surely_got_nothing():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(VendorRefused, match="cannot be reached"):
        await WebFetcher(allow={("127.0.0.1", port)}).fetch(f"http://127.0.0.1:{port}/")


async def test_a_name_that_does_not_exist_surely_got_nothing():
    async def lookup(host, port):
        raise OSError("no such name")

    with pytest.raises(VendorRefused, match="no host"):
        await WebFetcher(lookup=lookup).fetch("http://nowhere.example.com/")


async def test_a_certificate_of_nobody_is_refused_and_the_right_name_was_asked_for(tmp_path):
    context, asked = _self_signed(tmp_path)
    server = House()
    await server.server.start_server(ssl=context)
    try:
        with pytest.raises(VendorRefused, match="certificate"):
            await WebFetcher(lookup=Names([PUBLIC]), sockets=server.socket).fetch(
                "https://bank.example.com/"
            )
    finally:
        await server.server.close()
    assert asked == ["bank.example.com"]
    assert server.reached == [(PUBLIC, 443)]
    assert not server.seen


def _self_signed(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bank.example.com")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "cert.pem").write_bytes(made.public_bytes(pem) + key.private_bytes(pem, *plain))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem")
    asked: list[str] = []
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    return context, asked
