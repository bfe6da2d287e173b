"""Does anything of an attacker's packets do anything? Judged packet by packet, from outside.

When a device takes a packet of an attacker from its radio, what the device knows is compared
before and after it has dealt with that one: who is paired, counters, the network time, what was
delivered, which commands were called, what was sent. That is exact, whatever honest devices do
meanwhile. Two things are no acceptance. An attacker may carry a packet to somebody who has missed
it: as long as it is fresh and was not taken before, it is the honest one, and who hands it on no
matter. And to a pair request heard once more within its second the answer is sent once more.
"""

from testsuite.soak.radioaccount import after_import_too

_TIME, _PAIRING, _WAKEUP = 2, 4, 5
_FRESH_MS = 1500
_FRESH_ANSWER_MS = 5100  # docs/radio-protocol.md: so long a confirmation may be held back
_FRESH_WAKEUP_MS = 610_000
_REMEMBERED_MS = 700_000
_EVERYBODY = bytes(6)


class Hostile(bytes):
    """The bytes of a packet that an attacker has sent, told from all others by its class."""


class Guard:
    """accepted: texts, of what must not happen. judged: {(role, type): packets}. carried: honest
    packets that came by an attacker first; answered: pair requests that were answered again."""

    def __init__(self, village):
        self.village = village
        self.world = village.world
        self.accepted = []
        self.judged = {}
        self.carried = self.answered = 0
        self._honest = {}  # {bytes: ms} of what honest devices have sent lately
        self._taken = {device: {} for device in self.world.devices}
        self._sends = dict.fromkeys(self.world.devices, 0)
        self._commands = dict.fromkeys(self.world.devices, 0)
        self._pending = {}
        self.world.ether.sniff(self._note)
        for device in self.world.devices:
            self._watch(device)

    def enlist(self, attacker):
        """All that this one sends is hostile, whatever it says."""
        transmit = attacker.transmit

        def observed(how, data, *args, **kwargs):
            sent = transmit(how, data, *args, **kwargs)
            sent.data = Hostile(sent.data)
            return sent

        attacker.transmit = observed

    def _note(self, sent):
        if not isinstance(sent.data, Hostile):
            honest = self._honest
            honest[sent.data] = self.world.now_ms()
            if len(honest) > 20_000:
                oldest_ms = self.world.now_ms() - _REMEMBERED_MS
                self._honest = {data: ms for data, ms in honest.items() if ms > oldest_ms}
                for taken in self._taken.values():
                    taken.clear()

    def _watch(self, device):
        radio = device.bench.radio
        take, send = radio.take, radio.send

        def take_observed(timeout_ms):
            self._judge(device)
            packet = take(timeout_ms)
            if packet:
                data = packet[1]
                if isinstance(data, Hostile):
                    self._pending[device] = (data, self._state(device), self._sends[device])
                else:
                    self._taken[device][data] = True
            return packet

        def send_observed(meant, data, *args):
            # Time broadcasts are for everybody; that they come early now and then is no harm.
            if data[1] != _TIME or data[6:12] != _EVERYBODY:
                self._sends[device] += 1
            return send(meant, data, *args)

        radio.take, radio.send = take_observed, send_observed
        after_import_too(device, lambda name, module: self._imported(device, name, module))

    def _imported(self, device, name, module):
        if name == "epx.netnow":
            serve = module.NetNow._serve

            def observed(now, events):
                device.now = now
                serve(now, events)
                self._judge(device)

            module.NetNow._serve = observed
        elif name == "epx.loop":
            self._pending.pop(device, None)  # it boots

    def command_called(self, device):
        self._commands[device] += 1

    def _state(self, device):
        """What a packet might change, without what changes by itself."""
        now = device.now
        common = (self._commands[device], device.bench.nvs_writes)
        if device in self.village.centrals:
            ahead_ms = int.from_bytes(now.time.now(), "big") - self.world.now_ms()
            peers = [now.roster.peer_of(identity) for identity in now.roster.heard]
            # One whose old packet was refused is known by name then; it was not heard.
            peers = [(p.counter, p.delivered, p.update) for p in peers if p.counter]
            return common + (
                ahead_ms,
                peers,
                now.desk.pending,
                tuple(sorted(now.roster.pairs.index)),
            )
        memory, pairing = now.memory, now.pairing
        time = memory.time
        ahead_ms = int.from_bytes(time.now(), "big") - self.world.now_ms() if time else 0
        waiting = (tuple(memory.unsent), memory.back_tids)
        return common + (ahead_ms, waiting, pairing.secret, pairing.manager)

    def _judge(self, device):
        pending = self._pending.pop(device, None)
        if pending is None:
            return
        data, before, sends = pending
        role = "central" if device in self.village.centrals else "peripheral"
        key = (role, data[1] if len(data) > 1 else 0)
        self.judged[key] = self.judged.get(key, 0) + 1
        changed = self._state(device) != before
        # Peripherals ask when they hear a time that they do not believe: throttled, and harmless.
        sent = role == "central" and self._sends[device] != sends
        if changed or sent:
            self._explain(device, data, changed, before)

    def _explain(self, device, data, changed, before):
        plain = bytes(data)
        age_ms = self.world.now_ms() - self._honest.get(plain, -1 << 40)
        fresh = age_ms <= _fresh_ms(data)
        booted_ms = max([0] + [ms for ms, _ in device.resets])
        fresh = fresh and self.world.now_ms() - age_ms > booted_ms
        if fresh and data[1] == _PAIRING and not changed:
            self.answered += 1
        elif fresh and plain not in self._taken[device]:
            self.carried += 1
            self._taken[device][plain] = True
        else:
            self.accepted.append(
                "%d ms: %s accepted a packet of type %d with %d bytes, heard %d ms ago\n%s\n%s"
                % (
                    self.world.now_ms(),
                    device.name,
                    data[1],
                    len(data),
                    age_ms,
                    before,
                    self._state(device),
                )
            )


def _fresh_ms(data):
    """How long after it was sent a packet may still come, for who has not had it."""
    if data[1] == _WAKEUP:
        return _FRESH_WAKEUP_MS
    return _FRESH_ANSWER_MS if data[1] == _TIME and data[6:12] != _EVERYBODY else _FRESH_MS
