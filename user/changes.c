// SPDX-License-Identifier: GPL-2.0-or-later
/* What an operator asks of the running agent. Each change is in force, and logged, when it returns.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include "user/agent.h"
#include "user/allowdir.h"
#include "user/auditing.h"
#include "user/base/cleanup.h"
#include "user/base/log.h"
#include "user/control/request.h"
#include "user/hellonames.h"
#include "user/host/guards.h"
#include "user/ledger.h"
#include "user/loop.h"
#include "user/networks.h"
#include "user/standings.h"

__attribute__((format(printf, 3, 4))) static int fail(int r, char *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, DATAPATH_WHY, format, args);
	va_end(args);
	return r;
}

/* ---- guards ---- */

static int write_no_allow(struct state *s, const void *prefix)
{
	int r = state_remove_allow(s, prefix);

	return r == -ENOENT ? 0 : r;
}

/* Those whose time is over go, as long as we look at them anyway. */
static size_t allows_expire(struct agent *a, struct allow_entry *list, size_t n, uint32_t now_sec)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		char text[PREFIX_TEXT];

		if (!list[i].row.expires_sec || list[i].row.expires_sec > now_sec) {
			list[kept++] = list[i];
		} else if (datapath_allow_remove(a->datapath, &list[i].prefix) == 0) {
			log_info("allow %s: expired", prefix_format(&list[i].prefix, text));
			(void)ledger_record(a, write_no_allow, &list[i].prefix, NULL);
		}
	}
	return kept;
}

int agent_guard(struct agent *a, uint32_t now_sec)
{
	_cleanup_(freep) struct allow_entry *allows = NULL;
	struct guard_sources from = {
		.settings = &a->conf.guard,
		.ports = &a->conf.ports,
		.balancers = a->conf.cfg.balancer,
		.now_sec = now_sec,
	};
	char why[DATAPATH_WHY];
	struct guards guards;
	int r;

	r = datapath_allows(a->datapath, &allows, &from.n_allows);
	if (r < 0)
		return r;
	from.n_allows = allows_expire(a, allows, from.n_allows, now_sec);
	from.allows = allows;
	r = guards_collect(&from, why, sizeof(why), &guards);
	if (r < 0)
		return r;
	agent_alarm(a, ALARM_GUARDS, why[0], "guards: %s",
		    why[0] ? why : "something could not be read");
	guards_free(&a->guards);
	a->guards = guards;
	return 0;
}

bool agent_guarded(struct agent *a, const struct prefix *p, char *why)
{
	char what[PREFIX_TEXT], touched[PREFIX_TEXT];
	const struct guarded *g = guards_refuse(&a->guards, p);

	if (!g)
		return false;
	prefix_format(p, what);
	if (prefix_too_wide(p))
		snprintf(why, DATAPATH_WHY, "%s: refused: too wide", what);
	else
		snprintf(why, DATAPATH_WHY, "%s: refused: overlaps %s %s%s%s%s", what, g->rule,
			 prefix_format(&g->prefix, touched), g->note[0] ? " (" : "", g->note,
			 g->note[0] ? ")" : "");
	return true;
}

/* ---- allow list ---- */

static int write_allow(struct state *s, const void *allow)
{
	return state_put_allow(s, allow);
}

int agent_allow_put(struct agent *a, const struct allow_entry *e, const struct audit *audit,
		    char *why)
{
	char text[PREFIX_TEXT];
	int r;

	prefix_format(&e->prefix, text);
	r = datapath_allow_fits(a->datapath, e, 1, why);
	if (r < 0)
		return r;
	(void)ledger_record(a, write_allow, e, audit);
	r = datapath_allow_put(a->datapath, e);
	if (r >= 0)
		return 0;
	(void)ledger_record(a, write_no_allow, &e->prefix, NULL);
	return fail(r, why, "%s: %s", text, strerror(-r));
}

int agent_allow_take(struct agent *a, const struct prefix *p, const struct audit *audit, char *why)
{
	char text[PREFIX_TEXT];
	int r;

	prefix_format(p, text);
	r = datapath_allow_remove(a->datapath, p);
	if (r == -ENOENT)
		return fail(r, why, "%s: not on the allow list", text);
	if (r < 0)
		return fail(r, why, "%s: %s", text, strerror(-r));
	(void)ledger_record(a, write_no_allow, p, audit);
	return 0;
}

int agent_allow_add(struct agent *a, const struct allow_entry *e, const struct allow_entry *held,
		    const struct moment *m, char *why)
{
	_cleanup_(auditing_clear) struct auditing x = { 0 };
	char text[PREFIX_TEXT];
	int r;

	if (e->row.note[0] == ALLOWDIR_MARK)
		return fail(-EINVAL, why, "%s: a note that begins with %c marks entries of files",
			    prefix_format(&e->prefix, text), ALLOWDIR_MARK);
	auditing_begin(&x, a, m, "allow add");
	auditing_prefix(&x, &e->prefix);
	auditing_text(&x, "%s", e->row.note);
	auditing_before(&x, held ? json_allow(a, held, m) : NULL);
	auditing_after(&x, json_allow(a, e, m));
	r = agent_allow_put(a, e, &x.audit, why);
	return r < 0 ? r : agent_rethink(a, m->now_sec, why);
}

int agent_allow_remove(struct agent *a, const struct allow_entry *e, const struct moment *m,
		       char *why)
{
	_cleanup_(auditing_clear) struct auditing x = { 0 };
	int r;

	auditing_begin(&x, a, m, "allow del");
	auditing_prefix(&x, &e->prefix);
	auditing_text(&x, "%s", e->row.note);
	auditing_before(&x, json_allow(a, e, m));
	r = agent_allow_take(a, &e->prefix, &x.audit, why);
	return r < 0 ? r : agent_guard(a, m->now_sec);
}

/* ---- mode and switch ---- */

struct mode_change {
	enum seine_mode mode, conf_mode;
};

static int write_mode(struct state *s, const void *arg)
{
	const struct mode_change *c = arg;

	return state_set_mode(s, c->mode, c->conf_mode);
}

/* The ladder is recorded with the mode that it stood under. */
static void mode_changes(struct agent *a, enum seine_mode before, enum seine_mode mode)
{
	if (mode == SEINE_ENFORCE && before != SEINE_ENFORCE)
		ladder_enforce_begins(&a->mind->ladder, agent_now_sec());
	a->mind->ladder_changed |= mode != before;
}

int agent_put_mode(struct agent *a, enum seine_mode mode, const struct audit *audit, char *why)
{
	const struct mode_change change = { mode, a->conf_mode };
	struct seine_cfg cfg = a->conf.cfg;
	int r;

	cfg.mode = mode;
	(void)ledger_record(a, write_mode, &change, audit);
	r = datapath_configure(a->datapath, &cfg);
	if (r < 0)
		return fail(r, why, "cannot set the mode: %s", strerror(-r));
	mode_changes(a, a->conf.cfg.mode, mode);
	a->conf.cfg = cfg;
	return 0;
}

int agent_set_mode(struct agent *a, enum seine_mode mode, const struct moment *m, char *why)
{
	_cleanup_(auditing_clear) struct auditing x = { 0 };

	auditing_begin(&x, a, m, "mode");
	auditing_object(&x, mode_name(mode));
	auditing_text(&x, "was %s", mode_name(a->conf.cfg.mode));
	return agent_put_mode(a, mode, &x.audit, why);
}

int agent_switch_off(struct agent *a, bool off, const struct moment *m, char *why)
{
	_cleanup_(auditing_clear) struct auditing x = { 0 };
	int r = datapath_switch_off(a->datapath, off);

	if (r < 0)
		return fail(r, why, "cannot write the kill switch: %s", strerror(-r));
	a->off = off;
	auditing_begin(&x, a, m, off ? "off" : "on");
	auditing_text(&x, "%s", off ? "every packet passes" : "entries and mode count again");
	(void)ledger_record(a, NULL, NULL, &x.audit);
	return 0;
}

/* ---- reload ---- */

static int write_conf_mode(struct state *s, const void *arg)
{
	(void)arg;
	return state_forget_mode(s);
}

/* The file says something else than before: what was set on the command line is over, and does not
 * come back when the file says the former again. */
static void follow_file(struct agent *a, enum seine_mode before, enum seine_mode file_mode)
{
	_cleanup_(auditing_clear) struct auditing x = { 0 };
	enum seine_mode mode = a->conf.cfg.mode;
	struct moment m = moment_now();

	if (file_mode == a->conf_mode)
		return;
	a->conf_mode = file_mode;
	if (mode != before)
		log_info("mode: %s (was %s)", mode_name(mode), mode_name(before));
	mode_changes(a, before, mode);
	auditing_begin(&x, a, &m, "mode");
	auditing_object(&x, mode_name(mode));
	auditing_text(&x, "was %s; as %s says", mode_name(before), a->conf_path);
	(void)ledger_record(a, write_conf_mode, NULL, &x.audit);
}

/* Settings that are built into what runs already: told, and left for the next start. */
static void keep_fixed(const struct conf *now, struct conf *next)
{
	if (now->n_interfaces != next->n_interfaces || now->xdp != next->xdp ||
	    memcmp(now->interfaces, next->interfaces, sizeof(now->interfaces)) != 0)
		log_warning("reload: interfaces changed, which takes effect at the next start");
	if (strcmp(now->pin_dir, next->pin_dir) != 0 || strcmp(now->socket, next->socket) != 0)
		log_warning(
			"reload: pin_dir or socket changed, which takes effect at the next start");
	if (strcmp(now->history, next->history) != 0 || now->history_size != next->history_size)
		log_warning("reload: history or history_size changed, which takes effect at the "
			    "next start");
	if (strcmp(now->state, next->state) != 0)
		log_warning("reload: state changed, which takes effect at the next start");
	if (memcmp(&now->sizes, &next->sizes, sizeof(now->sizes)) != 0 ||
	    now->source_bits != next->source_bits || now->window_sec != next->window_sec)
		log_warning("reload: window, source_bits or table sizes changed, which takes "
			    "effect at the next start");

	memcpy(next->interfaces, now->interfaces, sizeof(next->interfaces));
	next->n_interfaces = now->n_interfaces;
	next->xdp = now->xdp;
	memcpy(next->pin_dir, now->pin_dir, sizeof(next->pin_dir));
	memcpy(next->socket, now->socket, sizeof(next->socket));
	memcpy(next->history, now->history, sizeof(next->history));
	next->history_size = now->history_size;
	memcpy(next->state, now->state, sizeof(next->state));
	next->sizes = now->sizes;
	next->source_bits = now->source_bits;
	next->judge.v6_source = now->judge.v6_source;
	next->window_sec = now->window_sec;
	next->shoal.day_sec = now->shoal.day_sec;
}

void agent_networks(struct agent *a, struct asns *asns)
{
	if (asns)
		log_info("%s: %zu prefixes of networks", a->conf.networks, asns_count(asns));
	asns_free(a->mind->asns);
	a->mind->asns = asns;
}

int agent_reload(struct agent *a, char *why)
{
	_cleanup_(asns_freep) struct asns *asns = NULL;
	_cleanup_(freep) struct allow_entry *allows = NULL;
	_cleanup_(freep) struct hello_name *names = NULL;
	enum seine_mode file_mode, before;
	struct conf next;
	size_t n = 0, n_names = 0;
	int r;

	r = conf_load(a->conf_path, why, DATAPATH_WHY, &next);
	if (r < 0)
		return r;
	r = allowdir_read(next.allow_dir, agent_now_sec(), why, &allows, &n);
	if (r < 0)
		return r;
	r = hellonames_read(next.hello_names, why, DATAPATH_WHY, &names, &n_names);
	if (r < 0)
		return r;
	r = networks_read(next.networks, why, DATAPATH_WHY, &asns);
	if (r < 0)
		return r;
	keep_fixed(&a->conf, &next);
	memcpy(next.cfg.server_us, a->conf.cfg.server_us, sizeof(next.cfg.server_us));
	agent_server_time(&next, &next.cfg);

	/* What was set on the command line stays until the file itself says something new. */
	file_mode = next.cfg.mode;
	if (file_mode == a->conf_mode)
		next.cfg.mode = a->conf.cfg.mode;
	r = allowdir_apply(a->datapath, allows, n, why);
	if (r < 0)
		return r;
	r = datapath_configure(a->datapath, &next.cfg);
	if (r == 0)
		r = datapath_protect(a->datapath, &next.ports);
	if (r == 0)
		r = hellonames_apply(a->dictionary, names, n_names);
	if (r < 0)
		return fail(r, why, "cannot write the settings: %s", strerror(-r));
	before = a->conf.cfg.mode;
	if (next.rollback.fall_for_sec != a->conf.rollback.fall_for_sec)
		standings_forget_traffic(a, &next.rollback);
	a->conf = next;
	follow_file(a, before, file_mode);
	agent_networks(a, take_ptr(asns));
	loop_retime(a->loop, a->cycle_timer, next.interval_ms);
	agent_follow(a);
	return agent_guard(a, agent_now_sec());
}
