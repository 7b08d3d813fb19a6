/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The listening end of the control socket, and its place in the file system.
 */
#ifndef CONTROL_LISTENER_H
#define CONTROL_LISTENER_H

#include <stdbool.h>
#include <sys/un.h>

#define LISTENER_WHY 256

struct listener {
	int fd;	     /* listens, does not block */
	int lock_fd; /* held as long as this agent lives */
	bool bound;  /* the socket in the file system is ours to remove */
	struct sockaddr_un address;
};

/*
 * Listens at `path`, 0660 and root:seine; its directory is made if it is missing. What a dead agent
 * left there is removed; -EADDRINUSE when a living one holds it. `why` (LISTENER_WHY bytes) gets a
 * sentence.
 */
int listener_open(const char *path, char *why, struct listener *ret);
void listener_close(struct listener *l); /* removes the socket */

#endif
