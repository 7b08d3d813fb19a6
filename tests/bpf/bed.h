/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The XDP program on maps of its own, small and pinned nowhere, run packet by packet with a clock
 * that the test sets. It does not use the agent's loader and writes lists in the plainest way, so
 * that a mistake there cannot hide one here.
 */
#ifndef TESTS_BED_H
#define TESTS_BED_H

#include <stdbool.h>
#include <stdint.h>
#include "bpf/seine.h"
#include "tests/bpf/packet.h"

#define BED_FLOWS 1024
#define BED_HALVES 1024
#define BED_SOURCES 1024
#define BED_NETS 64
#define BED_START_SEC 100000 /* more than a day after boot: what wraps early has wrapped */

struct bed_sizes {
	uint32_t flows, halves, sources, nets;
};

struct bed;

/*
 * Enforcing, proof by ACK, clock at BED_START_SEC. Protected are TCP 443, 8443, 10001 to 10004, and
 * UDP 443, 9443. NULL: small tables.
 */
int bed_open(const struct bed_sizes *sizes, struct bed **ret);
void bed_close(struct bed *b);
/* Everything the datapath has learnt is forgotten, lists and counters are empty. */
void bed_reset(struct bed *b);
/* Puts a second load of the program in place of the first, on the same maps. */
int bed_replace(struct bed *b);
int bed_prog(const struct bed *b);
int bed_map(const struct bed *b, const char *name);

void bed_clock(struct bed *b, uint64_t now_ns);
uint64_t bed_now(const struct bed *b);
/* The live configuration; in force as soon as it is written to. */
void bed_configure(struct bed *b, const struct seine_cfg *cfg);
void bed_config(const struct bed *b, struct seine_cfg *ret);
/* The port becomes one where balancers name their clients, and the prefix one of balancers. */
void bed_balance(struct bed *b, uint16_t port, const char *prefix);
void bed_switch_off(struct bed *b, bool off);
void bed_beat(struct bed *b, uint32_t sec);

/* Lists. A prefix is written as usual: "192.0.2.0/24". */
void bed_entry(struct bed *b, uint32_t generation, const char *prefix, const struct seine_entry *e);
void bed_allow(struct bed *b, const char *prefix, uint32_t expires_sec);
void bed_activate(struct bed *b, uint32_t generation);

/* Runs one frame; the verdict. */
int bed_run(struct bed *b, const struct wire *w);
void bed_stats(const struct bed *b, struct seine_stats *ret);
void bed_hits(const struct bed *b, uint32_t slot, struct seine_hit *ret);
void bed_trips(const struct bed *b, enum seine_tls kind, struct seine_trips *ret);

/* Rows, by address as text or by what a frame says. False: there is none. */
bool bed_source(const struct bed *b, const char *address, struct seine_source *ret);
void bed_forget(struct bed *b, const char *address); /* removes the source's row */
bool bed_net(const struct bed *b, const char *prefix, struct seine_net *ret);
/* The rows of the connection that is tracked, when there is only one. */
bool bed_flow(const struct bed *b, struct seine_flow *ret);
bool bed_shake(const struct bed *b, struct seine_shake *ret);
bool bed_half(const struct bed *b, struct seine_half *ret);
uint32_t bed_count(const struct bed *b, const char *map);

#endif
