"""Master keys: where they come from, who may read them, which one is first."""

import re
import stat

import pytest

from bot.core.errors import SettingsError
from bot.core.secret import Secret
from bot.keyring import FILE, add_primary, ring_in, ring_of
from tests.bot.seeded import SeededClock


def test_the_key_file_is_made_once_and_for_its_owner_only(tmp_path):
    ring = ring_in(tmp_path, SeededClock(), make=True)
    path = tmp_path / FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert re.fullmatch(r"kek_202611_[0-9a-f]{8}", ring.primary.id)
    assert ring_in(tmp_path, SeededClock(9), make=True) == ring
    assert [each.name for each in tmp_path.iterdir()] == [FILE]


def test_a_key_file_that_others_may_read_is_refused(tmp_path):
    ring_in(tmp_path, SeededClock(), make=True)
    (tmp_path / FILE).chmod(0o640)
    with pytest.raises(SettingsError, match="chmod 600"):
        ring_in(tmp_path, SeededClock(), make=True)


def test_a_key_file_that_is_a_link_is_refused(tmp_path):
    (tmp_path / "elsewhere").write_text("kek_202611_a:" + "00" * 32)
    (tmp_path / FILE).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SettingsError, match="cannot be read"):
        ring_in(tmp_path, SeededClock(), make=True)


def test_a_missing_key_file_is_not_made_when_secrets_are_there(tmp_path):
    with pytest.raises(SettingsError, match="backup"):
        ring_in(tmp_path, SeededClock(), make=False)
    assert not list(tmp_path.iterdir())


def test_a_new_primary_key_stands_before_the_old_one(tmp_path):
    old = ring_in(tmp_path, SeededClock(), make=True)
    grown = add_primary(tmp_path, SeededClock(9))
    assert grown.keks[1:] == old.keks
    assert ring_in(tmp_path, SeededClock(), make=True) == grown
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == [FILE]


def test_the_setting_takes_hex_and_base64url_and_several_keys():
    hex_key, text_key = "ab" * 32, "_-8" + "A" * 40
    ring = ring_of(Secret(f"kek_202611_b:{text_key}=, {hex_key}"))
    assert ring.primary.id == "kek_202611_b"
    assert [len(each.key) for each in ring.keks] == [32, 32]
    assert ring.keks[1].id == ring_of(Secret(hex_key.upper())).primary.id
    assert ring.keks[1].id.startswith("kek_000000_")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ab",
        "ab" * 31,
        "ab" * 33,
        "zz" * 32,
        "A" * 43 + "!",
        "key:" + "ab" * 32,
        "ab" * 32 + ",",
    ],
)
def test_a_setting_that_is_no_key_is_refused_and_not_repeated(text):
    with pytest.raises(SettingsError) as caught:
        ring_of(Secret(text))
    assert not text or text not in caught.value.message


def test_the_place_of_a_spoilt_key_is_named_and_nobody_is_told_to_make_a_new_one_first(tmp_path):
    with pytest.raises(
        SettingsError, match=r"of BOT_MASTER_KEY is not 32 bytes.*Put the right one"
    ):
        ring_of(Secret("ab"))
    path = tmp_path / FILE
    path.write_text("kek_202611_b:cut\n")
    path.chmod(0o600)
    with pytest.raises(SettingsError, match=rf"of {path} is not 32 bytes.*Only a new house takes"):
        ring_in(tmp_path, SeededClock(), make=True)


def test_one_key_given_twice_is_refused():
    with pytest.raises(SettingsError, match="twice"):
        ring_of(Secret("ab" * 32 + "," + "ab" * 32))
