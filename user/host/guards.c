// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See guards.h. Rules come in the order in which they say most to an operator: of several that an
 * entry touches the first is named.
 */
#include "user/host/guards.h"

#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/host/finds.h"
#include "user/host/routes.h"
#include "user/host/sockets.h"
#include "user/host/special.h"

#define LINE 512
#define RESOLVER_LINES 1024 /* of a file */

_Static_assert(GUARDS_HOST_MAX + GUARDS_SSH_MAX + GUARDS_TCP_MAX + GUARDS_UDP_MAX +
			       2 * RESOLVER_LINES + GUARD_CHECKERS + SEINE_BALANCERS + 64 <=
		       GUARDS_MAX,
	       "guards are more than was promised");

struct collection {
	const struct guard_sources *from;
	struct guards guards;
	char *why; /* what went wrong first */
	size_t size;
};

__attribute__((format(printf, 2, 3))) static void tell(struct collection *c, const char *format,
						       ...)
{
	va_list args;

	if (c->why[0])
		return;
	va_start(args, format);
	vsnprintf(c->why, c->size, format, args);
	va_end(args);
}

/* Its own rule says it better than that the host has this address, or is connected with it. */
static bool is_loopback(const struct prefix *p)
{
	static const struct prefix v4 = { { [10] = 0xff, [11] = 0xff, [12] = 127 },
					  PREFIX_V4_BASE + 8 };
	static const struct prefix v6 = { { [15] = 1 }, 128 };

	return prefix_covers(&v4, p) || prefix_covers(&v6, p);
}

/* ---- what the host is asked ---- */

static const char *const rules[] = {
	[FIND_OWN] = "own address",   [FIND_GATEWAY] = "gateway",   [FIND_SSH] = "ssh peer",
	[FIND_TCP] = "outbound peer", [FIND_UDP] = "outbound peer",
};

static void note_of(const struct find *f, char note[SEINE_NOTE])
{
	char device[IF_NAMESIZE];

	note[0] = '\0';
	switch ((enum find_kind)f->kind) {
	case FIND_OWN:
	case FIND_GATEWAY:
		if (if_indextoname(f->detail, device))
			snprintf(note, SEINE_NOTE, "%s", device);
		break;
	case FIND_SSH: break;
	case FIND_TCP: snprintf(note, SEINE_NOTE, "TCP port %u", f->detail); break;
	case FIND_UDP: snprintf(note, SEINE_NOTE, "UDP port %u", f->detail); break;
	}
}

/* `what`: the sentence's beginning where there are more than find room. */
static int take_finds(struct collection *c, struct finds *f, const char *what)
{
	char note[SEINE_NOTE];
	int r = 0;

	finds_sort(f);
	for (size_t i = 0; i < f->n && r == 0; i++) {
		if (is_loopback(&f->list[i].prefix))
			continue;
		note_of(&f->list[i], note);
		r = guards_add(&c->guards, &f->list[i].prefix, rules[f->list[i].kind], note);
	}
	if (f->left_out)
		tell(c, "%s more than %zu: not all are guarded", what, f->max);
	return r;
}

static int guard_routes(struct collection *c)
{
	_cleanup_(finds_free) struct finds f = { .max = GUARDS_HOST_MAX };
	int r = routes_find(&f);

	if (r < 0)
		tell(c, "own addresses and gateways cannot all be read and guarded: %s",
		     strerror(-r));
	if (r == -ENOMEM)
		return r;
	return take_finds(c, &f, "own addresses and gateways are");
}

static int guard_peers(struct collection *c)
{
	const struct socket_ports ports = { .ssh = c->from->settings->ssh,
					    .clients = c->from->ports };
	_cleanup_(peers_free) struct peers p = {
		.ssh.max = GUARDS_SSH_MAX,
		.tcp.max = GUARDS_TCP_MAX,
		.udp.max = GUARDS_UDP_MAX,
	};
	int r = sockets_find(&ports, &p);

	if (r < 0)
		tell(c,
		     "peers of ssh and of outbound connections cannot all be read and guarded: "
		     "%s",
		     strerror(-r));
	if (r == -ENOMEM)
		return r;
	r = take_finds(c, &p.ssh, "peers of ssh are");
	if (r == 0)
		r = take_finds(c, &p.tcp, "peers of outbound connections are");
	if (r == 0)
		r = take_finds(c, &p.udp, "peers of UDP sockets are");
	return r;
}

/* ---- resolvers ---- */

static int resolver(struct collection *c, char *line)
{
	char why[LINE], *save = NULL, *address;
	const char *key = strtok_r(line, " \t\n", &save);
	struct prefix p;

	address = key ? strtok_r(NULL, " \t\n", &save) : NULL;
	if (!address || strcmp(key, "nameserver") != 0)
		return 0;
	address[strcspn(address, "%")] = '\0'; /* a zone says nothing about the address */
	if (prefix_parse_address(address, why, sizeof(why), &p) < 0 || is_loopback(&p))
		return 0;
	return guards_add(&c->guards, &p, "resolver", "");
}

static int guard_resolvers(struct collection *c, const char *path)
{
	_cleanup_(fclosep) FILE *f = fopen(path, "re");
	char line[LINE];
	int r = 0;

	if (!f && errno != ENOENT)
		tell(c, "%s cannot be read: resolvers are not guarded: %s", path, strerror(errno));
	for (int n = 0; f && n < RESOLVER_LINES && r == 0 && fgets(line, sizeof(line), f); n++)
		r = resolver(c, line);
	return r;
}

/* ---- what the settings name ---- */

static int guard_allows(struct collection *c)
{
	const struct allow_entry *a = c->from->allows;
	int r = 0;

	for (size_t i = 0; i < c->from->n_allows && r == 0; i++) {
		if (!a[i].row.expires_sec || a[i].row.expires_sec > c->from->now_sec)
			r = guards_add(&c->guards, &a[i].prefix, "allow list", a[i].row.note);
	}
	return r;
}

static int guard_checkers(struct collection *c)
{
	const struct guard_settings *s = c->from->settings;
	int r = 0;

	for (unsigned int i = 0; i < s->n_checkers && r == 0; i++)
		r = guards_add(&c->guards, &s->checkers[i], "health checker", "");
	return r;
}

/* They speak for clients: a drop of theirs would hit everybody behind them. */
static int guard_balancers(struct collection *c)
{
	const struct seine_balancer *b = c->from->balancers;
	int r = 0;

	for (unsigned int i = 0; i < SEINE_BALANCERS && b[i].len128 && r == 0; i++) {
		struct prefix p = prefix_of(b[i].ip, b[i].len128);

		r = guards_add(&c->guards, &p, "balancer", "");
	}
	return r;
}

static int collect(struct collection *c)
{
	int r;

	r = guard_allows(c);
	if (r == 0)
		r = guard_routes(c);
	if (r == 0)
		r = guard_resolvers(c, "/etc/resolv.conf");
	/* The servers behind a local resolver, which the file above names alone then. */
	if (r == 0)
		r = guard_resolvers(c, "/run/systemd/resolve/resolv.conf");
	if (r == 0)
		r = guard_checkers(c);
	if (r == 0)
		r = guard_peers(c);
	if (r == 0)
		r = guard_balancers(c);
	if (r == 0)
		r = special_guard_always(&c->guards);
	if (r == 0 && c->from->settings->special_use)
		r = special_guard_more(&c->guards);
	return r;
}

int guards_collect(const struct guard_sources *from, char *why, size_t size, struct guards *ret)
{
	struct collection c = { .from = from, .why = why, .size = size };
	int r;

	why[0] = '\0';
	r = collect(&c);
	if (r < 0) {
		guards_free(&c.guards);
		return r;
	}
	guards_seal(&c.guards);
	*ret = c.guards;
	return 0;
}
