/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A made-up world of sources with known truth, as the kernel's rows would show it.
 *
 * Each source knows when it asks next. A step is ten minutes; in it every source that asks does so
 * request by request, and its row is handed to the line whenever a harvest, each ten seconds, would
 * have found it changed. A source's harvests are run through one after the other before the next
 * source's: the line keeps sources apart, so it sees what it would have seen live, at a cost of a
 * few dozen nanoseconds a request. Rows hold what user/sight reads; histograms stay empty.
 *
 * `now_sec` is a multiple of a day at midnight.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "tests/sim/clients.h"
#include "tests/sim/rng.h"
#include "user/base/table.h"
#include "user/mind.h"

#define WORLD_DAY 86400u
#define WORLD_STEP 600u
#define WORLD_HARVEST 10u
#define WORLD_STEPS (WORLD_DAY / WORLD_STEP)
#define WORLD_START WORLD_DAY				/* now_sec at the first midnight */
#define WORLD_EPOCH (1767571200 - (int64_t)WORLD_START) /* that is Monday, 5 January 2026 */
#define WORLD_NEVER UINT32_MAX
#define WORLD_HELLOS 40 /* ClientHellos that many people share: SDKs and browsers */

enum kind {
	KIND_PERSON,	 /* direct */
	KIND_SPLIT,	 /* behind a middlebox that splits TCP */
	KIND_OFFICE,	 /* H1: a company's proxies, one SDK, own subnets, office hours */
	KIND_CARRIER,	 /* H2: a carrier's NAT: many people, many stacks */
	KIND_MONITOR,	 /* H3: uptime checks: periodic, identical, direct */
	KIND_CI,	 /* H4: builds: bursts on the hour, one SDK, direct */
	KIND_SATELLITE,	 /* H5: long lines that split TCP: few prefixes, many stacks */
	KIND_RELAY,	 /* H6: a privacy relay: gap, few prefixes, mixed clients */
	KIND_AGGREGATOR, /* H7: a legitimate one: one stack, least recently used first */
	KIND_MEMBER,	 /* of a campaign */
	KINDS,
};
const char *kind_name(enum kind kind);

/* How a source comes to its next request. */
enum tempo {
	TEMPO_SESSIONS, /* sessions at random moments of its client's day */
	TEMPO_BUSY,	/* so many that a step's are counted, not told apart */
	TEMPO_PERIODIC, /* every so many seconds */
	TEMPO_CRON,	/* a burst after each full hour */
	TEMPO_EVEN,	/* intervals uniform between 0 and twice the mean */
	TEMPO_DRIVEN,	/* somebody else decides, and may leave some to follow */
};

/* What the kernel would have counted. */
struct counts {
	uint64_t request_bytes, response_bytes, gap_us;
	uint32_t requests, handshakes, none, single, dual, unknown;
	uint32_t request_log, response_log;
};

struct world_source {
	uint8_t ip[16];
	struct counts row;
	uint64_t stacks_seen;
	uint32_t first_sec, last_sec, request_sec;
	uint32_t harvest; /* the one that will find what is new; 0: nothing is */
	uint32_t total;	  /* requests ever, whatever became of the row */
	uint32_t left;	  /* requests that follow in this session */
	float per_day;
	float session;			    /* requests in one, on average */
	float pause_sec;		    /* between them */
	float reconnect;		    /* chance of a new connection for one that follows */
	float request_scale, request_extra; /* bytes per token, and beside them */
	float response_scale, response_extra;
	float dual, single; /* chance of a handshake to look like that */
	uint32_t gap_us, rtt_us;
	float mix;    /* share of requests that are somebody else's work */
	uint32_t pad; /* up to so many bytes are added to a request */
	uint16_t client, hello, people, stacks;
	uint16_t swarm; /* 1, 2...: of world.swarms; 0: none */
	int8_t zone;
	uint8_t kind, tempo, syn, syn_now;
	uint16_t hello_now;
	bool fresh;  /* the next request begins a session */
	bool mobile; /* it moves now and then to another address */
};

struct swarm;

struct world {
	struct mind *mind;
	struct clients *clients;
	struct rng rng;
	struct world_source *list;
	uint32_t *next; /* when each asks next */
	size_t n, room;
	struct table *places; /* of addresses in list */
	struct swarm *swarms;
	size_t n_swarms;
	uint32_t *waiting; /* sources whose row is due at the end of the step */
	size_t n_waiting, room_waiting;
	uint8_t (*left)[16]; /* addresses somebody has left */
	size_t n_left, room_left;
	double churn;		 /* share of people who move in a day */
	uint64_t requests, rows; /* handed in */
	int error;
};

int world_new(struct clients *clients, struct mind *mind, uint64_t seed, struct world **ret);
void world_free(struct world *w);
static inline void world_freep(struct world **w)
{
	world_free(*w);
	*w = NULL;
}

/* Copies a source into the world; its first request is drawn from now on. Its address may be taken,
 * then another one near it is. */
uint32_t world_add(struct world *w, const struct world_source *s, uint32_t now_sec);

/* A request of a source; it may not lie before the source's last one. */
void world_ask(struct world *w, uint32_t at, uint32_t sec);

/* Everything that happens from `now_sec` on, for a step; the line has observed it then. */
int world_step(struct world *w, uint32_t now_sec);

/* Hands in every row, as a harvest does. */
int world_harvest(struct world *w, uint32_t now_sec);

bool world_find(const struct world *w, const uint8_t ip[16], uint32_t *ret);
size_t world_bytes(const struct world *w);

/* Addresses: of homes, spread over providers of very different size; and of one subnet. */
void world_home(struct rng *r, uint8_t ret[16]);
void world_v4(uint32_t address, uint8_t ret[16]);
uint32_t world_subnet(struct rng *r); /* a /20 that nobody lives in */

uint16_t world_some_hello(struct rng *r); /* a shared one; a tenth of people use the commonest */
uint16_t world_own_hello(struct rng *r);  /* one that nobody else has */
uint64_t world_hello_key(uint16_t hello);
uint8_t world_some_syn(struct rng *r);

/* In people.c: the honest. */
struct world_crowd {
	size_t people;	  /* and in proportion all others */
	double hard;	  /* how many of the hard negatives, 1: as many as usual */
	bool aggregators; /* H7 too */
};
void world_add_crowd(struct world *w, const struct world_crowd *crowd, uint32_t now_sec);
void world_move_people(struct world *w, uint32_t now_sec); /* once a day */

#endif
