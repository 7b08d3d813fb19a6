/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `seine replay`: a capture through the same program and the same line, without an agent.
 */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include "user/base/cleanup.h"
#include "user/cmd.h"
#include "user/export/connection.h"
#include "user/replay/ports.h"
#include "user/replay/replay.h"

#define LABEL "%-12s" /* the left column */
#define ROWS 8	      /* of a table, for a person */
#define PROGRESS_AFTER_SEC 1.0
#define PROGRESS_EVERY_SEC 0.1
#define PROGRESS_CELLS 30

/* --- Settings --------------------------------------------------------------------------------- */

static bool any_port(const struct seine_ports *ports)
{
	static const struct seine_ports none;

	return memcmp(ports, &none, sizeof(none)) != 0;
}

/* --ports, or the configured ones, or 443. */
static int read_ports(const struct cli_call *call, struct seine_ports *ret)
{
	const char *list = call->option[OPT_PORTS];
	char why[CLI_WHY];

	if (!list && any_port(ret))
		return EXIT_DONE;
	if (ports_parse(list ? list : "443", why, sizeof(why), ret) < 0)
		return cmd_fail(EXIT_MISUSE, "--ports: %s", why);
	return EXIT_DONE;
}

/* --- While it runs ---------------------------------------------------------------------------- */

struct watch {
	struct timespec began;
	double took;  /* seconds in all, to read and run the capture */
	double drawn; /* when the bar was, in seconds since then; 0: never */
	bool utf8;
	bool lost; /* an object could not be written */
};

static double seconds_since(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - then->tv_sec) + (double)(now.tv_nsec - then->tv_nsec) / 1e9;
}

/* In seconds, at the pace so far. */
static uint64_t time_left(const struct replay_progress *p, double passed)
{
	double share = (double)p->offset / (double)p->size;

	return share > 0 ? (uint64_t)(passed / share - passed) : 0;
}

static void draw_bar(const struct replay_progress *p, const struct watch *w, double passed)
{
	char frames[FORMAT_MAX], rate[FORMAT_MAX], left[FORMAT_MAX];
	unsigned int full;

	format_count(p->frames, frames);
	format_count((uint64_t)((double)p->frames / passed), rate);
	if (!p->size) {
		fprintf(stderr, "\rreplay  %s packets, %s/s  ", frames, rate);
		return;
	}
	full = (unsigned int)(p->offset * PROGRESS_CELLS / p->size);
	fputs("\rreplay  ", stderr);
	for (unsigned int i = 0; i < PROGRESS_CELLS; i++)
		fputs(i < full ? (w->utf8 ? "━" : "#") : (w->utf8 ? "─" : "."), stderr);
	fprintf(stderr, " %3u %%  %s packets, %s/s, %s left  ",
		(unsigned int)(p->offset * 100 / p->size), frames, rate,
		format_time(time_left(p, passed), left));
}

static void on_progress(const struct replay_progress *p, void *arg)
{
	struct watch *w = arg;
	double passed = seconds_since(&w->began);

	if (passed < PROGRESS_AFTER_SEC || passed < w->drawn + PROGRESS_EVERY_SEC)
		return;
	draw_bar(p, w, passed);
	w->drawn = passed;
}

static void on_connection(const struct seine_connection *c, const char *ja4, const char *ja4_stable,
			  double time, void *arg)
{
	_cleanup_(json_decrefp) json_t *o = connection_json(c, ja4, ja4_stable, time);
	struct watch *w = arg;

	if (!o || json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS)) < 0 ||
	    putchar('\n') == EOF)
		w->lost = true;
}

/* --- For a person ----------------------------------------------------------------------------- */

/* "4.2 M packets in 7.1 s, 590 k/s, 84 MiB" */
static void print_pace(uint64_t frames, double seconds)
{
	char n[FORMAT_MAX], rate[FORMAT_MAX], memory[FORMAT_MAX];
	struct rusage used = { 0 };

	getrusage(RUSAGE_SELF, &used);
	printf(LABEL "%s packets in %.1f s, %s/s, %s\n", "read", format_count(frames, n), seconds,
	       format_count((uint64_t)((double)frames / fmax(seconds, 1e-6)), rate),
	       format_bytes((uint64_t)used.ru_maxrss * 1024, memory));
}

static void print_oddities(const json_t *input, const struct text_style *s)
{
	static const struct {
		const char *member, *text;
	} all[] = {
		{ "runts", "too short for their link header, left out" },
		{ "cut", "longer than the datapath sees, cut" },
		{ "snapped", "captured in part" },
		{ "time_back", "older than the one before, taken as of that one" },
		{ "time_leaps", "where the clock leaps: captures one behind the other?" },
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		uint64_t n = get_number(input, all[i].member);

		if (n)
			printf(LABEL "%s%llu packets %s%s\n", "", text_colour(s, TEXT_YELLOW),
			       (unsigned long long)n, all[i].text, text_colour(s, TEXT_PLAIN));
	}
}

static void print_span(const json_t *a)
{
	double first = get_real(a, "first"), last = get_real(a, "last");
	time_t when = (time_t)first;
	char day[64] = "", span[FORMAT_MAX];
	struct tm tm;

	if (gmtime_r(&when, &tm))
		strftime(day, sizeof(day), "%F %T UTC", &tm);
	printf(LABEL "%s, %s\n", "from", day, format_time((uint64_t)(last - first), span));
}

/* What the datapath's tables had no room for. */
static void print_full(const json_t *stats, const struct text_style *s)
{
	static const struct {
		const char *member, *text;
	} all[] = {
		{ "flow_evicted", "connections forgotten for newer ones: raise `connections`" },
		{ "src_full", "times no room for a source: raise `sources`" },
		{ "connection_lost", "connections not reported: ring full" },
		{ "hello_lost", "pieces of ClientHellos lost: ring full" },
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		uint64_t n = get_number(stats, all[i].member);

		if (n)
			printf(LABEL "%s%llu %s%s\n", "", text_colour(s, TEXT_YELLOW),
			       (unsigned long long)n, all[i].text, text_colour(s, TEXT_PLAIN));
	}
}

static void print_summary(const json_t *a, const struct text_style *s)
{
	const json_t *stats = json_object_get(a, "stats");
	char n[4][FORMAT_MAX];

	print_span(a);
	printf(LABEL "%s packets, %s, %s SYNs\n", "protected",
	       format_count(get_number(a, "packets"), n[0]),
	       format_bytes(get_number(a, "bytes"), n[1]),
	       format_count(get_number(a, "syn"), n[2]));
	printf(LABEL "%s from %s sources, %s hellos, %s requests\n", "connections",
	       format_count(get_number(stats, "flow_new"), n[0]),
	       format_count(get_number(stats, "src_new"), n[1]),
	       format_count(get_number(stats, "hello"), n[2]),
	       format_count(get_number(stats, "requests"), n[3]));
	print_oddities(json_object_get(a, "capture"), s);
	print_full(stats, s);
	if (!get_number(a, "packets"))
		printf(LABEL "%snothing goes to these ports; try --ports%s\n", "",
		       text_colour(s, TEXT_YELLOW), text_colour(s, TEXT_PLAIN));
}

/* The most frequent first; `ROWS` of them. */
struct ranked {
	const char *name;
	uint64_t n;
};

static int by_count(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return strcmp(x->name, y->name);
}

static void print_counts(const char *title, const json_t *counts, const struct text_style *s)
{
	const struct text_column columns[] = {
		{ title, TEXT_LEFT, true },
		{ "CONNECTIONS", TEXT_RIGHT, false },
	};
	_cleanup_(text_table_freep) struct text_table *t = NULL;
	size_t n = json_object_size(counts), i = 0;
	_cleanup_(freep) struct ranked *list = calloc(n + 1, sizeof(*list));
	const char *name;
	json_t *value;

	if (!n || !list || text_table_new(columns, ARRAY_LEN(columns), &t) < 0)
		return;
	json_object_foreach((json_t *)counts, name, value)
		list[i++] = (struct ranked){ name, (uint64_t)json_integer_value(value) };
	qsort(list, n, sizeof(*list), by_count);
	for (i = 0; i < n && i < ROWS; i++) {
		text_cell(t, "%s", list[i].name);
		text_cell(t, "%llu", (unsigned long long)list[i].n);
	}
	putchar('\n');
	text_table_print(t, s, stdout);
	if (n > ROWS)
		printf("%d of %zu shown\n", ROWS, n);
}

static void source_cells(struct text_table *t, const json_t *row)
{
	const json_t *gap = json_object_get(row, "gap"), *rtt = json_object_get(row, "rtt_tcp_us");
	uint64_t split = get_number(gap, "single") + get_number(gap, "dual");
	uint64_t asked = get_number(gap, "none") + split;
	char n[FORMAT_MAX];

	text_cell(t, "%s", get_text(row, "source"));
	text_cell(t, "%s", format_count(get_number(row, "packets"), n));
	text_cell(t, "%s", format_count(get_number(row, "syn"), n));
	text_cell(t, "%s", format_count(get_number(row, "connections"), n));
	text_cell(t, "%s", format_count(get_number(row, "hellos"), n));
	text_cell(t, "%s", format_count(get_number(row, "requests"), n));
	if (is_null(rtt, "median"))
		text_cell(t, "-");
	else
		text_cell(t, "%.1f ms", (double)get_number(rtt, "median") / 1000);
	if (asked)
		text_cell(t, "%llu of %llu", (unsigned long long)split, (unsigned long long)asked);
	else
		text_cell(t, "-");
}

static void print_sources(const json_t *a, const struct text_style *s)
{
	static const struct text_column columns[] = {
		{ "SOURCE", TEXT_LEFT, true },	 { "PACKETS", TEXT_RIGHT, false },
		{ "SYN", TEXT_RIGHT, false },	 { "CONN", TEXT_RIGHT, false },
		{ "HELLOS", TEXT_RIGHT, false }, { "REQUESTS", TEXT_RIGHT, false },
		{ "RTT", TEXT_RIGHT, false },	 { "SPLIT", TEXT_RIGHT, false },
	};
	_cleanup_(text_table_freep) struct text_table *t = NULL;
	const json_t *list = json_object_get(a, "sources");
	size_t n = get_number(a, "sources_seen"), i;
	json_t *row;

	if (!n || text_table_new(columns, ARRAY_LEN(columns), &t) < 0)
		return;
	json_array_foreach(list, i, row)
		source_cells(t, row);
	putchar('\n');
	text_table_print(t, s, stdout);
	if (n > ROWS)
		printf("%d of %zu shown; --json has all\n", ROWS, n);
}

static void print_campaigns(const json_t *a, const struct text_style *s)
{
	const json_t *list = json_object_get(a, "campaigns");
	json_t *c, *e;
	const char *name;
	size_t i;

	putchar('\n');
	if (!json_array_size(list))
		puts("no campaign was found");
	json_array_foreach(list, i, c) {
		printf("%scampaign %s%s: %llu sources, %llu requests, q %.2g\n",
		       text_colour(s, TEXT_RED), get_text(c, "id"), text_colour(s, TEXT_PLAIN),
		       (unsigned long long)get_number(c, "sources"),
		       (unsigned long long)get_number(c, "requests"), get_real(c, "q"));
		json_object_foreach(json_object_get(c, "evidence"), name, e) {
			if (get_flag(e, "holds"))
				text_wrap(get_text(e, "text"), 2, s, stdout);
		}
	}
	if (json_array_size(json_object_get(a, "drops")))
		printf("%zu entries would drop\n", json_array_size(json_object_get(a, "drops")));
}

static void print_person(const json_t *a, double seconds, const struct text_style *s)
{
	const json_t *all = json_object_get(a, "all");

	print_pace(get_number(json_object_get(a, "capture"), "frames"), seconds);
	print_summary(a, s);
	print_sources(a, s);
	print_counts("TLS", json_object_get(all, "tls"), s);
	print_counts("GAP", json_object_get(all, "gap"), s);
	print_counts("JA4", json_object_get(all, "ja4"), s);
	print_counts("SYN", json_object_get(all, "syn_signature"), s);
	print_campaigns(a, s);
}

/* --- The command ------------------------------------------------------------------------------ */

/* Times of day need more digits than cmd_print_json() gives. */
static int print_json(const json_t *a)
{
	size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(REAL_DIGITS);

	if (json_dumpf(a, stdout, flags) < 0 || putchar('\n') == EOF || fflush(stdout) == EOF)
		return cmd_fail(EXIT_NO, "cannot write the answer");
	return EXIT_DONE;
}

static int show(const struct cli_call *call, struct replay *r, const struct watch *w)
{
	_cleanup_(json_decrefp) json_t *a = NULL;
	struct text_style style = cmd_style(call);

	if (call->option[OPT_CONNECTIONS])
		return w->lost || fflush(stdout) == EOF
			       ? cmd_fail(EXIT_NO, "cannot write the connections")
			       : EXIT_DONE;
	a = replay_result(r, call->option[OPT_JSON] ? SIZE_MAX : ROWS);
	if (!a)
		return cmd_fail(EXIT_NO, "out of memory");
	if (call->option[OPT_JSON])
		return print_json(a);
	print_person(a, w->took, &style);
	return EXIT_DONE;
}

static int run(const struct cli_call *call, struct replay *r, struct capture *c, struct watch *w)
{
	char why[REPLAY_WHY];
	int n, code;

	n = replay_run(r, c, why);
	w->took = seconds_since(&w->began);
	if (w->drawn > 0)
		fputs("\r\033[K", stderr);
	if (n < 0 && n != -EBADMSG)
		return cmd_fail(EXIT_NO, "%s", why);
	code = show(call, r, w);
	if (n < 0)
		return cmd_fail(EXIT_NO, "%s", why);
	return code;
}

int cmd_replay(const struct cli_call *call)
{
	_cleanup_(capture_closep) struct capture *capture = NULL;
	_cleanup_(replay_closep) struct replay *r = NULL;
	struct watch w = { .utf8 = cmd_style(call).utf8 };
	struct replay_settings settings = {
		.connection = call->option[OPT_CONNECTIONS] ? on_connection : NULL,
		.progress = isatty(STDERR_FILENO) ? on_progress : NULL,
		.arg = &w,
	};
	char why[REPLAY_WHY] = "";
	int code;

	code = cmd_conf(call, &settings.conf);
	if (code == EXIT_DONE)
		code = read_ports(call, &settings.conf.ports);
	if (code != EXIT_DONE)
		return code;
	if (capture_open(call->args[0], why, &capture) < 0)
		return cmd_fail(EXIT_NO, "%s", why);
	if (replay_open(&settings, why, &r) < 0)
		return cmd_fail(EXIT_NO, "replay: %s", why);
	clock_gettime(CLOCK_MONOTONIC, &w.began);
	return run(call, r, capture, &w);
}
