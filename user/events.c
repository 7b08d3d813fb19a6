// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the datapath tells beside its counters: ClientHellos become words of the dictionary, ended
 * connections go to whoever follows them, and histograms of server time become the calibration of
 * gaps.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include "user/agent.h"
#include "user/base/cleanup.h"
#include "user/base/log.h"
#include "user/control/server.h"
#include "user/export/connection.h"
#include "user/hellonames.h"
#include "user/loop.h"

#define EVENTS_PER_TURN 1024   /* some milliseconds; then timers and clients have their turn */
#define HELLOS_UNFINISHED 1024 /* ClientHellos of which a part is missing, at once */

/* --- Events ----------------------------------------------------------------------------------- */

static struct hello_sight *unproven_of(struct agent *a, uint64_t tag)
{
	return &a->unproven[tag % AGENT_UNPROVEN];
}

/* A connection whose hello came early has been proven. */
static void on_proof(struct agent *a, uint64_t tag)
{
	struct hello_sight *waiting = unproven_of(a, tag);

	if (waiting->tag != tag)
		return;
	(void)dictionary_add(a->dictionary, waiting, agent_now_sec());
	waiting->tag = 0;
}

/* A forged hello must not become a word: one that came before its connection was proven waits. QUIC
 * cannot be proven, and its words stand for themselves. */
static void on_hello(const struct seine_segment *piece, void *arg)
{
	struct agent *a = arg;
	struct hello_sight sight;

	if (!piece->len) {
		on_proof(a, piece->tag);
		return;
	}
	/* What is no ClientHello, or finds no memory, is counted by hellos_stats(). */
	if (hellos_add(a->hellos, piece, &sight) <= 0)
		return;
	if ((sight.flags & (SEINE_F_UNPROVEN | SEINE_F_QUIC)) == SEINE_F_UNPROVEN)
		*unproven_of(a, sight.tag) = sight;
	else
		(void)dictionary_add(a->dictionary, &sight, agent_now_sec());
}

/* What a connection's JA4 was is certain only where its key has never had another one. */
static void on_connection(const struct seine_connection *c, void *arg)
{
	struct agent *a = arg;
	const struct hello_word *w = dictionary_find(a->dictionary, c->hello_key);
	double time_sec = (double)time(NULL) - agent_now_sec() + c->first_sec;
	_cleanup_(json_decrefp) json_t *json =
		connection_json(c, w ? hello_only_form(&w->ja4) : NULL,
				w ? hello_only_form(&w->ja4_stable) : NULL, time_sec);
	_cleanup_(freep) char *line = NULL;

	json_object_set_new(json, "hello_name",
			    w && w->name[0] ? json_string(w->name) : json_null());
	line = json_dumps(json, JSON_COMPACT);
	if (line)
		control_server_publish(a->server, TOPIC_CONNECTIONS, line, strlen(line));
}

static void on_events(void *arg)
{
	struct agent *a = arg;

	(void)datapath_take_events(a->datapath, EVENTS_PER_TURN);
	agent_follow(a);
}

void agent_follow(struct agent *a)
{
	bool followed = control_server_followers(a->server, TOPIC_CONNECTIONS);
	struct seine_cfg cfg = a->conf.cfg;

	cfg.connection_one_in = followed ? a->conf.connections_one_in : 0;
	if (cfg.connection_one_in == a->conf.cfg.connection_one_in)
		return;
	if (datapath_configure(a->datapath, &cfg) == 0) /* otherwise the next event tries again */
		a->conf.cfg = cfg;
}

/* --- Names ------------------------------------------------------------------------------------ */

static int start_names(struct agent *a, char *why)
{
	_cleanup_(freep) struct hello_name *names = NULL;
	size_t n = 0;
	int r;

	r = hellonames_read(a->conf.hello_names, why, DATAPATH_WHY, &names, &n);
	if (r < 0)
		return r;
	r = hellonames_apply(a->dictionary, names, n);
	if (r < 0)
		snprintf(why, DATAPATH_WHY, "names of ClientHellos: %s", strerror(-r));
	return r;
}

const char *agent_hello_name(const struct agent *a, uint64_t key)
{
	const struct hello_word *w = dictionary_find(a->dictionary, key);

	return w && w->name[0] ? w->name : NULL;
}

int agent_name_hello(struct agent *a, uint64_t key, const char *ja4, const char *name, char *why)
{
	const struct hello_word *w = dictionary_find(a->dictionary, key);
	char before[DICTIONARY_NAME] = "", what[JA4_TEXT];
	int r;

	if (!key && dictionary_find_ja4(a->dictionary, ja4, &w) != 1)
		w = NULL;
	if (w)
		memcpy(before, w->name, sizeof(before));
	if (key)
		snprintf(what, sizeof(what), "%016" PRIx64, key);
	else
		snprintf(what, sizeof(what), "%s", ja4);

	r = dictionary_name(a->dictionary, key, ja4, name);
	if (r < 0) {
		snprintf(why, DATAPATH_WHY, "%s: %s", what,
			 r == -ENOSPC ? "too many ClientHellos have names" : strerror(-r));
		return r;
	}
	r = hellonames_write(a->conf.hello_names, a->dictionary, why, DATAPATH_WHY);
	if (r < 0) {
		(void)dictionary_name(a->dictionary, key, ja4, before);
		return r;
	}
	if (*name)
		log_info("hello %s: named %s by operator", what, name);
	else
		log_info("hello %s: name removed by operator", what);
	return 0;
}

/* --- Calibration ------------------------------------------------------------------------------ */

void agent_server_time(const struct conf *conf, struct seine_cfg *cfg)
{
	if (conf->server_us == CONF_SERVER_AUTO)
		return;
	for (unsigned int kind = 0; kind < SEINE_TLS_KINDS; kind++)
		cfg->server_us[kind] = conf->server_us;
}

int agent_calibrate(struct agent *a, uint32_t now_sec)
{
	struct seine_trips trips[SEINE_TLS_KINDS];
	int r;

	r = datapath_trips(a->datapath, trips);
	if (r < 0)
		return r;
	trips_add(&a->trips, trips, now_sec);
	if (a->conf.server_us != CONF_SERVER_AUTO ||
	    !trips_calibrate(&a->trips, a->conf.cfg.server_us))
		return 0;
	return datapath_configure(a->datapath, &a->conf.cfg);
}

/* --- Start and end ---------------------------------------------------------------------------- */

int agent_listen(struct agent *a, char *why)
{
	const struct datapath_listener listener = {
		.hello = on_hello,
		.connection = on_connection,
		.arg = a,
	};
	uint64_t seed = 0;
	int r = 0;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		r = -EIO;
	if (r == 0)
		r = dictionary_new(seed, &a->dictionary);
	if (r == 0)
		r = hellos_new(HELLOS_UNFINISHED, &a->hellos);
	if (r == 0)
		r = datapath_listen(a->datapath, &listener);
	if (r < 0)
		return snprintf(why, DATAPATH_WHY, "events: %s", strerror(-r)), r;
	return start_names(a, why);
}

int agent_listen_in_loop(struct agent *a)
{
	return loop_add(a->loop, datapath_events_fd(a->datapath), on_events, a);
}
