"""What our self-contained HTML pages share: one style sheet, and pictures that are part of the file."""

from __future__ import annotations

import base64
import html
import io
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

SIDE = 320
"""Pixels of a picture on a page."""


def style() -> str:
    """The style sheet."""
    return (Path(__file__).parent / "page.css").read_text(encoding="utf-8")


def figure(
    picture: UInt8[np.ndarray, "height width 3"],
    caption: str,
    resampling: Image.Resampling = Image.Resampling.LANCZOS,
) -> str:
    """A picture of SIDE x SIDE pixels with words below it; the words are escaped here."""
    buffer = io.BytesIO()
    Image.fromarray(picture).resize((SIDE, SIDE), resampling).save(buffer, "JPEG", quality=86)
    words = html.escape(caption)
    image = f'<img src="{data_url(buffer.getvalue(), "jpeg")}" alt="{words}" width="{SIDE}" height="{SIDE}">'
    return f"<figure>{image}<figcaption>{words}</figcaption></figure>"


def data_url(encoded: bytes, kind: str) -> str:
    """An encoded picture as the source of an <img>; `kind` is ``jpeg`` or ``png``."""
    return f"data:image/{kind};base64,{base64.b64encode(encoded).decode()}"
