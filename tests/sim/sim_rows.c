// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs one row of the simulation and prints what came out as a line of JSON.
 *
 *	sim_rows PROFILE             lists what belongs to it: ROW SEED SECONDS
 *	sim_rows PROFILE ROW SEED    runs one
 *
 * PROFILE is "sim" or "full". SEINE_SHARED names the directory with data/llm-traffic/clients.csv;
 * by default it lies beside this tree.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/sim/rows.h"

static void put_time(const char *name, uint32_t sec)
{
	if (sec == NOT_YET)
		printf("\"%s\":null,", name);
	else
		printf("\"%s\":%u,", name, sec);
}

static void put_families(uint32_t families)
{
	const char *comma = "";

	printf("\"families\":[");
	for (int f = 0; f < FAMILY_MAX; f++) {
		if (!(families >> f & 1))
			continue;
		printf("%s\"%s\"", comma, family_name(f));
		comma = ",";
	}
	printf("],");
}

static void put_kinds(const char *name, const size_t of[KINDS])
{
	const char *comma = "";

	printf("\"%s\":{", name);
	for (int k = 0; k < KINDS; k++) {
		if (!of[k])
			continue;
		printf("%s\"%s\":%zu", comma, kind_name(k), of[k]);
		comma = ",";
	}
	printf("}");
}

static void put_sighting(const struct sighting *s)
{
	if (!s->sec) {
		printf("null");
		return;
	}
	printf("{\"sec\":%u,\"sources\":%u,\"found\":%u,\"acted\":%u,\"wrong\":%u,", s->sec,
	       s->sources, s->found, s->acted, s->wrong);
	printf("\"requests\":%" PRIu64 ",\"found_requests\":%" PRIu64 ",\"wrong_requests\":%" PRIu64
	       ",",
	       s->requests, s->found_requests, s->wrong_requests);
	put_families(s->families);
	put_kinds("wrong_of", s->wrong_of);
	printf(",\"hit\":%zu,\"hit_users\":%zu,", s->hit, s->hit_users);
	printf("\"campaigns\":%u,\"id\":%u,\"replaces\":%u}", s->campaigns, s->id, s->replaces);
}

static void put_swarm(const struct swarm *s, const struct verdict *v)
{
	static const char *const names[MOMENTS] = { "alarm", "half", "most", "acted", "linked" };
	char name[32];

	printf("{\"sources\":%u,\"per_day\":%g,\"schedule\":\"%s\",\"rotate\":%g,\"mix\":%g,",
	       s->plan.sources, s->plan.per_day, schedule_name(s->plan.schedule), s->plan.rotate,
	       s->plan.mix);
	for (int k = 0; k < MOMENTS; k++) {
		snprintf(name, sizeof(name), "%s_sec", names[k]);
		put_time(name, v->sec[k]);
		printf("\"%s_leaked\":%" PRIu64 ",", names[k], v->leaked[k]);
	}
	printf("\"replaced\":%s,\"start_hour\":%.2f,\"start_day\":%.3f,\"wrong_max\":%u",
	       s->plan.replaces ? "true" : "false", s->start_sec % WORLD_DAY / 3600.0,
	       (s->start_sec - WORLD_START) / (double)WORLD_DAY, v->wrong_max);
	printf(",\"day\":");
	put_sighting(&v->day);
	printf(",\"three_days\":");
	put_sighting(&v->three_days);
	printf(",\"later\":[");
	for (uint32_t i = 0; i < v->n_later; i++) {
		printf("%s", i ? "," : "");
		put_sighting(&v->later[i]);
	}
	printf("],\"end\":");
	put_sighting(&v->now);
	printf("}");
}

static void put_swarms(const struct outcome *o)
{
	const char *comma = "";

	printf("\"swarms\":[");
	for (size_t i = 0; i < o->world->n_swarms; i++) {
		if (o->world->swarms[i].plan.honest)
			continue;
		printf("%s", comma);
		put_swarm(&o->world->swarms[i], &o->measure->verdicts[i]);
		comma = ",";
	}
	printf("],");
}

static void put_false(const struct measure *m)
{
	printf("\"false\":[");
	for (size_t i = 0; i < m->n_false; i++) {
		const char *comma = "";

		printf("%s{\"id\":%u,\"kinds\":[", i ? "," : "", m->false_ids[i]);
		for (int k = 0; k < KINDS; k++) {
			if (!(m->false_kinds[i] >> k & 1))
				continue;
			printf("%s\"%s\"", comma, kind_name(k));
			comma = ",";
		}
		printf("]}");
	}
	printf("],\"false_acted\":%zu,", m->false_acted);
}

static void put_harm(const struct harm *h)
{
	printf("\"harm\":{\"sources\":%zu,\"users\":%zu,\"wide\":%zu,\"wide_honest\":%zu,",
	       h->sources, h->users, h->wide, h->wide_honest);
	put_kinds("of", h->of);
	printf(",\"early\":%zu,\"by\":{", h->early);
	for (int w = 0; w < WINDOWS; w++)
		printf("%s\"%s\":%zu", w ? "," : "", window_name(w), h->by[w]);
	printf("}},");
}

static void put_crowd(const struct outcome *o)
{
	size_t of[KINDS] = { 0 };

	for (size_t i = 0; i < o->world->n; i++)
		of[o->world->list[i].kind] += !!o->world->list[i].total;
	printf("\"crowd\":{");
	for (int k = 0; k < KINDS; k++)
		printf("%s\"%s\":%zu", k ? "," : "", kind_name(k), of[k]);
	printf("},");
}

static void put_timing(const struct outcome *o)
{
	const struct timing *t = &o->timing;

	printf("\"ms\":{\"cpu\":%.0f,\"steps\":%.0f,\"rounds\":%.0f,\"round_max\":%.0f,\"judge\":%."
	       "0f,"
	       "\"measure\":%.0f,\"harvest\":%.0f,\"judge_once\":%.0f,\"history\":%.0f,\"history_"
	       "once\":%.0f",
	       t->cpu_ms, t->step_ms, t->round_ms, t->round_max_ms, t->judge_ms, t->look_ms,
	       t->harvest_ms, t->judge_once_ms, t->history_ms, t->history_once_ms);
	for (int w = 0; w < WINDOWS; w++)
		printf(",\"%s\":%.0f", window_name(w), t->window_ms[w]);
	printf("},\"n_rounds\":%u,\"rss_mib\":[", t->rounds);
	for (uint32_t i = 0; i < o->n_rss; i++)
		printf("%s%u", i ? "," : "", o->rss_mib[i]);
	printf("],\"rss_max_mib\":%u,\"world_mib\":%zu", o->rss_max_mib,
	       world_bytes(o->world) >> 20);
}

static void put_days(const char *name, const uint64_t *list, uint32_t n)
{
	printf("\"%s\":[", name);
	for (uint32_t i = 0; i < n; i++)
		printf("%s%" PRIu64, i ? "," : "", list[i]);
	printf("],");
}

static void put_history(const struct archive *a)
{
	if (!a) {
		printf(",\"history\":null");
		return;
	}
	printf(",\"history\":{");
	put_days("bytes", a->bytes, a->n);
	put_days("rows", a->rows, a->n);
	printf("\"days\":%" PRIu64 ",\"queued\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"full\":%s}",
	       a->last.days, a->last.queued, a->last.lost, a->last.full ? "true" : "false");
}

static void put_outcome(const struct outcome *o)
{
	printf("{\"order\":%td,", o->row - rows);
	printf("\"row\":\"%s\",\"group\":\"%s\",\"seed\":%" PRIu64 ",\"clients\":\"%s\",",
	       o->row->name, o->row->group, o->seed, o->clients->made_up ? "made up" : "trace");
	printf("\"days\":%g,\"honest\":%zu,\"sources_max\":%zu,\"requests\":%" PRIu64
	       ",\"rows_handed_in\":%" PRIu64 ",\"entries_max\":%zu,\"members_max\":%zu,",
	       o->days, o->honest, o->sources_max, o->world->requests, o->world->rows,
	       o->measure->entries_max, o->measure->members_max);
	put_crowd(o);
	put_swarms(o);
	put_false(o->measure);
	put_harm(&o->measure->harm);
	put_timing(o);
	put_history(o->archive);
	printf("}\n");
}

static int list(enum profile profile)
{
	for (size_t i = 0; i < n_rows; i++)
		for (uint32_t s = 0; rows[i].people[profile] && s < rows[i].seeds[profile]; s++)
			printf("%s %u %.2f\n", rows[i].name, SEED_REPORT + s,
			       row_cost_sec(&rows[i], profile));
	return 0;
}

static int run(enum profile profile, const char *name, const char *seed)
{
	const char *shared = getenv("SEINE_SHARED");
	const struct row *row = row_find(name);
	struct outcome o;
	char path[4096];
	int r;

	if (!row || !row->people[profile]) {
		fprintf(stderr, "sim_rows: no row '%s' in this profile\n", name);
		return 2;
	}
	snprintf(path, sizeof(path), "%s/data/llm-traffic/clients.csv",
		 shared ? shared : "../shared");
	r = row_run(row, profile, strtoull(seed, NULL, 10), path, &o);
	if (r < 0) {
		fprintf(stderr, "sim_rows: %s %s: %s\n", name, seed, strerror(-r));
		return 1;
	}
	put_outcome(&o);
	outcome_clear(&o);
	return 0;
}

int main(int argc, char **argv)
{
	enum profile profile = argc > 1 && !strcmp(argv[1], "full") ? PROFILE_FULL : PROFILE_SIM;

	if (argc == 2)
		return list(profile);
	if (argc == 4)
		return run(profile, argv[2], argv[3]);
	fprintf(stderr, "usage: sim_rows sim|full [ROW SEED]\n");
	return 2;
}
