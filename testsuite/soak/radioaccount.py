"""What became of each reading: from send_data() in a peripheral to the broker of the house.

Devices are looked at through Device.after_import: methods of modules of the running program are
wrapped, which changes nothing of what they do.
"""


def after_import_too(device, more):
    """Call more(name, module), too, when a module of the device's program has run."""
    before = device.after_import

    def after_import(name, module):
        if before:
            before(name, module)
        more(name, module)

    device.after_import = after_import


class Reading:
    """One message that was given to send_data() with confirm mode 2."""

    def __init__(self, device, tid, payload, ms):
        self.device = device
        self.tid = tid
        self.payload = payload
        self.ms = ms
        self.calls = []  # (ms, boot of the central) of each call of a command
        self.confirmed_ms = None
        self.power_cut = False  # of the peripheral, before it arrived
        self.dropped = False  # the peripheral had too many


class Account:
    """readings: {TID: Reading}, all of them; problems: texts, of what must not happen."""

    def __init__(self, village):
        self.village = village
        self.world = village.world
        self.readings = {}
        self.by_device = {device: [] for device in village.peripherals}
        self.by_mac = {device.wifi.mac: device for device in village.peripherals}
        self.problems = []
        self.boots = dict.fromkeys(village.centrals, 0)
        self.published = {}  # {topic: [(ms, payload)]}
        self._seen_publications = 0
        self.on_command = None  # called with the device whose command was called
        for device in village.peripherals:
            after_import_too(device, self._watch_peripheral(device))
        for device in village.centrals:
            after_import_too(device, self._watch_central(device))

    # Looking in.

    def _watch_peripheral(self, device):
        def after_import(name, module):
            if name == "epx.netnowp":
                self._wrap_send(device, module.NetNowPeripheral)
            elif name == "scale_sensor.sensor":
                self._wrap_scale(device, module.Scale)
            elif name == "epx.nowunsent":
                self._wrap_sent(module.Memory)
            elif name == "tnowp.sensor":
                self._wrap_told(device, module.LinkTest)

        return after_import

    def _wrap_scale(self, device, kind):
        init = kind.__init__

        def begin(scale, *args, **kwargs):
            # A weight that no other reading has.
            device.sent += 1
            device.bench.parts["cell"].mass_kg = self.kg_of(device)
            init(scale, *args, **kwargs)

        kind.__init__ = begin

    def kg_of(self, device):
        from testsuite.soak.radio import KG_PER_SCALE

        return device.number * KG_PER_SCALE + device.sent % KG_PER_SCALE

    def _wrap_send(self, device, kind):
        send_data = kind.send_data

        def observed(now, payload, confirm_mode=2, *args, **kwargs):
            before = [message[:12] for message in now.memory.unsent]
            result = send_data(now, payload, confirm_mode, *args, **kwargs)
            if confirm_mode == 2:
                after = [message[:12] for message in now.memory.unsent]
                for tid in before:
                    if tid not in after:
                        self.readings[tid].dropped = True
                reading = Reading(device, after[-1], payload, self.world.now_ms())
                self.readings[after[-1]] = reading
                self.by_device[device].append(reading)
            return result

        kind.send_data = observed

    def _wrap_told(self, device, kind):
        told = kind.told

        def observed(test, value):
            if self.on_command:
                self.on_command(device)
            told(test, value)

        kind.told = observed

    def _wrap_sent(self, kind):
        sent = kind.sent

        def observed(memory, tid):
            result = sent(memory, tid)
            if result and self.readings[tid].confirmed_ms is None:
                self.readings[tid].confirmed_ms = self.world.now_ms()
                if not self.readings[tid].calls:
                    self.problem("confirmed, but never received", self.readings[tid])
            return result

        kind.sent = observed

    def _watch_central(self, device):
        def after_import(name, module):
            if name == "epx.netnowc":
                self._wrap_init(device, module.NetNowCentral)
            elif name == "scale_manager.sensor":
                self._wrap_command(device, module.RemoteScale, "heard_weight")
                self._wrap_command(device, module.RemoteScale, "heard_malfunction")
            elif name == "tnowc.sensor":
                self._wrap_command(device, module.LinkTest, "heard_rssi")
                self._wrap_command(device, module.LinkTest, "heard_value")

        return after_import

    def _wrap_init(self, device, kind):
        init = kind.__init__

        def begin(now, *args, **kwargs):
            device.now = now
            self.boots[device] += 1
            init(now, *args, **kwargs)

        kind.__init__ = begin

    def _wrap_command(self, device, kind, name):
        command = getattr(kind, name)

        def observed(source, value):
            self._received(device, value)
            command(source, value)

        setattr(kind, name, observed)

    def _received(self, central, value):
        now = central.now
        if self.on_command:
            self.on_command(central)
        tid = bytes(now._tid_view)
        reading = self.readings.get(tid)
        if reading is None:
            self.problem("%s obeyed what nobody has sent: %s" % (central.name, value), None)
            return
        if reading.device.wifi.mac != now.sender:
            self.problem("somebody else's reading", reading)
        if self.village.central_of(reading.device) is not central:
            self.problem("of the other group", reading)
        boot = self.boots[central]
        if reading.calls and reading.calls[-1][1] == boot:
            self.problem("delivered twice", reading)
        reading.calls.append((self.world.now_ms(), boot))
        self._in_order(reading)

    def _in_order(self, reading):
        """No later one has arrived before."""
        readings = self.by_device[reading.device]
        for later in reversed(readings):
            if later is reading:
                break
            if later.calls and len(reading.calls) == 1:
                self.problem("out of order", reading)

    def problem(self, words, reading):
        if reading:
            words += ": %s of %s, sent at %d ms" % (
                reading.payload,
                reading.device.name,
                reading.ms,
            )
        self.problems.append("%d ms: %s" % (self.world.now_ms(), words))

    # What the village knows.

    def peripheral_cut(self, device):
        for reading in self.by_device[device]:
            if reading.confirmed_ms is None:
                reading.power_cut = True

    def book(self):
        """Take over what the broker has got."""
        broker = self.world.broker
        for publication in broker.publications():
            self.published.setdefault(publication.topic, []).append(
                (publication.ms, publication.payload)
            )
        broker.forget_publications()

    # The balance.

    def late(self, before_ms):
        """Readings sent before that time that no command was called for yet."""
        return [
            reading
            for reading in self.readings.values()
            if not reading.calls and not reading.power_cut and reading.ms < before_ms
        ]

    def lost(self, before_ms):
        """The same, without those that wait in the RTC memory of a device for its next wake."""
        late = self.late(before_ms)
        return [r for r in late if r.tid not in r.device.bench.rtc_memory]

    def not_published(self, before_ms):
        """Readings of scales that were received and are not at the broker."""
        weights = {}
        for central in self.village.centrals:
            topic = "stat/%s/Weight" % central.name
            weights[central] = {payload for _, payload in self.published.get(topic, ())}
        return [
            reading
            for device in self.village.scales
            for reading in self.by_device[device]
            if reading.calls
            and reading.confirmed_ms
            and b"/Weight" in reading.payload
            and reading.ms < before_ms
            and _at_broker(reading) not in weights[self.village.central_of(device)]
        ]

    def lost_by_power_cuts(self):
        return [r for r in self.readings.values() if not r.calls and r.power_cut]


def _at_broker(reading):
    return b"%.3f" % float(reading.payload.split(b"\n")[1])
