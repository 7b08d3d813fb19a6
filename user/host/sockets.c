// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See sockets.h.
 *
 * What the kernel leaves out costs some 40 ns a socket, what it tells of a hundred times as much. A
 * proxy has as many connections to a few servers behind it as clients: once enough of those are
 * told, the addresses that came often are left out too, and the kernel is asked anew.
 */
#include "user/host/sockets.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/host/netlink.h"
#include "user/host/sockfilter.h"

#define ENOUGH 4096	    /* sockets told of, after which it pays to ask anew */
#define OFTEN (ENOUGH / 64) /* of them with the same address */
#define KNOWN_MAX 256	    /* addresses that are left out */

struct question {
	struct nlmsghdr head;
	struct inet_diag_req_v2 body;
	struct nlattr filter_head;
	uint8_t filter[SOCKFILTER_BYTES];
};

struct reading {
	const struct socket_ports *ports;
	struct peers *to;
	int protocol;
	uint64_t served[SEINE_PORT_WORDS]; /* local ports that are listened on */
	uint64_t skip[SEINE_PORT_WORDS];   /* that are not asked for */
	struct prefix known[KNOWN_MAX];	   /* remote addresses that are not asked for */
	size_t n_known;
	struct prefix told[ENOUGH]; /* since asked last */
	size_t n_told;
	bool to_the_end; /* however many are told */
	struct sockfilter filter;
	struct question question;
};

static bool has(const uint64_t *plane, unsigned int port)
{
	return plane[port / 64] >> port % 64 & 1;
}

/* ---- the answers ---- */

static bool socket_of(const struct nlmsghdr *m, struct inet_diag_msg *ret)
{
	if (m->nlmsg_type != SOCK_DIAG_BY_FAMILY || m->nlmsg_len < NLMSG_LENGTH(sizeof(*ret)))
		return false;
	memcpy(ret, NLMSG_DATA(m), sizeof(*ret));
	return true;
}

static int on_listener(const struct nlmsghdr *m, void *arg)
{
	struct reading *r = arg;
	struct inet_diag_msg s;
	unsigned int port;

	if (!socket_of(m, &s))
		return 0;
	r->to->told++;
	port = ntohs(s.id.idiag_sport);
	r->served[port / 64] |= 1ull << port % 64;
	return 0;
}

static struct prefix remote(const struct inet_diag_msg *s)
{
	uint8_t ip[16] = { [10] = 0xff, [11] = 0xff };

	if (s->idiag_family == AF_INET)
		memcpy(ip + 12, s->id.idiag_dst, 4);
	else
		memcpy(ip, s->id.idiag_dst, 16);
	return prefix_of(ip, 128);
}

static struct finds *finds_of(struct reading *r, unsigned int local_port, enum find_kind *ret)
{
	if (r->protocol == IPPROTO_UDP) {
		*ret = FIND_UDP;
		return &r->to->udp;
	}
	if (has(r->ports->ssh, local_port)) {
		*ret = FIND_SSH;
		return &r->to->ssh;
	}
	*ret = FIND_TCP;
	return &r->to->tcp;
}

/* 1: enough of this kind. */
static int on_socket(const struct nlmsghdr *m, void *arg)
{
	struct reading *reading = arg;
	struct inet_diag_msg s;
	struct finds *to;
	enum find_kind kind;
	struct find found;
	int r;

	if (!socket_of(m, &s))
		return 0;
	reading->to->told++;
	if (has(reading->skip, ntohs(s.id.idiag_sport)))
		return 0;
	to = finds_of(reading, ntohs(s.id.idiag_sport), &kind);
	if (kind == FIND_SSH && !s.idiag_inode)
		return 0; /* sshd has not accepted it: anyone gets as far as that */
	found = (struct find){
		.prefix = remote(&s),
		.kind = (uint8_t)kind,
		.detail = kind == FIND_SSH ? 0 : ntohs(s.id.idiag_dport),
	};
	r = finds_add(to, &found);
	if (r < 0 || to->left_out)
		return r < 0 ? r : kind != FIND_SSH;
	if (!reading->to_the_end)
		reading->told[reading->n_told++] = found.prefix;
	return reading->n_told == ENOUGH;
}

/* ---- asking ---- */

static void question_set(struct reading *r, int family, int state)
{
	struct question *q = &r->question;

	memset(q, 0, offsetof(struct question, filter));
	q->head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
	q->head.nlmsg_len = offsetof(struct question, filter_head);
	q->body.sdiag_family = (uint8_t)family;
	q->body.sdiag_protocol = (uint8_t)r->protocol;
	q->body.idiag_states = 1u << state;
	if (!r->filter.len)
		return;
	memcpy(q->filter, r->filter.code, r->filter.len);
	q->filter_head.nla_type = INET_DIAG_REQ_BYTECODE;
	q->filter_head.nla_len = (uint16_t)(NLA_HDRLEN + r->filter.len);
	q->head.nlmsg_len += q->filter_head.nla_len;
}

static int ask(struct reading *reading, int state, netlink_fn fn)
{
	static const int families[] = { AF_INET, AF_INET6 };
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(families) && r == 0; i++) {
		_cleanup_(closep) int fd = -1;

		question_set(reading, families[i], state);
		r = netlink_open(NETLINK_SOCK_DIAG, 0, &fd);
		if (r == 0)
			r = netlink_dump(fd, &reading->question.head, fn, reading);
		/* Sockets come and go while they are read: that is no fault of the reading. */
		if (r == -ESTALE)
			r = 0;
	}
	return r;
}

static int compare(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

/* Addresses that came often are known then; false: there are none, or no more. */
static bool learn(struct reading *r)
{
	size_t known = r->n_known;

	qsort(r->told, r->n_told, sizeof(*r->told), compare);
	for (size_t i = 0, end; i < r->n_told; i = end) {
		for (end = i; end < r->n_told && !compare(&r->told[i], &r->told[end]);)
			end++;
		if (end - i >= OFTEN && r->n_known < KNOWN_MAX)
			r->known[r->n_known++] = r->told[i];
	}
	return r->n_known > known;
}

static int ask_once(struct reading *r)
{
	r->n_told = 0;
	r->filter.len = 0;
	sockfilter_ports(&r->filter, r->skip);
	for (size_t i = 0; i < r->n_known; i++)
		sockfilter_remote(&r->filter, &r->known[i]);
	sockfilter_end(&r->filter);
	return ask(r, TCP_ESTABLISHED, on_socket); /* a connected socket of UDP, too */
}

/* 1: there were more than find room. */
static int ask_for_peers(struct reading *reading)
{
	int r;

	reading->to_the_end = false;
	do {
		r = ask_once(reading);
		if (reading->n_told == ENOUGH)
			reading->to_the_end = !learn(reading);
	} while (r == 1 && reading->n_told == ENOUGH);
	return r;
}

static int ask_tcp(struct reading *reading)
{
	const struct socket_ports *ports = reading->ports;
	int r;

	reading->protocol = IPPROTO_TCP;
	r = ask(reading, TCP_LISTEN, on_listener);
	if (r < 0)
		return r;
	for (size_t i = 0; i < SEINE_PORT_WORDS; i++)
		reading->skip[i] = (reading->served[i] & ~ports->ssh[i]) | ports->clients->tcp[i];
	r = ask_for_peers(reading);
	if (r <= 0)
		return r;
	/* The crowd of others must not hide who has a session of ssh. */
	for (size_t i = 0; i < SEINE_PORT_WORDS; i++)
		reading->skip[i] = ~ports->ssh[i] | ports->clients->tcp[i];
	return ask_for_peers(reading);
}

static int ask_udp(struct reading *reading)
{
	reading->protocol = IPPROTO_UDP;
	memcpy(reading->skip, reading->ports->clients->udp, sizeof(reading->skip));
	return ask_for_peers(reading);
}

int sockets_find(const struct socket_ports *ports, struct peers *to)
{
	static const struct prefix loopback[] = {
		{ { [10] = 0xff, [11] = 0xff, [12] = 127 }, PREFIX_V4_BASE + 8 },
		{ { [15] = 1 }, 128 },
	};
	_cleanup_(freep) struct reading *reading = calloc(1, sizeof(*reading));
	int r;

	if (!reading)
		return -ENOMEM;
	reading->ports = ports;
	reading->to = to;
	memcpy(reading->known, loopback, sizeof(loopback));
	reading->n_known = ARRAY_LEN(loopback);
	r = ask_tcp(reading);
	if (r >= 0)
		r = ask_udp(reading);
	return r < 0 ? r : 0;
}

void peers_free(struct peers *p)
{
	finds_free(&p->ssh);
	finds_free(&p->tcp);
	finds_free(&p->udp);
}
