# SPDX-License-Identifier: GPL-2.0-or-later
"""The network of a laboratory: namespaces, the lines between them, addresses and routes.

          veth api0           lines with a delay (TUN pairs, delay.c)
    api ------------- net ---- crowd                 direct clients, hundreds of addresses
    nginx, agent       |------ carrier ---- phones   40 clients behind one NAT address (veth)
                       |------ corp ------- office   60 employees behind one CONNECT proxy
                       `------ exits ------ hidden   the swarm: exits, and their controller

Each name is the namespace LAB-name. A program can be bound to any address of the prefixes of its
namespace (local routes on lo), so hundreds of sources need no interfaces. Routes by source with
metrics of their own (initial TTL, MSS, window) let one kernel speak like the TCP stacks of several.
"""

import plan as planning

SPACES = ["api", "net", "crowd", "carrier", "phones", "corp", "office", "exits", "hidden"]

# Lines with a delay: device in the first namespace, there; second namespace, device there.
LINES = {"crowd": ("net", "crowd", "up"), "exits": ("net", "exits", "up"),
         "carrier": ("net", "carrier", "up"), "corp": ("net", "corp", "up"),
         "office": ("corp", "office", "up"), "hidden": ("hidden", "exits", "back")}
VETHS = [("api", "api0", "net", "api"), ("carrier", "inner", "phones", "up")]

ROUTER4 = "192.0.2.254"
ROUTER6 = "2001:db8:80::254"
GATEWAY = "169.254.0.1"         # of the phones

# Few SYN retries: an exit that cannot reach the server gives up after seconds, as proxies do.
SYSCTLS = ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv4.tcp_syn_retries=2",
           "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0",
           "net.ipv6.ip_nonlocal_bind=1", "net.ipv6.conf.default.accept_dad=0",
           "net.ipv4.ip_local_port_range=20000 60999"]


def make_space(world, space):
    world.run("ip", "netns", "add", world.netns(space))
    world.run_inside(space, "ip", "link", "set", "dev", "lo", "up")
    world.run_inside(space, "sysctl", "-q", "-w", *SYSCTLS)


def batch(world, space, lines):
    """Runs lines of ip(8) in a namespace; the first that fails is an error."""
    world.run_inside(space, "ip", "-batch", "-", text="\n".join(lines) + "\n")


def start_delay(world, plan):
    lines = []
    for name, (a, b, device) in LINES.items():
        lines.append(f"link {world.netns(a)} {name} {world.netns(b)} {device}")
        lines += [f"path {prefix} {oneway_us} {jitter_us}"
                  for prefix, oneway_us, jitter_us in plan["paths"][name]]
    path = world.dir / "delay.plan"
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    world.start("delay", "net", world.delay, path)
    world.wait_for(lambda: "ready" in world.log_path("delay").read_text(), "delay")


def link_up(*devices):
    return [f"link set dev {device} up" for device in devices]


def local(*prefixes):
    """Every address of the prefixes belongs to this namespace."""
    return [f"route add local {prefix} dev lo" for prefix in prefixes]


def routes(plan):
    """{namespace: lines of ip(8)}. An exit's own route in net takes it out of the /24 it shares
    with honest neighbours."""
    hidden = plan["hidden"]
    lone_exits = [item["source"] for item in plan["exits"]
                  if not any(planning.holds(network, item["source"]) for network in planning.DENSE)]
    return {
        "api": [f"addr add {planning.SERVER4}/24 dev api0",
                f"addr add {planning.SERVER6}/64 dev api0 nodad", *link_up("api0"),
                f"route add default via {ROUTER4}", f"route add default via {ROUTER6}"],
        "net": [f"addr add {ROUTER4}/24 dev api", f"addr add {ROUTER6}/64 dev api nodad",
                *link_up("api", "crowd", "exits", "carrier", "corp"),
                f"route add {planning.CARRIER} dev carrier",
                f"route add {planning.OFFICE_PROXY} dev corp",
                *[f"route add {network} dev crowd" for network in planning.CROWD],
                *[f"route add {network} dev exits" for network in planning.DENSE],
                *[f"route add {source} dev exits" for source in lone_exits]],
        "crowd": [*link_up("up"), *local(*planning.CROWD),
                  "route add default dev up", "route add ::/0 dev up"],
        "exits": [*link_up("up", "back"), *local(planning.SCATTERED, *planning.DENSE),
                  "route add default dev up", f"route add {hidden} dev back"],
        "hidden": [f"addr add {hidden}/32 dev lo", *link_up("hidden"),
                   f"route add default dev hidden src {hidden}"],
        "carrier": [f"addr add {planning.CARRIER}/32 dev lo", f"addr add {GATEWAY}/32 dev inner",
                    *link_up("up", "inner"), f"route add default dev up src {planning.CARRIER}",
                    f"route add {planning.PHONES} dev inner"],
        "phones": [*link_up("up"), *local(planning.PHONES),
                   f"route add default via {GATEWAY} dev up onlink"],
        "corp": [f"addr add {planning.OFFICE_PROXY}/32 dev lo", *link_up("up", "office"),
                 f"route add default dev up src {planning.OFFICE_PROXY}",
                 f"route add {planning.OFFICE} dev office"],
        "office": [*link_up("up"), *local(planning.OFFICE), "route add default dev up"],
    }


def stack_routes(plan, via):
    """Lines of ip(8): a table for each foreign TCP stack, and rules that say who uses it."""
    lines = [f"rule add to {plan['hidden']} lookup main pref 100"]
    for number, stack in enumerate(planning.TCP_STACKS):
        if stack:
            ttl, mss, window = stack
            limit = f"window {window}" if window else ""
            lines.append(f"route add default {via} dev up hoplimit {ttl} advmss {mss} {limit}"
                         f" table {100 + number}")
    return lines + [f"rule add from {prefix} lookup {100 + number} pref 200"
                    for prefix, number in plan["stacks"] if planning.TCP_STACKS[number]]


def build(world, plan):
    """Builds the whole network of the plan; afterwards every prefix reaches the server."""
    for space in SPACES:
        make_space(world, space)
    for a, device_a, b, device_b in VETHS:
        world.run_inside("net", "ip", "link", "add", device_a, "netns", world.netns(a), "type",
                         "veth", "peer", "name", device_b, "netns", world.netns(b))
    start_delay(world, plan)
    for space, lines in routes(plan).items():
        batch(world, space, lines)
    for space, via in (("crowd", ""), ("exits", ""), ("phones", f"via {GATEWAY} onlink")):
        batch(world, space, stack_routes(plan, via))
    world.run_inside("carrier", "nft", "-f", "-", text=(
        "add table ip nat\n"
        "add chain ip nat out { type nat hook postrouting priority 100; }\n"
        f"add rule ip nat out oifname up snat to {planning.CARRIER}\n"))
