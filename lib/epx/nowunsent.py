"""What a peripheral keeps: in the RAM of the clock through its sleep, in NVRAM for ever."""

from struct import pack, unpack_from
from time import time

from esp32 import NVS
from micropython import const

from epx import log, rtcmemory
from epx.loop import Task, uptime_s
from epx.nowtime import NetworkTime
from epx.nowwire import TID_BYTES, TIME_BYTES

MOST_UNSENT = const(6)  # messages: 1,128 of the clock's 2,048 bytes if all are of the longest
_UNKNOWN = bytes(TIME_BYTES)
_LONGEST_S = const(2000000)  # three weeks; then its clock is off too far anyway
_PAIR_BYTES = const(86)
_RTC_BLOCK = const(16)
_NVRAM_BLOCK = const(1024)
_LAYOUT = ">I12sIi"  # counter reserved, network time, seconds of the clock then, ms for scans
_SIZE = const(24)


class Counter:
    """Numbers of packets, which only rise: none is used twice, whatever resets or power cuts come.

    Every 16 are reserved in the RAM of the clock, every 1024 in NVRAM. So flash is written once
    per 1024 packets and once per power cut: 20 years at 1,000 packets a day are 7,300 writes.
    """

    def __init__(self, start):
        self._nvs = NVS("now")
        try:
            self._limit = self._nvs.get_i32("counter")
        except OSError:
            self._limit = 0
        # After a power cut, from the first number that was never reserved.
        self.value = self._limit if start is None else start
        if start is None:
            self._reserve()

    def _reserve(self):
        self._limit = self.value + _NVRAM_BLOCK
        try:
            self._nvs.set_i32("counter", self._limit)
            self._nvs.commit()
        except OSError as error:
            log.error("netnow: counter not kept: %s", error)

    def next(self):
        self.value += 1
        if self.value >= self._limit:
            self._reserve()
        return self.value


class Memory:
    """Saved as a whole before a sleep, and ahead of use where a reset must not turn it back.

    time: the network's, None if it is not known; as exact as the clock of a sleeping chip is.
    slept_ms: how long ago all this was saved.
    """

    slept_ms = 0
    scan_ms = 130000  # all that may be saved up; below 0: spent in advance

    def __init__(self):
        kept = rtcmemory.read("now")
        start = None
        self.time = None
        if kept and len(kept) == _SIZE:
            start, network_time, stamp_s, self.scan_ms = unpack_from(_LAYOUT, kept)
            slept_s = int(time()) - stamp_s
            if 0 <= slept_s < _LONGEST_S:
                self.slept_ms = slept_s * 1000
                if network_time != _UNKNOWN:
                    self.time = NetworkTime(network_time)
                    self.time.add(self.slept_ms)
        self.counter = Counter(start)
        self._reserved = self.counter.value
        self.unsent = []
        for number in range(MOST_UNSENT):
            message = rtcmemory.read("now%d" % number)
            if message:
                self.unsent.append(message)
        self.back_tids = rtcmemory.read("nowback") or b""

    def next_counter(self):
        value = self.counter.next()
        if value >= self._reserved:
            self._reserved = value + _RTC_BLOCK
            self._write(self._reserved)
        return value

    def _write(self, counter):
        network_time = self.time.now() if self.time else _UNKNOWN
        _keep("now", pack(_LAYOUT, counter, network_time, int(time()), self.scan_ms))

    def save(self):
        """Before a sleep or reset."""
        self._reserved = self.counter.value
        self._write(self._reserved)

    def keep(self, tid, payload):
        """One more to send -> the TID of the oldest one if that has made room, or None."""
        lost = None
        if len(self.unsent) >= MOST_UNSENT:
            lost = self.unsent.pop(0)[:TID_BYTES]
            log.warn("netnow: too many readings wait, the oldest is lost")
        self.unsent.append(tid + payload)
        self._write_unsent()
        return lost

    def sent(self, tid):
        for message in self.unsent:
            if message[:TID_BYTES] == tid:
                self.unsent.remove(message)
                self._write_unsent()
                return True
        return False

    def _write_unsent(self):
        for number in range(MOST_UNSENT):
            has_one = number < len(self.unsent)
            _keep("now%d" % number, self.unsent[number] if has_one else None)

    def is_new(self, tid):
        """Of back data: each is handed on once."""
        if tid in self.back_tids:
            return False
        self.back_tids = (self.back_tids + tid)[-4 * TID_BYTES :]
        _keep("nowback", self.back_tids)
        return True


def _keep(name, data):
    """In the RAM of the clock; if there is no room, nothing: what was there before is not true."""
    try:
        rtcmemory.write(name, data)
    except ValueError as error:
        log.error("netnow: %s not kept: %s", name, error)
        rtcmemory.write(name, None)


class Waiting:
    """Who waits to be told what becomes of messages: once each. As many as there are messages."""

    def __init__(self, too_late):
        self.all = {}  # {TID: [done or None, second of the uptime when it is late]}
        self._task = Task(too_late, core=True)
        self._task.cancel()

    def add(self, tid, done, limit_ms):
        self.all[tid] = [done, uptime_s() + (limit_ms + 999) // 1000]
        self.arm()

    def arm(self):
        """Wake up for the next one that is late."""
        if self.all:
            next_s = min([entry[1] for entry in self.all.values()])
            self._task.restart(max(0, next_s - uptime_s()) * 1000)

    def hurry(self, limit_s):
        """Be late in so many seconds from now at most."""
        for entry in self.all.values():
            entry[1] = min(entry[1], uptime_s() + limit_s)
        self.arm()

    def postpone(self, limit_s):
        """Be late in so many seconds from now at least."""
        for entry in self.all.values():
            entry[1] = max(entry[1], uptime_s() + limit_s)
        self.arm()

    def late(self):
        """TIDs."""
        now_s = uptime_s()
        return [tid for tid, entry in self.all.items() if entry[1] <= now_s]

    def tell(self, tid, is_delivered):
        entry = self.all.pop(tid, None)
        if entry and entry[0]:
            entry[0](is_delivered)


class Pairing:
    """The pair of a peripheral, in NVRAM: who the central is, on which channel, and the secret."""

    def __init__(self):
        self._nvs = NVS("now")
        pair = bytearray(_PAIR_BYTES)
        try:
            if self._nvs.get_blob("pair", pair) != _PAIR_BYTES:
                raise OSError
            pair = bytes(pair)
            self.manager, self.secret, self.proof = pair[:6], pair[6:38], pair[38:54]
            self.public = pair[54:]
            self.channel = self._nvs.get_i32("channel")
        except OSError:
            self.manager = self.secret = self.proof = self.public = None
            self.channel = 0

    def put(self, manager, secret, proof, public):
        """public: our key of that exchange, for which the central has given us the proof."""
        self.manager, self.secret, self.proof = manager, secret, proof
        self.public = public
        self._commit(manager + secret + proof + public)

    def put_channel(self, channel):
        if channel != self.channel:
            self.channel = channel
            self._commit(None)

    def forget(self):
        self.manager = self.secret = self.proof = self.public = None
        self._commit(b"")

    def _commit(self, pair):
        try:
            if pair is not None:
                self._nvs.set_blob("pair", pair)
            self._nvs.set_i32("channel", self.channel)
            self._nvs.commit()
        except OSError as error:
            log.error("netnow: pairing not kept: %s", error)
