/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `seine status`, `seine version`.
 */
#include <string.h>
#include "user/base/cleanup.h"
#include "user/cmd.h"
#include "user/control/answer.h"
#include "user/export/change.h"
#include "user/kernel/datapath.h"
#include "user/version.h"

#define LABEL "%-12s" /* the left column */

/* --- What is wrong or unusual, first ---------------------------------------------------------- */

static void print_mode(const json_t *a, const struct text_style *s)
{
	bool off = get_flag(a, "off"), enforce = strcmp(get_text(a, "mode"), "enforce") == 0;

	printf(LABEL, "mode");
	if (off)
		printf("%soff: everything passes; seine on ends this, then it is %s%s\n",
		       text_colour(s, TEXT_RED), get_text(a, "mode"), text_colour(s, TEXT_PLAIN));
	else if (enforce)
		printf("%senforce%s: entries drop\n", text_colour(s, TEXT_GREEN),
		       text_colour(s, TEXT_PLAIN));
	else
		printf("%sobserve%s: nothing is dropped; what would be is counted\n",
		       text_colour(s, TEXT_YELLOW), text_colour(s, TEXT_PLAIN));
}

/* What is on trial comes back unless somebody remembers it. */
static void print_trial_left(const json_t *a, const struct text_style *s)
{
	const json_t *trial = json_object_get(a, "trial");
	char text[FORMAT_TRIAL];

	if (get_flag(trial, "active"))
		text_fact(s, stdout, "on trial", TEXT_LOUD,
			  "%s; seine apply --confirm keeps the changes", format_trial(trial, text));
}

static void print_trouble(const json_t *a, const struct text_style *s)
{
	const char *trouble = get_text(a, "trouble");
	const json_t *reasons = json_object_get(a, "reasons");
	json_t *reason;
	size_t i;

	if (*trouble)
		text_fact(s, stdout, "trouble", TEXT_RED, "%s", trouble);
	json_array_foreach((json_t *)reasons, i, reason)
		text_fact(s, stdout, i ? "" : "degraded", TEXT_RED, "%s",
			  json_string_value(reason));
	if (!*trouble && get_flag(a, "degraded") && !json_array_size(reasons))
		text_fact(s, stdout, "degraded", TEXT_RED, "a table is full, or an apply failed");
}

static void print_agent(const json_t *a)
{
	const json_t *cycle = json_object_get(a, "cycle");
	char up[FORMAT_MAX], age[FORMAT_MAX], silent[FORMAT_MAX];

	printf(LABEL "seined %s, running for %s\n", "agent", get_text(a, "version"),
	       format_time(get_number(a, "uptime_sec"), up));
	if (!json_is_object(cycle)) {
		printf(LABEL "none finished yet\n", "last round");
		return;
	}
	printf(LABEL "%s ago, took %llu ms; automatic entries watch after %s without\n",
	       "last round", format_time(get_number(cycle, "age_sec"), age),
	       (unsigned long long)get_number(cycle, "took_ms"),
	       format_time(get_number(a, "silent_after_sec"), silent));
}

static void print_interfaces(const json_t *a, const struct text_style *s)
{
	size_t i;
	json_t *one;

	json_array_foreach(json_object_get(a, "interfaces"), i, one) {
		printf(LABEL "%s: ", i ? "" : "interface", get_text(one, "name"));
		if (is_null(one, "program"))
			printf("%snot attached: nothing is seen there%s\n",
			       text_colour(s, TEXT_RED), text_colour(s, TEXT_PLAIN));
		else
			printf("program %llu, %s mode\n",
			       (unsigned long long)get_number(one, "program"),
			       get_text(one, "xdp"));
	}
}

/* --- What it has found ------------------------------------------------------------------------ */

static void print_campaigns(const json_t *a)
{
	const json_t *c = json_object_get(a, "campaigns"), *j = json_object_get(a, "judgement");

	if (!json_is_object(c))
		return;
	printf(LABEL "%llu, with %llu members; cohorts judged: %llu\n", "campaigns",
	       (unsigned long long)get_number(c, "found"),
	       (unsigned long long)get_number(c, "members"),
	       (unsigned long long)get_number(c, "cohorts"));
	if (get_number(j, "refused") || get_flag(j, "budget_spent"))
		printf(LABEL "%llu of the prefixes wanted, by guards or budget%s\n", "refused",
		       (unsigned long long)get_number(j, "refused"),
		       get_flag(j, "budget_spent") ? "; the budget is spent" : "");
}

#define COUNTS_MAX 512

/* "operator 3, auto 9", without those that are 0; returns the sum. */
static uint64_t join_counts(const json_t *counts, char *buf)
{
	uint64_t total = 0;
	const char *name;
	size_t used = 0;
	json_t *n;

	buf[0] = '\0';
	json_object_foreach((json_t *)counts, name, n) {
		if (!json_integer_value(n) || used >= COUNTS_MAX)
			continue;
		used += snprintf(buf + used, COUNTS_MAX - used, "%s%s %lld", used ? ", " : "", name,
				 (long long)json_integer_value(n));
		total += json_integer_value(n);
	}
	return total;
}

static void print_counts(const json_t *a, const char *member, const char *what,
			 const struct text_style *s)
{
	const json_t *counts = json_object_get(a, member);
	char text[COUNTS_MAX];
	uint64_t total = join_counts(counts, text);

	if (json_is_object(counts))
		text_fact(s, stdout, member, TEXT_PLAIN, "%llu%s%s%s", (unsigned long long)total,
			  what, total ? ": " : "", text);
}

static void print_conflicts_held(const json_t *a, const struct text_style *s)
{
	uint64_t n = get_number(a, "conflicts");

	if (n)
		text_fact(s, stdout, "conflicts", TEXT_YELLOW,
			  "%llu: stronger entries are in the way; see seine drop conflicts",
			  (unsigned long long)n);
}

static void print_guarded(const json_t *a, const struct text_style *s)
{
	uint64_t n = get_number(a, "guarded");

	if (n)
		text_fact(s, stdout, "guarded", TEXT_YELLOW,
			  "%llu entries of people drop what a guard speaks for; seine check tells",
			  (unsigned long long)n);
}

/* Members that status has: null, as long as there is none. */
static void print_guards_held(const json_t *a, const struct text_style *s)
{
	const json_t *guards = json_object_get(a, "guards");
	char text[COUNTS_MAX];

	if (guards && !join_counts(guards, text))
		text_fact(s, stdout, "guards", TEXT_RED,
			  "could not be read: this host's own addresses are not protected");
	else
		print_counts(a, "guards", "", s);
}

static void print_state(const json_t *a, const struct text_style *s)
{
	const json_t *state = json_object_get(a, "state");

	if (state && !json_is_object(state))
		text_fact(s, stdout, "state", TEXT_YELLOW,
			  "not kept: what operators asked for ends with the agent");
	else if (json_is_false(json_object_get(state, "recorded")))
		text_fact(s, stdout, "state", TEXT_RED,
			  "%s: cannot be written, nothing is recorded", get_text(state, "path"));
	else if (state)
		text_fact(s, stdout, "state", TEXT_PLAIN, "%s", get_text(state, "path"));
}

static void print_hellos(const json_t *a)
{
	const json_t *h = json_object_get(a, "hellos");
	uint64_t displaced = get_number(h, "displaced"), unfinished = get_number(h, "unfinished");
	char known[FORMAT_MAX], n[FORMAT_MAX];

	if (!get_number(h, "known"))
		return;
	printf(LABEL "%s ClientHellos known, %llu of them by name\n", "clients",
	       format_count(get_number(h, "known"), known),
	       (unsigned long long)get_number(h, "named"));
	if (displaced)
		printf(LABEL "%s displaced by newer ones\n", "", format_count(displaced, n));
	if (unfinished)
		printf(LABEL "%s never came whole\n", "", format_count(unfinished, n));
}

static void print_history(const json_t *a, const struct text_style *s)
{
	const json_t *h = json_object_get(a, "history");
	uint64_t queued = get_number(h, "queued"), lost = get_number(h, "lost");
	char bytes[FORMAT_MAX], size[FORMAT_MAX], n[FORMAT_MAX];

	if (!json_is_object(h))
		return;
	printf(LABEL "%llu days, %s of %s%s\n", "history",
	       (unsigned long long)get_number(h, "days"),
	       format_bytes(get_number(h, "bytes"), bytes),
	       format_bytes(get_number(h, "size"), size),
	       get_flag(h, "full") ? "; the oldest are forgotten early" : "");
	if (get_flag(h, "recalling"))
		printf(LABEL "is being read; nothing is judged until then\n", "");
	if (queued)
		printf(LABEL "%s rows wait to be written\n", "", format_count(queued, n));
	if (lost)
		printf(LABEL "%s%s rows could not be written%s\n", "", text_colour(s, TEXT_RED),
		       format_count(lost, n), text_colour(s, TEXT_PLAIN));
}

/* Of TLS 1.3, and of other kinds where these take something else. */
static void print_server_time(const json_t *a)
{
	const json_t *all = json_object_get(a, "server_us");
	uint64_t usual = get_number(all, "1.3");
	const char *kind;
	json_t *us;

	if (!usual)
		return;
	printf(LABEL "%.1f ms from hello to answer, %s\n", "server time", usual / 1e3,
	       strcmp(get_text(a, "server_time"), "auto") == 0 ? "measured" : "as configured");
	json_object_foreach((json_t *)all, kind, us) {
		if ((uint64_t)json_integer_value(us) != usual)
			printf(LABEL "%.1f ms with TLS %s\n", "", json_number_value(us) / 1e3,
			       kind);
	}
}

static void print_tables(const json_t *a, const struct text_style *s)
{
	const char *name;
	json_t *fill;

	json_object_foreach(json_object_get(a, "tables"), name, fill) {
		uint64_t used = get_number(fill, "used"), size = get_number(fill, "size");
		double share = size ? 100.0 * used / size : 0;
		char left[FORMAT_MAX], right[FORMAT_MAX];

		printf(LABEL "%s%s of %s, %.0f %%%s\n",
		       strcmp(name, "hit_slots") == 0 ? "hit slots" : name,
		       text_colour(s, share > 90 ? TEXT_RED : TEXT_PLAIN), format_count(used, left),
		       format_count(size, right), share, text_colour(s, TEXT_PLAIN));
	}
}

/* --- Counters, with their text from the contract ---------------------------------------------- */

static void add_counter(struct text_table *t, const json_t *counters, const char *name,
			const char *text)
{
	const json_t *counter = json_object_get(counters, name);
	char total[FORMAT_MAX];

	uint64_t n = get_number(counter, "total");

	if (!n)
		return;
	text_cell(t, "%s", text);
	text_cell(t, "%s", strstr(name, "bytes") ? format_bytes(n, total) : format_count(n, total));
	if (is_null(counter, "per_sec"))
		text_cell(t, "-");
	else
		text_cell(t, "%.1f", get_real(counter, "per_sec"));
}

static void print_counters(const json_t *a, const struct text_style *s)
{
	static const struct text_column columns[] = {
		{ "COUNTED", TEXT_LEFT, true },
		{ "TOTAL", TEXT_RIGHT, false },
		{ "PER SECOND", TEXT_RIGHT, false },
	};
	_cleanup_(text_table_freep) struct text_table *t = NULL;
	const json_t *counters = json_object_get(a, "counters");

	if (text_table_new(columns, ARRAY_LEN(columns), &t) < 0)
		return;
#define X(name, text) add_counter(t, counters, #name, text);
	SEINE_COUNTERS(X)
#undef X
	if (get_number(json_object_get(counters, "packets"), "total"))
		putchar('\n');
	text_table_print(t, s, stdout);
}

static void render_status(const json_t *a, const struct text_style *s)
{
	print_mode(a, s);
	print_trial_left(a, s);
	print_trouble(a, s);
	print_interfaces(a, s);
	print_agent(a);
	print_campaigns(a);
	print_counts(a, "ladder", "", s);
	print_counts(a, "entries", "", s);
	print_conflicts_held(a, s);
	print_guarded(a, s);
	print_guards_held(a, s);
	print_state(a, s);
	print_hellos(a);
	print_history(a, s);
	print_server_time(a);
	print_tables(a, s);
	print_counters(a, s);
}

/* What is left when the agent is dead: the maps still say whether anything is being dropped. */
static void print_without_agent(const struct cli_call *call)
{
	struct datapath *d = NULL;
	struct seine_cfg cfg;
	struct conf conf;
	char why[DATAPATH_WHY];
	bool off;

	if (cmd_conf(call, &conf) != EXIT_DONE || datapath_open_pinned(conf.pin_dir, why, &d) < 0)
		return;
	if (datapath_config(d, &cfg) == 0 && datapath_switched_off(d, &off) == 0)
		fprintf(stderr, "seine: the datapath is in place without it, %s\n",
			off			    ? "and switched off"
			: cfg.mode == SEINE_ENFORCE ? "and operator entries drop until they run "
						      "out; seine off stops all"
						    : "and only observes");
	datapath_close(d);
}

int cmd_status(const struct cli_call *call)
{
	int code = cmd_show(call, json_pack("{s:s}", "verb", "status"), render_status);

	if (code == EXIT_UNREACHABLE && !call->option[OPT_JSON])
		print_without_agent(call);
	return code;
}

int cmd_version(const struct cli_call *call)
{
	_cleanup_(json_decrefp) json_t *answer = answer_new("version");

	json_object_set_new(answer, "version", json_string(SEINE_VERSION));
	json_object_set_new(answer, "abi", json_integer(SEINE_ABI));
	json_object_set_new(answer, "schema", json_integer(ANSWER_SCHEMA));
	if (call->option[OPT_JSON])
		return cmd_print_json(answer);
	printf("seine %s, map layout %d\n", SEINE_VERSION, SEINE_ABI);
	return EXIT_DONE;
}
