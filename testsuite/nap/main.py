"""Something on a battery: small, for stories about what happens to its program."""

from epx.sleeper import start


def settings():
    return ()


def build(sleeper):
    from nap.sensor import Nap

    Nap(sleeper)


start("nap", settings, build)
