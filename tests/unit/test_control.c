/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: the real server in a process of its own, the real client, and clients that
 * behave badly.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <cmocka.h>
#include "user/base/cleanup.h"
#include "user/control/answer.h"
#include "user/control/client.h"
#include "user/control/peer.h"
#include "user/control/request.h"
#include "user/control/server.h"

#define TOPIC 3
#define FLOOD 20000 /* lines published at once: far more than a socket and a backlog hold */
#define BIG 20000   /* rows of the large answer: some 2 MB, far more than a socket holds */

static char directory[] = "/tmp/seine-test-control-XXXXXX";
static char path[108];
static pid_t server_pid;

static json_t *big_row(void *rows, size_t i)
{
	(void)rows;
	return json_sprintf("row %zu %090zu", i, i);
}

static struct control_server *server;

/* Lines {"line":0}, {"line":1} and so on, padded. */
static void publish(unsigned int topic, int n)
{
	for (int i = 0; i < n; i++) {
		char line[256];
		int len = snprintf(line, sizeof(line),
				   "{\"line\":%d,\"topic\":%u,\"x\":\"%0100d\"}", i, topic, 0);

		control_server_publish(server, topic, line, len);
	}
}

static void take_part(const char *verb, struct answer *ret)
{
	if (strcmp(verb, "follow") == 0)
		ret->topic = TOPIC;
	else if (strcmp(verb, "two") == 0)
		publish(TOPIC, 2);
	else if (strcmp(verb, "other") == 0)
		publish(TOPIC + 1, 2);
	else if (strcmp(verb, "flood") == 0)
		publish(TOPIC, FLOOD);
	json_object_set_new(ret->head, "followers",
			    json_integer(control_server_followers(server, TOPIC)));
}

/* "big" answers with many rows, "follow" with a topic, others publish about it; anything else is
 * answered with an echo of the verb and the caller's right. */
static void handle(void *arg, const struct control_peer *peer, const json_t *request,
		   struct answer *ret)
{
	(void)arg;
	ret->head = answer_new(request_verb(request));
	json_object_set_new(ret->head, "right", json_integer(peer->right));
	json_object_set_new(ret->head, "uid", json_integer(peer->uid));
	if (strcmp(request_verb(request), "big") == 0) {
		ret->member = "rows";
		ret->n = BIG;
		ret->row = big_row;
	}
	take_part(request_verb(request), ret);
}

static void serve(int ready)
{
	char why[CONTROL_WHY];
	struct pollfd p = { .events = POLLIN };

	if (control_server_new(path, handle, NULL, why, &server) < 0) {
		fprintf(stderr, "%s\n", why);
		_exit(1);
	}
	if (write(ready, "r", 1) != 1)
		_exit(1);
	p.fd = control_server_fd(server);
	while (poll(&p, 1, -1) >= 0)
		control_server_dispatch(server);
	_exit(1);
}

static void start_server(void)
{
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	server_pid = fork();
	assert_true(server_pid >= 0);
	if (server_pid == 0)
		serve(ready[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
}

static void kill_server(void)
{
	kill(server_pid, SIGKILL);
	assert_int_equal(waitpid(server_pid, NULL, 0), server_pid);
}

static int setup(void **state)
{
	(void)state;
	start_server();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kill_server();
	return 0;
}

static int ask(const char *verb, json_t **ret)
{
	_cleanup_(json_decrefp) json_t *request = json_pack("{s:s}", "verb", verb);
	char why[CLIENT_WHY] = "";
	int r = client_ask(path, request, -1, NULL, why, ret);

	if (r < 0)
		print_message("%s\n", why);
	return r;
}

static int connect_raw(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void put(int fd, const char *bytes, size_t len)
{
	assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
}

/* Reads up to a newline; the length, or 0 when the server closes. */
static size_t get_line(int fd, char *buf, size_t size)
{
	size_t len = 0;

	while (len < size - 1) {
		ssize_t n = recv(fd, buf + len, 1, 0);

		if (n <= 0)
			return 0;
		if (buf[len++] == '\n')
			break;
	}
	buf[len] = '\0';
	return len;
}

static void an_answer_comes_back(void **state)
{
	_cleanup_(json_decrefp) json_t *answer = NULL;

	(void)state;
	assert_int_equal(ask("hello", &answer), 0);
	assert_string_equal(answer_kind(answer), "hello");
	assert_int_equal(json_integer_value(json_object_get(answer, "uid")), getuid());
	assert_int_equal(json_integer_value(json_object_get(answer, "right")), CONTROL_CHANGE);
}

static void large_answers_arrive_whole(void **state)
{
	_cleanup_(json_decrefp) json_t *answer = NULL;

	(void)state;
	assert_int_equal(ask("big", &answer), 0);
	assert_int_equal(json_array_size(json_object_get(answer, "rows")), BIG);
}

/* Who does not take an answer must not keep another from getting one. */
static void a_slow_reader_holds_up_nobody(void **state)
{
	_cleanup_(json_decrefp) json_t *answer = NULL;
	_cleanup_(closep) int slow = connect_raw();

	(void)state;
	put(slow, "{\"verb\":\"big\"}\n", 15);
	assert_int_equal(ask("hello", &answer), 0);
}

static void requests_may_come_in_pieces_and_together(void **state)
{
	_cleanup_(closep) int fd = connect_raw();
	char line[512];

	(void)state;
	put(fd, "{\"verb\":", 8);
	put(fd, "\"one\"}\n{\"verb\":\"two\"}\n{\"ver", 27);
	assert_true(get_line(fd, line, sizeof(line)));
	assert_non_null(strstr(line, "\"kind\":\"one\""));
	assert_true(get_line(fd, line, sizeof(line)));
	assert_non_null(strstr(line, "\"kind\":\"two\""));
	put(fd, "b\":\"three\"}\n", 12);
	assert_true(get_line(fd, line, sizeof(line)));
	assert_non_null(strstr(line, "\"kind\":\"three\""));
}

static void nonsense_is_answered_with_an_error(void **state)
{
	_cleanup_(closep) int fd = connect_raw();
	char line[512];

	(void)state;
	put(fd, "GET / HTTP/1.1\n", 15);
	assert_true(get_line(fd, line, sizeof(line)));
	assert_non_null(strstr(line, "\"code\":\"invalid\""));
}

static void endless_requests_are_cut_off(void **state)
{
	_cleanup_(closep) int fd = connect_raw();
	_cleanup_(freep) char *block = malloc(CONTROL_REQUEST);
	char line[512];

	(void)state;
	assert_non_null(block);
	memset(block, 'x', CONTROL_REQUEST);
	for (size_t sent = 0; sent <= CONTROL_REQUEST_LARGE; sent += CONTROL_REQUEST)
		if (send(fd, block, CONTROL_REQUEST, MSG_NOSIGNAL) < 0)
			break;
	assert_int_equal(get_line(fd, line, sizeof(line)), 0);
}

/* As large as it may be, in one piece with a small one behind it. */
static void large_requests_arrive_whole(void **state)
{
	_cleanup_(freep) char *text = malloc(CONTROL_REQUEST_LARGE + 64);
	_cleanup_(closep) int fd = connect_raw();
	size_t len = CONTROL_REQUEST_LARGE;
	char line[512];
	ssize_t n;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', len);
	memcpy(text, "{\"verb\":\"large\"}", 16);
	memcpy(text + len - 1, "\n{\"verb\":\"small\"}\n", 19);
	len += 18;
	for (size_t sent = 0; sent < len; sent += n) {
		n = send(fd, text + sent, len - sent, MSG_NOSIGNAL);
		assert_true(n > 0);
	}
	assert_true(get_line(fd, line, sizeof(line)));
	assert_non_null(strstr(line, "\"kind\":\"large\""));
	assert_true(get_line(fd, line, sizeof(line)));
	assert_non_null(strstr(line, "\"kind\":\"small\""));
}

/* All seats taken: the next one waits, and is served when a seat is free. */
static void further_clients_wait_for_a_seat(void **state)
{
	int fds[CONTROL_CLIENTS];
	_cleanup_(closep) int waiting = -1;
	struct pollfd p = { .events = POLLIN };
	char line[512];

	(void)state;
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		fds[i] = connect_raw();
	for (int i = 0; i < CONTROL_CLIENTS; i++) { /* now each one has been accepted */
		put(fds[i], "{\"verb\":\"seat\"}\n", 16);
		assert_true(get_line(fds[i], line, sizeof(line)));
	}
	waiting = connect_raw();
	put(waiting, "{\"verb\":\"late\"}\n", 16);
	p.fd = waiting;
	assert_int_equal(poll(&p, 1, 100), 0);
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		close(fds[i]);
	assert_true(get_line(waiting, line, sizeof(line)));
	assert_non_null(strstr(line, "\"kind\":\"late\""));
}

static void slow_writers_are_cut_off(void **state)
{
	_cleanup_(closep) int fd = connect_raw();
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char line[512];

	(void)state;
	put(fd, "{\"verb\"", 7);
	assert_int_equal(poll(&p, 1, (CONTROL_PATIENCE_SEC + 3) * 1000), 1);
	assert_int_equal(get_line(fd, line, sizeof(line)), 0);
}

static json_int_t number(const char *line, const char *member)
{
	_cleanup_(json_decrefp) json_t *object = json_loads(line, 0, NULL);

	assert_non_null(object);
	return json_integer_value(json_object_get(object, member));
}

static json_int_t followers(void)
{
	_cleanup_(json_decrefp) json_t *answer = NULL;

	assert_int_equal(ask("count", &answer), 0);
	return json_integer_value(json_object_get(answer, "followers"));
}

static int start_following(void)
{
	int fd = connect_raw();
	char line[512];

	put(fd, "{\"verb\":\"follow\"}\n", 18);
	assert_true(get_line(fd, line, sizeof(line)));
	assert_non_null(strstr(line, "\"kind\":\"follow\""));
	return fd;
}

static void followers_get_what_is_published(void **state)
{
	_cleanup_(closep) int one = start_following(), two = start_following();
	_cleanup_(json_decrefp) json_t *answer = NULL, *again = NULL;
	const int fds[] = { one, two };
	char line[512];

	(void)state;
	assert_int_equal(followers(), 2);
	assert_int_equal(ask("other", &answer), 0);
	assert_int_equal(ask("two", &again), 0);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		assert_true(get_line(fds[i], line, sizeof(line)));
		assert_int_equal(number(line, "line"), 0);
		assert_int_equal(number(line, "topic"), TOPIC);
		assert_true(get_line(fds[i], line, sizeof(line)));
		assert_int_equal(number(line, "line"), 1);
	}
	closep(&one);
	while (followers() != 1)
		; /* each turn is an exchange with the server, which sees the end before long */
}

/* All that was published either arrives, in order, or is counted. */
static void slow_followers_lose_lines_and_are_told(void **state)
{
	_cleanup_(closep) int fd = start_following();
	_cleanup_(json_decrefp) json_t *answer = NULL;
	json_int_t got = 0, lost = 0, next = 0;
	char line[512];

	(void)state;
	assert_int_equal(ask("flood", &answer), 0);
	while (got + lost < FLOOD) {
		assert_true(get_line(fd, line, sizeof(line)));
		if (strstr(line, "\"kind\":\"lost\"")) {
			lost += number(line, "lines");
			continue;
		}
		assert_true(number(line, "line") >= next);
		next = number(line, "line") + 1;
		got++;
	}
	assert_true(lost > 0);
	assert_true(got > 100);
	assert_int_equal(got + lost, FLOOD);
}

static void a_follower_that_speaks_is_cut_off(void **state)
{
	_cleanup_(closep) int fd = start_following();
	char line[512];

	(void)state;
	put(fd, "{\"verb\":\"two\"}\n", 15);
	assert_int_equal(get_line(fd, line, sizeof(line)), 0);
}

/* Takes the answer, asks for lines to be published, and has enough after the second one. */
static bool take_two(const json_t *line, void *arg)
{
	_cleanup_(json_decrefp) json_t *answer = NULL;
	int *lines = arg;

	if (*answer_kind(line))
		assert_int_equal(ask("two", &answer), 0);
	else
		assert_int_equal(json_integer_value(json_object_get(line, "line")), (*lines)++);
	return *lines < 2;
}

static void the_client_follows(void **state)
{
	_cleanup_(json_decrefp) json_t *request = json_pack("{s:s}", "verb", "follow");
	char why[CLIENT_WHY];
	int lines = 0;

	(void)state;
	assert_int_equal(client_follow(path, request, NULL, take_two, &lines, why), 0);
	assert_int_equal(lines, 2);
}

/* An agent that ends is told from one that has nothing to say. */
static bool kill_it(const json_t *line, void *arg)
{
	(void)line;
	(void)arg;
	kill_server();
	return true;
}

static void the_client_notices_the_end(void **state)
{
	_cleanup_(json_decrefp) json_t *request = json_pack("{s:s}", "verb", "follow");
	char why[CLIENT_WHY];
	int r;

	(void)state;
	r = client_follow(path, request, NULL, kill_it, NULL, why);
	start_server();
	assert_true(r == -EPROTO || r == -ECONNRESET);
	assert_non_null(strstr(why, "the agent broke off"));
}

static void only_the_group_may_open_it(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
}

static void a_second_server_is_refused(void **state)
{
	struct control_server *s = NULL;
	_cleanup_(json_decrefp) json_t *answer = NULL;
	char why[CONTROL_WHY];

	(void)state;
	assert_int_equal(control_server_new(path, handle, NULL, why, &s), -EADDRINUSE);
	assert_non_null(strstr(why, "another seined is running"));
	assert_int_equal(ask("still there", &answer), 0);
}

static void a_dead_servers_socket_is_replaced(void **state)
{
	_cleanup_(json_decrefp) json_t *answer = NULL;

	(void)state;
	kill_server();
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(ask("anybody", &answer), -ECONNREFUSED);
	start_server();
	assert_int_equal(ask("hello", &answer), 0);
}

static void no_file_is_ever_replaced(void **state)
{
	struct control_server *s = NULL;
	char file[sizeof(path) + 8], lock[sizeof(file) + 8], why[CONTROL_WHY];
	FILE *f;

	(void)state;
	snprintf(file, sizeof(file), "%s.file", path);
	snprintf(lock, sizeof(lock), "%s.lock", file);
	f = fopen(file, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(control_server_new(file, handle, NULL, why, &s), -EEXIST);
	assert_int_equal(access(file, F_OK), 0);
	unlink(file);
	unlink(lock);
}

static void a_server_that_ends_takes_its_socket_along(void **state)
{
	struct control_server *s = NULL;
	char other[sizeof(path) + 8], lock[sizeof(other) + 8], why[CONTROL_WHY];

	(void)state;
	snprintf(other, sizeof(other), "%s/new/sock", directory);
	snprintf(lock, sizeof(lock), "%s.lock", other);
	assert_int_equal(control_server_new(other, handle, NULL, why, &s), 0);
	assert_int_equal(access(other, F_OK), 0);
	control_server_free(s);
	assert_int_equal(access(other, F_OK), -1);
	unlink(lock);
	*strrchr(other, '/') = '\0';
	assert_int_equal(rmdir(other), 0);
}

static void nobody_there(void **state)
{
	_cleanup_(json_decrefp) json_t *request = json_pack("{s:s}", "verb", "status");
	json_t *answer = NULL;
	char why[CLIENT_WHY];

	(void)state;
	assert_int_equal(client_ask("/nonexistent/sock", request, -1, NULL, why, &answer), -ENOENT);
	assert_string_equal(why, "/nonexistent/sock: no agent is running here");
	assert_null(answer);
}

static void rights_follow_user_and_groups(void **state)
{
	const gid_t groups[] = { 5, 30, 7 };

	(void)state;
	assert_int_equal(control_right_of(0, NULL, 0, 99, 30, 31), CONTROL_CHANGE);
	assert_int_equal(control_right_of(99, NULL, 0, 99, 30, 31), CONTROL_CHANGE);
	assert_int_equal(control_right_of(1000, groups, 3, 0, 30, 31), CONTROL_READ);
	assert_int_equal(control_right_of(1000, groups, 3, 0, 30, 7), CONTROL_CHANGE);
	assert_int_equal(control_right_of(1000, groups, 1, 0, 30, 31), CONTROL_NONE);
	assert_int_equal(control_right_of(1000, groups, 3, 0, -1, -1), CONTROL_NONE);
}

static int make_directory(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
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
		cmocka_unit_test(rights_follow_user_and_groups),
		cmocka_unit_test(nobody_there),
		cmocka_unit_test(no_file_is_ever_replaced),
		cmocka_unit_test(a_server_that_ends_takes_its_socket_along),
		WITH_SERVER(an_answer_comes_back),
		WITH_SERVER(large_answers_arrive_whole),
		WITH_SERVER(a_slow_reader_holds_up_nobody),
		WITH_SERVER(requests_may_come_in_pieces_and_together),
		WITH_SERVER(nonsense_is_answered_with_an_error),
		WITH_SERVER(endless_requests_are_cut_off),
		WITH_SERVER(large_requests_arrive_whole),
		WITH_SERVER(further_clients_wait_for_a_seat),
		WITH_SERVER(slow_writers_are_cut_off),
		WITH_SERVER(followers_get_what_is_published),
		WITH_SERVER(slow_followers_lose_lines_and_are_told),
		WITH_SERVER(a_follower_that_speaks_is_cut_off),
		WITH_SERVER(the_client_follows),
		WITH_SERVER(the_client_notices_the_end),
		WITH_SERVER(only_the_group_may_open_it),
		WITH_SERVER(a_second_server_is_refused),
		WITH_SERVER(a_dead_servers_socket_is_replaced),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
