/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The correlator: from features of sources to campaigns with members, prefixes and evidence. Pure.
 *
 *	sources -> cohorts (hello key, behind a second leg) -> evidence of independent families
 *		-> at least two must hold -> false discovery control over cohorts
 *		-> one piece of work -> members by local false discovery rate
 *		-> prefixes by a bound on purity
 *
 * Every number that led to a campaign stays in its record; campaign_explain() puts them in
 * sentences. Path and place also fit a company behind proxies of its own; nobody is a member unless
 * density holds as well.
 */
#ifndef SHOAL_SHOAL_H
#define SHOAL_SHOAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "user/base/prefix.h"
#include "user/shoal/source.h"
#include "user/sight/observation.h"

struct asns;  /* user/sight/asns.h */
struct seeds; /* user/shoal/seeds.h */

enum family { /* of evidence */
	      FAMILY_PATH,
	      FAMILY_SCHEDULE,
	      FAMILY_DENSITY,
	      FAMILY_SYNCHRONY,
	      FAMILY_PLACE,
	      FAMILY_SEED, /* asked only where an operator has named seeds */
	      FAMILY_MAX,
};

struct shoal_settings {
	double q;	     /* false discovery rate over cohorts, 0.01 */
	double lfdr_max;     /* a member's local false discovery rate, 0.05 */
	double purity_min;   /* lower bound on the share of members in a prefix, 0.90 */
	double alpha;	     /* of that bound, two-sided, 0.05 */
	uint32_t cohort_min; /* sources, 10 */
	uint32_t prefix_min; /* members in a prefix, 8 */
	uint32_t prefix_v4_min, prefix_v4_max; /* /20 to /32 */
	uint32_t prefix_v6_min, prefix_v6_max; /* /40 to /64 */
	double stacks_max; /* more stacks than this behind one address: shared, never a member; 3 */
	uint32_t hold_sec; /* a campaign that rounds fall short of is kept this long, 600 */
	uint32_t day_sec;  /* length of WINDOW_DAY, 86400 */
};
extern const struct shoal_settings shoal_defaults;

/* What speaks for and against one cohort in one family. */
struct evidence {
	enum family family;
	double p;   /* p-value; 1 when the family cannot be asked */
	bool holds; /* alone, at the level the combination needs */
	/* What evidence_sentence() says: `observed` of `of`, `expected` at the share `baseline`
	 * that others have. */
	double observed, of, expected, baseline;
	unsigned int test;   /* which of the family's tests that is; see its file */
	struct prefix where; /* FAMILY_PLACE: the prefix meant ... */
	uint32_t asn;	     /* ... or the network, when not 0 */
};

struct member {
	uint8_t source[16];
	double lfdr;
	double log10_e; /* its own e-value of being behind a second leg */
	uint32_t requests;
	float gap_ms;
	bool alone;	     /* nobody else's TCP/TLS stack was seen there */
	bool seed;	     /* named by an operator */
	bool huddled;	     /* in one of the CAMPAIGN_HUDDLES networks that hold most members */
	uint8_t window;	     /* enum window: where it was found last ... */
	uint32_t last_sec;   /* ... and when; it stays a member while such findings are held */
	uint32_t joined_sec; /* when it became one */
};

/* Why a prefix does not stand for the members in it; the first that holds. */
enum net_refusal {
	NET_SPARSE, /* too few of its addresses are members */
	NET_SHARED, /* many people share an outsider in it */
	NET_KNOWN,  /* an outsider in it has been known for long */
	NET_IMPURE, /* the bound on purity does not hold, or too many outsiders */
	NET_REFUSALS,
};

struct net_finding { /* a prefix that can stand for its members */
	struct prefix prefix;
	uint32_t members, sources; /* in it, of those seen */
	uint32_t outsiders;	   /* of them, with no sign of the campaign */
	bool alone;    /* nor any with other software beside the campaign's, or undecided */
	double purity; /* lower bound, the smaller one of sources and requests */
};

#define CAMPAIGN_HUDDLES 3 /* networks: a company has one or few of its own */

struct campaign {
	uint32_t id; /* stable while the campaign lives; shown as c-1f3a */
	uint64_t hello_key;
	enum seine_gap gap;
	enum window window;	    /* that the evidence is from */
	uint32_t seen_sec[WINDOWS]; /* when each window last found it; 0: never */
	uint32_t first_sec, last_sec;
	uint32_t ended_sec;	      /* no longer found since; 0: it lives */
	uint32_t replaces;	      /* id of the campaign whose load it took over; 0: none */
	uint32_t found;		      /* members that the evidence's own round found */
	uint32_t grown_from;	      /* members up to a day ago, or at first ... */
	uint32_t grown_sec;	      /* ... and when that was */
	uint32_t members_max;	      /* at its height */
	double rate, rate_max;	      /* requests a day of all members, and at its height */
	double awake, awake_expected; /* members heard in the last hour, and how many should be */
	float log_request, log_response; /* medians of what members ask and get */
	uint32_t seeds;			 /* members named by an operator */
	double networks; /* that members are spread over: /20s (IPv6: /40s), weighed by members */
	uint32_t scattered;	   /* members that are not huddled ... */
	double scattered_networks; /* ... and what these alone are spread over */
	uint32_t idle;		   /* fit, but have not been heard for a day */
	uint32_t fleeting;	   /* fit, but were seen too briefly to be proven */
	uint32_t sources;	   /* in the cohort */
	uint64_t requests;	   /* of members */
	uint32_t shared;	   /* sources spared because many share them */
	struct evidence evidence[FAMILY_MAX];
	double p_combined;		 /* at least two families */
	double p_without[FAMILY_MAX];	 /* the combination with that family left out */
	bool stands_without[FAMILY_MAX]; /* it would still be found then, were it alone */
	double q_value;
	double gap_low_ms, gap_high_ms; /* 5 % and 95 % of the members' second leg */
	double lfdr_max;
	struct member *members; /* sorted by address */
	size_t n_members;
	struct net_finding *prefixes; /* sorted, disjoint */
	size_t n_prefixes;
	uint32_t refused[NET_REFUSALS]; /* prefixes that were looked at, too */
};

struct campaigns {
	struct campaign *list; /* strongest first */
	size_t n;
	size_t cohorts;	      /* judged in this round */
	size_t left_out;      /* campaigns beyond those that can be followed */
	size_t sources;	      /* looked at */
	struct noise noise;   /* that this round's direct connections show */
	double requests_high; /* more than that is a volume that only few sources have */
};

/* What a round looks at. */
struct shoal_question {
	const struct features *f; /* of one window */
	size_t n;
	enum window window;
	uint32_t now_sec;
	uint32_t since_sec;	   /* when the window begins */
	uint32_t slot;		   /* the present one; see rhythm.h */
	const struct asns *asns;   /* NULL: no table of networks was given */
	const struct seeds *seeds; /* NULL: none */
};

/*
 * One round over one window. `before` (may be NULL) is what all rounds so far have found, and gives
 * identity: a campaign that shares most members or its ClientHello with an earlier one keeps its id
 * and first_sec; its members are those of all windows. An earlier one that this round falls short
 * of stays as it was until its window's hold has passed: evidence near its threshold must not make
 * entries and names come and go. Then it has ended, and is remembered for two days, so that a pool
 * that takes over its load is linked to it.
 */
int shoal_correlate(const struct shoal_question *q, const struct shoal_settings *s,
		    const struct campaigns *before, struct campaigns **ret);
void campaigns_free(struct campaigns *c);
size_t campaigns_living(const struct campaigns *c); /* those that have not ended */
const struct campaign *campaigns_find(const struct campaigns *c, uint32_t id);
const struct member *campaign_member(const struct campaign *c, const uint8_t source[16]);

#define SENTENCE_SIZE 256 /* three lines of a terminal */
#define SENTENCES_MAX 40

enum side {
	SIDE_FOR,
	SIDE_AGAINST,
	SIDE_WITHOUT, /* with one kind of evidence less */
	SIDE_EFFECT,  /* what dropping would hit */
	SIDE_LIFE,    /* since when, how it grows, what came before and after */
};

struct sentence {
	enum side side;
	char text[SENTENCE_SIZE];
};

/* What a campaign is seen against. */
struct backdrop {
	uint32_t now_sec;
	uint32_t day_sec;	     /* as in struct shoal_settings */
	size_t sources;		     /* seen over WINDOW_DAY; 0: not known */
	const struct campaigns *all; /* known at the same time; NULL: none */
};

/* One sentence with its baseline: "464 of 470 sources with this ClientHello show a second round
 * trip; 1.2 % of others do." `buf` gets at most `size` bytes, always terminated. Returns buf. */
const char *evidence_sentence(const struct campaign *c, enum family f, char *buf, size_t size);

/* Was there anything to ask? Without seeds, or too few times, a family says nothing. */
bool evidence_asked(const struct campaign *c, enum family f);

/* "path", "schedule", "density", "synchrony", "place", "seed" */
const char *family_name(enum family f);

/* Would it still be found, whichever kind of evidence was left out? */
bool campaign_stands(const struct campaign *c);

/* All that is known for and against a campaign, what dropping it would hit and how it lives, in the
 * order to be read. Returns how many sentences. */
size_t campaign_explain(const struct campaign *c, const struct backdrop *b,
			struct sentence ret[SENTENCES_MAX]);

#endif
