"""Hands what comes by radio to whom it is for, by Hear rows; loaded by who has some."""

from micropython import const

from epx import diag, log
from epx.loop import uptime_s
from epx.nowtopics import split
from epx.nowwire import payload_of

_COMPLAINTS_PER_SECOND = const(5)


class Hearer:
    """Short functions: see nowwire.Channel."""

    _complained_s = -1
    core = False  # as the owner of commands: what they raise is the appliance's own

    def __init__(self):
        self._rows = {}

    def bind(self, source, rows):
        for row in rows:
            self._rows[row.topic.encode()] = (row.parse, getattr(source, row.command))

    def dispatch(self, body):
        """False if it makes no sense."""
        try:
            self._deliver(payload_of(body))
            return True
        except ValueError as error:
            return self._complain(error)

    def _complain(self, error):
        if uptime_s() != self._complained_s:
            self._complained_s = uptime_s()
            self._complaints = 0
        self._complaints += 1
        if self._complaints <= _COMPLAINTS_PER_SECOND:
            log.warn("netnow: %s", error)
        return False

    def _deliver(self, payload):
        topic, value = split(payload)
        row = self._rows.get(topic)
        if row is None:
            raise ValueError("unknown topic %s" % topic)
        self._command(row[1], row[0](value))

    def _command(self, command, value):
        try:
            command(value)
        except Exception as error:
            self._fault(error)

    def _fault(self, error):
        diag.handle_fault(self, error)
