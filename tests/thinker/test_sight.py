import base64
import io

import numpy as np
from PIL import Image

from mio.contracts.messages import VideoFrame
from nodes.thinker.sight import Sight

NS = 1_000_000_000


def frame(red: int = 200) -> VideoFrame:
    pixels = np.zeros((90, 160, 3), np.uint8)
    pixels[..., 0] = red
    return VideoFrame(pixels=pixels.reshape(-1), width=160, height=90)


def test_the_newest_frame_becomes_a_small_picture():
    sight = Sight(64)
    sight.see(frame(10), NS)
    sight.see(frame(200), 2 * NS)
    head, _, data = sight.picture(3 * NS).partition(",")
    image = Image.open(io.BytesIO(base64.b64decode(data)))
    assert (head, image.size) == ("data:image/jpeg;base64", (64, 36))
    assert abs(image.getpixel((10, 10))[0] - 200) < 8


def test_without_a_new_frame_nothing_is_seen():
    sight = Sight(64)
    assert sight.picture(NS) == ""
    sight.see(frame(), NS)
    assert sight.picture(5 * NS) == ""
