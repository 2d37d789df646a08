"""The command line that the studio shows asks for exactly what the page shows."""

import shlex

import pytest
import tyro

from pain3d.cli import making
from pain3d.errors import ArgumentError
from pain3d.skin.looks import Looks
from pain3d.studio.asked import asked, command
from pain3d.studio.serve import is_here, listen
from pain3d.synth.sitter import Sitter

QUERIES = [
    {},
    {"seed": "9223372036854775807", "age_years": "95", "sex": "male", "ethnicity": "east_asian"},
    {"AU1": "0.1", "AU4": "3.3000000000000003", "AU43": "1", "AU27": "5"},
    {"yaw": "-0.1", "pitch": "33.333333333333336", "light": "overcast", "background": "pillow", "resolution": "256"},
    {"skin": "procedural", "hair": "cap", "wrinkles": "0", "wet": "0", "glasses": "1", "cannula": "0.25", "gown": "1"},
]


@pytest.mark.parametrize("query", QUERIES)
def test_the_command_asks_for_the_same(query):
    sitter = asked(query.items())
    words = shlex.split(command(sitter))
    face = tyro.cli(making.Face, args=words[2:], config=(tyro.conf.FlagCreatePairsOff, tyro.conf.UseAppendAction))
    assert face.sitter == sitter


def test_nothing_asked_is_nobody_in_particular():
    assert asked([]) == Sitter()
    assert command(Sitter()) == "pain3d face face.png"
    assert command(Sitter(looks=Looks(gown=1.0))) == "pain3d face face.png --gown 1"


def test_a_port_that_is_taken_is_refused():
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ArgumentError, match=f"port: {port} is taken; give another one, or 0 for a free one"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "port", "words"),
    [
        ("127.0.0.1", 70000, "port: 70000 is outside 0..65535"),
        ("198.51.100.7", 0, "host: '198.51.100.7' is not an address of this machine"),
        ("no.such.name.invalid", 0, "host: 'no.such.name.invalid' is no name or address of this machine"),
    ],
)
def test_a_place_that_cannot_be_listened_on_is_refused(host, port, words):
    with pytest.raises(ArgumentError, match=words):
        listen(host, port)


def test_only_this_machine_is_here():
    assert is_here("127.0.0.1") and is_here("::1") and is_here("localhost")
    assert not is_here("0.0.0.0") and not is_here("192.168.0.2") and not is_here("example.org")
