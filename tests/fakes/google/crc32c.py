"""CRC-32C (Castagnoli), which Cloud Storage and Secret Manager send beside what they store; Python has none of its
own.

A loop over bytes would take a second for every megabyte. The data is cut into lanes of equal length instead, which
all go one byte further at a time: the four bytes of their checksums lie in four planes, a table is `bytes.translate`,
and an exclusive or is one of whole numbers, so that the loops are C's.
"""

import base64
import functools

POLYNOMIAL = 0x82F63B78
LANES = 4096


def _entry(index: int) -> int:
    for _ in range(8):
        index = index >> 1 ^ (POLYNOMIAL if index & 1 else 0)
    return index


TABLE = [_entry(index) for index in range(256)]
PLANES = [bytes(entry >> shift & 0xFF for entry in TABLE) for shift in (0, 8, 16, 24)]


def _update(state: int, data: bytes) -> int:
    for byte in data:
        state = TABLE[(state ^ byte) & 0xFF] ^ state >> 8
    return state


def _xor(left: bytes, right: bytes) -> bytes:
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(len(left), "big")


@functools.lru_cache(maxsize=64)
def _zeros(length: int) -> list[int]:
    """What `length` zero bytes make of each of a checksum's 32 bits: they act on every bit by itself."""
    if length == 1:
        return [_update(1 << bit, b"\0") for bit in range(32)]
    half = _zeros(length // 2)
    twice = [_apply(half, image) for image in half]
    return [_update(image, b"\0") for image in twice] if length % 2 else twice


def _apply(images: list[int], state: int) -> int:
    result = 0
    for bit, image in enumerate(images):
        if state >> bit & 1:
            result ^= image
    return result


def _lanes(data: bytes, length: int) -> list[int]:
    """The checksums, each begun with nothing, of `LANES` pieces of `length` bytes."""
    planes = [bytes(LANES)] * 4
    for offset in range(length):
        index = _xor(planes[0], data[offset::length])
        shifted = [*planes[1:], bytes(LANES)]
        planes = [_xor(plane, index.translate(table)) for plane, table in zip(shifted, PLANES)]
    return [low | second << 8 | third << 16 | high << 24 for low, second, third, high in zip(*planes)]


def checksum(data: bytes) -> int:
    """The checksum as a number: 0xe3069283 for `123456789`."""
    state = 0xFFFFFFFF
    length = len(data) // LANES
    if length:
        images = _zeros(length)
        for lane in _lanes(data[: length * LANES], length):
            state = _apply(images, state) ^ lane
    return _update(state, data[length * LANES :]) ^ 0xFFFFFFFF


def encoded(data: bytes) -> str:
    """The checksum as Cloud Storage writes it: big-endian, in base64."""
    return base64.b64encode(checksum(data).to_bytes(4, "big")).decode()
