"""Which addresses may be asked: each spelling of an inside address that is known to have worked."""

import pytest

from bot.core.errors import Invalid
from bot.fetch.addresses import Resolver, check_address, check_url

REFUSED = {
    # schemes and shapes
    "": "nothing",
    "example.com": "no scheme",
    "//example.com/": "no scheme either",
    "ftp://example.com/": "another protocol",
    "file:///etc/passwd": "a file",
    "gopher://example.com/": "an old way around",
    "data:text/html,x": "no host at all",
    "javascript:alert(1)": "a script",
    "http:///path": "no host",
    "http://": "no host either",
    "http://exa mple.com/": "a space",
    "http://example.com/\r\nX: y": "a line break",
    "http://example.com\\@127.0.0.1/": "a backslash, which parsers disagree on",
    "http://example.com/\x00": "a zero byte",
    "http://example.com:80:80/": "two ports",
    "http://example.com:99999/": "no port of this world",
    # userinfo
    "http://user@example.com/": "a name",
    "http://user:pw@example.com/": "a password",
    "http://example.com@127.0.0.1/": "a host that looks like another",
    "http://:@example.com/": "empty ones",
    # ports
    "http://example.com:22/": "ssh",
    "http://example.com:8080/": "a service port",
    "https://example.com:6379/": "redis",
    "http://example.com:0/": "port zero",
    # loopback in every spelling
    "http://127.0.0.1/": "loopback",
    "http://127.1/": "short",
    "http://127.0.1/": "three parts",
    "http://2130706433/": "one decimal number",
    "http://0177.0.0.1/": "octal",
    "http://017700000001/": "one octal number",
    "http://0x7f.0.0.1/": "hex",
    "http://0x7f000001/": "one hex number",
    "http://0x7f.1/": "hex and short",
    "http://127.0.0.1./": "a dot behind",
    "http://127.255.255.254/": "its other end",
    "http://127。0。0。1/": "ideographic stops",
    "http://①②⑦.⓪.⓪.①/": "digits in circles",
    "http://１２７.0.0.1/": "wide digits",
    "http://[::1]/": "IPv6",
    "http://[0:0:0:0:0:0:0:1]/": "IPv6 in full",
    "http://[::ffff:127.0.0.1]/": "mapped",
    "http://[::ffff:7f00:1]/": "mapped, in hex",
    "http://[::127.0.0.1]/": "compatible",
    "http://localhost/": "by name",
    "http://LOCALHOST./": "by name, otherwise written",
    "http://a.localhost/": "below it",
    # unspecified, private, link-local, shared, reserved
    "http://0.0.0.0/": "this host",
    "http://0/": "this host, short",
    "http://[::]/": "this host in IPv6",
    "http://10.0.0.1/": "private A",
    "http://172.16.0.1/": "private B",
    "http://172.31.255.255/": "private B, its end",
    "http://192.168.1.1/": "private C",
    "http://100.64.0.1/": "carrier NAT",
    "http://169.254.0.1/": "link-local",
    "http://[fe80::1]/": "link-local IPv6",
    "http://[fe80::1%25eth0]/": "with its zone",
    "http://[fc00::1]/": "unique local",
    "http://[fd12:3456::1]/": "unique local, the used half",
    "http://[fec0::1]/": "site-local",
    "http://224.0.0.1/": "multicast",
    "http://[ff02::1]/": "multicast IPv6",
    "http://240.0.0.1/": "reserved",
    "http://255.255.255.255/": "broadcast",
    "http://198.18.0.1/": "benchmarks",
    "http://192.0.2.1/": "documentation",
    "http://[2001:db8::1]/": "documentation IPv6",
    # an IPv4 address inside an IPv6 one
    "http://[64:ff9b::7f00:1]/": "NAT64 of loopback",
    "http://[64:ff9b::a9fe:a9fe]/": "NAT64 of metadata",
    "http://[64:ff9b:1::1]/": "local NAT64",
    "http://[2002:7f00:1::1]/": "6to4 of loopback",
    "http://[2002:a9fe:a9fe::1]/": "6to4 of metadata",
    "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/": "Teredo",
    # metadata hosts
    "http://169.254.169.254/latest/meta-data/": "the usual one",
    "http://169.254.170.2/": "of containers",
    "http://[fd00:ec2::254]/": "in IPv6",
    "http://100.100.100.200/": "of one cloud",
    "http://168.63.129.16/": "of another, outside every private range",
    "http://192.0.0.192/": "of a third",
    "http://metadata.google.internal/": "by name",
    "http://metadata/": "by short name",
    "http://metadata.goog/": "by its public name",
    # names of inside networks
    "http://intranet/": "one label",
    "http://printer.local/": "mDNS",
    "http://db.svc.cluster.local/": "a cluster",
    "http://vault.internal/": "internal",
    "http://nas.home.arpa/": "home",
    "http://example.123/": "a top level of digits",
    "http://example.0x1/": "a top level in hex",
    "http://-a.example.com/": "a dash first",
    "http://a..example.com/": "an empty label",
    "http://" + "a" * 64 + ".com/": "a label too long",
    "http://ex%61mple.com/": "an escaped host",
}

TAKEN = {
    "http://example.com": "http://example.com",
    "https://EXAMPLE.com/": "https://example.com/",
    "https://example.com./x": "https://example.com/x",
    "https://example.com:443/a?b=c#d": "https://example.com/a?b=c",
    "http://93.184.216.34/": "http://93.184.216.34/",
    "http://8.8.8.8:443/": "http://8.8.8.8:443/",
    "https://[2606:4700:4700::1111]/": "https://[2606:4700:4700::1111]/",
    "https://[64:ff9b::808:808]/": "https://[64:ff9b::808:808]/",
    "https://bücher.example/": "https://xn--bcher-kva.example/",
    "https://_dmarc.example.com/": "https://_dmarc.example.com/",
    "https://example.com/a%20b": "https://example.com/a%20b",
    "https://example.com/@user:pw": "https://example.com/@user:pw",
}


@pytest.mark.parametrize("url", REFUSED, ids=REFUSED.get)
def test_an_address_that_may_not_be_asked_is_refused(url):
    with pytest.raises(Invalid):
        check_url(url)


@pytest.mark.parametrize(("url", "clean"), TAKEN.items())
def test_a_public_address_is_taken(url, clean):
    assert str(check_url(url)) == clean


def test_the_tables_are_long_enough():
    assert len(REFUSED) >= 60


def test_the_operators_own_host_and_port_are_exempt_and_no_other():
    own = frozenset({("127.0.0.1", 8081)})
    assert check_url("http://127.0.0.1:8081/x", own).port == 8081
    for other in ("http://127.0.0.1:8082/", "http://127.0.0.1/", "http://localhost:8081/"):
        with pytest.raises(Invalid):
            check_url(other, own)


@pytest.mark.parametrize("text", ["", "x", "1.2.3", "01.2.3.4", "::ffff:8.8.8.8", "1.2.3.4 "])
def test_what_is_no_plain_address_is_refused(text):
    with pytest.raises(Invalid):
        check_address(text)


async def test_one_inside_answer_among_public_ones_refuses_the_name():
    async def lookup(host, port):
        return ["93.184.216.34", "10.0.0.7"]

    with pytest.raises(Invalid):
        await Resolver(lookup, frozenset()).resolve("example.com", 443)
    found = await Resolver(lookup, frozenset({("example.com", 443)})).resolve("example.com", 443)
    assert [each["host"] for each in found] == ["93.184.216.34", "10.0.0.7"]


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        (
            "https://example.com/a/urn%3Ali%3A1?x=b%3Ac#d",
            "https://example.com/a/urn%3Ali%3A1?x=b%3Ac",
        ),
        ("https://EXAMPLE.com/%7Ea", "https://example.com/%7Ea"),
        ("https://example.com/100%/%3A", "https://example.com/100%25/:"),
        ("https://example.com/a/%2e%2e/b%3Ac", "https://example.com/b:c"),
        ("https://example.com/a/../b%3Ac", "https://example.com/b:c"),
        ("https://example.com/ä%3A", "https://example.com/%C3%A4:"),
    ],
)
def test_percent_signs_stay_as_they_were_written_where_nothing_is_to_be_mended(url, asked):
    assert str(check_url(url)) == asked
