// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The agent's life: start, loop, stop.
 *
 * The heartbeat is a statement that cycles come to a good end, not that a timer fires: an agent
 * that hangs or fails falls silent, and then its automatic entries only watch.
 */
#include "user/agent.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include "user/allowdir.h"
#include "user/base/cleanup.h"
#include "user/base/log.h"
#include "user/control/server.h"
#include "user/host/netwatch.h"
#include "user/host/privileges.h"
#include "user/ledger.h"
#include "user/loop.h"
#include "user/networks.h"
#include "user/remember.h"
#include "user/requests.h"
#include "user/standings.h"
#include "user/trial.h"
#include "user/version.h"

#define ALIVE_PER_LIMIT 4 /* heartbeats in the time after which silence counts */
#define CYCLES_MISSED 3	  /* that many may fail or be late before we call ourselves dead */
#define SECOND_MS 1000
#define RECALL_PAUSE_MS 100 /* for the control socket, between turns that read the past */

const char *agent_user(struct agent *a, uint32_t uid)
{
	return who_name(&a->who, uid);
}

const char *agent_actor(struct agent *a, const struct seine_entry *row)
{
	const struct state_feed *feed;

	switch (row->origin) {
	case SEINE_OPERATOR: return row->actor == SEINE_NO_ACTOR ? NULL : agent_user(a, row->actor);
	case SEINE_AUTO: return "seined";
	case SEINE_FEED:
		feed = feeds_number(&a->feeds, row->actor);
		return feed ? feed->name : NULL;
	default: return NULL;
	}
}

uint32_t agent_now_sec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint32_t)t.tv_sec;
}

static uint32_t max_u32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* ---- events ---- */

static void on_alive(void *arg)
{
	struct agent *a = arg;
	uint32_t now_sec = agent_now_sec();
	uint32_t patience =
		max_u32(CYCLES_MISSED * a->conf.interval_ms / 1000, a->conf.cfg.beat_max_sec);

	if (now_sec - a->good_sec > patience)
		return;
	(void)datapath_beat(a->datapath, now_sec);
	sd_notify(0, "WATCHDOG=1");
}

static void tell_status(const struct agent *a)
{
	sd_notifyf(0, "STATUS=%s: %zu sources, %zu campaigns, %zu entries%s%s",
		   a->conf.cfg.mode == SEINE_ENFORCE ? "enforcing" : "observing", a->cycle.sources,
		   campaigns_living(a->mind->campaigns), a->entries->n, a->degraded ? "; " : "",
		   agent_trouble(a));
}

/* A past that is read goes on without waiting for the next interval. */
static void pace(struct agent *a, bool recalled, bool recalls)
{
	bool more = mind_recalls(a->mind);

	if (recalls || more)
		loop_retime(a->loop, a->cycle_timer, more ? RECALL_PAUSE_MS : a->conf.interval_ms);
	if (more && !recalls)
		log_info("history: the past of sources is being read; until then nothing is "
			 "judged, and entries stay as they are");
	if (a->history && a->mind->recalled && !recalled)
		log_info("history: the past of %zu sources is known", a->mind->n_recalled);
}

static void on_cycle(void *arg)
{
	struct agent *a = arg;
	bool recalled = a->mind->recalled, recalls = mind_recalls(a->mind);

	if (agent_cycle(a, agent_now_sec()) == 0) {
		a->good_sec = agent_now_sec();
		on_alive(a);
	}
	pace(a, recalled, recalls);
	tell_status(a);
}

/* A flood of notices is one change; and no more than one a second. */
static void on_network(void *arg)
{
	struct agent *a = arg;

	a->network_changed |= netwatch_drain(a->network_fd);
}

static void on_second(void *arg)
{
	struct agent *a = arg;
	char why[DATAPATH_WHY];

	trial_check(a);
	if (!a->network_changed)
		return;
	a->network_changed = false;
	(void)agent_rethink(a, agent_now_sec(), why); /* what fails is tried by the next cycle */
}

static void on_control(void *arg)
{
	struct agent *a = arg;

	control_server_dispatch(a->server);
	agent_follow(a);
}

static void on_signal(int signal, void *arg)
{
	char why[DATAPATH_WHY];
	struct agent *a = arg;

	if (signal != SIGHUP) {
		loop_quit(a->loop);
		return;
	}
	sd_notify(0, "RELOADING=1");
	if (agent_reload(a, why) < 0)
		log_error("reload: %s; the settings stay as they were", why);
	else
		log_info("reloaded %s", a->conf_path);
	sd_notify(0, "READY=1");
}

/* ---- start ---- */

static int start_datapath(struct agent *a, char *why)
{
	const struct conf *c = &a->conf;
	const struct datapath_options o = {
		.pin_dir = c->pin_dir,
		.sizes = c->sizes,
		.source_bits = c->source_bits,
	};
	int r;

	r = datapath_open(&o, why, &a->datapath);
	if (r < 0)
		return r;
	r = datapath_lists(a->datapath, &a->entries);
	if (r < 0)
		snprintf(why, DATAPATH_WHY, "cannot read the drop list: %s", strerror(-r));
	return r;
}

static void compare_size(const char *name, uint32_t held, uint32_t wanted)
{
	if (held != wanted)
		log_warning("%s: %u as the maps were made, not %u as configured; `seined "
			    "--remove-maps` while stopped makes them anew",
			    name, held, wanted);
}

/* Maps are made once; a later start with other sizes lives with what there is, and says so. */
static void compare_sizes(struct agent *a)
{
	struct datapath_sizes held;
	struct seine_meta meta;

	datapath_sizes(a->datapath, &held);
	compare_size("sources", held.sources, a->conf.sizes.sources);
	compare_size("prefixes", held.nets, a->conf.sizes.nets);
	compare_size("connections", held.flows, a->conf.sizes.flows);
	compare_size("half_open", held.half_open, a->conf.sizes.half_open);
	if (datapath_meta(a->datapath, &meta) < 0)
		return;
	compare_size("source_bits", meta.source_bits, a->conf.source_bits);
	a->conf.judge.v6_source = meta.source_bits;
}

/* Without history it goes on, and says so. */
static int start_mind(struct agent *a, char *why)
{
	_cleanup_(asns_freep) struct asns *asns = NULL;
	struct mind_settings s = {
		.observation = {
			.window_sec = a->conf.window_sec,
			.epoch_sec = (int64_t)time(NULL) - agent_now_sec(),
		},
		.shoal = &a->conf.shoal,
		.judge = &a->conf.judge,
	};
	struct datapath_sizes sizes;
	int r;

	r = networks_read(a->conf.networks, why, DATAPATH_WHY, &asns);
	if (r < 0)
		return r;
	datapath_sizes(a->datapath, &sizes);
	s.observation.max = sizes.sources;
	r = remember_open(a, s.observation.epoch_sec, sizes.nets);
	if (r < 0)
		return snprintf(why, DATAPATH_WHY, "history: %s", strerror(-r)), r;
	s.history = a->history;
	r = mind_new(&s, &a->mind);
	if (r < 0)
		return snprintf(why, DATAPATH_WHY, "observations: %s", strerror(-r)), r;
	agent_networks(a, take_ptr(asns));
	remember_recall(a);
	return 0;
}

/* Everything a packet may meet is in place before the first one comes. */
static int start_settings(struct agent *a, char *why)
{
	_cleanup_(freep) struct allow_entry *allows = NULL;
	size_t n = 0;
	int r;

	r = allowdir_read(a->conf.allow_dir, agent_now_sec(), why, &allows, &n);
	if (r == 0)
		r = allowdir_apply(a->datapath, allows, n, why);
	if (r < 0)
		return r;
	agent_server_time(&a->conf, &a->conf.cfg);
	r = datapath_configure(a->datapath, &a->conf.cfg);
	if (r == 0)
		r = datapath_protect(a->datapath, &a->conf.ports);
	if (r == 0)
		r = datapath_beat(a->datapath, agent_now_sec());
	if (r < 0)
		snprintf(why, DATAPATH_WHY, "cannot write the settings: %s", strerror(-r));
	return r;
}

static int start_interfaces(struct agent *a, char *why)
{
	for (unsigned int i = 0; i < a->conf.n_interfaces; i++) {
		const char *name = a->conf.interfaces[i];
		enum datapath_xdp_mode mode;
		uint32_t before = 0, id = 0;
		int r;

		(void)datapath_attached(a->datapath, name, &before, &mode);
		r = datapath_attach(a->datapath, name, a->conf.xdp, why);
		if (r < 0)
			return r;
		(void)datapath_attached(a->datapath, name, &id, &mode);
		log_info("%s: %s, %s mode (program id %u)", name,
			 !before	? "attached"
			 : before == id ? "still attached"
					: "replaced the older program",
			 mode == XDP_GENERIC ? "generic" : "native", id);
	}
	return 0;
}

static void start_tidy(struct agent *a)
{
	unsigned int removed = 0;
	int r = datapath_collect(a->datapath, &removed);

	if (r < 0)
		log_warning("%s: cannot look for what earlier versions left: %s", a->conf.pin_dir,
			    strerror(-r));
	else if (removed)
		log_info("%s: removed what earlier versions left (%u directories)", a->conf.pin_dir,
			 removed);
}

static int start_loop(struct agent *a, char *why)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, 0 };
	uint32_t alive_ms = a->conf.cfg.beat_max_sec * 1000 / ALIVE_PER_LIMIT;
	uint64_t watchdog_us = 0;
	int r;

	r = control_server_new(a->conf.socket, requests_handle, a, why, &a->server);
	if (r < 0)
		return r;
	control_server_set_changes(a->server, requests_change);
	if (sd_watchdog_enabled(0, &watchdog_us) > 0 && watchdog_us / 4000 < alive_ms)
		alive_ms = (uint32_t)(watchdog_us / 4000);

	r = loop_new(&a->loop);
	if (r == 0)
		r = loop_signals(a->loop, signals, on_signal, a);
	if (r == 0)
		r = loop_add(a->loop, control_server_fd(a->server), on_control, a);
	if (r == 0)
		r = agent_listen_in_loop(a);
	if (r == 0)
		r = loop_every(a->loop, a->conf.interval_ms, on_cycle, a, &a->cycle_timer);
	if (r == 0)
		r = loop_every(a->loop, max_u32(alive_ms, 1), on_alive, a, &a->alive_timer);
	if (r == 0)
		r = loop_every(a->loop, SECOND_MS, on_second, a, &a->trial_timer);
	if (r == 0)
		r = netwatch_open(&a->network_fd);
	if (r == 0)
		r = loop_add(a->loop, a->network_fd, on_network, a);
	if (r < 0)
		snprintf(why, DATAPATH_WHY, "event loop: %s", strerror(-r));
	return r;
}

static void agent_free(struct agent *a)
{
	control_server_free(a->server);
	loop_free(a->loop);
	closep(&a->network_fd);
	ledger_close(a);
	entries_free(a->entries);
	guards_free(&a->guards);
	mind_free(a->mind);
	remember_close(a);
	free(a->marks);
	standings_close(a);
	hellos_free(a->hellos);
	dictionary_free(a->dictionary);
	datapath_close(a->datapath);
	free(a);
}

static void agent_freep(struct agent **a)
{
	if (*a)
		agent_free(*a);
}

static int start(struct agent *a, char *why)
{
	int r;

	r = start_datapath(a, why);
	if (r < 0)
		return r;
	compare_sizes(a);
	r = start_mind(a, why);
	if (r < 0)
		return r;
	r = agent_listen(a, why);
	if (r < 0)
		return r;
	r = ledger_open(a, why);
	if (r == 0)
		r = standings_open(a, why);
	if (r == 0)
		r = start_settings(a, why);
	if (r == 0)
		r = ledger_start(a, why);
	if (r < 0)
		return r;
	r = start_interfaces(a, why);
	if (r < 0)
		return r;
	start_tidy(a);
	r = start_loop(a, why);
	if (r < 0)
		return r;
	r = privileges_drop(datapath_shares(a->datapath));
	if (r < 0)
		return snprintf(why, DATAPATH_WHY, "cannot drop privileges: %s", strerror(-r)), r;
	return 0;
}

int agent_start(const char *conf_path, const struct conf *conf, char *why, struct agent **ret)
{
	_cleanup_(agent_freep) struct agent *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return snprintf(why, DATAPATH_WHY, "out of memory"), -ENOMEM;
	a->network_fd = -1;
	a->conf_path = conf_path;
	a->conf = *conf;
	a->conf_mode = conf->cfg.mode;
	a->started_sec = a->good_sec = agent_now_sec();
	r = start(a, why);
	if (r < 0)
		return r;
	log_info("seined %s: %s", SEINE_VERSION,
		 a->conf.cfg.mode == SEINE_ENFORCE ? "enforcing" : "observing only");
	*ret = take_ptr(a);
	return 0;
}

/* ---- run and stop ---- */

int agent_run(struct agent *a)
{
	sd_notify(0, "READY=1");
	on_cycle(a);
	return loop_run(a->loop);
}

/* Not recorded: the next start goes on as the mode was. */
static void stop_observing(struct agent *a)
{
	struct seine_cfg cfg = a->conf.cfg;
	int r;

	cfg.mode = SEINE_OBSERVE;
	r = datapath_configure(a->datapath, &cfg);
	if (r < 0)
		log_error("cannot set the mode: %s", strerror(-r));
}

static void stop_detached(struct agent *a)
{
	char why[DATAPATH_WHY];

	for (unsigned int i = 0; i < a->conf.n_interfaces; i++) {
		if (datapath_detach(a->datapath, a->conf.interfaces[i], why) < 0)
			log_error("%s", why);
		else
			log_info("%s: detached", a->conf.interfaces[i]);
	}
}

void agent_stop(struct agent *a)
{
	if (!a)
		return;
	sd_notify(0, "STOPPING=1");
	remember_stop(a);
	switch (a->conf.on_stop) {
	case ON_STOP_KEEP: log_info("stopped; the datapath goes on, drops run out"); break;
	case ON_STOP_OBSERVE: stop_observing(a); break;
	case ON_STOP_DETACH: stop_detached(a); break;
	}
	agent_free(a);
}
