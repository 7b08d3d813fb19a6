/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hand-off: a pool in which the least recently used exit is next gives each turn to the source that
 * has waited longest.
 *
 * Statistic: for each turn (session) of a source after its first known one, the rank of its wait
 * among the waits of all sources that could begin a turn: those whose last request is more than tau
 * ago (else it would still be the same turn) and at most SESSION_WAIT_MAX_SEC. Normalised to (0,
 * 1), equal waits share their ranks; the mean over turns. A source takes part from the oldest time
 * on that is known of it. Who is at risk and how long it has waited is known before the turn, as in
 * Cox's partial likelihood (1972, 1975): if all sources are equally likely to be next, whatever the
 * time of day, ranks are uniform and independent.
 *
 * Null: the mean is at most INNOCENT_MEAN. Of sources with unequal rates it is below 0.5, for a
 * recent turn tells of a high rate: a Poisson pair with rates a and b has 2ab / (a + b), its
 * harmonic mean, where equality has (a + b) / 2. Bursts lower it, too. What raises it is
 * - choosing sources by their count: of a pair with n requests each, in random order, the share of
 *   turns that follow one of the other is (n + 1) / (2n + 1): 0.6 for two each, less for more;
 * - waits more regular than chance: in a pool of equal renewal processes the mean is E min(X, Y) /
 *   E X, one minus the Gini coefficient of a wait.
 * Variance: the larger of that of uniform ranks, 1 / (12 n), and that between sources, since the
 * turns of one source may depend on each other. Normal tail.
 *
 * No publication of this test is known to the authors. It is blind to random balancing, which gives
 * 0.5 as equal users do, and to pools mixed with many other sources. Monitors and scheduled jobs
 * with one period take turns exactly like a pool, and are innocent.
 *
 * Ranks come from a Fenwick tree (1994) over the ends of all sessions in order.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include "user/base/cleanup.h"
#include "user/shoal/chance.h"
#include "user/shoal/turns.h"
#include "user/sight/order.h"

/*
 * One minus the Gini coefficient of a gamma distribution with coefficient of variation 0.41. In
 * public traces (ServeGen) 5 % of clients are below 0.41 in the workload with the most regular
 * ones, below 0.93 in others; a group that consists of such clients alone, with equal rates, is as
 * close to a pool as innocents come.
 */
#define INNOCENT_MEAN 0.774

/* Of a pool any part is in the same order as the whole, so not all need to be looked at. */
#define SOURCES_MAX 4096

struct turn {
	uint32_t begin, end;
	uint32_t place; /* of its end, among all different ends, from 1 */
	bool later;	/* than the source's first one */
	bool waiting;	/* its source could begin another turn */
};

struct race {
	struct turn *list; /* by source, then by time: the one before is list[i - 1] */
	struct ordered *by_begin, *by_end;
	uint32_t *tree; /* Fenwick's, over places: sources waiting since then */
	size_t n;
	uint32_t places, waiting;
	uint32_t tau_sec;
	size_t entered, left; /* of by_end */
	float *rank;	      /* of each turn's wait, negative: none */
};

static void race_clear(struct race *r)
{
	free(r->list);
	free(r->by_begin);
	free(r->by_end);
	free(r->tree);
	free(r->rank);
}

static void collect_turns(const struct tempo *tempo, const struct group *g, struct race *r)
{
	size_t step = (g->n + SOURCES_MAX - 1) / SOURCES_MAX;
	struct session s[RHYTHM_TIMES];
	const struct rhythm *rhythm;
	unsigned int n;

	for (size_t i = 0; i < g->n; i += step) {
		rhythm = tempo->p->list[g->at[i]].f->rhythm;
		if (!rhythm)
			continue;
		n = sessions_collect(rhythm, r->tau_sec, s);
		for (unsigned int j = 0; j < n; j++)
			r->list[r->n++] = (struct turn){
				.begin = s[j].begin,
				.end = s[j].end,
				.later = j > 0,
			};
	}
}

static int sort_turns(struct race *r)
{
	int ret;

	for (size_t i = 0; i < r->n; i++) {
		r->by_begin[i] = (struct ordered){ 0, r->list[i].begin, (uint32_t)i };
		r->by_end[i] = (struct ordered){ 0, r->list[i].end, (uint32_t)i };
		r->rank[i] = -1;
	}
	ret = order_sort(r->by_begin, r->n);
	if (ret == 0)
		ret = order_sort(r->by_end, r->n);
	if (ret < 0)
		return ret;
	for (size_t i = 0; i < r->n; i++) {
		r->places += !i || r->by_end[i].lo != r->by_end[i - 1].lo;
		r->list[r->by_end[i].at].place = r->places;
	}
	return 0;
}

static int race_prepare(const struct tempo *tempo, const struct group *g, struct race *r)
{
	size_t room = (g->n < SOURCES_MAX ? g->n : SOURCES_MAX) * RHYTHM_TIMES + 1;

	r->list = calloc(room, sizeof(*r->list));
	r->by_begin = calloc(room, sizeof(*r->by_begin));
	r->by_end = calloc(room, sizeof(*r->by_end));
	r->tree = calloc(room, sizeof(*r->tree));
	r->rank = calloc(room, sizeof(*r->rank));
	if (!r->list || !r->by_begin || !r->by_end || !r->tree || !r->rank)
		return -ENOMEM;
	collect_turns(tempo, g, r);
	return sort_turns(r);
}

static void set_waiting(struct race *r, struct turn *t, bool waiting)
{
	if (t->waiting == waiting)
		return;
	t->waiting = waiting;
	r->waiting += waiting ? 1u : -1u;
	for (uint32_t i = t->place; i <= r->places; i += i & -i)
		r->tree[i] += waiting ? 1u : -1u;
}

/* How many wait since this place or an earlier one. */
static uint32_t waiting_since(const struct race *r, uint32_t place)
{
	uint32_t sum = 0;

	for (uint32_t i = place; i; i -= i & -i)
		sum += r->tree[i];
	return sum;
}

/* Brings the waiting up to date: who has waited for more than tau, and not for too long. */
static void pass_time(struct race *r, uint32_t now_sec)
{
	while (r->entered < r->n && now_sec > r->list[r->by_end[r->entered].at].end + r->tau_sec)
		set_waiting(r, &r->list[r->by_end[r->entered++].at], true);
	while (r->left < r->entered &&
	       now_sec > r->list[r->by_end[r->left].at].end + SESSION_WAIT_MAX_SEC)
		set_waiting(r, &r->list[r->by_end[r->left++].at], false);
}

static float rank_of_wait(const struct race *r, const struct turn *before)
{
	uint32_t longer = waiting_since(r, before->place - 1);
	uint32_t not_shorter = waiting_since(r, before->place);
	uint32_t alike = not_shorter - longer; /* itself too */
	uint32_t shorter = r->waiting - not_shorter;

	return ((float)shorter + 0.5f * (float)alike) / (float)r->waiting;
}

/* Turns that begin in the same second: each is compared with what was before all of them. */
static void race_second(struct race *r, size_t first, size_t end)
{
	uint32_t at;

	pass_time(r, r->list[r->by_begin[first].at].begin);
	for (size_t i = first; i < end; i++) {
		at = r->by_begin[i].at;
		if (r->list[at].later && r->list[at - 1].waiting && r->waiting > 1)
			r->rank[at] = rank_of_wait(r, &r->list[at - 1]);
	}
	for (size_t i = first; i < end; i++) {
		at = r->by_begin[i].at;
		if (r->list[at].later)
			set_waiting(r, &r->list[at - 1], false);
	}
}

static void race_run(struct race *r)
{
	size_t end;

	for (size_t first = 0; first < r->n; first = end) {
		for (end = first + 1; end < r->n; end++)
			if (r->by_begin[end].lo != r->by_begin[first].lo)
				break;
		race_second(r, first, end);
	}
}

struct ranks {
	double sum, n;
	double between; /* sum of squares of what the sources' ranks add to the mean */
	double sources;
};

static void add_source(struct ranks *to, double mean, double sum, double n)
{
	if (n > 0) {
		to->between += (sum - n * mean) * (sum - n * mean);
		to->sources++;
	}
}

static struct ranks sum_ranks(const struct race *r)
{
	struct ranks ret = { 0 };
	double mean, sum = 0, n = 0;

	for (size_t i = 0; i < r->n; i++) {
		if (r->rank[i] >= 0) {
			ret.sum += r->rank[i];
			ret.n++;
		}
	}
	mean = ret.n > 0 ? ret.sum / ret.n : 0;
	for (size_t i = 0; i < r->n; i++) {
		if (!r->list[i].later) {
			add_source(&ret, mean, sum, n);
			sum = n = 0;
		}
		if (r->rank[i] >= 0) {
			sum += r->rank[i];
			n++;
		}
	}
	add_source(&ret, mean, sum, n);
	return ret;
}

static struct evidence conclude(const struct ranks *r)
{
	struct evidence e = { .p = 1, .expected = INNOCENT_MEAN, .baseline = 0.5 };
	double variance;

	if (r->sources < TURNS_SOURCES_MIN)
		return e;
	variance = fmax(r->n / 12, r->between * r->sources / (r->sources - 1));
	e.observed = r->sum / r->n;
	e.of = r->n;
	e.p = chance_normal((r->sum - INNOCENT_MEAN * r->n) / sqrt(variance));
	e.p = fmin(e.p * SESSION_TAUS, 1);
	return e;
}

int handoff_test(const struct tempo *tempo, const struct group *g, struct evidence *ret)
{
	struct evidence best = { .p = 1, .expected = INNOCENT_MEAN, .baseline = 0.5 }, e;
	struct ranks ranks;
	int r;

	for (unsigned int tau = 0; tau < SESSION_TAUS; tau++) {
		_cleanup_(race_clear) struct race race = { .tau_sec = session_tau_sec[tau] };

		r = race_prepare(tempo, g, &race);
		if (r < 0)
			return r;
		race_run(&race);
		ranks = sum_ranks(&race);
		e = conclude(&ranks);
		if (e.p < best.p || !best.of)
			best = e;
	}
	*ret = best;
	return 0;
}
