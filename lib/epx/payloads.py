"""Parsers for Sub rows: from a payload's bytes to a value, or ValueError with what is wanted."""


def on_off(payload):
    word = payload.strip().lower()
    if word in (b"on", b"1", b"up"):
        return True
    if word in (b"off", b"0", b"down"):
        return False
    raise ValueError("want on or off")


def integer(low, high):
    def parse(payload):
        try:
            value = int(payload)
            if low <= value <= high:
                return value
        except (ValueError, OverflowError):
            pass
        raise ValueError("want an integer from %d to %d" % (low, high))

    return parse


def text(most_bytes):
    def parse(payload):
        try:
            if len(payload) <= most_bytes:
                return str(payload, "utf-8")
        except UnicodeError:
            pass
        raise ValueError("want UTF-8 text of at most %d bytes" % most_bytes)

    return parse
