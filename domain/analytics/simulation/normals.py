"""Random numbers of one block's stream, in single precision."""

import numpy as np

from domain.analytics.arrays import Float32

_TURN = np.float32(np.pi * 2.0**-31)
_UNIT = np.float32(2.0**-31)


def normals(stream: np.random.SFC64, shape: tuple[int, ...]) -> Float32:
    """Independent standard normals (an even number), by Box and Muller (1958), out to 6.6 standard deviations."""
    half = int(np.prod(shape)) // 2
    bits = stream.random_raw(half).view(np.int32).astype(np.float32)
    radius, angle = bits[:half], bits[half:]
    normal = np.empty((2, half), np.float32)
    np.abs(radius, out=radius)
    radius += np.float32(0.5)  # keeps the logarithm finite
    radius *= _UNIT
    np.log(radius, out=radius)
    radius *= np.float32(-2)
    np.sqrt(radius, out=radius)
    angle *= _TURN
    np.cos(angle, out=normal[0])
    np.sin(angle, out=normal[1])
    normal *= radius
    return normal.reshape(shape)


def exponentials(stream: np.random.SFC64, shape: tuple[int, ...]) -> Float32:
    """Independent exponentials of mean 1 (an even number), from 2^-32 to 22.2."""
    bits = stream.random_raw(int(np.prod(shape)) // 2).view(np.int32).astype(np.float32)
    np.abs(bits, out=bits)
    bits += np.float32(0.5)
    bits *= _UNIT
    np.log(bits, out=bits)
    np.negative(bits, out=bits)
    return bits.reshape(shape)


def uniforms(stream: np.random.SFC64, shape: tuple[int, ...]) -> Float32:
    """Independent uniforms (an even number) in [0, 1], in steps of 2^-31 near 0."""
    bits = stream.random_raw(int(np.prod(shape)) // 2).view(np.uint32)
    return np.asarray((bits >> np.uint32(1)).astype(np.float32) * _UNIT).reshape(shape)
