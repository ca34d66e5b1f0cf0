"""Network namespaces joined by a line of 100 Mbit/s and 20 ms there and back.

Each namespace has a veth into one in the middle, held by ``tc tbf`` at both ends (what it sends, what it
gets). The middle routes every packet into a TUN device, behind which a process gives it back half a round
trip later: kernels without netem have no delay of their own. Packets are delayed one by one, so TCP starts,
grows its window and fills queues as on a real line. Needs root, iproute2, nsenter and /dev/net/tun. The
delaying process removes all namespaces when the one that made them ends, however that ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

RATE = "100mbit"
BURST, QUEUE = "32kb", "50ms"
ONE_WAY_SECONDS = 0.010
USED = (
    f"network namespaces joined by veth; tc tbf rate {RATE} burst {BURST} latency {QUEUE} on what each node "
    f"sends and gets; {1000 * ONE_WAY_SECONDS:.0f} ms for each packet each way behind a TUN device"
)
TUN = Path("/dev/net/tun")
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
DEVICE, TABLE = "delay", "100"
READS_AT_ONCE = 64
PACKET_AT_MOST = 1 << 16
_COMMAND = (sys.executable, "-m", "benchmarks.shaped_line")
PROBE_PORT, PROBE_ECHOES, PROBE_BYTES = 9999, 10, 25_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """One end of the line: a namespace, and the address the others reach it at."""

    namespace: str
    address: str

    @property
    def inside(self) -> tuple[str, ...]:
        """What to put before a command that shall run there."""
        return _inside(self.namespace)


def missing() -> str:
    """What a shaped line needs and this machine or user has not; empty: nothing."""
    if os.geteuid() != 0:
        return "root"
    programs = ("ip", "tc", "nsenter", "unshare", "sysctl")
    if absent := [name for name in programs if shutil.which(name) is None]:
        return ", ".join(absent)
    if not TUN.exists():
        return str(TUN)
    tried = subprocess.run(["unshare", "--net", "true"], check=False, capture_output=True)  # noqa: S607 - the system's
    return "" if tried.returncode == 0 else "the right to make network namespaces"


@contextlib.contextmanager
def shaped(names: Sequence[str]) -> Iterator[dict[str, Place]]:
    """Ends of the line by name; all is removed at the end. What runs there must have ended before."""
    middle = f"xqb{os.getpid()}"
    places = {name: Place(f"{middle}-{name}", f"10.199.{n}.2") for n, name in enumerate(names, 1)}
    spaces = [middle, *(place.namespace for place in places.values())]
    try:
        _middle(middle)
        command = [*_inside(middle), *_COMMAND, "delay", *spaces]
        with _started(command, stdin=subprocess.PIPE) as delay:
            assert delay.stdin is not None
            with delay.stdin:  # its end tells the process to end
                for n, place in enumerate(places.values(), 1):
                    _join(middle, n, place)
                yield places
    finally:
        _remove(spaces)


def probe(one: Place, other: Place) -> tuple[float, float]:
    """What the line between two ends is, as TCP sees it: milliseconds there and back, Mbit/s."""
    with (
        _started([*one.inside, *_COMMAND, "sink", one.address]) as sink,
        _started([*other.inside, *_COMMAND, "source", one.address]) as source,
    ):
        told, _ = source.communicate()
        assert (sink.wait(), source.returncode) == (0, 0)
    milliseconds, rate = json.loads(told)
    return milliseconds, rate


def _middle(space: str) -> None:
    _run("ip", "netns", "add", space)
    _run("ip", "-n", space, "link", "set", "lo", "up")
    _run("ip", "-n", space, "tuntap", "add", "dev", DEVICE, "mode", "tun")
    _run("ip", "-n", space, "link", "set", DEVICE, "up", "txqueuelen", "10000")
    _run("ip", "-n", space, "route", "add", "default", "dev", DEVICE, "table", TABLE)
    # packets come back from the delay by another way than they went in, so their way is not checked
    settings = ["ip_forward=1", *(f"conf.{name}.rp_filter=0" for name in ("all", "default", DEVICE))]
    _run(*_inside(space), "sysctl", "-qw", *(f"net.ipv4.{setting}" for setting in settings))


def _join(middle: str, n: int, place: Place) -> None:
    """One end: its veth into the middle, whose packets go to the delay before they are routed on."""
    space, gate, line = place.namespace, f"end{n}", "line"
    _run("ip", "netns", "add", space)
    _run("ip", "link", "add", line, "netns", space, "type", "veth", "peer", "name", gate, "netns", middle)
    for where, device, address in ((space, line, place.address), (middle, gate, f"10.199.{n}.1")):
        _run("ip", "-n", where, "addr", "add", f"{address}/30", "dev", device)
        _run("ip", "-n", where, "link", "set", device, "up")
        shape = ("tbf", "rate", RATE, "burst", BURST, "latency", QUEUE)
        _run("tc", "-n", where, "qdisc", "add", "dev", device, "root", *shape)
    _run("ip", "-n", space, "link", "set", "lo", "up")
    _run("ip", "-n", space, "route", "add", "default", "via", f"10.199.{n}.1")
    _run("ip", "-n", middle, "rule", "add", "iif", gate, "lookup", TABLE)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _inside(space: str) -> tuple[str, ...]:
    return ("nsenter", f"--net=/run/netns/{space}", "--")


def _started(command: Sequence[str], stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """A process of this file, once it says that it is ready."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    process = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def _remove(spaces: Sequence[str]) -> None:
    for space in spaces:
        if Path("/run/netns", space).exists():
            subprocess.run(["ip", "netns", "del", space], check=False)  # noqa: S607 - the system's


def _delay(spaces: Sequence[str]) -> None:
    """Give each packet back when its time has come, until standard input ends; then remove all."""
    os.setsid()  # Ctrl-C is for the benchmark
    os.nice(-10)
    tun = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), IFF_TUN | IFF_NO_PI))
    waiting: deque[tuple[float, bytes]] = deque()
    print("ready", flush=True)
    while True:
        left = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        ready, _, _ = select.select([tun, sys.stdin], [], [], left)
        if sys.stdin in ready:
            break
        due = time.monotonic() + ONE_WAY_SECONDS
        with contextlib.suppress(BlockingIOError):
            for _ in range(READS_AT_ONCE if tun in ready else 0):
                waiting.append((due, os.read(tun, PACKET_AT_MOST)))
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            os.write(tun, waiting.popleft()[1])
    os.close(tun)
    _remove(spaces)


def _sink(address: str) -> None:
    with socket.create_server((address, PROBE_PORT)) as listener:
        print("ready", flush=True)
        line, _ = listener.accept()
    with line:
        for _ in range(PROBE_ECHOES):
            line.sendall(line.recv(1))
        while line.recv(PACKET_AT_MOST):
            pass
        line.sendall(b".")


def _source(address: str) -> None:
    print("ready", flush=True)
    with socket.create_connection((address, PROBE_PORT)) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        echoes = []
        for _ in range(PROBE_ECHOES):
            began = time.monotonic()
            line.sendall(b".")
            line.recv(1)
            echoes.append(1000 * (time.monotonic() - began))
        began = time.monotonic()
        line.sendall(bytes(PROBE_BYTES))
        line.shutdown(socket.SHUT_WR)
        line.recv(1)
        rate = 8 * PROBE_BYTES / (time.monotonic() - began) / 1e6
    print(json.dumps([statistics.median(echoes), rate]))


if __name__ == "__main__":
    if sys.argv[1] == "delay":
        _delay(sys.argv[2:])
    else:
        {"sink": _sink, "source": _source}[sys.argv[1]](sys.argv[2])
