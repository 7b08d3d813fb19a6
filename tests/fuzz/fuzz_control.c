/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: the server itself, and two clients that send bytes in pieces, with
 * descriptors and without, read or do not, and hang up. An input is a row of steps:
 *
 *	0..127 n   the next n % 64 bytes, from 64 on together with a descriptor
 *	128..191   the agent's loop turns, and the client takes what there is
 *	192..223   the other client's turn
 *	224..255   the client hangs up
 *
 * Whatever comes, each answer is a line of JSON, and in the end there are as many descriptors as in
 * the beginning.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "user/base/cleanup.h"
#include "user/control/answer.h"
#include "user/control/bulk.h"
#include "user/control/passing.h"
#include "user/control/request.h"
#include "user/control/server.h"

#define CLIENTS 2
#define TOPIC 1
#define ROWS 400 /* of a kilobyte each: more than a socket holds */
#define TURNS 4	 /* of the loop a step: accept, read, answer, and the rest of the answer */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[] = "/tmp/seine-fuzz-control-XXXXXX";
static char path[sizeof(directory) + 8];

static void must(bool holds)
{
	if (!holds)
		abort();
}

struct client {
	int fd;
	char text[1 << 16]; /* the beginning of a line */
	size_t len;
};

struct game {
	struct control_server *server;
	struct client clients[CLIENTS];
};

static json_t *row(void *rows, size_t i)
{
	(void)rows;
	return json_sprintf("row %01000zu", i);
}

static void handle(void *arg, const struct control_peer *peer, const json_t *request,
		   struct answer *ret)
{
	struct game *g = arg;
	const char *verb = request_verb(request);
	struct bulk b = { 0 };
	char why[BULK_WHY];

	if (strcmp(verb, "none") == 0)
		return;
	ret->head = answer_new("fuzz");
	if (peer->fd >= 0 && bulk_map(peer->fd, 1 << 20, why, &b) == 0)
		bulk_unmap(&b);
	if (strcmp(verb, "rows") == 0) {
		ret->member = "rows";
		ret->n = ROWS;
		ret->row = row;
	}
	if (strcmp(verb, "follow") == 0)
		ret->topic = TOPIC;
	if (strcmp(verb, "tell") == 0)
		control_server_publish(g->server, TOPIC, "{\"seine\":{}}", 12);
}

static bool changes(const json_t *request)
{
	return strcmp(request_verb(request), "change") == 0;
}

static void begin(struct game *g)
{
	char why[CONTROL_WHY];

	if (!path[0]) {
		must(mkdtemp(directory) != NULL);
		snprintf(path, sizeof(path), "%s/s", directory);
	}
	must(control_server_new(path, handle, g, why, &g->server) == 0);
	control_server_set_changes(g->server, changes);
	for (int i = 0; i < CLIENTS; i++)
		g->clients[i].fd = -1;
}

static void hang_up(struct client *c)
{
	closep(&c->fd);
	c->len = 0;
}

static void finish(struct game *g)
{
	char lock[sizeof(path) + 8];

	for (int i = 0; i < CLIENTS; i++)
		hang_up(&g->clients[i]);
	control_server_free(g->server);
	snprintf(lock, sizeof(lock), "%s.lock", path);
	unlink(lock);
	rmdir(directory);
	memset(path, 0, sizeof(path));
	memcpy(directory + strlen(directory) - 6, "XXXXXX", 6);
}

static void turn(struct game *g)
{
	for (int i = 0; i < TURNS; i++)
		control_server_dispatch(g->server);
}

static void call(struct client *c)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (c->fd >= 0)
		return;
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	memcpy(address.sun_path, path, strlen(path) + 1);
	must(connect(c->fd, (struct sockaddr *)&address, sizeof(address)) == 0);
}

static void put(struct client *c, const uint8_t *bytes, size_t len, bool passing)
{
	_cleanup_(closep) int fd = -1;

	if (passing) {
		fd = memfd_create("fuzz", MFD_ALLOW_SEALING | MFD_CLOEXEC);
		if (len & 1)
			(void)fcntl(fd, F_ADD_SEALS,
				    F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	}
	call(c);
	if (len)
		(void)passing_send(c->fd, bytes, len, fd);
}

static void check_line(const char *line, size_t len)
{
	_cleanup_(json_decrefp) json_t *json = json_loadb(line, len, 0, NULL);

	must(json_is_object(json));
}

/* Takes what there is; a long answer is not looked at whole. */
static void take(struct client *c)
{
	ssize_t n;

	while (c->fd >= 0 &&
	       (n = recv(c->fd, c->text + c->len, sizeof(c->text) - c->len, MSG_DONTWAIT)) > 0) {
		char *end;

		c->len += n;
		while ((end = memchr(c->text, '\n', c->len))) {
			size_t len = end - c->text;

			if (c->text[0] == '{')
				check_line(c->text, len);
			c->len -= len + 1;
			memmove(c->text, end + 1, c->len);
		}
		if (c->len == sizeof(c->text)) { /* what is behind it is no beginning of a line */
			c->text[0] = 'x';
			c->len = 1;
		}
	}
}

static void play(struct game *g, const uint8_t *data, size_t size)
{
	struct client *c = g->clients;

	for (size_t i = 0; i < size; i++) {
		size_t len = data[i] % 64;

		if (data[i] >= 224) {
			hang_up(c);
		} else if (data[i] >= 192) {
			c = c == g->clients ? g->clients + 1 : g->clients;
		} else if (data[i] >= 128) {
			turn(g);
			take(c);
		} else {
			len = len < size - i - 1 ? len : size - i - 1;
			put(c, data + i + 1, len, data[i] >= 64);
			i += len;
		}
	}
	turn(g);
}

static int lowest_free(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	must(fd >= 0);
	close(fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct game g;
	int before = lowest_free();

	begin(&g);
	play(&g, data, size);
	finish(&g);
	must(lowest_free() == before);
	return 0;
}
