// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See sockfilter.h. Each condition is followed by a jump out, which is passed over where it does
 * not hold. Jumps count in bytes from where they stand: one to the end of the program accepts a
 * socket, one 4 bytes further refuses it.
 */
#include "user/host/sockfilter.h"

#include <linux/inet_diag.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#define OP sizeof(struct inet_diag_bc_op)

/* A condition of `size` bytes: where it holds the next one is asked, else `further` bytes later. */
static struct inet_diag_bc_op condition(unsigned int code, size_t size, size_t further)
{
	return (struct inet_diag_bc_op){
		.code = (unsigned char)code,
		.yes = (unsigned char)size,
		.no = (unsigned short)(size + further),
	};
}

static void append(struct sockfilter *f, const void *data, size_t size)
{
	memcpy(f->code + f->len, data, size);
	f->len += size;
}

static void append_leave(struct sockfilter *f)
{
	const struct inet_diag_bc_op leave = { INET_DIAG_BC_JMP, OP, 0 };

	append(f, &leave, sizeof(leave));
}

/* low <= local port <= high */
static void add_range(struct sockfilter *f, unsigned int low, unsigned int high)
{
	const struct inet_diag_bc_op ops[] = {
		condition(INET_DIAG_BC_S_GE, 2 * OP, 3 * OP),
		{ .no = (unsigned short)low },
		condition(INET_DIAG_BC_S_LE, 2 * OP, OP),
		{ .no = (unsigned short)high },
	};

	if (f->len + sizeof(ops) + OP > sizeof(f->code))
		return;
	append(f, ops, sizeof(ops));
	append_leave(f);
}

static bool has(const uint64_t *plane, unsigned int port)
{
	return plane[port / 64] >> port % 64 & 1;
}

void sockfilter_ports(struct sockfilter *f, const uint64_t *skip)
{
	unsigned int n = 0, low;

	for (unsigned int port = 0; port < 65536 && n < SOCKFILTER_RANGES; port++) {
		if (!skip[port / 64])
			port |= 63; /* none of this word */
		if (!has(skip, port))
			continue;
		low = port;
		while (port < UINT16_MAX && has(skip, port + 1))
			port++;
		add_range(f, low, port);
		n++;
	}
}

void sockfilter_remote(struct sockfilter *f, const struct prefix *p)
{
	bool v4 = prefix_is_v4(p);
	size_t address = v4 ? 4 : 16;
	const struct inet_diag_hostcond host = {
		.family = v4 ? AF_INET : AF_INET6,
		.prefix_len = (unsigned char)prefix_family_len(p),
		.port = -1, /* any */
	};
	const struct inet_diag_bc_op op =
		condition(INET_DIAG_BC_D_COND, OP + sizeof(host) + address, OP);

	if (f->len + op.no > sizeof(f->code))
		return;
	append(f, &op, sizeof(op));
	append(f, &host, sizeof(host));
	append(f, p->ip + 16 - address, address);
	append_leave(f);
}

void sockfilter_end(struct sockfilter *f)
{
	struct inet_diag_bc_op op;

	for (size_t at = 0; at < f->len; at += op.yes) {
		memcpy(&op, f->code + at, sizeof(op));
		if (op.code != INET_DIAG_BC_JMP)
			continue;
		op.no = (unsigned short)(f->len - at + OP);
		memcpy(f->code + at, &op, sizeof(op));
	}
}
