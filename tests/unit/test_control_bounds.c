/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What clients may take of the control socket: descriptors that come with requests, how often one
 * may ask, and who keeps a seat while others wait. The real server in a process of its own.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <cmocka.h>
#include "user/base/cleanup.h"
#include "user/control/answer.h"
#include "user/control/client.h"
#include "user/control/passing.h"
#include "user/control/request.h"
#include "user/control/server.h"

#define NOBODY 65534
#define MANY 900 /* connections; many more than there are seats */

static char directory[] = "/tmp/seine-test-bounds-XXXXXX";
static char path[108];
static pid_t server_pid;

/* --- The server ------------------------------------------------------------------------------- */

static int count_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static json_t *big_row(void *rows, size_t i)
{
	(void)rows;
	return json_sprintf("row %zu %090zu", i, i);
}

static bool changes(const json_t *request)
{
	return strcmp(request_verb(request), "change") == 0;
}

/* Answers with what the descriptor of the request holds, and how many this process has. */
static void handle(void *arg, const struct control_peer *peer, const json_t *request,
		   struct answer *ret)
{
	char text[64] = "";

	(void)arg;
	if (peer->fd >= 0 && pread(peer->fd, text, sizeof(text) - 1, 0) < 0)
		_exit(1);
	ret->head = answer_new(request_verb(request));
	json_object_set_new(ret->head, "passed", json_boolean(peer->fd >= 0));
	json_object_set_new(ret->head, "text", json_string(text));
	json_object_set_new(ret->head, "descriptors", json_integer(count_descriptors()));
	if (strcmp(request_verb(request), "big") == 0) {
		ret->member = "rows";
		ret->n = 20000;
		ret->row = big_row;
	}
}

static void serve(int ready)
{
	struct control_server *server;
	char why[CONTROL_WHY];
	struct pollfd p = { .events = POLLIN };

	if (control_server_new(path, handle, NULL, why, &server) < 0)
		_exit(1);
	control_server_set_changes(server, changes);
	if (chmod(path, 0666) < 0 || write(ready, "r", 1) != 1)
		_exit(1);
	p.fd = control_server_fd(server);
	while (poll(&p, 1, -1) >= 0)
		control_server_dispatch(server);
	_exit(1);
}

static int setup(void **state)
{
	int ready[2];
	char byte;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	server_pid = fork();
	if (server_pid == 0)
		serve(ready[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kill(server_pid, SIGKILL);
	assert_int_equal(waitpid(server_pid, NULL, 0), server_pid);
	return 0;
}

/* --- Clients ---------------------------------------------------------------------------------- */

static int connect_raw(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	return fd;
}

static void put(int fd, const char *text, int passed)
{
	assert_int_equal(passing_send(fd, text, strlen(text), passed), strlen(text));
}

/* The next line as JSON; NULL when the server has hung up. */
static json_t *get(int fd)
{
	char line[4096];
	size_t len = 0;

	while (len < sizeof(line)) {
		if (recv(fd, line + len, 1, 0) <= 0)
			return NULL;
		if (line[len++] == '\n')
			break;
	}
	return json_loadb(line, len, 0, NULL);
}

static json_t *ask(const char *verb, int passed)
{
	_cleanup_(json_decrefp) json_t *request = json_pack("{s:s}", "verb", verb);
	char why[CLIENT_WHY] = "";
	json_t *answer = NULL;

	if (client_ask(path, request, passed, NULL, why, &answer) < 0)
		print_message("%s\n", why);
	assert_non_null(answer);
	return answer;
}

static const char *text_of(const json_t *answer)
{
	return json_string_value(json_object_get(answer, "text"));
}

static json_int_t descriptors(void)
{
	_cleanup_(json_decrefp) json_t *answer = ask("count", -1);

	return json_integer_value(json_object_get(answer, "descriptors"));
}

/* The server sees the end of a connection a moment later. */
static json_int_t descriptors_at_rest(void)
{
	usleep(50000);
	return descriptors();
}

static void settles_at(json_int_t n)
{
	for (int i = 0; i < 100; i++) {
		if (descriptors() == n)
			return;
		usleep(50000);
	}
	assert_int_equal(descriptors(), n);
}

static int memory(const char *text)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* --- Descriptors ------------------------------------------------------------------------------ */

static void a_descriptor_comes_with_a_request(void **state)
{
	_cleanup_(closep) int fd = memory("hello");
	json_int_t before = descriptors_at_rest();

	(void)state;
	for (int i = 0; i < 5; i++) {
		_cleanup_(json_decrefp) json_t *answer = ask("take", fd);

		assert_string_equal(text_of(answer), "hello");
	}
	settles_at(before);
}

static void the_next_request_has_none(void **state)
{
	_cleanup_(closep) int s = connect_raw(), fd = memory("hello");
	_cleanup_(json_decrefp) json_t *first = NULL, *second = NULL;

	(void)state;
	put(s, "{\"verb\":\"one\"}\n{\"verb\":\"two\"}\n", fd);
	first = get(s);
	second = get(s);
	assert_true(json_is_true(json_object_get(first, "passed")));
	assert_true(json_is_false(json_object_get(second, "passed")));
}

static void of_two_the_first_is_taken(void **state)
{
	_cleanup_(closep) int s = connect_raw(), a = memory("first"), b = memory("second");
	_cleanup_(json_decrefp) json_t *answer = NULL;
	json_int_t before = descriptors_at_rest();

	(void)state;
	put(s, "{\"verb\"", a);
	put(s, ":\"take\"", b);
	put(s, "}\n", b);
	answer = get(s);
	assert_string_equal(text_of(answer), "first");
	settles_at(before);
}

/* As many with one byte as the kernel lets through. */
static void put_many(int s, const char *text, int fd, int n)
{
	struct iovec iov = { .iov_base = (void *)text, .iov_len = strlen(text) };
	_Alignas(struct cmsghdr) char room[CMSG_SPACE(250 * sizeof(int))] = { 0 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = room,
			      .msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	for (int i = 0; i < n; i++)
		memcpy(CMSG_DATA(c) + i * sizeof(int), &fd, sizeof(fd));
	assert_int_equal(sendmsg(s, &msg, MSG_NOSIGNAL), strlen(text));
}

static void of_many_one_is_taken(void **state)
{
	_cleanup_(closep) int s = connect_raw(), fd = memory("one of many");
	_cleanup_(json_decrefp) json_t *answer = NULL;
	json_int_t before = descriptors_at_rest();

	(void)state;
	put_many(s, "{\"verb\":\"take\"", fd, 200);
	put_many(s, "}\n", fd, 200);
	answer = get(s);
	assert_string_equal(text_of(answer), "one of many");
	assert_in_range(json_integer_value(json_object_get(answer, "descriptors")), before,
			before + 2);
	settles_at(before);
}

static void a_descriptor_without_a_request_is_closed(void **state)
{
	json_int_t before = descriptors_at_rest();

	(void)state;
	for (int i = 0; i < 20; i++) {
		_cleanup_(closep) int s = connect_raw(), fd = memory("x");

		put(s, "{", fd);
	}
	settles_at(before);
}

/* Sends a descriptor with the beginning of a request, and waits for the end. */
static void pass_and_stay(int ready)
{
	int s, fd = memory("x");

	if (setuid(NOBODY) < 0)
		_exit(1);
	s = connect_raw();
	put(s, "{", fd);
	if (write(ready, "r", 1) == 1)
		pause();
	_exit(1);
}

/* Whoever may not change anything has no use for one. */
static void of_others_none_is_taken(void **state)
{
	json_int_t before = descriptors_at_rest();
	int ready[2];
	char byte;
	pid_t pid;

	(void)state;
	if (getuid())
		skip();
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0)
		pass_and_stay(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(descriptors_at_rest(), before + 1); /* the connection alone */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	settles_at(before);
}

/* --- How often -------------------------------------------------------------------------------- */

static bool is_busy(const json_t *answer)
{
	enum answer_code code;
	const char *text;

	return answer_is_error(answer, &code, &text) && code == ANSWER_BUSY &&
	       strstr(text, "try again in");
}

/* Asks over one connection until told to wait; how often that went well. */
static int until_busy(const char *line, int passed)
{
	_cleanup_(closep) int s = connect_raw();
	int n = 0;

	for (;;) {
		_cleanup_(json_decrefp) json_t *answer = NULL;

		put(s, line, passed);
		answer = get(s);
		assert_non_null(answer);
		if (is_busy(answer))
			return n;
		assert_int_equal(n < 100000, 1);
		n++;
	}
}

static void who_changes_too_often_waits(void **state)
{
	_cleanup_(json_decrefp) json_t *answer = NULL;
	_cleanup_(closep) int fd = memory("x");

	(void)state;
	assert_true(until_busy("{\"verb\":\"change\"}\n", -1) >= 500);
	answer = ask("read", -1);
	assert_false(is_busy(answer));
	assert_in_range(until_busy("{\"verb\":\"take\"}\n", fd), 100, 200);
	assert_int_equal(kill(server_pid, 0), 0);
}

/* Rubbish counts as well. */
static void who_asks_too_often_waits(void **state)
{
	(void)state;
	assert_true(until_busy("rubbish\n", -1) >= 1000);
}

/* --- Seats ------------------------------------------------------------------------------------ */

static void allow_many_descriptors(void)
{
	struct rlimit most;

	getrlimit(RLIMIT_NOFILE, &most);
	most.rlim_cur = most.rlim_max;
	setrlimit(RLIMIT_NOFILE, &most);
}

/* Connections that say nothing, and some that feed a byte now and then, by a process of its own. */
static pid_t occupy(int n, const char *request, uid_t uid)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		allow_many_descriptors();
		if (uid && setuid(uid) < 0)
			_exit(1);
		for (int i = 0; i < n; i++) {
			int fd = connect_raw();

			if (fd < 0)
				_exit(1);
			(void)!send(fd, request, strlen(request), MSG_NOSIGNAL);
		}
		(void)!write(ready[1], "r", 1);
		pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static double time_to_answer(void)
{
	double began = now();
	_cleanup_(json_decrefp) json_t *answer = ask("read", -1);

	assert_string_equal(answer_kind(answer), "read");
	return now() - began;
}

static void the_silent_make_room(void **state)
{
	json_int_t before = descriptors_at_rest();
	pid_t pid = occupy(MANY, "", 0);

	(void)state;
	assert_true(time_to_answer() < 25);
	end(pid);
	settles_at(before);
}

static void those_who_do_not_read_make_room(void **state)
{
	pid_t pid = occupy(3 * CONTROL_CLIENTS, "{\"verb\":\"big\"}\n", 0);

	(void)state;
	assert_true(time_to_answer() < 4);
	end(pid);
}

/* All of a user's connections beyond some are sent away; nobody else has to wait for that. */
static void a_user_does_not_take_all_seats(void **state)
{
	pid_t pid;

	(void)state;
	if (getuid())
		skip();
	pid = occupy(MANY, "{", NOBODY);
	assert_true(time_to_answer() < 6); /* as they make room alone, it takes 14 */
	end(pid);
}

/* A byte now and then does not keep a seat, and who comes and goes does not stop the clock. */
static void a_drip_is_cut_off(void **state)
{
	_cleanup_(closep) int slow = connect_raw();
	double began = now();

	(void)state;
	while (send(slow, "x", 1, MSG_NOSIGNAL) == 1) {
		_cleanup_(closep) int other = connect_raw();

		assert_true(other >= 0);
		usleep(200000);
		assert_true(now() - began < CONTROL_PATIENCE_SEC + 3);
	}
	assert_true(now() - began > CONTROL_PATIENCE_SEC - 1);
}

/* An agent that was busy for longer than it is patient does not blame who asked meanwhile. */
static void a_busy_server_answers(void **state)
{
	static const char request[] = "{\"verb\":\"hello\"}\n";
	_cleanup_(closep) int fd = connect_raw();
	char answer[256];

	(void)state;
	usleep(300000);
	kill(server_pid, SIGSTOP);
	sleep(2); /* its clock has ticked before anything comes */
	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	sleep(CONTROL_PATIENCE_SEC);
	kill(server_pid, SIGCONT);
	assert_true(recv(fd, answer, sizeof(answer), 0) > 0);
}

static int make_directory(void **state)
{
	(void)state;
	if (!mkdtemp(directory) || chmod(directory, 0755) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/sock", directory);
	return 0;
}

static int remove_directory(void **state)
{
	char lock[sizeof(path) + 8];

	(void)state;
	snprintf(lock, sizeof(lock), "%s.lock", path);
	unlink(lock);
	unlink(path);
	return rmdir(directory);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SERVER(a_descriptor_comes_with_a_request),
		WITH_SERVER(the_next_request_has_none),
		WITH_SERVER(of_two_the_first_is_taken),
		WITH_SERVER(of_many_one_is_taken),
		WITH_SERVER(a_descriptor_without_a_request_is_closed),
		WITH_SERVER(of_others_none_is_taken),
		WITH_SERVER(who_changes_too_often_waits),
		WITH_SERVER(who_asks_too_often_waits),
		WITH_SERVER(the_silent_make_room),
		WITH_SERVER(those_who_do_not_read_make_room),
		WITH_SERVER(a_user_does_not_take_all_seats),
		WITH_SERVER(a_drip_is_cut_off),
		WITH_SERVER(a_busy_server_answers),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
