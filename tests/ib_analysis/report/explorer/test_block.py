"""The block of the explorer: each image once, every number of every point, and nothing that ends a script."""

import json
from base64 import b64decode
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from ib_analysis.figures.samples import Samples
from ib_analysis.point import Network
from ib_analysis.report.explorer.block import Explored, explorer_block
from ib_analysis.report.explorer.pictures import png

ROOM = 1_000_000


def block(content, drawn, room=ROOM, **more):
    return json.loads(
        explorer_block([Explored(content.rows, content.fits, content.controls, drawn, **more)], room)
    )


def test_every_point_has_its_numbers_and_its_images(content, drawn):
    data = block(content, drawn)
    assert len(data["points"]) == 8
    for point in data["points"]:
        samples = drawn[point["panel"]]
        found = samples.at(data["epochs"][point["epoch"]], data["taps"][point["tap"]])
        shown = [[data["images"][number] for number in draw] for draw in point["draws"]]
        assert shown == [[png(image, 17) for image in draw] for draw in found]
        network = data["networks"][point["of"]]
        assert [data["images"][number] for number in network["originals"]] == [
            png(image, 17) for image in samples.originals
        ]
    first = data["points"][0]
    assert first["values"] == [
        [91.17, 89.51, 92.83], [1.24, 1.156, 1.324], [27.26, 26.22, 28.3], [2.0819, 2.0199, 2.1439]
    ]  # fmt: skip


def test_an_image_is_stored_once(content, drawn):
    """The originals of both networks are the same: 4, and 64 draws."""
    data = block(content, drawn)
    assert len(data["images"]) == len(set(data["images"])) == 4 + 64


def test_fewer_originals_where_the_room_is_small_and_all_networks_show_the_same(content, drawn):
    data = block(content, drawn, room=6_000)
    shown = [len(network["originals"]) for network in data["networks"]]
    assert shown[0] == shown[1]
    assert 0 < shown[0] < 4
    assert [network["of"] for network in data["networks"]] == [4, 4]
    assert sum(len(image) + 3 for image in data["images"]) <= 6_000


def test_the_page_of_40_points_of_24_images_stays_below_10_mb(content):
    """Noise of 3x32x32, which compresses worse than any image."""
    rng = np.random.default_rng(0)
    network = Network("net", "classifier", 0)
    shape = (3, 32, 32)
    drawn = {
        network.at(epoch, f"h{tap}"): rng.integers(0, 256, (2, 8, *shape)).astype(np.uint8)
        for epoch in range(10) for tap in range(4)
    }  # fmt: skip
    originals = rng.integers(0, 256, (8, *shape)).astype(np.uint8)
    samples = Samples(network, 256, np.arange(8), originals, tuple("01234567"), drawn)
    assert len(explorer_block([Explored(content.rows, drawn=[samples])], 9_000_000)) < 4_000_000


def test_what_is_said_of_samples_stands_at_their_point(content, drawn):
    point = Network("net", "classifier", 0).at(10, "logits")
    said = [p["said"] for p in block(content, drawn, said_of_samples={point: ("Colour is lost.",)})["points"]]
    assert said.count(["Colour is lost."]) == 1
    assert block(content, drawn)["points"][3]["said"] == []
    assert said[3] == ["Colour is lost."]


def test_no_name_ends_the_script(content, drawn):
    evil = "</script><!--\u2028"
    text = explorer_block([Explored(content.rows, drawn=(replace(drawn[0], classes=(evil,) * 4),))], ROOM)
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text)["networks"][0]["classes"] == [evil] * 4


def test_nothing_measured_is_no_explorer(content):
    assert explorer_block([Explored([row for row in content.rows if row.quantity != "I(y;h)"])], ROOM) == ""


def test_networks_that_are_compared_keep_their_own_ceilings(content):
    other = [row.model_copy(update={"bits": 7.0}) if row.quantity == "CE(x)" else row for row in content.rows]
    data = json.loads(explorer_block([Explored(content.rows, name="a"), Explored(other, name="b")], ROOM))
    assert [panel["name"] for panel in data["panels"]] == [
        "a: net, classifier", "a: net, autoencoder", "b: net, classifier", "b: net, autoencoder"
    ]  # fmt: skip
    assert [panel["ceilings"]["CE(x)"][0] for panel in data["panels"]] == [118.43, 118.43, 7.0, 7.0]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_png_holds_the_levels_of_the_image(channels):
    image = np.arange(channels * 4, dtype=np.uint8).reshape(channels, 2, 2)
    found = np.asarray(Image.open(BytesIO(b64decode(png(image, 12)))))
    assert found.ndim == (2 if channels == 1 else 3)
    expected = np.rint(image * (255 / 11)).astype(np.uint8)
    np.testing.assert_array_equal(found, expected[0] if channels == 1 else expected.transpose(1, 2, 0))
