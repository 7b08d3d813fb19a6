# SPDX-License-Identifier: GPL-2.0-or-later
"""The plan of a laboratory: who lives where, how far away, and what they will do.

A pure function of the seed. Nothing is created here; world.py builds the network of the plan, and
engine.py and node.js let its clients work. The plan is also the truth: every address the server can
see has one class here.

    direct      honest, one user behind an address, IPv4 or IPv6
    carrier     honest, 40 users behind the one address of a carrier's NAT
    corporate   honest, 60 employees behind the one address of a CONNECT proxy, which shows a gap
    swarm       exits of the hidden controller

Direct clients live partly in the very /24s of the scattered exits, behind access lines of the same
length and with the same TCP stacks, and a third of them use the software of the swarm: none of that
alone tells them apart.
"""

import ipaddress
import math
import random

SERVER_NAME = "api.seine.test"
SERVER4 = "192.0.2.80"
SERVER6 = "2001:db8:80::80"
CARRIER = "198.19.254.1"
OFFICE_PROXY = "198.19.255.10"
HIDDEN = "172.31.255.1"

SCATTERED = ipaddress.ip_network("198.18.0.0/16")       # exits, honest neighbours in the same /24s
ELSEWHERE = ipaddress.ip_network("10.20.0.0/16")        # honest only
HONEST6 = ipaddress.ip_network("2001:db8:100::/40")     # honest only
CROWD = [SCATTERED, ELSEWHERE, HONEST6]
DENSE = [ipaddress.ip_network(text) for text in ("203.0.113.0/24", "198.51.100.0/24")]  # exits only
PHONES = ipaddress.ip_network("10.64.0.0/24")
OFFICE = ipaddress.ip_network("10.60.0.0/24")

CONNECT = {"kind": "connect", "port": 8888}
SOCKS = {"kind": "socks", "port": 1080}

SCATTERED_SUBNETS = 108
EXITS_PER_SUBNET = 3
EXITS_PER_DENSE = 84
SOCKS_EXITS = 40
NEIGHBOUR_SUBNETS = 75
NEIGHBOURS_PER_SUBNET = 3
ELSEWHERE_CLIENTS = 210
IPV6_CLIENTS = 70
PHONE_CLIENTS = 40
OFFICE_CLIENTS = 60

# Metrics of routes that make one kernel speak like several: (initial TTL, MSS, window limit).
TCP_STACKS = [None, (128, 1460, 65535), (64, 1452, None), (64, 1360, None), (255, 1460, 32768)]

# Shares of software among honest users; "python" is the swarm's. Where node or wget is missing, its
# share goes to curl.
OPTIONAL = {"node", "wget"}
STACKS = {"direct": {"python": 36, "node": 38, "curl": 13, "wget": 13},
          "carrier": {"python": 25, "node": 40, "curl": 15, "wget": 20},
          "corporate": {"python": 85, "curl": 15}}

# Log-normal: median and deviation of the logarithm. Tokens as in public traces of chat services.
THINK_SEC = (42.0, 1.1)
PROMPT_TOKENS = (1000, 0.7)      # of users; each spreads around their own
ANSWER_TOKENS = (130, 0.6)
LIMITS = {"prompt": 8000, "answer": 700,        # tokens
          "first_sec": 25}                      # everyone's first request comes before this


def lognormal(rng, median_sigma):
    median, sigma = median_sigma
    return median * math.exp(rng.gauss(0, sigma))


def hosts(rng, network, count):
    """Some addresses of a network, none near its edges, in random order."""
    size = network.num_addresses
    return [str(network[i]) for i in rng.sample(range(5, size - 5), count)]


def make_exits(rng, subnets):
    sources = [host for subnet in subnets for host in hosts(rng, subnet, EXITS_PER_SUBNET)]
    socks = set(rng.sample(sources, SOCKS_EXITS))
    for network in DENSE:
        sources += hosts(rng, network, EXITS_PER_DENSE)
    rng.shuffle(sources)
    return [{"source": source, **(SOCKS if source in socks else CONNECT)} for source in sources]


def make_client(rng, number, kind, group, bind, source, installed):
    shares = dict(STACKS[kind])
    for missing in OPTIONAL - installed:
        shares["curl"] += shares.pop(missing, 0)
    return {"id": f"{group}-{number}", "class": kind, "group": group, "bind": bind,
            "source": source, "stack": rng.choices(list(shares), shares.values())[0],
            "think_sec": min(max(lognormal(rng, THINK_SEC), 3.0), 150.0),
            "think_sigma": rng.uniform(0.5, 1.3),
            "prompt_tokens": lognormal(rng, PROMPT_TOKENS), "prompt_sigma": rng.uniform(0.3, 0.8),
            "answer_tokens": lognormal(rng, ANSWER_TOKENS), "answer_sigma": rng.uniform(0.4, 0.9),
            "keep_alive": rng.random() < 0.6}


def make_clients(rng, subnets, exits, installed):
    direct = [host for subnet in rng.sample(subnets, NEIGHBOUR_SUBNETS)
              for host in hosts(rng, subnet, NEIGHBOURS_PER_SUBNET) if host not in exits]
    direct += hosts(rng, ELSEWHERE, ELSEWHERE_CLIENTS)
    direct += [str(HONEST6[(rng.randrange(1 << 22) << 64) + rng.randrange(1, 1 << 32)])
               for _ in range(IPV6_CLIENTS)]
    groups = [("direct", "crowd", direct), ("carrier", "phones", hosts(rng, PHONES, PHONE_CLIENTS)),
              ("corporate", "office", hosts(rng, OFFICE, OFFICE_CLIENTS))]
    shared = {"carrier": CARRIER, "corporate": OFFICE_PROXY}
    return [make_client(rng, number, kind, group, bind, shared.get(kind, bind), installed)
            for kind, group, binds in groups for number, bind in enumerate(binds)]


def lines(rng, network, parts_bits, low_ms, high_ms, jitter_us=0):
    """A path for each part of the network, its one way time drawn between low and high."""
    return [(str(part), round(rng.uniform(low_ms, high_ms) * 1000), jitter_us)
            for part in network.subnets(new_prefix=parts_bits)]


def make_paths(rng):
    """One way times by line, in microseconds. Exits and honest neighbours share an access line."""
    access = lines(rng, SCATTERED, 20, 2, 20, 50)
    dense = [path for network in DENSE for path in lines(rng, network, 25, 2, 12, 50)]
    elsewhere = lines(rng, ELSEWHERE, 20, 2, 20, 50) + lines(rng, HONEST6, 44, 2, 20, 50)
    hidden = lines(rng, SCATTERED, 20, 15, 40, 100)
    hidden += [path for network in DENSE for path in lines(rng, network, 27, 15, 40, 100)]
    return {"crowd": access + elsewhere,
            "exits": access + dense,
            "carrier": [(CARRIER + "/32", 18000, 300)],
            "corp": [(OFFICE_PROXY + "/32", 4000, 50)],
            "office": [(str(OFFICE), 16000, 100)],
            "hidden": hidden}


def make_stacks(rng):
    """Which TCP stack speaks for which sources: list of (prefix, index into TCP_STACKS)."""
    networks = [part for network in (SCATTERED, ELSEWHERE)
                for part in network.subnets(new_prefix=20)]
    networks += [part for network in DENSE + [PHONES] for part in network.subnets(new_prefix=27)]
    return [(str(network), rng.randrange(len(TCP_STACKS))) for network in networks]


def make_plan(seed, installed):
    """The whole plan, ready to be written as JSON. installed: which of OPTIONAL can be used."""
    rng = random.Random(seed)
    subnets = rng.sample(list(SCATTERED.subnets(new_prefix=24))[1:], SCATTERED_SUBNETS)
    exits = make_exits(rng, subnets)
    return {"seed": seed, "limits": LIMITS, "hidden": HIDDEN, "exits": exits,
            "server": {"name": SERVER_NAME, "ipv4": SERVER4, "ipv6": SERVER6, "port": 443},
            "office_proxy": {"address": OFFICE_PROXY, "port": CONNECT["port"]},
            "clients": make_clients(rng, subnets, {item["source"] for item in exits}, installed),
            "paths": make_paths(rng), "stacks": make_stacks(rng)}


def holds(network, source):
    return ipaddress.ip_address(source) in network


def truth(plan):
    """{source: (class, stacks)} for every address the server can see."""
    result = {item["source"]: ("swarm", {"python"}) for item in plan["exits"]}
    for client in plan["clients"]:
        result.setdefault(client["source"], (client["class"], set()))[1].add(client["stack"])
    return result
