# SPDX-License-Identifier: GPL-2.0-or-later
"""What the laboratory truth is about: the cases, and what has to be seen of each. Pure.

A case is a route (what is between client and server), a kind of TLS handshake, and a place (how far
everything is, and how noisy the lines are). Addresses say the route and the place:

    10.1.P.1-200    clients that are near the server, in place P
    10.2.P.R        the exit of route R in place P: what the server sees of everything else
    10.3.P.1-200    clients behind the exits
"""

from typing import NamedTuple

SERVER = "192.0.2.1"
ROUTER = "192.0.2.254"
CLIENTS, EXITS, HIDDEN = "10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"
HOSTS = 200                     # addresses of clients in a place
EXTRA = 0                       # the mark of connections that are none of the plan's

# What seine and our client call a handshake.
TLS = {"full": "1.3", "psk": "1.3 psk", "early": "1.3 0-rtt", "retry": "1.3 retry",
       "full12": "1.2", "resumed12": "1.2 resumed", "split": "1.3", "splitpsk": "1.3 psk",
       "splitearly": "1.3 0-rtt", "splitretry": "1.3 retry", "tiny": "1.3"}
KINDS = tuple(TLS)


class Place(NamedTuple):
    """Round trips in ms: from clients and exits to the server, and from exits to hidden clients.
    Jitter (mean, one way) and loss (percent, each way) are on the way to the server. Some systems
    send no TCP timestamps."""
    name: str
    rtt: int
    hidden: int
    jitter: float = 0
    loss: float = 0
    timestamps: bool = True


PLACES = (Place("near", 20, 60), Place("beside", 5, 30), Place("far", 80, 60),
          Place("bare", 20, 60, timestamps=False), Place("jitter", 20, 60, jitter=4),
          Place("loss", 20, 60, loss=1))


class Route(NamedTuple):
    """`via`: how handshakes.c goes (see there), through `port` of the exit."""
    name: str
    number: int
    via: str
    port: int = 0
    proxied: bool = False       # splits TCP and passes TLS: a second leg that must be seen
    kinds: tuple = KINDS


ROUTES = (
    Route("direct", 0, "direct"),
    Route("nat", 1, "direct"),
    Route("connect", 2, "connect", 8888, True),
    Route("optimistic", 3, "connect", 8889, True),
    Route("socks5", 4, "socks", 1080, True),
    # It makes its own handshake with the server, of a kind that its port decides.
    Route("relay", 5, "direct", 8443, kinds=("full", "psk", "full12")),
)
RELAY = {"full": (5, 8443), "psk": (6, 8444), "full12": (7, 8445)}      # number, port


class Case(NamedTuple):
    route: Route
    kind: str
    place: Place

    def __str__(self):
        return f"{self.route.name} {self.kind} {self.place.name}"

    @property
    def place_number(self):
        return PLACES.index(self.place)

    @property
    def number(self):
        """Last part of the exit's address."""
        return RELAY[self.kind][0] if self.route.name == "relay" else self.route.number

    @property
    def tls(self):
        """What its handshake may be called. A relay that keeps sessions has none at first."""
        return {"1.3", "1.3 psk"} if (self.route.name, self.kind) == ("relay", "psk") \
            else {TLS[self.kind]}

    @property
    def gaps(self):
        """Gap classes that are right. An exit that answers early hides the first gap as long as a
        round trip."""
        if not self.route.proxied:
            return {"none"}
        return {"dual", "single"} if self.route.name == "optimistic" else {"dual"}

    @property
    def noisy(self):
        return bool(self.place.jitter or self.place.loss)

    @property
    def ends_at_exit(self):
        """Whether TCP ends where its packets are captured at the client's end."""
        return self.route.name != "nat"

    def source(self, number):
        """The address that client `number` of the case has of its own."""
        block = 1 if self.route.name == "direct" else 3
        return f"10.{block}.{self.place_number}.{1 + number % HOSTS}"

    def exit(self):
        return exit_address(self.place_number, self.number)

    def job(self, ident):
        """The line that tells handshakes.c to make connection `ident`."""
        kind, target = self.kind, f"{SERVER} 443"
        if self.route.name == "relay":
            kind, target = "full", f"{self.exit()} {RELAY[self.kind][1]}"
        line = f"{ident} {kind} {self.source(ident)} {target} {self.route.via}"
        if self.route.via != "direct":
            line += f" {self.exit()} {self.route.port}"
        return line


def exit_address(place, number):
    return f"10.2.{place}.{number}"


def cases(place):
    """Every case of a place."""
    return [Case(route, kind, place) for route in ROUTES for kind in route.kinds]


def relay_of(source):
    """The case of a source address that is a relay's; None of any other. A relay's connections
    carry no mark of ours."""
    head, _, number = source.rpartition(".")
    for kind, (relay, _) in RELAY.items():
        if head.startswith("10.2.") and int(number) == relay:
            return Case(ROUTES[5], kind, PLACES[int(head.rpartition(".")[2])])
    return None


def plan(connections, order):
    """The case of each connection, in an order drawn by a random.Random: so many direct ones, and
    as many through exits that split TCP, from near, all kinds alike; besides them each other case
    once for every 400 of these from near and every 800 from elsewhere, and at least once."""
    near = cases(PLACES[0])
    direct = [case for case in near if case.route.name == "direct"]
    proxied = [case for case in near if case.route.proxied]
    chosen = [group[i % len(group)] for group in (direct, proxied)
              for i in range(max(connections, len(group)))]
    some = max(1, connections // 400)
    for case in [case for case in near if case not in direct and case not in proxied]:
        chosen += [case] * some
    for place in PLACES[1:]:
        for case in cases(place):
            chosen += [case] * max(1, some // 2)
    order.shuffle(chosen)
    return chosen
