"""What the device does in test_uumqtt_real.py; one story per run.

micropython uumqtt_device.py STORY PORT [CA] [SERVER]
"""

import gc
import os
import select
import socket
import sys
import time

import tls

from uumqtt.blocking import BlockingClient
from uumqtt.client import Client

HOST = "127.0.0.1"
story = sys.argv[1]
port = int(sys.argv[2])


def sockets():
    """Open descriptors of this process: listing them opens one more, each time."""
    return len(list(os.ilistdir("/proc/self/fd")))


def context_for(ca):
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    with open(ca, "rb") as file:
        context.load_verify_locations(file.read())
    context.verify_mode = tls.CERT_REQUIRED
    return context


def talk(client):
    """Everything once; what the broker sends us is printed."""
    client.on_message = lambda topic, payload, retain, *_: print(
        "got", topic.decode(), len(payload), retain
    )
    print("granted", client.subscribe("uumqtt/to/+"))
    client.publish("uumqtt/to/me", "one", qos=1)
    client.publish("uumqtt/to/me", "two-", qos=0)
    client.publish("uumqtt/state", "x" * 900, retain=True, qos=1)
    while not client.skipped:  # what the watcher sends is larger than the limit
        client.wait_msg(0.1)
    print("skipped", client.skipped)
    for number in range(1000):
        client.publish("uumqtt/count", str(number), qos=number & 1)
    client.unsubscribe("uumqtt/to/+")
    print("done")


def plain():
    client = BlockingClient("plain", user="us", password="pw", packet_limit=512)
    client.set_will("uumqtt/will", "gone")
    client.connect(HOST, port)
    talk(client)
    sys.stdin.readline()  # killed here, so that the will is published


def refused():
    client = BlockingClient("refused", user="us", password="wrong")
    try:
        client.connect(HOST, port)
    except OSError as error:
        print("refused:", error.args[0])


def secure():
    before = sockets()
    client = BlockingClient("secure", packet_limit=512)
    gc.collect()
    free = gc.mem_free()
    client.connect("localhost", port, tls_context=context_for(sys.argv[3]))
    gc.collect()
    print("heap", free - gc.mem_free())
    talk(client)
    client.disconnect()
    print("leaked", sockets() - before)


def untrusted():
    before = sockets()
    for host in ("localhost", HOST):  # the certificate names the first only
        client = BlockingClient(host)
        try:
            client.connect(host, port, tls_context=context_for(sys.argv[3]))
        except OSError as error:
            print("refused:", type(error).__name__, error.args[0])
    print("leaked", sockets() - before)


def frozen():
    """A broker that stops is noticed, while we publish."""
    client = Client("frozen", keepalive_s=2)
    client.open(socket.getaddrinfo(HOST, port)[0][-1])
    poller = select.poll()
    poller.register(client.stream, client.events())
    last = None
    while True:
        poller.modify(client.stream, client.events())
        for _, events in poller.ipoll(20):
            client.ready(events)
        try:
            client.tick()
        except OSError as error:
            print("noticed after", time.ticks_diff(time.ticks_ms(), last), error.args[0])
            break
        if client.connected and client.publish("uumqtt/beat", "x") is not None:
            if last is None:
                last = time.ticks_ms()
                print("freeze")
                sys.stdin.readline()
                last = time.ticks_ms()


def often():
    """1,000 connections that end in every way."""
    address = socket.getaddrinfo(HOST, port)[0][-1]
    nobody = socket.getaddrinfo(HOST, int(sys.argv[3]))[0][-1]
    client = Client("often")
    before = sockets()
    for number in range(1000):
        poller = select.poll()
        try:
            client.open(nobody if number % 5 == 4 else address)
            poller.register(client.stream, client.events())
            if number % 5:
                for _, events in poller.ipoll(1000):
                    client.ready(events)
            while number % 5 > 1 and not client.connected:
                poller.modify(client.stream, client.events())
                for _, events in poller.ipoll(1000):
                    client.ready(events)
            if number % 5 == 3:
                client.disconnect()
        except OSError:
            pass
        client.close()
    print("leaked", sockets() - before)


globals()[story]()
