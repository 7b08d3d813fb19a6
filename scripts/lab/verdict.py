# SPDX-License-Identifier: GPL-2.0-or-later
"""Truth against verdict: who was to be hit, who is, and what it did to their requests. Pure.

A source counts as hit as soon as any entry in force that drops covers it, even one that asks for
a ClientHello the source does not show, or that holds out the source. So nothing is called innocent and spared by luck.
"""

import ipaddress

import plan as planning
import results

MIN_FOUND = 0.90        # of the swarm
MAX_SWARM_SUCCESS = 0.10        # once enforcing
MAX_LOSS = 0.02         # of an honest class's success
HONEST = ("direct", "carrier", "corporate")
CLASSES = (*HONEST, "swarm")


def covered(sources, entries):
    """Those of the sources that an entry in force covers."""
    networks = {ipaddress.ip_network(entry["prefix"]) for entry in entries
                if entry["action"] == "drop"}
    lengths = {(network.version, network.prefixlen) for network in networks}
    hit = set()
    for source in sources:
        version = ipaddress.ip_address(source).version
        if any(ipaddress.ip_network((source, bits), strict=False) in networks
               for family, bits in lengths if family == version):
            hit.add(source)
    return hit


def judge_swarm(plan, entries):
    """Exits found and missed, in all and by how they lie in the address space."""
    groups = {"dense": set(), "scattered": set()}
    for item in plan["exits"]:
        dense = any(planning.holds(network, item["source"]) for network in planning.DENSE)
        groups["dense" if dense else "scattered"].add(item["source"])
    rows = {}
    for name, sources in groups.items():
        found = len(covered(sources, entries))
        rows[name] = {"exits": len(sources), "found": found, "missed": len(sources) - found}
    return {key: sum(row[key] for row in rows.values()) for key in ("exits", "found", "missed")
            } | rows


def judge_innocents(plan, entries):
    """Honest addresses and the users behind them, and how many of both are hit, by class."""
    rows = {}
    for kind in HONEST:
        users = [client["source"] for client in plan["clients"] if client["class"] == kind]
        hit = covered(set(users), entries)
        rows[kind] = {"sources": len(set(users)), "users": len(users), "sources_hit": len(hit),
                      "users_hit": sum(source in hit for source in users)}
    return rows


def share(items):
    success = results.success(items)
    return None if success is None else round(success, 4)


def judge_success(items, enforced, ended, settle_sec):
    """{class: {"requests", "before", "after"}}: how many, and which share of those begun before
    and after enforcement got a whole answer. What began within settle_sec of either end may not be over, and is left out."""
    rows = {}
    for kind in CLASSES:
        mine = [item for item in items if item["class"] == kind]
        before = [item for item in mine if item["t"] < enforced - settle_sec]
        after = [item for item in mine if enforced <= item["t"] < ended - settle_sec]
        rows[kind] = {"requests": len(mine), "before": share(before), "after": share(after)}
    return rows


def breaches(swarm, innocents, success):
    """What must hold and does not, each as a sentence."""
    said = []
    if swarm["found"] < MIN_FOUND * swarm["exits"]:
        said.append(f"{swarm['found']} of {swarm['exits']} exits were found,"
                    f" {MIN_FOUND:.0%} are needed")
    for kind, row in innocents.items():
        if row["sources_hit"]:
            said.append(f"{row['sources_hit']} {kind} addresses with {row['users_hit']} innocent"
                        " users are hit")
    after = success["swarm"]["after"]
    if after is None or after > MAX_SWARM_SUCCESS:
        said.append(f"the swarm's success after enforcement is {after and f'{after:.0%}'}, not"
                    f" below {MAX_SWARM_SUCCESS:.0%}")
    for kind in HONEST:
        before, after = success[kind]["before"], success[kind]["after"]
        if before is None or after is None or before - after > MAX_LOSS:
            said.append(f"success of {kind} clients went from {before} to {after}")
    return said
