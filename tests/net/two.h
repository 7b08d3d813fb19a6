/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two hosts for tests in C: network namespaces joined by a veth, whose ends are both eth0. The test
 * stands in one or the other; a socket stays where it was made.
 */
#ifndef TESTS_NET_TWO_H
#define TESTS_NET_TWO_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct two {
	int before;	/* where the program was started */
	int host, peer; /* namespaces */
	int fds[64];	/* sockets to close in the end */
	unsigned int n;
};

/* False: not possible here, with the reason. Leaves the program on the host. */
bool two_new(struct two *t, const char **ret_reason);
void two_free(struct two *t);

void two_enter(int namespace);
/* Runs a command where the program stands; it must succeed. */
__attribute__((format(printf, 1, 2))) void two_run(const char *format, ...);

/* Addresses as text, of either family; all in the namespace where the program stands. */
int two_listen(struct two *t, const char *address, uint16_t port);
/* The next one that connected to `listener`. */
void two_accept(struct two *t, int listener);
/* `from`: NULL or an address. `type`: SOCK_STREAM or SOCK_DGRAM. */
int two_connect(struct two *t, int type, const char *from, const char *to, uint16_t port);

socklen_t two_address(const char *text, uint16_t port, struct sockaddr_storage *ret);

#endif
