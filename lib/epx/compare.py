"""Comparison of secrets."""


def equal(a, b):
    """Compare in constant time."""
    if len(a) != len(b):
        return False
    difference = 0
    for i in range(len(a)):
        difference |= a[i] ^ b[i]
    return not difference
