import numpy as np

from ib_analysis.datasets.source import BLOCK_BYTES, block_length, in_blocks


def test_blocks_are_bounded_and_hold_everything_in_order():
    images = np.arange(5 * 4 * 2**20, dtype=np.uint32).astype(np.uint8).reshape(5, 1, 2048, 2048)
    labels = np.arange(5)
    blocks = list(in_blocks(images, labels, "decoder"))
    assert [len(block) for block in blocks] == [2, 2, 1]
    assert all(block.images.nbytes <= BLOCK_BYTES and block.part == "decoder" for block in blocks)
    np.testing.assert_array_equal(np.concatenate([block.images for block in blocks]), images)
    np.testing.assert_array_equal(np.concatenate([block.labels for block in blocks]), labels)


def test_an_image_larger_than_a_block_is_a_block():
    assert block_length((3, 3000, 3000)) == 1
