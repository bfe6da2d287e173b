"""A computer of the story talks to a device: a toy that sends back what it gets, in capitals."""

from testmock.simworld.pc import Faults, Pc

SECONDS = 1000
ADDRESS = "192.168.1.7"
PORT = 1337


def echo(world, heard=None):
    """A device that serves one connection after the other, and tells what it got."""
    heard = [] if heard is None else heard

    def main(load):
        network = load("network")
        wlan = network.WLAN(network.STA_IF)
        wlan.active(True)
        wlan.connect("home", "secret")
        time = load("time")
        while not wlan.isconnected():
            time.sleep_ms(100)
        listener = load("socket").socket()
        listener.bind(("0.0.0.0", PORT))
        listener.listen(1)
        while True:
            connection, address = listener.accept()
            got = []
            heard.append((address[0], got))
            try:
                while True:
                    data = connection.recv(100)
                    got.append(data)
                    if not data:
                        break
                    connection.sendall(data.upper())
            except OSError as error:
                got.append(error.args[0])
            connection.close()

    world.device.boot_function = main
    world.device.power_on()
    world.run_for(5 * SECONDS)
    return heard


def exchange(pc, messages, timeout_s=5.0):
    """Send each message and read as many bytes as it has."""
    answers = []
    with pc.connect(ADDRESS, PORT, timeout_s) as socket:
        for message in messages:
            socket.sendall(message)
            answer = b""
            while len(answer) < len(message):
                part = socket.recv(100)
                if not part:
                    answers.append("end")
                    return answers
                answer += part
            answers.append(answer)
    return answers


def error_of(pc, function, *args):
    """The kind of error that the function ends with on the computer."""
    try:
        pc.do(120 * SECONDS, function, *args)
    except OSError as error:
        return type(error).__name__
    return None


def kind(name):
    """MicroPython has only OSError."""
    return name if "ConnectionResetError" in dir(__import__("builtins")) else "OSError"


def test_a_blocking_function_talks_to_a_device(world):
    heard = echo(world)
    pc = Pc(world)
    begin_ms = world.now_ms()
    assert pc.do(10 * SECONDS, exchange, pc, [b"one", b"two"]) == [b"ONE", b"TWO"]
    # Two ways to connect, and two for each message.
    assert world.now_ms() - begin_ms == 6
    world.run_for(10)
    assert heard == [("192.168.1.100", [b"one", b"two", b""])], heard
    assert bytes(pc.sockets[0].sent) == b"onetwo" and bytes(pc.sockets[0].received) == b"ONETWO"


def test_much_data_goes_through_a_small_window(world):
    echo(world)
    pc = Pc(world)
    message = bytes([97 + n % 26 for n in range(30_000)])

    def run():
        with pc.connect(ADDRESS, PORT) as socket:
            got = b""
            for at in range(0, len(message), 3000):
                socket.sendall(message[at : at + 3000])
                while len(got) < at:
                    got += socket.recv(1000)
            while len(got) < len(message):
                got += socket.recv(1000)
            return got

    assert pc.do(60 * SECONDS, run) == message.upper()


def test_what_a_function_raises_comes_out(world):
    def run():
        raise ValueError("wrong")

    pc = Pc(world)
    job = pc.run(run)
    try:
        pc.wait(job, 1000)
    except ValueError:
        pass
    assert job.done and isinstance(job.error, ValueError)
    begin_ms = world.now_ms()
    pc.do(10 * SECONDS, pc.sleep, 2.5)
    assert world.now_ms() - begin_ms == 2500


def test_nobody_there(world):
    echo(world)
    pc = Pc(world)
    refused = lambda: pc.connect(ADDRESS, 80)
    nobody = lambda: pc.connect("192.168.1.99", PORT, 3.0)
    assert error_of(pc, refused) == kind("ConnectionRefusedError")
    begin_ms = world.now_ms()
    assert error_of(pc, nobody) == kind("TimeoutError")
    assert world.now_ms() - begin_ms == 3000
    world.device.wifi.available = False
    world.device.wifi.drop()
    assert error_of(pc, lambda: pc.connect(ADDRESS, PORT, 3.0)) == kind("TimeoutError")
    world.device.power_cut()
    assert error_of(pc, lambda: pc.connect(ADDRESS, PORT, 3.0)) == kind("TimeoutError")


def test_a_device_that_boots_again_listens_anew(world):
    heard = echo(world)
    pc = Pc(world)
    job = pc.run(exchange, pc, [b"one"] * 1000)
    assert world.run_until(lambda: pc.sockets and len(pc.sockets[0].received) > 30, 10_000)
    world.device.reset()
    world.run_for(10 * SECONDS)
    assert job.done and type(job.error).__name__ == kind("TimeoutError"), job.error
    assert pc.do(10 * SECONDS, exchange, pc, [b"two"]) == [b"TWO"]
    assert heard[-1][1][0] == b"two"


def test_a_connection_is_cut_after_so_many_bytes(world):
    heard = echo(world)
    pc = Pc(world)
    for how, last in (("reset", 104), ("end", b"")):
        del heard[:]
        pc.faults = Faults(cut_sent=4, cut_how=how)
        error = error_of(pc, exchange, pc, [b"one", b"two"])
        world.run_for(100)
        assert error == kind("ConnectionResetError")
        assert heard[0][1] == [b"one", b"t", last], heard
    pc.faults = Faults(cut_received=4)
    del heard[:]
    assert error_of(pc, exchange, pc, [b"one", b"two"]) == kind("ConnectionResetError")
    world.run_for(100)
    assert bytes(pc.sockets[-1].received) == b"ONET" and heard[0][1][-1] == 104, heard


def test_a_silent_connection_tells_nobody(world):
    heard = echo(world)
    pc = Pc(world)
    pc.faults = Faults(cut_sent=4, cut_how="silence")
    begin_ms = world.now_ms()
    assert error_of(pc, exchange, pc, [b"one", b"two"], 5.0) == kind("TimeoutError")
    assert world.now_ms() - begin_ms >= 5000
    assert heard[0][1][:2] == [b"one", b"t"]


def test_bits_turn_and_messages_are_late(world):
    heard = echo(world)
    pc = Pc(world)
    pc.faults = Faults(flip_sent={4: 3}, flip_received={0: 0x20}, delay_ms=50)
    begin_ms = world.now_ms()
    assert pc.do(10 * SECONDS, exchange, pc, [b"one", b"two"]) == [b"oNE", b"TTO"]
    assert heard[0][1][1] == b"tto"
    assert world.now_ms() - begin_ms >= 200


def test_a_computer_ends_its_side_and_still_listens(world):
    heard = echo(world)
    pc = Pc(world)

    def run():
        socket = pc.connect(ADDRESS, PORT)
        socket.sendall(b"bye")
        socket.shutdown(1)
        answer = socket.recv(100), socket.recv(100)
        socket.close()
        return answer

    assert pc.do(10 * SECONDS, run) == (b"BYE", b"")
    assert heard[0][1] == [b"bye", b""]


def test_two_computers_at_once(world):
    heard = echo(world)
    first, second = Pc(world), Pc(world, "192.168.1.101")
    jobs = [pc.run(exchange, pc, [b"one", b"two"]) for pc in (first, second)]
    assert [first.wait(job, 10 * SECONDS) for job in jobs] == [[b"ONE", b"TWO"]] * 2
    assert sorted([address for address, _ in heard]) == ["192.168.1.100", "192.168.1.101"]
