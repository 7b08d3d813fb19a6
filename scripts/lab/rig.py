# SPDX-License-Identifier: GPL-2.0-or-later
"""The network of the laboratory truth, and what runs in it.

          veth api0       lines with a delay (TUN pairs, delay.c)
    api ------------ net ---- near                direct clients
    nginx, agent,     `------ exits ---- hidden   proxies, relays, NAT, and their clients
    tcpdump

A place is a third part of an address (cases.py): a line has a path of its own for each.
"""

import shutil
import subprocess

import network
import services
from cases import (CLIENTS, EXITS, HIDDEN, PLACES, RELAY, ROUTER, ROUTES, SERVER, exit_address)
from world import HERE, LabError, World

NUMBERS = {route.name: route.number for route in ROUTES}
PORTS = {route.name: route.port for route in ROUTES}
NEEDED = ("nginx", "tinyproxy", "microsocks", "tcpdump", "nft", "openssl", "chrt")
FIRST = ("chrt", "--rr", "1")
END_SEC = 10                    # for a process to end when asked
CAPTURE_KIB = 16384             # of tcpdump's buffer

NGINX = """\
user root; daemon off; worker_processes 1; pid {dir}/{name}.pid;
error_log {dir}/{name}-error.log warn;
events {{ worker_connections 8192; }}
http {{
    access_log off; keepalive_timeout 30s;
    client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi; uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
    ssl_certificate {dir}/server.pem; ssl_certificate_key {dir}/server.key;
    ssl_session_timeout 1h; ssl_protocols TLSv1.2 TLSv1.3;
{servers}
}}
"""
SERVER_BLOCK = """\
    server {{
        listen {server}:443 ssl backlog=4096;
        ssl_early_data on; ssl_ecdh_curve X25519:prime256v1; ssl_session_cache none;
        location / {{ return 200 "{body}"; }}
    }}
"""
RELAY_BLOCK = """\
    server {{
        listen {exit}:{port} ssl backlog=4096;
        location / {{
            proxy_bind {exit}; proxy_pass https://{server}:443; proxy_ssl_session_reuse {reuse};
            proxy_ssl_protocols {protocol};
        }}
    }}
"""
BODY_BYTES = 600


def check_tools():
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing:
        raise LabError(f"not installed: {', '.join(missing)}")


class Rig(World):
    """The laboratory truth by its name, as World is a laboratory."""

    spaces = ("api", "net", "near", "exits", "hidden")

    @property
    def clients(self):
        return self.delay.parent / "handshakes"

    def up(self, seed):
        """Builds everything but the clients. There is nothing to be drawn by a seed."""
        del seed
        check_tools()
        for program in (self.delay, self.clients):
            if not program.exists():
                raise LabError(f"{program} is missing: run make tools")
        self.down()
        shutil.rmtree(self.dir, ignore_errors=True)
        self.dir.mkdir(parents=True)
        build_network(self)
        start_services(self)

    def start_first(self, label, space, *command):
        """Starts what takes part in connections. Where others compete for the processors its
        lateness would be measured as distance, so it goes before them all, as the lines do."""
        may = subprocess.run([*FIRST, "true"], capture_output=True, check=False).returncode == 0
        self.start(label, space, *(FIRST if may else ()), *command)

    def capture(self, label, space, device, what):
        """Starts tcpdump, and returns once it listens."""
        path = self.dir / f"{label}.pcap"
        self.start(label, space, "tcpdump", "-i", device, "-w", path, "-B", CAPTURE_KIB, "-n",
                   "-U", "-Z", "root", what)
        self.wait_for(lambda: "listening on" in self.log_path(label).read_text(), label)
        return path

    def end(self, label):
        """Ends a process and returns what it said, its last words too."""
        child = self.children.pop(label)
        child.terminate()
        try:
            child.wait(END_SEC)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            raise LabError(f"{label} did not end within {END_SEC} s") from None
        return self.log_path(label).read_text(errors="replace")

    def remove_files(self):
        shutil.rmtree(self.dir, ignore_errors=True)


def path_lines(block, leg):
    """One path of a line for each place. `leg`: its one way time, jitter and loss."""
    lines = []
    for number, place in enumerate(PLACES):
        ms, jitter, loss = leg(place)
        oneway_us, jitter_us = round(ms * 500), round(jitter * 1000)
        lines.append(f"path 10.{block}.{number}.0/24 {oneway_us} {jitter_us} {loss}")
    return lines


def start_delay(rig):
    def outer(place):
        return place.rtt, place.jitter, place.loss

    def inner(place):
        return place.hidden, 0, 0

    net, near, exits, hidden = (rig.netns(space) for space in ("net", "near", "exits", "hidden"))
    lines = [f"link {net} near {near} up", *path_lines(1, outer),
             f"link {net} exits {exits} up", *path_lines(2, outer),
             f"link {exits} back {hidden} up", *path_lines(3, inner)]
    path = rig.dir / "delay.plan"
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    rig.start("delay", "net", rig.delay, path)
    rig.wait_for(lambda: "ready" in rig.log_path("delay").read_text(), "delay")


def routes():
    """{namespace: lines of ip(8)}"""
    up, local = network.link_up, network.local
    return {
        "api": [f"addr add {SERVER}/24 dev api0", *up("api0"), f"route add default via {ROUTER}"],
        "net": [f"addr add {ROUTER}/24 dev api", *up("api", "near", "exits"),
                f"route add {CLIENTS} dev near", f"route add {EXITS} dev exits"],
        "near": [*up("up"), *local(CLIENTS), "route add default dev up"],
        "exits": [*up("up", "back"), *local(EXITS), "route add default dev up",
                  f"route add {HIDDEN} dev back"],
        "hidden": [*up("up"), *local(HIDDEN), "route add default dev up"],
    }


def nat_rules():
    """Clients behind exits that go to the server themselves share one address of their place."""
    lines = ["add table ip nat", "add chain ip nat out { type nat hook postrouting priority 100; }"]
    for number in range(len(PLACES)):
        shared = exit_address(number, NUMBERS["nat"])
        lines.append(f"add rule ip nat out oifname up ip saddr 10.3.{number}.0/24 snat to {shared}")
    return "\n".join(lines) + "\n"


def plain_rules():
    """Where there are no TCP timestamps, SYNs lose theirs on the way."""
    lines = ["add table ip plain",
             "add chain ip plain out { type filter hook postrouting priority mangle; }"]
    for number in (number for number, place in enumerate(PLACES) if not place.timestamps):
        lines += [f"add rule ip plain out oifname up ip saddr 10.{block}.{number}.0/24"
                  " reset tcp option timestamp" for block in (1, 2, 3)]
    return "\n".join(lines) + "\n"


def build_network(rig):
    for space in rig.spaces:
        network.make_space(rig, space)
    rig.run_inside("net", "ip", "link", "add", "api", "type", "veth", "peer", "name", "api0",
                   "netns", rig.netns("api"))
    start_delay(rig)
    for space, lines in routes().items():
        network.batch(rig, space, lines)
    rig.run_inside("exits", "nft", "-f", "-", text=nat_rules() + plain_rules())
    rig.run_inside("near", "nft", "-f", "-", text=plain_rules())


def relay_blocks():
    blocks = []
    for place in range(len(PLACES)):
        for kind, (number, port) in RELAY.items():
            blocks.append(RELAY_BLOCK.format(
                exit=exit_address(place, number), port=port, server=SERVER,
                reuse="on" if kind == "psk" else "off",
                protocol="TLSv1.2" if kind == "full12" else "TLSv1.3"))
    return "".join(blocks)


def start_nginx(rig, name, space, servers):
    conf = rig.dir / f"{name}.conf"
    conf.write_text(NGINX.format(dir=rig.dir, name=name, servers=servers), encoding="ascii")
    rig.start_first(name, space, shutil.which("nginx"), "-e", rig.dir / f"{name}-error.log", "-p",
              rig.dir, "-c", conf)


def start_tinyproxy(rig):
    conf = rig.dir / "tinyproxy.conf"
    conf.write_text(encoding="ascii", data=services.TINYPROXY.format(
        port=PORTS["connect"], same="Yes", log=rig.dir / "tinyproxy.err"))
    rig.start_first("tinyproxy", "exits", "tinyproxy", "-d", "-c", conf)


def start_services(rig):
    """Starts everything and returns when all of it listens."""
    services.make_certificates(rig)
    start_nginx(rig, "nginx", "api", SERVER_BLOCK.format(server=SERVER, body="x" * BODY_BYTES))
    start_nginx(rig, "relay", "exits", relay_blocks())
    start_tinyproxy(rig)
    rig.start_first("optimistic", "exits", HERE / "optimistic.py", PORTS["optimistic"])
    for place in range(len(PLACES)):
        source = exit_address(place, NUMBERS["socks5"])
        rig.start_first(f"microsocks@{place}", "exits", "microsocks", "-i", source,
                        "-p", PORTS["socks5"], "-b", source)
    for space, count in {"api": 1, "exits": 2 + len(PLACES) * (1 + len(RELAY))}.items():
        rig.wait_for(lambda: len(rig.run_inside(space, "ss", "-ltnH").splitlines()) >= count,
                     f"what listens in {rig.netns(space)}")
