// SPDX-License-Identifier: GPL-2.0-or-later
/* What an operator asks of the running agent. Each change is in force, and logged, when it returns.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include "user/agent.h"
#include "user/allowdir.h"
#include "user/base/cleanup.h"
#include "user/base/log.h"
#include "user/hellonames.h"
#include "user/loop.h"
#include "user/networks.h"

__attribute__((format(printf, 3, 4))) static int fail(int r, char *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, DATAPATH_WHY, format, args);
	va_end(args);
	return r;
}

static void entries_freep(struct entries **e)
{
	entries_free(*e);
	*e = NULL;
}

static int held(struct agent *a, char *why, struct entries **ret)
{
	int r = datapath_lists(a->datapath, ret);

	return r < 0 ? fail(r, why, "cannot read the drop list: %s", strerror(-r)) : 0;
}

static int refuse(struct agent *a, const struct prefix *p, char *why)
{
	char what[PREFIX_TEXT], touched[PREFIX_TEXT];
	const struct guarded *g;
	int r;

	r = agent_guard(a, agent_now_sec());
	if (r < 0)
		return fail(r, why, "cannot tell what must not be dropped: %s", strerror(-r));
	g = guards_refuse(&a->guards, p);
	if (!g)
		return 0;
	prefix_format(p, what);
	if (prefix_too_wide(p))
		return fail(-EPERM, why, "%s: refused: too wide", what);
	return fail(-EPERM, why, "%s: refused: overlaps %s %s%s%s%s", what, g->rule,
		    prefix_format(&g->prefix, touched), g->note[0] ? " (" : "", g->note,
		    g->note[0] ? ")" : "");
}

int agent_drop_add(struct agent *a, const struct entry *e, char *why)
{
	_cleanup_(entries_freep) struct entries *list = NULL;
	char text[PREFIX_TEXT];
	int r;

	if (e->row.action != SEINE_WATCH) {
		r = refuse(a, &e->prefix, why);
		if (r < 0)
			return r;
	}
	r = held(a, why, &list);
	if (r < 0)
		return r;
	r = entries_put(list, e);
	if (r < 0)
		return fail(r, why, "%s", strerror(-r));
	r = agent_enforce(a, list, why);
	if (r < 0)
		return r;
	log_info("drop %s: added by operator%s%s", prefix_format(&e->prefix, text),
		 e->row.note[0] ? ": " : "", e->row.note);
	return 0;
}

int agent_drop_remove(struct agent *a, const struct prefix *p, char *why)
{
	_cleanup_(entries_freep) struct entries *list = NULL;
	char text[PREFIX_TEXT];
	int r;

	prefix_format(p, text);
	r = held(a, why, &list);
	if (r < 0)
		return r;
	r = entries_remove(list, p);
	if (r < 0)
		return fail(r, why, "%s: not listed", text);
	r = agent_enforce(a, list, why);
	if (r < 0)
		return r;
	log_info("drop %s: removed by operator", text);
	return 0;
}

int agent_allow_add(struct agent *a, const struct allow_entry *e, char *why)
{
	char text[PREFIX_TEXT];
	int r;

	prefix_format(&e->prefix, text);
	if (e->row.note[0] == ALLOWDIR_MARK)
		return fail(-EINVAL, why, "%s: a note that begins with %c marks entries of files",
			    text, ALLOWDIR_MARK);
	r = datapath_allow_put(a->datapath, e);
	if (r == -ENOSPC)
		return fail(r, why, "%s: the allow list is full", text);
	if (r < 0)
		return fail(r, why, "%s: %s", text, strerror(-r));
	log_info("allow %s: added by operator%s%s", text, e->row.note[0] ? ": " : "", e->row.note);
	return agent_guard(a, agent_now_sec());
}

int agent_allow_remove(struct agent *a, const struct prefix *p, char *why)
{
	char text[PREFIX_TEXT];
	int r;

	prefix_format(p, text);
	r = datapath_allow_remove(a->datapath, p);
	if (r == -ENOENT)
		return fail(r, why, "%s: not on the allow list", text);
	if (r < 0)
		return fail(r, why, "%s: %s", text, strerror(-r));
	log_info("allow %s: removed by operator", text);
	return agent_guard(a, agent_now_sec());
}

static const char *mode_text(enum seine_mode mode)
{
	return mode == SEINE_ENFORCE ? "enforce" : "observe";
}

int agent_set_mode(struct agent *a, enum seine_mode mode, char *why)
{
	struct seine_cfg cfg = a->conf.cfg;
	int r;

	cfg.mode = mode;
	r = datapath_configure(a->datapath, &cfg);
	if (r < 0)
		return fail(r, why, "cannot set the mode: %s", strerror(-r));
	if (mode != a->conf.cfg.mode)
		log_info("mode: %s (was %s)", mode_text(mode), mode_text(a->conf.cfg.mode));
	a->conf.cfg = cfg;
	return 0;
}

int agent_switch_off(struct agent *a, bool off, char *why)
{
	int r = datapath_switch_off(a->datapath, off);

	if (r < 0)
		return fail(r, why, "cannot write the kill switch: %s", strerror(-r));
	log_info("switched %s by operator%s", off ? "off" : "on",
		 off ? ": every packet passes" : "");
	return 0;
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
	enum seine_mode file_mode;
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
	if (next.cfg.mode != a->conf.cfg.mode)
		log_info("mode: %s (was %s)", mode_text(next.cfg.mode),
			 mode_text(a->conf.cfg.mode));
	a->conf = next;
	a->conf_mode = file_mode;
	agent_networks(a, take_ptr(asns));
	loop_retime(a->loop, a->cycle_timer, next.interval_ms);
	agent_follow(a);
	return agent_guard(a, agent_now_sec());
}
