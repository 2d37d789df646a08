from pathlib import Path

import pytest
from upath import UPath

from pain3d.data.files import temporary_beside
from pain3d.errors import ArgumentError
from pain3d.places import location, name_of


@pytest.mark.parametrize("words", ["faces", "/data/faces", "./a b/../c", "C:/faces", "s3:odd", ""])
def test_a_path_stays_a_path(words):
    assert location(words) == Path(words) and location(Path(words)) == Path(words)


@pytest.mark.parametrize("url", ["file:///data/faces", "local:///data/faces"])
def test_a_file_url_is_a_path(url):
    assert location(url) == location(UPath(url)) == Path("/data/faces")
    assert isinstance(location(url), Path)


@pytest.mark.parametrize("url", ["s3://shop/faces", "s3://shop/faces/", "memory://shop/faces"])
def test_a_url_is_a_place_that_is_asked_anew(url):
    place = location(url)
    assert not isinstance(place, Path)
    assert str(place) == url.rstrip("/") and str(place / "data/x") == f"{url.rstrip('/')}/data/x"
    assert place.storage_options["use_listings_cache"] is False
    assert location(place) == place and name_of(place) == "faces"


def test_a_place_keeps_what_the_caller_gave_the_driver():
    place = location(UPath("s3://shop/faces", endpoint_url="http://localhost:9000"))
    assert place.storage_options == {"endpoint_url": "http://localhost:9000", "use_listings_cache": False}


def test_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert name_of(Path()) == tmp_path.name
    assert name_of(location("s3://shop")) == "shop"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("gs://shop/faces", "gs://shop/faces: the driver for gs:// is not installed; pip install gcsfs"),
        ("az://shop/faces", "az://shop/faces: the driver for az:// is not installed; pip install adlfs"),
        ("nowhere://shop", "nowhere:// is no kind of place that is known; give a folder, or a URL such as s3://"),
        ("simplecache::s3://shop/x", "simplecache::s3:// is no kind of place that is known"),
        ("s3:///faces", "s3:///faces: names no bucket; write for example s3://bucket/faces"),
        ("s3://shop/x?X-Amz-Signature=abc", "s3://shop/x?...: a signed URL opens one object"),
        (Path("s3://shop/faces"), "s3:/shop/faces: a URL loses a slash in a pathlib.Path; give it as a string"),
    ],
)
def test_refusals(words, said):
    with pytest.raises(ArgumentError) as refusal:
        location(words)
    assert said in str(refusal.value)


def test_a_password_in_a_url_is_refused_and_not_repeated():
    with pytest.raises(ArgumentError) as refusal:
        location("s3://AKIA:hush@shop/faces")
    assert str(refusal.value).startswith("s3://...@shop/faces: holds a password")
    assert "hush" not in str(refusal.value) and "AKIA" not in str(refusal.value)


def test_the_driver_of_s3_comes_with_an_extra(monkeypatch):
    def absent(kind):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("fsspec.get_filesystem_class", absent)
    with pytest.raises(ArgumentError, match=r"the driver for s3:// is not installed; pip install 'pain3d\[cloud\]'"):
        location("s3://shop/faces")


def test_machines_that_share_a_folder_write_under_names_of_their_own(monkeypatch):
    path = Path("shared") / "data" / "val-00000-of-00001.parquet"
    names = set()
    for machine in ("ward-1", "ward-2"):
        monkeypatch.setattr("platform.node", lambda machine=machine: machine)
        names.add(temporary_beside(path).name)
    assert len(names) == 2 and all(name.startswith(f".{path.name}.") and name.endswith(".tmp") for name in names)
