/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is at the other end of the control socket, and what that one may do. Decided by the
 * credentials that the kernel reports of the peer at the time it connected:
 *
 *	root, and the user the agent runs as	everything
 *	members of group `seine-admin`		everything
 *	members of group `seine`		reading
 *
 * The socket itself is 0660 root:seine, so members of seine-admin belong to seine as well.
 */
#ifndef CONTROL_PEER_H
#define CONTROL_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CONTROL_GROUP_READ "seine"
#define CONTROL_GROUP_CHANGE "seine-admin"
#define CONTROL_NO_GROUP (~(gid_t)0)

enum control_right { CONTROL_NONE, CONTROL_READ, CONTROL_CHANGE };

struct control_peer {
	uid_t uid;
	pid_t pid;
	enum control_right right;
	int fd; /* the descriptor that came with the request, closed after the answer; -1: none */
};

/* Of a connected socket; no descriptor has come yet. */
int control_peer_of(int fd, struct control_peer *ret);

/* Root and the user the agent runs as. */
bool control_peer_trusted(const struct control_peer *peer);

/* The right of a user in these groups; CONTROL_NO_GROUP stands for a group that does not exist. */
enum control_right control_right_of(uid_t uid, const gid_t *groups, size_t n_groups, uid_t agent,
				    gid_t read, gid_t change);

gid_t control_group(const char *name); /* CONTROL_NO_GROUP: there is none */

#endif
