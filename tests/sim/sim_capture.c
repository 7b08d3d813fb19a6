// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A made-up day of an API host as a capture: an honest crowd, and a campaign among it; and who is
 * who, as lines "ADDRESS<tab>CLASS".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "tests/sim/crew.h"
#include "user/base/cleanup.h"

#define BEGIN_NS 1763683200000000000ull /* 2025-11-21, midnight */
#define PROGRESS_EVERY 4096		/* connections */
#define PROGRESS_AFTER_SEC 1

static const char usage[] =
	"usage: sim_capture [OPTION]... CAPTURE TRUTH\n"
	"\n"
	"  --honest N     honest sources (1500)\n"
	"  --exits N      sources of the campaign (300)\n"
	"  --median N     requests a day of an honest user, median (12)\n"
	"  --per-day N    requests a day of an exit (25.6)\n"
	"  --random       exits are drawn at random, not least recently used first\n"
	"  --hours N      of the day (24)\n"
	"  --day SECONDS  how long a day takes; less makes people faster, not networks (86400)\n"
	"  --seed N       the same seed gives the same bytes (1)\n";

struct call {
	struct crew_settings people;
	const char *capture, *truth;
};

static bool read_number(const char *text, double *ret)
{
	char *end;

	*ret = strtod(text, &end);
	return end != text && !*end && *ret >= 0;
}

static int read_option(int option, struct call *ret)
{
	double n = 0;

	if (option == 'R') {
		ret->people.random = true;
		return 0;
	}
	if (option == '?' || !read_number(optarg, &n))
		return -EINVAL;
	switch (option) {
	case 'n': ret->people.honest = (size_t)n; break;
	case 'c': ret->people.exits = (size_t)n; break;
	case 'm': ret->people.median = n; break;
	case 'r': ret->people.per_day = n; break;
	case 'H': ret->people.days = n / 24; break;
	case 'd': ret->people.day_sec = n; break;
	default: ret->people.seed = (uint64_t)n;
	}
	return 0;
}

static int read_call(int argc, char **argv, struct call *ret)
{
	static const struct option options[] = {
		{ "honest", required_argument, NULL, 'n' },
		{ "exits", required_argument, NULL, 'c' },
		{ "median", required_argument, NULL, 'm' },
		{ "per-day", required_argument, NULL, 'r' },
		{ "random", no_argument, NULL, 'R' },
		{ "hours", required_argument, NULL, 'H' },
		{ "day", required_argument, NULL, 'd' },
		{ "seed", required_argument, NULL, 's' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (read_option(option, ret) < 0)
			return -EINVAL;
	if (argc - optind != 2 || ret->people.median <= 0 || ret->people.per_day <= 0 ||
	    ret->people.day_sec <= 0)
		return -EINVAL;
	ret->capture = argv[optind];
	ret->truth = argv[optind + 1];
	return 0;
}

/* ---- progress ---- */

struct progress {
	time_t began, drawn;
	bool wanted;
};

static void show(struct progress *p, const struct crew_settings *s, const struct wire *w,
		 uint64_t now_ns)
{
	double share = (double)(now_ns - s->begin_ns) / (s->days * s->day_sec * 1e9);
	time_t now = time(NULL);

	if (!p->wanted || now == p->drawn || now - p->began < PROGRESS_AFTER_SEC)
		return;
	p->drawn = now;
	fprintf(stderr, "\rcapture  %3.0f %%  %" PRIu64 " packets, %" PRIu64 " MB  ", 100 * share,
		wire_packets(w), wire_bytes(w) / 1000000);
}

/* ---- writing ---- */

static int write_truth(FILE *f, const struct crew *c)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t source[16];

	for (size_t i = 0; i < crew_count(c); i++) {
		enum crew_kind kind = crew_source(c, i, source);
		bool v4 = source[10] == 0xff && !source[0];

		if (!inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? source + 12 : source, text,
			       sizeof(text)) ||
		    fprintf(f, "%s\t%s\n", text, crew_name(kind)) < 0)
			return -EIO;
	}
	return fflush(f) == EOF ? -EIO : 0;
}

static int write_capture(FILE *f, const struct crew_settings *s, struct crew *c)
{
	struct progress progress = { .began = time(NULL), .wanted = isatty(STDERR_FILENO) };
	_cleanup_(wire_freep) struct wire *w = NULL;
	struct wire_connection next;
	uint64_t last_ns = s->begin_ns;
	int r;

	r = wire_new(f, s->seed, &w);
	for (unsigned int i = 0; r == 0 && crew_next(c, &next); i++) {
		last_ns = next.start_ns;
		r = wire_until(w, last_ns);
		if (r == 0)
			r = wire_connect(w, &next);
		if (i % PROGRESS_EVERY == 0)
			show(&progress, s, w, last_ns);
	}
	if (r == 0)
		r = wire_until(w, s->begin_ns + (uint64_t)(s->days * s->day_sec * 1e9));
	if (r == 0 && fflush(f) == EOF)
		r = -EIO;
	if (progress.drawn)
		fputs("\r\033[K", stderr);
	if (r == 0)
		printf("%" PRIu64 " packets, %" PRIu64 " bytes, %zu connections at a time\n",
		       wire_packets(w), wire_bytes(w), wire_open_max(w));
	return r;
}

static int run(const struct call *call)
{
	_cleanup_(fclosep) FILE *capture = fopen(call->capture, "we");
	_cleanup_(fclosep) FILE *truth = fopen(call->truth, "we");
	_cleanup_(crew_freep) struct crew *crew = NULL;
	int r;

	if (!capture || !truth)
		return -errno;
	r = crew_new(&call->people, &crew);
	if (r == 0)
		r = write_truth(truth, crew);
	return r == 0 ? write_capture(capture, &call->people, crew) : r;
}

int main(int argc, char **argv)
{
	struct call call = {
		.people = { .honest = 1500,
			    .exits = 300,
			    .median = 12,
			    .per_day = 25.6,
			    .days = 1,
			    .day_sec = 86400,
			    .begin_ns = BEGIN_NS,
			    .seed = 1 },
	};
	int r;

	if (read_call(argc, argv, &call) < 0) {
		fputs(usage, stderr);
		return 2;
	}
	r = run(&call);
	if (r < 0)
		fprintf(stderr, "sim_capture: %s\n", strerror(-r));
	return r < 0;
}
