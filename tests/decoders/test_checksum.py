import pytest

from decoders.checksum import append_checksum, has_its_checksum


@pytest.fixture
def sealed(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(range(100)))
    append_checksum(path)
    return path


def test_a_whole_file_has_its_checksum_and_keeps_its_content(sealed):
    assert has_its_checksum(sealed)
    assert sealed.read_bytes()[:-32] == bytes(range(100))


def test_every_flipped_bit_and_every_truncation_is_found(sealed):
    sound = sealed.read_bytes()
    for bit in range(8 * len(sound)):
        content = bytearray(sound)
        content[bit // 8] ^= 1 << bit % 8
        sealed.write_bytes(content)
        assert not has_its_checksum(sealed), bit
    for length in range(len(sound)):
        sealed.write_bytes(sound[:length])
        assert not has_its_checksum(sealed), length
    sealed.write_bytes(sound + b"\0")
    assert not has_its_checksum(sealed)
