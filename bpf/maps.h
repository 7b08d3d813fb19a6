/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All maps of the datapath. Above each: who writes, who reads, and what happens when it is full.
 *
 * Sizes are defaults; the loader sets them from the configuration before the maps are created.
 * Tables whose rows a packet finds by a keyed hash are mmapable arrays: their memory begins at a
 * page, so that a row of 64 bytes is one cache line, and nothing is allocated or evicted by lists
 * in the packet path.
 */
#ifndef SEINE_MAPS_H
#define SEINE_MAPS_H

#include <bpf/bpf_helpers.h>
#include "seine.h"

/* Agent writes (mmap), datapath reads. One row. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct seine_cfg);
} seine_cfg SEC(".maps");

/* Which ports are protected. Agent writes, datapath reads. One row. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct seine_ports);
} seine_ports SEC(".maps");

/* The kill switch: anything but zero passes every packet. Operator writes, with or without the
 * agent; nobody else does. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} seine_off SEC(".maps");

/* The agent's heartbeat, in seconds since boot. Agent writes, datapath reads. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} seine_beat SEC(".maps");

/* Loader writes once, every loader after it reads. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct seine_meta);
} seine_meta SEC(".maps");

/* Named counters. Datapath writes, plain adds; anyone reads. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct seine_stats);
} seine_stats SEC(".maps");

/* Admission in the present second. Datapath only. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct seine_guard);
} seine_guard SEC(".maps");

/*
 * The drop lists exist in two generations, 0 and 1. `seine_active` names the one in force. The
 * agent fills the other one completely, entries, lengths and bitmap, and then flips this word: no
 * packet sees half of a list. Agent writes, datapath reads.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} seine_active SEC(".maps");

/* Entries by {address, length}. Preallocated and sized to the list, so it cannot be full: the
 * agent checks before it builds. The loader gives inner maps their BTF types; clang 14
 * leaves only forward declarations here. */
struct seine_entries {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__uint(key_size, sizeof(struct seine_prefix));
	__uint(value_size, sizeof(struct seine_entry));
};

/* Never used: they put the types of an entry into the object's BTF, where the loader finds them. */
const struct seine_prefix *seine_prefix_type __attribute__((unused));
const struct seine_entry *seine_entry_type __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__uint(key_size, sizeof(__u32));
	__array(values, struct seine_entries);
} seine_lists SEC(".maps");

/* Prefix lengths in use, by generation. Agent writes, datapath reads. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct seine_lengths);
} seine_lengths SEC(".maps");

/*
 * "Does this address touch any entry?" in one memory access: one bit per IPv4 /24, and 2^23 bits
 * hashed over IPv6 /48s, for each generation. Index: generation * SEINE_BITS_WORDS + word, IPv4
 * words first. A bit too many costs a look-up, never a verdict. Agent writes (mmap).
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * SEINE_BITS_WORDS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
} seine_bits SEC(".maps");

/* What entries have met, by seine_entry.slot. Datapath writes, plain adds. Slot 0 is shared by
 * entries for which no slot was left. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1u << 17);
	__type(key, __u32);
	__type(value, struct seine_hit);
} seine_hits SEC(".maps");

/* SEINE_LIMIT: when a slot's bucket will be full again (GCRA), in ns. Datapath only; races between
 * CPUs let a few packets too many through. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1u << 17);
	__type(key, __u32);
	__type(value, __u64);
} seine_tat SEC(".maps");

/* The allow list; asked only about packets that an entry would hit. Agent writes, and refuses
 * what does not fit. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct seine_allow_key);
	__type(value, struct seine_allow);
} seine_allow SEC(".maps");

/* Half-open connections, in pairs by keyed hash; of a full pair a stranger goes, or the older.
 * Datapath only. Under a flood only sources proven before get in beyond cfg.syns_per_sec. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1u << 16);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct seine_half);
} seine_half SEC(".maps");

/* The doorkeeper: one hashed bit per source that was ever proven. Datapath sets, agent clears all
 * from time to time. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SEINE_DOOR_BITS / 64);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
} seine_door SEC(".maps");

/* Proven connections: pairs of slots found by keyed hash. When both are taken the one whose
 * client was silent longer is forgotten, and counted (flow_evicted). Datapath only; a connection
 * stays on one CPU, so rows are written with plain stores. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1u << 18);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct seine_flow);
} seine_flow SEC(".maps");

/* What their handshakes have shown, at the same index. Datapath only. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1u << 18);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct seine_shake);
} seine_shake SEC(".maps");

/* Events for the agent: pieces of ClientHellos, and ended connections while somebody asks for
 * them. Full: counted (hello_lost, connection_lost) and not sent. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1u << 22);
} seine_events SEC(".maps");

/* How long servers take to answer a hello, per kind of handshake. Datapath writes, plain adds; the
 * agent calibrates cfg.server_us by it. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SEINE_TLS_KINDS);
	__type(key, __u32);
	__type(value, struct seine_trips);
} seine_trips SEC(".maps");

/* Proven sources. Never evicts: a full table is counted (src_full) and an alarm, and the agent
 * removes rows that are idle. Datapath inserts and adds atomically; agent reads in batches. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1u << 17);
	__type(key, struct seine_addr);
	__type(value, struct seine_source);
} seine_src SEC(".maps");

/* Prefixes with a proven source, /24 and /48. Full, or prefix not proven: the row of key :: takes
 * it. Datapath inserts and adds atomically; agent reads in batches and removes idle rows. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1u << 16);
	__type(key, struct seine_addr);
	__type(value, struct seine_net);
} seine_net SEC(".maps");

#endif
