/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loaded datapath: program, pinned maps, interfaces. The only folder that calls bpf_*.
 *
 * datapath_open() loads the program beside whatever runs, adopts the pinned maps of the same ABI or
 * creates them, and datapath_attach() puts it on an interface: in one step in place of our own
 * older program, through libxdp next to others, never in place of a program that is not ours.
 */
#ifndef KERNEL_DATAPATH_H
#define KERNEL_DATAPATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bpf/seine.h"
#include "user/judge/entry.h"

#define DATAPATH_WHY 256

struct datapath_sizes {
	uint32_t sources, nets, flows, half_open, hit_slots, allows;
};

struct datapath_options {
	const char *pin_dir; /* .../seine; the ABI number is appended. NULL: maps of its own, pinned
			      * nowhere */
	struct datapath_sizes sizes;
	uint32_t source_bits;
	bool test_clock; /* tests and replay set the clock themselves */
};

struct datapath;

/* `why` (DATAPATH_WHY bytes) gets a sentence an operator can act on when the result is negative. */
int datapath_open(const struct datapath_options *o, char *why, struct datapath **ret);
/* Opens pinned maps only, for reading and for `seine off`; no program is loaded. -ENOENT: nothing
 * pinned. */
int datapath_open_pinned(const char *pin_dir, char *why, struct datapath **ret);
void datapath_close(struct datapath *d); /* leaves programs attached and maps pinned */

enum datapath_xdp_mode { XDP_NATIVE, XDP_GENERIC };
int datapath_attach(struct datapath *d, const char *ifname, enum datapath_xdp_mode mode, char *why);
int datapath_detach(struct datapath *d, const char *ifname, char *why); /* only if it is ours */
/* Is a program of ours on this interface, and in which mode? Id 0: none. */
int datapath_attached(const struct datapath *d, const char *ifname, uint32_t *ret_id,
		      enum datapath_xdp_mode *ret_mode);
/* Does any interface run our program under a dispatcher? Then taking it off needs CAP_SYS_ADMIN. */
bool datapath_shares(const struct datapath *d);
/*
 * Removes what older versions and killed agents have left below the pin directory: maps of older
 * ABI numbers, unless a loaded program uses any of them, and directories and pins that were never
 * finished. After datapath_attach(), which has put our program in place of an older one of ours;
 * from here on such a one is foreign. -EBADF: we do not hold the lock. *ret: directories removed.
 */
int datapath_collect(struct datapath *d, unsigned int *ret);
int datapath_unpin(const char *pin_dir); /* removes the maps: all counts and entries are gone */

/* Small rows. */
int datapath_configure(struct datapath *d, const struct seine_cfg *cfg);
int datapath_protect(struct datapath *d, const struct seine_ports *ports);
int datapath_config(struct datapath *d, struct seine_cfg *ret);
int datapath_switch_off(struct datapath *d, bool off);
int datapath_switched_off(struct datapath *d, bool *ret);
int datapath_beat(struct datapath *d, uint32_t now_sec);
int datapath_last_beat(struct datapath *d, uint32_t *ret_sec);	 /* 0: never */
int datapath_stats(struct datapath *d, struct seine_stats *ret); /* summed over CPUs */
int datapath_meta(struct datapath *d, struct seine_meta *ret);
/* Of the maps as they are: adopted ones keep the sizes they were made with. */
void datapath_sizes(const struct datapath *d, struct datapath_sizes *ret);

/* Harvest: calls `row` for each row, read in batches of at most 4096. A negative return of `row`
 * ends it. */
typedef int (*datapath_source_fn)(const struct seine_addr *key, const struct seine_source *row,
				  void *arg);
int datapath_sources(struct datapath *d, datapath_source_fn row, void *arg);
int datapath_source(struct datapath *d, const struct seine_addr *key, struct seine_source *ret);
int datapath_forget_source(struct datapath *d, const struct seine_addr *key);
typedef int (*datapath_net_fn)(const struct seine_addr *key, const struct seine_net *row,
			       void *arg);
int datapath_nets(struct datapath *d, datapath_net_fn row, void *arg);
int datapath_forget_net(struct datapath *d, const struct seine_addr *key);

/*
 * Lists. datapath_lists() reads back what the datapath holds. datapath_apply() builds the other
 * generation completely, reads it back, compares and flips; on any error the old one stays in
 * force. When it returns 0 no packet sees the old list any more. A list that is in force already
 * costs a comparison. -E2BIG, -EINVAL: it cannot fit; -ENOMEM, -EIO and others: it may the next
 * time. datapath_apply_slots() puts the row of hits that each entry got into `list`, which then is
 * what the datapath holds: there is no need to read it back once more. It returns 1 where
 * datapath_retired() tells what became of the list before.
 */
int datapath_lists(struct datapath *d, struct entries **ret);
/* The list that was in force before: whoever had it open may have written into it to the last. */
int datapath_retired(struct datapath *d, struct entries **ret);
int datapath_apply(struct datapath *d, const struct entries *wanted, char *why);
int datapath_apply_slots(struct datapath *d, struct entries *list, char *why);

/*
 * Would it fit? Asked before a change is recorded; writes nothing. 0: yes, but *ret_uncounted
 * entries would find no row for their hits and share row 0. -E2BIG: too many entries or IPv6
 * lengths; -EINVAL: a prefix too wide; -ENOSPC: an entry with a rate would find no row, and let
 * everything pass. datapath_apply() does bring such a list into force, because the others count.
 */
int datapath_fits(struct datapath *d, const struct entries *wanted, char *why,
		  size_t *ret_uncounted);

int datapath_hits(struct datapath *d, uint32_t slot,
		  struct seine_hit *ret); /* summed over CPUs; last_sec: the latest */
int datapath_clear_hits(struct datapath *d, uint32_t slot);

/* How full the tables of lists are. */
struct datapath_room {
	size_t entries, entries_max;
	size_t uncounted; /* entries that share row 0 of the hits, because no other was free */
	size_t unlimited; /* of them those with a rate, who limit nothing while that is so */
	uint32_t hit_slots;
	size_t allows, allows_max;
};
/* `held` as datapath_lists() read it, `allows` as many as datapath_allows() did. */
void datapath_room(const struct datapath *d, const struct entries *held, size_t allows,
		   struct datapath_room *ret);
/* Is anything of it full? Then `why` tells what follows from that, and what helps. */
bool datapath_room_short(const struct datapath_room *room, char *why);

struct allow_entry {
	struct prefix prefix;
	struct seine_allow row;
};
/* Would these have room beside what the allow list holds? Asked before a change is recorded.
 * -ENOSPC with a sentence. */
int datapath_allow_fits(struct datapath *d, const struct allow_entry *list, size_t n, char *why);
/* -ENOSPC: full, and the list does not hold this prefix yet. */
int datapath_allow_put(struct datapath *d, const struct allow_entry *a);
int datapath_allow_remove(struct datapath *d, const struct prefix *p);
int datapath_allows(struct datapath *d, struct allow_entry **ret, size_t *ret_n);

/*
 * Events of the ring, for one reader at a time. datapath_events_fd() is readable while there are
 * any; datapath_take_events() hands at most `max` of them to the listener and returns how many it
 * took, also of kinds it does not know. What is handed over is valid only during the call.
 */
struct datapath_listener {
	void (*hello)(const struct seine_segment *piece, void *arg); /* len is within data */
	void (*connection)(const struct seine_connection *c, void *arg);
	void *arg;
};
int datapath_listen(struct datapath *d, const struct datapath_listener *listener);
int datapath_events_fd(const struct datapath *d);
int datapath_take_events(struct datapath *d, unsigned int max);

/* How long servers take, by kind of handshake, since the maps were made; summed over CPUs, and as
 * wrapping as the counters themselves. */
int datapath_trips(struct datapath *d, struct seine_trips ret[SEINE_TLS_KINDS]);

/* For replay: runs the program over one Ethernet frame, with test_clock as of now_ns. Returns the
 * XDP verdict. At least DATAPATH_FRAME_MIN bytes; beyond DATAPATH_FRAME_MAX it sees nothing. */
#define DATAPATH_FRAME_MIN 14
#define DATAPATH_FRAME_MAX 3400 /* fits the first buffer of a page, with headroom and tail room */
int datapath_run(struct datapath *d, const void *frame, uint32_t len, uint64_t now_ns);
/* Calls `row` for each connection that has not ended. A negative return of `row` ends it. */
typedef int (*datapath_connection_fn)(const struct seine_connection *c, void *arg);
int datapath_connections(struct datapath *d, datapath_connection_fn row, void *arg);

/* For tests and benches that run the program themselves. */
int datapath_prog_fd(const struct datapath *d);
int datapath_map_fd(const struct datapath *d, const char *name);
void datapath_set_clock(struct datapath *d, uint64_t now_ns); /* only with test_clock */

#endif
