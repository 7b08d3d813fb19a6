/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server side of the control socket. A client is in one of three states: it sends a request,
 * takes an answer (`answering`), or, behind an answer with a topic, takes lines as they come. Only
 * the listening socket, one timer and the clients are in the epoll set.
 */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include "user/base/cleanup.h"
#include "user/control/backlog.h"
#include "user/control/listener.h"
#include "user/control/passing.h"
#include "user/control/rates.h"
#include "user/control/reply.h"
#include "user/control/request.h"
#include "user/control/server.h"

_Static_assert(SEEDS_MAX *(PREFIX_TEXT + 2 * SEED_NOTE + 4) < CONTROL_REQUEST_LARGE - 1024,
	       "a whole list of seeds, each with a note of quotes, fits into one request");
_Static_assert(CONTROL_WHY >= LISTENER_WHY, "listener_open() writes into our `why`");

struct client {
	int fd;			  /* -1: free */
	struct control_peer peer; /* with the descriptor of the request that is coming in */
	uint64_t progress_us;	  /* when it was last answered, or took something */
	time_t deadline;
	char *in;
	size_t in_len, in_room;
	size_t in_looked; /* so far no end of a line was found */
	bool answering;
	struct reply reply;
	unsigned int topic; /* 0: follows nothing */
	struct backlog backlog;
};

struct control_server {
	int epoll_fd, timer_fd;
	struct listener listener;
	control_handler fn;
	void *arg;
	bool (*changes)(const json_t *request);
	struct rates rates;
	unsigned int tick_ms; /* of the timer; 0: it stands still */
	unsigned int n_clients;
	struct client clients[CONTROL_CLIENTS];
};

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static time_t now_sec(void)
{
	return (time_t)(now_us() / 1000000);
}

/* --- The set that is polled ------------------------------------------------------------------ */

static int watch(struct control_server *s, int op, int fd, uint32_t events, void *what)
{
	struct epoll_event event = { .events = events, .data.ptr = what };

	return epoll_ctl(s->epoll_fd, op, fd, &event) < 0 ? -errno : 0;
}

/* Listens only while there is room: others wait in the backlog instead of being turned away. */
static void watch_listener(struct control_server *s)
{
	watch(s, EPOLL_CTL_MOD, s->listener.fd, s->n_clients < CONTROL_CLIENTS ? EPOLLIN : 0,
	      &s->listener.fd);
}

/*
 * Ticks while there are clients, and faster while there is no seat left. What ticks already is left
 * alone, or clients that come and go would keep it from ever ticking.
 */
static void watch_deadlines(struct control_server *s)
{
	unsigned int ms = !s->n_clients			   ? 0
			  : s->n_clients < CONTROL_CLIENTS ? 1000
							   : CONTROL_GRACE_MS / 5;
	struct itimerspec tick = { 0 };

	if (ms == s->tick_ms)
		return;
	s->tick_ms = ms;
	tick.it_value.tv_sec = tick.it_interval.tv_sec = ms / 1000;
	tick.it_value.tv_nsec = tick.it_interval.tv_nsec = ms % 1000 * 1000000L;
	timerfd_settime(s->timer_fd, 0, &tick, NULL);
}

static void count_clients(struct control_server *s, int change)
{
	s->n_clients += change;
	watch_listener(s);
	watch_deadlines(s);
}

/* --- One client ------------------------------------------------------------------------------ */

static void client_close(struct control_server *s, struct client *c)
{
	reply_clear(&c->reply);
	backlog_clear(&c->backlog);
	c->topic = 0;
	freep(&c->in);
	closep(&c->peer.fd);
	closep(&c->fd);
	count_clients(s, -1);
}

static void client_progress(struct client *c)
{
	c->progress_us = now_us();
	c->deadline = now_sec() + CONTROL_PATIENCE_SEC;
}

/* Others than root may not take all seats from each other. */
static bool has_enough(const struct control_server *s, const struct control_peer *peer)
{
	unsigned int seats = 0;

	if (control_peer_trusted(peer))
		return false;
	for (const struct client *c = s->clients; c < s->clients + CONTROL_CLIENTS; c++)
		seats += c->fd >= 0 && c->peer.uid == peer->uid;
	return seats >= CONTROL_SEATS;
}

/* The one line that whoever is sent away gets, if there is room for it. */
static void send_away(int fd)
{
	_cleanup_(json_decrefp) json_t *answer = answer_error(
		ANSWER_BUSY, "this user has all connections that one may have; try again in 5 s");
	_cleanup_(freep) char *line = json_dumps(answer, JSON_COMPACT);
	_cleanup_(freep) char *text = NULL;

	if (line && asprintf(&text, "%s\n", line) > 0)
		(void)send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static void client_accept(struct control_server *s)
{
	_cleanup_(closep) int fd = -1;
	_cleanup_(freep) char *in = NULL;
	struct client *c = s->clients;
	struct control_peer peer;

	fd = accept4(s->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	while (c < s->clients + CONTROL_CLIENTS && c->fd >= 0)
		c++;
	in = malloc(CONTROL_REQUEST);
	if (c == s->clients + CONTROL_CLIENTS || !in || control_peer_of(fd, &peer) < 0)
		return;
	if (has_enough(s, &peer)) {
		send_away(fd);
		return;
	}
	if (watch(s, EPOLL_CTL_ADD, fd, EPOLLIN, c) < 0)
		return;

	*c = (struct client){
		.fd = take_fd(fd),
		.peer = peer,
		.in = take_ptr(in),
		.in_room = CONTROL_REQUEST,
	};
	client_progress(c);
	count_clients(s, 1);
}

/* Refuses what comes too often. */
static bool is_too_often(struct control_server *s, const struct client *c, enum rate what,
			 struct answer *ret)
{
	static const char *const names[] = { "requests", "changes", "files" };
	uint64_t wait_us =
		rates_take(&s->rates, c->peer.uid, control_peer_trusted(&c->peer), what, now_us());
	char why[CONTROL_WHY];

	if (!wait_us)
		return false;
	snprintf(why, sizeof(why), "too many %s from user %u; try again in %.1f s", names[what],
		 (unsigned int)c->peer.uid, (double)(wait_us + 100000) / 1e6);
	ret->head = answer_error(ANSWER_BUSY, why);
	return true;
}

static void answer_request(struct control_server *s, const struct client *c, const json_t *request,
			   struct answer *ret)
{
	if (s->changes && s->changes(request) && is_too_often(s, c, RATE_CHANGE, ret))
		return;
	if (c->peer.fd >= 0 && is_too_often(s, c, RATE_FILE, ret))
		return;
	s->fn(s->arg, &c->peer, request, ret);
}

static void answer_line(struct control_server *s, const struct client *c, size_t len,
			struct answer *ret)
{
	_cleanup_(json_decrefp) json_t *request = NULL;
	char why[REQUEST_WHY];

	if (c->peer.right == CONTROL_NONE)
		ret->head = answer_error(ANSWER_DENIED,
					 "reading takes membership in group " CONTROL_GROUP_READ);
	else if (is_too_often(s, c, RATE_REQUEST, ret))
		return;
	else if (request_parse(c->in, len, why, &request) < 0)
		ret->head = answer_error(ANSWER_INVALID, why);
	else
		answer_request(s, c, request, ret);
}

static int client_answer(struct control_server *s, struct client *c, struct answer *answer)
{
	unsigned int topic = answer->topic;
	int r = reply_begin(&c->reply, answer);

	c->answering = true;
	client_progress(c);
	if (r == 0 && topic)
		r = backlog_new(&c->backlog);
	if (r < 0)
		return r;
	c->topic = topic;
	return watch(s, EPOLL_CTL_MOD, c->fd, EPOLLOUT, c);
}

static int client_resize(struct client *c, size_t room)
{
	char *in = realloc(c->in, room);

	if (!in)
		return -ENOMEM;
	c->in = in;
	c->in_room = room;
	return 0;
}

/* Room for more of a request, as far as this client may go. */
static int client_reserve(struct client *c)
{
	size_t most = c->peer.right == CONTROL_CHANGE ? CONTROL_REQUEST_LARGE : CONTROL_REQUEST;

	if (c->in_len < c->in_room)
		return 0;
	if (c->in_room >= most)
		return -EMSGSIZE;
	return client_resize(c, c->in_room * 2 < most ? c->in_room * 2 : most);
}

/* What a large request took is given back. */
static void client_shrink(struct client *c)
{
	if (c->in_room > CONTROL_REQUEST && c->in_len <= CONTROL_REQUEST)
		(void)client_resize(c, CONTROL_REQUEST);
}

/* Answers the first complete line of what has come in, if there is one. */
static int client_next(struct control_server *s, struct client *c)
{
	char *end = memchr(c->in + c->in_looked, '\n', c->in_len - c->in_looked);
	struct answer answer = { 0 };
	size_t len;
	int r;

	c->in_looked = c->in_len;
	if (!end) {
		r = client_reserve(c);
		return r < 0 ? r : watch(s, EPOLL_CTL_MOD, c->fd, EPOLLIN, c);
	}

	len = end - c->in;
	answer_line(s, c, len, &answer);
	closep(&c->peer.fd);
	c->in_len -= len + 1;
	c->in_looked = 0;
	memmove(c->in, end + 1, c->in_len);
	client_shrink(c);
	return client_answer(s, c, &answer);
}

static int client_read(struct control_server *s, struct client *c)
{
	ssize_t n = passing_receive(c->fd, c->in + c->in_len, c->in_room - c->in_len,
				    c->peer.right == CONTROL_CHANGE ? &c->peer.fd : NULL);

	if (n < 0)
		return n == -EAGAIN || n == -EINTR ? 0 : (int)n;
	if (n == 0)
		return -EPIPE;
	c->in_len += n;
	return client_next(s, c);
}

/* Waits for lines to send, for room to send them, and for the end of the client. */
static int client_await(struct control_server *s, struct client *c)
{
	const char *bytes;
	size_t len;

	backlog_peek(&c->backlog, &bytes, &len);
	c->deadline = now_sec() + CONTROL_STALL_SEC;
	return watch(s, EPOLL_CTL_MOD, c->fd, EPOLLIN | (len ? EPOLLOUT : 0), c);
}

static bool is_stalled(const struct client *c, time_t now)
{
	const char *bytes;
	size_t len = 1;

	if (c->topic && !c->answering)
		backlog_peek(&c->backlog, &bytes, &len);
	return len && c->deadline < now;
}

/* A follower has nothing more to say: what it sends, or its end, ends it. */
static int client_follow(struct control_server *s, struct client *c)
{
	const char *bytes;
	char byte;
	size_t len;
	ssize_t n;

	if (c->in_len || recv(c->fd, &byte, 1, 0) >= 0)
		return -EPIPE;
	if (errno != EAGAIN && errno != EINTR)
		return -errno;
	backlog_peek(&c->backlog, &bytes, &len);
	n = len ? send(c->fd, bytes, len, MSG_NOSIGNAL) : 0;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	backlog_take(&c->backlog, n);
	return client_await(s, c);
}

static int client_write(struct control_server *s, struct client *c)
{
	const char *bytes;
	size_t len;
	ssize_t n;
	int r;

	r = reply_peek(&c->reply, &bytes, &len);
	if (r < 0)
		return r;
	if (!len) {
		reply_clear(&c->reply);
		c->answering = false;
		return c->topic ? client_await(s, c) : client_next(s, c);
	}
	n = send(c->fd, bytes, len, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	reply_take(&c->reply, n);
	client_progress(c);
	return 0;
}

static bool somebody_waits(const struct control_server *s)
{
	struct pollfd p = { .fd = s->listener.fd, .events = POLLIN };

	return s->n_clients == CONTROL_CLIENTS && poll(&p, 1, 0) > 0;
}

/* Followers have a reason to be silent, and who is sending a large request is busy. */
static bool could_make_room(const struct client *c, uint64_t now)
{
	bool busy = c->topic || (!c->answering && c->in_len > CONTROL_REQUEST);

	return !busy && c->progress_us + CONTROL_GRACE_MS * 1000 < now;
}

static void cut_off_the_slow(struct control_server *s)
{
	bool waited_for = somebody_waits(s);
	uint64_t now = now_us(), ticks;

	if (read(s->timer_fd, &ticks, sizeof(ticks)) < 0)
		return;
	for (struct client *c = s->clients; c < s->clients + CONTROL_CLIENTS; c++) {
		if (c->fd < 0)
			continue;
		if (is_stalled(c, (time_t)(now / 1000000)) ||
		    (waited_for && could_make_room(c, now)))
			client_close(s, c);
	}
}

static int client_event(struct control_server *s, struct client *c)
{
	if (c->answering)
		return client_write(s, c);
	return c->topic ? client_follow(s, c) : client_read(s, c);
}

/* Who is slow shows when all that lies there has been taken: we may have been so ourselves. */
void control_server_dispatch(struct control_server *s)
{
	struct epoll_event events[CONTROL_CLIENTS + 2];
	int n = epoll_wait(s->epoll_fd, events, ARRAY_LEN(events), 0);
	bool ticked = false;

	for (int i = 0; i < n; i++) {
		struct client *c = events[i].data.ptr;

		if (events[i].data.ptr == &s->listener.fd)
			client_accept(s);
		else if (events[i].data.ptr == &s->timer_fd)
			ticked = true;
		else if (c->fd >= 0 && client_event(s, c) < 0)
			client_close(s, c);
	}
	if (ticked)
		cut_off_the_slow(s);
}

/* --- Followers ------------------------------------------------------------------------------- */

unsigned int control_server_followers(const struct control_server *s, unsigned int topic)
{
	unsigned int n = 0;

	for (unsigned int i = 0; s && i < CONTROL_CLIENTS; i++)
		n += s->clients[i].fd >= 0 &&
		     (topic ? s->clients[i].topic == topic : s->clients[i].topic != 0);
	return n;
}

void control_server_publish(struct control_server *s, unsigned int topic, const char *line,
			    size_t len)
{
	for (struct client *c = s->clients; c < s->clients + CONTROL_CLIENTS; c++) {
		bool idle;

		if (c->fd < 0 || c->topic != topic)
			continue;
		idle = c->backlog.len == 0;
		backlog_put(&c->backlog, line, len);
		if (idle && !c->answering && client_await(s, c) < 0)
			client_close(s, c);
	}
}

/* --- Start and end --------------------------------------------------------------------------- */

static int start_polling(struct control_server *s)
{
	int r;

	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (s->epoll_fd < 0 || s->timer_fd < 0)
		return -errno;
	r = watch(s, EPOLL_CTL_ADD, s->listener.fd, EPOLLIN, &s->listener.fd);
	return r < 0 ? r : watch(s, EPOLL_CTL_ADD, s->timer_fd, EPOLLIN, &s->timer_fd);
}

static void server_freep(struct control_server **s)
{
	control_server_free(*s);
}

int control_server_new(const char *path, control_handler fn, void *arg, char *why,
		       struct control_server **ret)
{
	_cleanup_(server_freep) struct control_server *s = calloc(1, sizeof(*s));
	int r;

	if (!s) {
		snprintf(why, CONTROL_WHY, "control socket: out of memory");
		return -ENOMEM;
	}
	s->epoll_fd = s->timer_fd = s->listener.fd = s->listener.lock_fd = -1;
	for (unsigned int i = 0; i < CONTROL_CLIENTS; i++)
		s->clients[i].fd = -1;
	s->fn = fn;
	s->arg = arg;

	r = listener_open(path, why, &s->listener);
	if (r < 0)
		return r;
	r = start_polling(s);
	if (r < 0) {
		snprintf(why, CONTROL_WHY, "control socket: %s", strerror(-r));
		return r;
	}

	*ret = take_ptr(s);
	return 0;
}

void control_server_free(struct control_server *s)
{
	if (!s)
		return;
	for (struct client *c = s->clients; c < s->clients + CONTROL_CLIENTS; c++)
		if (c->fd >= 0)
			client_close(s, c);
	listener_close(&s->listener);
	closep(&s->timer_fd);
	closep(&s->epoll_fd);
	free(s);
}

void control_server_set_changes(struct control_server *s, bool (*changes)(const json_t *request))
{
	s->changes = changes;
}

int control_server_fd(const struct control_server *s)
{
	return s->epoll_fd;
}
