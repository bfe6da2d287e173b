"""X25519: two who know each other's public key get a secret that nobody else knows (RFC 7748).

Keys are 32 bytes, little endian. A secret key is 32 random bytes, of os.urandom() for example.

Time: an ESP32 at 80 MHz needs 0.7 s for public() or shared(), by this estimate. On a PC, 32-bit
MicroPython 1.25 takes 3.9 ms for one, and 1.3 ms for bm_pidigits, the benchmark of long integers
in MicroPython's own suite (65 digits of pi: numbers of like length, and as many objects). So one
is three of them, of which each takes an ESP32 110 ms (its score is 592 in pull request 7850, part
of all firmwares since 1.18) with its usual 160 MHz: 0.33 s, and twice that with 80 MHz. If those
592 were measured with 240 MHz, it is 1 s. Pairing may take 2 s.

Nothing branches on a bit of a secret. But integers of Python have the length that they need, and
their operations the time for it: who can measure thousands of exchanges with one secret to a
microsecond may learn something about it. A secret that serves one exchange, as that of a pairing,
shows nothing that way.
"""

_PRIME = (1 << 255) - 19
_MASK = (1 << 255) - 1
_BASE = 9
_A24 = 121665  # (486662 - 2) / 4, section 5


def public(secret):
    """The public key of a secret one."""
    return _multiply(secret, _BASE).to_bytes(32, "little")


def shared(secret, other_public):
    """What both sides get. ValueError: the other side's key makes it zero for whatever secret
    (section 6.1), or has not 32 bytes."""
    if len(other_public) != 32:
        raise ValueError("want a public key of 32 bytes")
    # The highest bit means nothing (section 5); what exceeds the prime is reduced on the way.
    value = _multiply(secret, int.from_bytes(other_public, "little") & _MASK)
    if not value:
        raise ValueError("want a public key that is not of low order")
    return value.to_bytes(32, "little")


def _multiply(secret, x1):
    """The function X25519 of section 5."""
    if len(secret) != 32:
        raise ValueError("want a secret of 32 bytes")
    key = bytearray(secret)
    key[0] &= 0xF8
    key[31] |= 0x40  # the bit above is not looked at
    x, z = _ladder(key, x1)
    return x * _inverse(z) % _PRIME


# Products that are multiplied once more are folded only: 2**255 is 19 modulo the prime, so what is
# above the lowest 255 bits comes back 19 times below. That leaves 262 bits at most and takes half
# the time of a division. What goes to the next bit is divided, or it would grow for ever. Where
# the prime is added, a number stays positive: MicroPython takes longer to fold negative ones.


def _ladder(key, x1):
    """(x, z), the key's multiple of x1 being their quotient.

    Montgomery's ladder over the bits of the key. (x2, z2) and (x3, z3) are the multiple so far and
    that plus one; which is which depends on the bit before. One of them is doubled, which depends
    on both bits; the sum of both does not.
    """
    prime, mask = _PRIME, _MASK
    x2, z2, x3, z3 = 1, 0, x1, 1
    last = 0
    for i in range(254, -1, -1):
        bit = key[i >> 3] >> (i & 7) & 1
        other = bit ^ last
        last = bit
        a = x2 + z2
        b = x2 - z2 + prime
        c = x3 + z3
        d = x3 - z3 + prime
        da = d * a
        cb = c * b
        da = (da & mask) + 19 * (da >> 255)
        cb = (cb & mask) + 19 * (cb >> 255)
        a = a * (1 - other) + c * other
        b = b * (1 - other) + d * other
        a *= a
        b *= b
        a = (a & mask) + 19 * (a >> 255)
        b = (b & mask) + 19 * (b >> 255)
        x2 = a * b % prime
        b = a - b
        z2 = b * (a + _A24 * b) % prime
        a = da + cb
        b = da - cb
        b *= b
        x3 = a * a % prime
        z3 = x1 * ((b & mask) + 19 * (b >> 255)) % prime
    return x2, z2  # as the last bits are 0


def _inverse(z):
    """z**(2**255 - 21), by Fermat 1/z; 0 for 0. Names say which power: p40 is 2**40 - 1.

    254 squares and 11 products are half the time of pow(), which takes a product for each bit set.
    """
    prime = _PRIME
    z2 = z * z % prime
    z9 = _squared(z2, 2) * z % prime
    z11 = z9 * z2 % prime
    p5 = z11 * z11 % prime * z9 % prime
    p10 = _squared(p5, 5) * p5 % prime
    p20 = _squared(p10, 10) * p10 % prime
    p40 = _squared(p20, 20) * p20 % prime
    p50 = _squared(p40, 10) * p10 % prime
    p100 = _squared(p50, 50) * p50 % prime
    p200 = _squared(p100, 100) * p100 % prime
    p250 = _squared(p200, 50) * p50 % prime
    return _squared(p250, 5) * z11 % prime


def _squared(x, times):
    prime = _PRIME
    for _ in range(times):
        x = x * x % prime
    return x
