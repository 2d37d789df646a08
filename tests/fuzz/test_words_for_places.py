"""Words for a place, as a user or a script may give them: a place, or one line that says why not."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pain3d.data.reader import open_dataset
from pain3d.errors import DataError, UserError
from pain3d.places import location, name_of, resolved

SCHEMES = (
    "s3",
    "s3a",
    "gs",
    "az",
    "memory",
    "file",
    "local",
    "http",
    "S3",
    "zip",
    "dir",
    "simplecache::s3",
    "filecache",
    "",
)
TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
URLS = st.builds(lambda scheme, rest: f"{scheme}://{rest}", st.sampled_from(SCHEMES), TEXT)


@settings(deadline=None)  # drivers are imported when they are first asked for
@given(st.one_of(TEXT, URLS))
@example("s3://[")
@example("s3://[::1")
@example("file://[")
@example("s3://bucket:port/faces")
@example("s3://bucket\x00/faces")
@example("memory://\x00")
@example("s3://user:secret@[")
@example("simplecache::s3://bucket/faces")
@example("://")
def test_words_are_a_place_or_refused_in_one_line(words: str) -> None:
    try:
        place = location(words)
        resolved(place)
        assert isinstance(name_of(place), str)
    except UserError as error:
        assert error.exit_code == 2 and "\n" not in str(error)
        assert "secret" not in str(error)


@pytest.mark.parametrize(
    "words", ["\x00", "faces\x00", "x" * 5000, "file:///\x00", "memory://nobody/home", "memory://\x00"]
)
def test_no_dataset_is_there(words: str) -> None:
    with pytest.raises(UserError) as caught:
        open_dataset(words)
    assert "\n" not in str(caught.value) and isinstance(caught.value, DataError | UserError)
