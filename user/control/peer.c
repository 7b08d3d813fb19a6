/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rights from credentials.
 */
#include <errno.h>
#include <grp.h>
#include <sys/socket.h>
#include <unistd.h>
#include "user/control/peer.h"

#define PEER_GROUPS 1024 /* more than any sane account has; beyond it, the rest do not count */

static bool in_groups(gid_t gid, const gid_t *groups, size_t n)
{
	for (size_t i = 0; gid != CONTROL_NO_GROUP && i < n; i++)
		if (groups[i] == gid)
			return true;
	return false;
}

enum control_right control_right_of(uid_t uid, const gid_t *groups, size_t n_groups, uid_t agent,
				    gid_t read, gid_t change)
{
	if (uid == 0 || uid == agent || in_groups(change, groups, n_groups))
		return CONTROL_CHANGE;
	return in_groups(read, groups, n_groups) ? CONTROL_READ : CONTROL_NONE;
}

gid_t control_group(const char *name)
{
	const struct group *g = getgrnam(name);

	return g ? g->gr_gid : CONTROL_NO_GROUP;
}

int control_peer_of(int fd, struct control_peer *ret)
{
	gid_t groups[PEER_GROUPS];
	socklen_t len = sizeof(groups) - sizeof(*groups), cred_len;
	struct ucred cred;
	size_t n;

	cred_len = sizeof(cred);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &cred_len) < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		len = 0;
	n = len / sizeof(*groups);
	groups[n++] = cred.gid;

	ret->uid = cred.uid;
	ret->pid = cred.pid;
	ret->fd = -1;
	ret->right =
		control_right_of(cred.uid, groups, n, geteuid(), control_group(CONTROL_GROUP_READ),
				 control_group(CONTROL_GROUP_CHANGE));
	return 0;
}

bool control_peer_trusted(const struct control_peer *peer)
{
	return peer->uid == 0 || peer->uid == geteuid();
}
