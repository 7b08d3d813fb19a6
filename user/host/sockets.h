/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who this host is connected with, apart from its clients: sessions of ssh, what it connected to
 * itself, and connected UDP sockets. From the kernel's own table, which leaves out the protected
 * ports before anything is copied: a host may have a million connections there.
 */
#ifndef HOST_SOCKETS_H
#define HOST_SOCKETS_H

#include "bpf/seine.h"
#include "user/host/finds.h"

struct socket_ports {
	const uint64_t *ssh;		   /* SEINE_PORT_WORDS words of one bit a port */
	const struct seine_ports *clients; /* the protected ones, never looked at */
};

/* Each has a limit of its own, so that many of one kind push out none of another. */
struct peers {
	struct finds ssh; /* FIND_SSH: the local port is one of ssh's, and sshd has accepted it */
	struct finds tcp; /* FIND_TCP: no socket listens on the local port */
	struct finds udp; /* FIND_UDP */
	size_t told;	  /* sockets the kernel told of, listening ones too */
};
void peers_free(struct peers *p);

/* Adds the remote addresses of this network namespace's established sockets. 0 or a negative errno;
 * then `to` has what was read until then. Needs no privileges. */
int sockets_find(const struct socket_ports *ports, struct peers *to);

#endif
