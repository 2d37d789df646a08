"""Pictures of maps: colours where the map is, grey where it is not, and a sheet that holds every tile."""

import numpy as np

from pain3d.evaluate.overlay import Strip, Tile, contact_sheet, laid_over, warm

FACE = np.full((20, 30, 3), 120, np.uint8)


def test_a_map_of_nothing_leaves_the_grey_picture():
    plain = laid_over(FACE, np.zeros((20, 30)))
    assert (plain == 66).all()


def test_colours_stand_where_the_map_is_strong_and_only_there():
    strength = np.zeros((20, 30))
    strength[5:10, 3:9] = 2.0
    picture = laid_over(FACE, strength)
    assert (picture[5:10, 3:9] == [255, 255, 240]).all()
    assert (np.delete(picture, np.s_[3:9], axis=1) == 66).all()


def test_a_mirrored_map_gives_a_mirrored_picture():
    strength = np.linspace(0, 1, 600).reshape(20, 30)
    assert (laid_over(FACE, strength[:, ::-1]) == laid_over(FACE, strength)[:, ::-1]).all()


def test_the_colours_grow_brighter():
    assert (np.diff(warm(np.linspace(0, 1, 50)).sum(axis=1)) > 0).all()


def test_the_sheet_holds_every_tile_whole_and_apart():
    red, blue = np.zeros((20, 20, 3), np.uint8), np.zeros((20, 20, 3), np.uint8)
    red[..., 0], blue[..., 2] = 255, 255
    strips = [
        Strip(title=f"row {i}", tiles=(Tile(picture=red, caption="a"), Tile(picture=blue, caption="b")))
        for i in range(3)
    ]
    pixels = np.asarray(contact_sheet(strips, title="title", tile=40))
    assert (pixels == [255, 0, 0]).all(axis=2).sum() == 3 * 40 * 40
    assert (pixels == [0, 0, 255]).all(axis=2).sum() == 3 * 40 * 40


def test_a_tile_that_is_no_square_keeps_its_shape():
    wide = np.zeros((20, 40, 3), np.uint8)
    wide[..., 1] = 255
    pixels = np.asarray(contact_sheet([Strip(title="", tiles=(Tile(picture=wide, caption=""),))], title="", tile=40))
    assert (pixels == [0, 255, 0]).all(axis=2).sum() == 20 * 40
