/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the control socket. Two files belong to it: the socket, and beside it a lock, which stays.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include "user/base/cleanup.h"
#include "user/control/listener.h"
#include "user/control/peer.h"

__attribute__((format(printf, 3, 4))) static int fail(int r, char *why, const char *format, ...)
{
	int len;
	va_list ap;

	va_start(ap, format);
	len = vsnprintf(why, LISTENER_WHY, format, ap);
	va_end(ap);
	if (len >= 0 && len < LISTENER_WHY)
		snprintf(why + len, LISTENER_WHY - len, ": %s", strerror(-r));
	return r;
}

static int make_directory(const char *path, char *why)
{
	char directory[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *slash;

	snprintf(directory, sizeof(directory), "%s", path);
	slash = strrchr(directory, '/');
	if (!slash || slash == directory)
		return 0;
	*slash = '\0';
	if (mkdir(directory, 0755) < 0 && errno != EEXIST)
		return fail(-errno, why, "%s: cannot make the socket's directory", directory);
	return 0;
}

/* The lock tells a living agent from what a dead one left, also while either of two is still
 * starting. */
static int take_lock(struct listener *l, char *why)
{
	char path[sizeof(l->address.sun_path) + sizeof(".lock")];

	snprintf(path, sizeof(path), "%s.lock", l->address.sun_path);
	l->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (l->lock_fd < 0)
		return fail(-errno, why, "%s: cannot open the lock", path);
	if (flock(l->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return fail(-errno, why, "%s: cannot lock", path);
		return fail(-EADDRINUSE, why, "%s: another seined is running", l->address.sun_path);
	}
	return 0;
}

/* Only ever a socket: a wrong setting must not cost anybody a file. */
static int remove_stale(const char *path, char *why)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : fail(-errno, why, "%s", path);
	if (!S_ISSOCK(st.st_mode))
		return fail(-EEXIST, why, "%s: is not a socket, will not replace it", path);
	if (unlink(path) < 0)
		return fail(-errno, why, "%s: cannot remove the socket of a dead agent", path);
	return 0;
}

static int open_socket(struct listener *l, char *why)
{
	const char *path = l->address.sun_path;
	gid_t group = control_group(CONTROL_GROUP_READ);

	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return fail(-errno, why, "%s: cannot make a socket", path);
	if (bind(l->fd, (struct sockaddr *)&l->address, sizeof(l->address)) < 0)
		return fail(-errno, why, "%s: cannot bind", path);
	l->bound = true;
	if (group != CONTROL_NO_GROUP && geteuid() == 0 && lchown(path, -1, group) < 0)
		return fail(-errno, why, "%s: cannot give it to group %s", path,
			    CONTROL_GROUP_READ);
	if (chmod(path, 0660) < 0)
		return fail(-errno, why, "%s: cannot set its mode", path);
	/* Nobody can connect before this, so the mode holds from the first client on. */
	if (listen(l->fd, SOMAXCONN) < 0)
		return fail(-errno, why, "%s: cannot listen", path);
	return 0;
}

int listener_open(const char *path, char *why, struct listener *ret)
{
	_cleanup_(listener_close) struct listener l = { .fd = -1, .lock_fd = -1 };
	int r;

	l.address.sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(l.address.sun_path))
		return fail(-ENAMETOOLONG, why, "%.100s...", path);
	memcpy(l.address.sun_path, path, strlen(path) + 1);

	r = make_directory(path, why);
	if (r == 0)
		r = take_lock(&l, why);
	if (r == 0)
		r = remove_stale(path, why);
	if (r == 0)
		r = open_socket(&l, why);
	if (r < 0)
		return r;

	*ret = l;
	l = (struct listener){ .fd = -1, .lock_fd = -1 };
	return 0;
}

void listener_close(struct listener *l)
{
	if (l->bound)
		unlink(l->address.sun_path);
	l->bound = false;
	closep(&l->fd);
	closep(&l->lock_fd);
}
