// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See sockets.h. The kernel takes a small program with the request, which it runs on each socket
 * (inet_diag): ours jumps out for each range of ports that is not asked for. Jumps count in bytes
 * from where they stand; one to the end of the program accepts, one 4 bytes further refuses.
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

#define RANGES_MAX 1024 /* of ports in a program; further ones are sorted out here */

static bool has(const uint64_t *plane, unsigned int port)
{
	return plane[port / 64] >> port % 64 & 1;
}

/* ---- the program ---- */

/* Compares the local port with the one in the second half; goes on with what follows if it holds.
 */
struct compare {
	struct inet_diag_bc_op op, port;
};

struct step { /* leaves when from <= local port <= to */
	struct compare from, to;
	struct inet_diag_bc_op leave;
};
_Static_assert(sizeof(struct step) == 20, "the kernel reads these bytes");

struct question {
	struct nlmsghdr head;
	struct inet_diag_req_v2 body;
	struct nlattr program_head;
	struct step program[RANGES_MAX];
};

static void step_set(struct step *s, size_t left, unsigned int low, unsigned int high)
{
	unsigned short leave = (unsigned short)(left * sizeof(*s));

	*s = (struct step){
		.from = { { INET_DIAG_BC_S_GE, sizeof(struct compare), sizeof(*s) },
			  { .no = (unsigned short)low } },
		.to = { { INET_DIAG_BC_S_LE, sizeof(struct compare),
			  sizeof(*s) - sizeof(struct compare) },
			{ .no = (unsigned short)high } },
		/* From the last 4 bytes of this step to 4 bytes behind the end. */
		.leave = { INET_DIAG_BC_JMP, sizeof(s->leave),
			   (unsigned short)(leave + 2 * sizeof(s->leave)) },
	};
}

/* Ranges of ports, as many as there is room for. Returns how many. */
static size_t ranges(const uint64_t *skip, uint16_t (*ret)[2])
{
	size_t n = 0;

	for (unsigned int port = 0; port < 65536 && n < RANGES_MAX; port++) {
		if (!skip[port / 64]) {
			port |= 63;
			continue;
		}
		if (!has(skip, port))
			continue;
		ret[n][0] = (uint16_t)port;
		while (port < UINT16_MAX && has(skip, port + 1))
			port++;
		ret[n++][1] = (uint16_t)port;
	}
	return n;
}

static void question_set(struct question *q, int family, int protocol, int state,
			 const uint64_t *skip)
{
	uint16_t range[RANGES_MAX][2];
	size_t n = skip ? ranges(skip, range) : 0;

	memset(q, 0, offsetof(struct question, program));
	q->head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
	q->head.nlmsg_len = offsetof(struct question, program_head);
	q->body.sdiag_family = (uint8_t)family;
	q->body.sdiag_protocol = (uint8_t)protocol;
	q->body.idiag_states = 1u << state;
	if (!n)
		return;
	for (size_t i = 0; i < n; i++)
		step_set(&q->program[i], n - i - 1, range[i][0], range[i][1]);
	q->program_head.nla_type = INET_DIAG_REQ_BYTECODE;
	q->program_head.nla_len = (uint16_t)(NLA_HDRLEN + n * sizeof(struct step));
	q->head.nlmsg_len += q->program_head.nla_len;
}

/* ---- the answers ---- */

struct reading {
	const struct socket_ports *ports;
	uint64_t served[SEINE_PORT_WORDS]; /* local ports that are listened on */
	const uint64_t *skip;
	struct peers *to;
	int protocol;
};

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

static int on_socket(const struct nlmsghdr *m, void *arg)
{
	struct find found = { 0 };
	struct reading *r = arg;
	struct inet_diag_msg s;
	unsigned int port;

	if (!socket_of(m, &s))
		return 0;
	r->to->told++;
	port = ntohs(s.id.idiag_sport);
	if (has(r->skip, port))
		return 0;
	found.prefix = remote(&s);
	found.kind = FIND_SSH;
	if (r->protocol == IPPROTO_TCP && has(r->ports->ssh, port))
		return finds_add(&r->to->ssh, &found);
	found.kind = r->protocol == IPPROTO_TCP ? FIND_TCP : FIND_UDP;
	found.detail = ntohs(s.id.idiag_dport);
	return finds_add(found.kind == FIND_TCP ? &r->to->tcp : &r->to->udp, &found);
}

/* ---- asking ---- */

static int ask(struct reading *reading, struct question *q, int state, netlink_fn fn)
{
	static const int families[] = { AF_INET, AF_INET6 };
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(families) && r == 0; i++) {
		_cleanup_(closep) int fd = -1;

		question_set(q, families[i], reading->protocol, state, reading->skip);
		r = netlink_open(NETLINK_SOCK_DIAG, 0, &fd);
		if (r == 0)
			r = netlink_dump(fd, &q->head, fn, reading);
		/* Sockets come and go while they are read: that is no fault of the reading. */
		if (r == -ESTALE)
			r = 0;
	}
	return r;
}

static int ask_tcp(struct reading *reading, struct question *q)
{
	uint64_t skip[SEINE_PORT_WORDS];
	int r;

	reading->protocol = IPPROTO_TCP;
	reading->skip = NULL;
	r = ask(reading, q, TCP_LISTEN, on_listener);
	if (r != 0)
		return r;
	for (size_t i = 0; i < SEINE_PORT_WORDS; i++) {
		skip[i] = reading->served[i] & ~reading->ports->ssh[i];
		skip[i] |= reading->ports->clients->tcp[i];
	}
	reading->skip = skip;
	r = ask(reading, q, TCP_ESTABLISHED, on_socket);
	reading->skip = NULL;
	return r;
}

static int ask_udp(struct reading *reading, struct question *q)
{
	int r;

	reading->protocol = IPPROTO_UDP;
	reading->skip = (const uint64_t *)reading->ports->clients->udp;
	r = ask(reading, q, TCP_ESTABLISHED, on_socket);
	reading->skip = NULL;
	return r;
}

int sockets_find(const struct socket_ports *ports, struct peers *to)
{
	_cleanup_(freep) struct question *q = malloc(sizeof(*q));
	struct reading reading = { .ports = ports, .to = to };
	int r;

	if (!q)
		return -ENOMEM;
	r = ask_tcp(&reading, q);
	return r < 0 ? r : ask_udp(&reading, q);
}

void peers_free(struct peers *p)
{
	finds_free(&p->ssh);
	finds_free(&p->tcp);
	finds_free(&p->udp);
}
