/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks the agent. All waiting is in one poll(), so that a silent agent cannot hang a terminal.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "user/base/cleanup.h"
#include "user/control/client.h"
#include "user/control/passing.h"

#define QUIET_SEC 2 /* nobody minds waiting this long without a word */

struct text {
	char *bytes;
	size_t len, room;
};

static void text_freep(struct text *t)
{
	free(t->bytes);
}

static int text_reserve(struct text *t, size_t more)
{
	size_t room = t->room ? t->room * 2 : 64 * 1024;
	char *bytes;

	if (t->len + more <= t->room)
		return 0;
	if (room > CLIENT_ANSWER)
		return -EMSGSIZE;
	bytes = realloc(t->bytes, room);
	if (!bytes)
		return -ENOMEM;
	t->bytes = bytes;
	t->room = room;
	return 0;
}

static int connect_to(const char *path, int *ret)
{
	_cleanup_(closep) int fd = -1;
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* A unix socket connects at once, or the queue is full (EAGAIN). */
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return errno == EAGAIN ? -EBUSY : -errno;

	*ret = take_fd(fd);
	return 0;
}

static int wait_for(int fd, short events, client_waiting waiting)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (unsigned int sec = 0; sec < CLIENT_PATIENCE_SEC; sec++) {
		int n;

		if (sec >= QUIET_SEC && waiting)
			waiting(sec);
		n = poll(&p, 1, 1000);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			return 0;
	}
	return -ETIMEDOUT;
}

/* `passed` goes along with the first bytes. */
static int send_all(int fd, const char *bytes, size_t len, int passed, client_waiting waiting)
{
	while (len) {
		ssize_t n = passing_send(fd, bytes, len, passed);
		int r = 0;

		if (n < 0 && n != -EAGAIN)
			return (int)n;
		if (n < 0)
			r = wait_for(fd, POLLOUT, waiting);
		if (r < 0)
			return r;
		if (n < 0)
			continue;
		passed = -1;
		bytes += n;
		len -= n;
	}
	return 0;
}

static int send_request(int fd, const json_t *request, int passed, client_waiting waiting)
{
	_cleanup_(freep) char *line = json_dumps(request, JSON_COMPACT);
	size_t len;

	if (!line)
		return -ENOMEM;
	len = strlen(line);
	line[len] = '\n';
	return send_all(fd, line, len + 1, passed, waiting);
}

/* Takes in what has come, at least a byte. */
static int receive(int fd, struct text *t)
{
	ssize_t n = recv(fd, t->bytes + t->len, t->room - t->len, 0);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -EPROTO;
	t->len += n;
	return 0;
}

/* Reads up to the end of the first line. */
static int receive_line(int fd, client_waiting waiting, struct text *t)
{
	int r = 0;

	while (r == 0 && !(t->len && t->bytes[t->len - 1] == '\n')) {
		r = text_reserve(t, 16 * 1024);
		if (r == 0)
			r = wait_for(fd, POLLIN, waiting);
		if (r == 0)
			r = receive(fd, t);
	}
	return r;
}

static int converse(const char *path, const json_t *request, int passed, client_waiting waiting,
		    json_t **ret)
{
	_cleanup_(closep) int fd = -1;
	_cleanup_(text_freep) struct text t = { 0 };
	json_t *answer;
	int r;

	r = connect_to(path, &fd);
	if (r == 0)
		r = send_request(fd, request, passed, waiting);
	if (r == 0)
		r = receive_line(fd, waiting, &t);
	if (r < 0)
		return r;
	answer = json_loadb(t.bytes, t.len, JSON_REJECT_DUPLICATES, NULL);
	if (!answer)
		return -EPROTO;

	*ret = answer;
	return 0;
}

/* --- Following -------------------------------------------------------------------------------- */

struct following {
	int fd;
	struct text text;
	client_line line;
	void *arg;
	bool ended; /* `line` has had enough */
};

/* Hands over all complete lines. */
static int hand_over(struct following *f)
{
	char *from = f->text.bytes, *end = f->text.bytes + f->text.len, *newline;

	while (!f->ended && (newline = memchr(from, '\n', end - from))) {
		_cleanup_(json_decrefp) json_t *line =
			json_loadb(from, newline - from, JSON_REJECT_DUPLICATES, NULL);

		if (!line)
			return -EPROTO;
		f->ended = !f->line(line, f->arg);
		from = newline + 1;
	}
	f->text.len = end - from;
	memmove(f->text.bytes, from, f->text.len);
	return 0;
}

static int wait_for_ever(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, -1) < 0 && errno != EINTR ? -errno : 0;
}

static int follow(struct following *f, client_waiting waiting)
{
	int r;

	r = receive_line(f->fd, waiting, &f->text);
	while (r == 0) {
		r = hand_over(f);
		if (r < 0 || f->ended)
			return r;
		r = text_reserve(&f->text, 16 * 1024);
		if (r == 0)
			r = wait_for_ever(f->fd);
		if (r == 0)
			r = receive(f->fd, &f->text);
	}
	return r;
}

static void following_clear(struct following *f)
{
	closep(&f->fd);
	text_freep(&f->text);
}

static const char *reason(int r)
{
	switch (-r) {
	case ENOENT: return "no agent is running here";
	case ECONNREFUSED: return "the agent has died";
	case EACCES: return "only root and members of group seine may ask the agent";
	case EBUSY: return "the agent has too many clients, or hangs";
	case ETIMEDOUT: return "the agent does not answer";
	case EPROTO:
	case EPIPE:
	case ECONNRESET: return "the agent broke off";
	default: return strerror(-r);
	}
}

int client_ask(const char *path, const json_t *request, int passed, client_waiting waiting,
	       char *why, json_t **ret)
{
	int r = converse(path, request, passed, waiting, ret);

	if (r < 0)
		snprintf(why, CLIENT_WHY, "%s: %s", path, reason(r));
	return r;
}

int client_follow(const char *path, const json_t *request, client_waiting waiting, client_line line,
		  void *arg, char *why)
{
	_cleanup_(following_clear) struct following f = { .fd = -1, .line = line, .arg = arg };
	int r;

	r = connect_to(path, &f.fd);
	if (r == 0)
		r = send_request(f.fd, request, -1, waiting);
	if (r == 0)
		r = follow(&f, waiting);
	if (r < 0)
		snprintf(why, CLIENT_WHY, "%s: %s", path, reason(r));
	return r;
}
