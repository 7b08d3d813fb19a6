// SPDX-License-Identifier: GPL-2.0-or-later
/* See loop.h. On epoll, timerfd and signalfd. */
#include "user/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include "user/base/cleanup.h"

enum kind { KIND_FD, KIND_TIMER, KIND_SIGNALS };

struct event {
	enum kind kind;
	int fd;
	loop_fn fn;
	loop_signal_fn on_signal;
	void *arg;
};

struct loop {
	int epoll;
	bool quit;
	struct event events[LOOP_EVENTS];
	unsigned int n;
};

int loop_new(struct loop **ret)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0) {
		free(l);
		return -errno;
	}
	*ret = l;
	return 0;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	for (unsigned int i = 0; i < l->n; i++) {
		if (l->events[i].kind != KIND_FD)
			close(l->events[i].fd);
	}
	close(l->epoll);
	free(l);
}

static int event_add(struct loop *l, const struct event *event)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = l->n };

	if (l->n == LOOP_EVENTS)
		return -E2BIG;
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, event->fd, &e) < 0)
		return -errno;
	l->events[l->n++] = *event;
	return 0;
}

int loop_add(struct loop *l, int fd, loop_fn fn, void *arg)
{
	return event_add(l, &(struct event){ .kind = KIND_FD, .fd = fd, .fn = fn, .arg = arg });
}

static int timer_set(int fd, uint32_t interval_ms)
{
	struct timespec t = { .tv_sec = interval_ms / 1000,
			      .tv_nsec = interval_ms % 1000 * 1000000l };
	struct itimerspec spec = { .it_interval = t, .it_value = t };

	return timerfd_settime(fd, 0, &spec, NULL) < 0 ? -errno : 0;
}

int loop_every(struct loop *l, uint32_t interval_ms, loop_fn fn, void *arg, int *ret_timer)
{
	_cleanup_(closep) int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	struct event event = { .kind = KIND_TIMER, .fd = fd, .fn = fn, .arg = arg };
	int r;

	if (fd < 0)
		return -errno;
	r = timer_set(fd, interval_ms);
	if (r == 0)
		r = event_add(l, &event);
	if (r < 0)
		return r;
	*ret_timer = (int)l->n - 1;
	take_fd(fd);
	return 0;
}

int loop_retime(struct loop *l, int timer, uint32_t interval_ms)
{
	return timer_set(l->events[timer].fd, interval_ms);
}

int loop_signals(struct loop *l, const int *signals, loop_signal_fn fn, void *arg)
{
	_cleanup_(closep) int fd = -1;
	struct event event;
	sigset_t set;
	int r;

	sigemptyset(&set);
	for (; *signals; signals++)
		sigaddset(&set, *signals);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	event = (struct event){ .kind = KIND_SIGNALS, .fd = fd, .on_signal = fn, .arg = arg };
	r = event_add(l, &event);
	if (r == 0)
		take_fd(fd);
	return r;
}

static void dispatch(struct event *e)
{
	struct signalfd_siginfo info;
	uint64_t expired;

	switch (e->kind) {
	case KIND_TIMER:
		if (read(e->fd, &expired, sizeof(expired)) == sizeof(expired))
			e->fn(e->arg);
		break;
	case KIND_SIGNALS:
		if (read(e->fd, &info, sizeof(info)) == sizeof(info))
			e->on_signal((int)info.ssi_signo, e->arg);
		break;
	case KIND_FD: e->fn(e->arg); break;
	}
}

int loop_run(struct loop *l)
{
	struct epoll_event ready[LOOP_EVENTS];

	l->quit = false;
	while (!l->quit) {
		int n = epoll_wait(l->epoll, ready, LOOP_EVENTS, -1);

		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n && !l->quit; i++)
			dispatch(&l->events[ready[i].data.u32]);
	}
	return 0;
}

void loop_quit(struct loop *l)
{
	l->quit = true;
}
