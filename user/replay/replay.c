// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Frame by frame. What the datapath counts is read in the end; what it tells in its ring is taken
 * every few frames, so that the ring cannot fill.
 */
#include "user/replay/replay.h"

#include <errno.h>
#include <string.h>
#include "bpf/parse.h"
#include "user/base/cleanup.h"
#include "user/base/refuse.h"
#include "user/kernel/datapath.h"
#include "user/networks.h"
#include "user/replay/pending.h"
#include "user/sight/hellos.h"

#define NS_PER_SEC 1000000000ll
#define NS_PER_MS 1000000ull
#define DRAIN_FRAMES 256   /* a frame is told in at most 5 kB, the ring has 4 MB */
#define DRAIN_EVENTS 65536 /* more than the ring can hold */
#define PROGRESS_FRAMES 8192
#define HALF_OPEN (1u << 19) /* rows, 64 MB: handshakes must not displace each other offline */
#define HELLOS_OPEN 16384    /* unfinished at a time */
#define BACK_NS (NS_PER_SEC / 50)
#define FORWARD_NS (3650 * 86400 * NS_PER_SEC)

_Static_assert(LINK_FRAME_MAX == DATAPATH_FRAME_MAX, "frames are cut to what the datapath sees");
_Static_assert(LINK_FRAME_MIN == DATAPATH_FRAME_MIN, "shorter frames are not run");

double replay_unix(const struct replay *r, uint64_t clock_ns)
{
	unsigned int i = r->n_epochs;

	while (i > 1 && clock_ns < r->epochs[i - 1].from_ns)
		i--;
	return (double)((int64_t)clock_ns + (i ? r->epochs[i - 1].zero_ns : 0)) / NS_PER_SEC;
}

/* ---- what the datapath tells ---- */

static void tell(struct replay *r, const struct seine_connection *c,
		 const struct hello_sight *sight, double time)
{
	const struct replay_settings *s = r->settings;

	s->connection(c, sight ? sight->ja4 : NULL, sight ? sight->ja4_stable : NULL, time, s->arg);
}

/* A hello of which nothing but the hello is known. */
static void tell_hello(struct replay *r, const struct hello_sight *sight)
{
	const struct seine_connection c = {
		.flags = SEINE_F_UNPROVEN | SEINE_F_HELLO | sight->flags,
		.tag = sight->tag,
		.hello_key = sight->hello_key,
		.source = sight->source,
		.sport = sight->sport,
		.dport = sight->dport,
	};

	tell(r, &c, sight, replay_unix(r, sight->time_ns));
}

static void on_hello(const struct seine_segment *piece, void *arg)
{
	struct hello_sight sight, gone;
	struct replay *r = arg;
	int n;

	n = hellos_add(r->hellos, piece, &sight);
	if (n == -ENOMEM)
		r->trouble = n;
	if (n <= 0)
		return;
	if (sight.flags & SEINE_F_QUIC)
		r->quic++;
	else if (sight.flags & SEINE_F_UNPROVEN)
		r->unproven++;
	else if (tally_hello(r->tally, &sight) < 0)
		r->trouble = -ENOMEM;
	if (!r->pending)
		return;
	if (sight.flags & SEINE_F_QUIC)
		tell_hello(r, &sight);
	else if (sight.flags & SEINE_F_UNPROVEN && pending_differs(r->pending, &sight))
		tell_hello(r, &sight);
	else if (pending_put(r->pending, &sight, &gone) && gone.flags & SEINE_F_UNPROVEN)
		tell_hello(r, &gone);
}

static void on_connection(const struct seine_connection *c, void *arg)
{
	struct hello_sight sight;
	struct replay *r = arg;
	bool known;

	if (!(c->flags & SEINE_F_UNPROVEN) && tally_connection(r->tally, c) < 0)
		r->trouble = -ENOMEM;
	if (!r->pending)
		return;
	known = pending_take(r->pending, c->tag, &sight);
	if (!(c->flags & SEINE_F_UNPROVEN) || known)
		tell(r, c, known ? &sight : NULL, replay_unix(r, c->first_sec * NS_PER_SEC));
}

static int drain(struct replay *r)
{
	int n = datapath_take_events(r->datapath, DRAIN_EVENTS);

	return n < 0 ? n : r->trouble;
}

static int on_open(const struct seine_connection *c, void *arg)
{
	struct replay *r = arg;

	on_connection(c, r);
	return r->trouble;
}

/* The connections that never ended, and hellos of which no connection is known. */
static int finish(struct replay *r)
{
	struct hello_sight sight;
	int n;

	n = drain(r);
	if (n == 0)
		n = datapath_connections(r->datapath, on_open, r);
	while (n == 0 && r->pending && pending_any(r->pending, &sight)) {
		if (sight.flags & SEINE_F_UNPROVEN)
			tell_hello(r, &sight);
	}
	return n < 0 ? n : replay_last_turn(r);
}

/* ---- open and close ---- */

void replay_close(struct replay *r)
{
	if (!r)
		return;
	datapath_close(r->datapath);
	hellos_free(r->hellos);
	pending_free(r->pending);
	tally_free(r->tally);
	mind_free(r->mind);
	free(r);
}

/* All is looked at: what limits protect from live does not happen here. */
static void configure(const struct conf *conf, struct seine_cfg *ret)
{
	*ret = conf->cfg;
	ret->mode = SEINE_OBSERVE;
	ret->proof = SEINE_PROOF_ACK;
	ret->flows_per_sec = UINT32_MAX;
	ret->syns_per_sec = UINT32_MAX;
	ret->hello_one_in = 1;
	ret->hellos_per_sec = UINT32_MAX;
	ret->connection_one_in = 1;
	ret->keep_unproven = 1;
	for (unsigned int i = 0; conf->server_us != CONF_SERVER_AUTO && i < SEINE_TLS_KINDS; i++)
		ret->server_us[i] = conf->server_us;
}

static int open_datapath(struct replay *r, char *why)
{
	const struct conf *conf = &r->settings->conf;
	struct datapath_options o = {
		.sizes = conf->sizes,
		.source_bits = conf->source_bits,
		.test_clock = true,
	};
	const struct datapath_listener listener = { on_hello, on_connection, r };
	int n;

	o.sizes.hit_slots = 64; /* nothing is listed, nothing hit */
	if (o.sizes.half_open < HALF_OPEN)
		o.sizes.half_open = HALF_OPEN;
	n = datapath_open(&o, why, &r->datapath);
	if (n < 0)
		return n;
	configure(conf, &r->cfg);
	n = datapath_configure(r->datapath, &r->cfg);
	if (n == 0)
		n = datapath_protect(r->datapath, &conf->ports);
	return n == 0 ? datapath_listen(r->datapath, &listener) : n;
}

/* The time of day of the first packet is not known yet: windows move on by the datapath's clock. */
static int open_mind(struct replay *r, char *why)
{
	const struct conf *conf = &r->settings->conf;
	const struct mind_settings s = {
		.observation = { .window_sec = conf->window_sec, .max = conf->sizes.sources },
		.shoal = &conf->shoal,
		.judge = &r->judge,
	};
	int n;

	r->judge = judge_at_once(&conf->judge);
	n = mind_new(&s, &r->mind);

	return n < 0 ? n : networks_read(conf->networks, why, REPLAY_WHY, &r->mind->asns);
}

int replay_open(const struct replay_settings *settings, char *why, struct replay **ret)
{
	_cleanup_(replay_closep) struct replay *r = calloc(1, sizeof(*r));
	const struct conf *conf = &settings->conf;
	int n = -ENOMEM;

	why[0] = '\0';
	if (r) {
		r->settings = settings;
		n = open_datapath(r, why);
	}
	if (n == 0)
		n = hellos_new(HELLOS_OPEN, &r->hellos);
	if (n == 0)
		n = tally_new(conf->source_bits, &r->tally);
	if (n == 0 && settings->connection)
		n = pending_new(&r->pending);
	if (n == 0)
		n = open_mind(r, why);
	if (n < 0) {
		if (!why[0])
			(void)refuse(why, REPLAY_WHY, "%s", strerror(-n));
		return n;
	}
	*ret = take_ptr(r);
	return 0;
}

/* ---- frame by frame ---- */

/* The capture's clock from here on. When it is set too often, the last setting stays. */
static void begin_epoch(struct replay *r, int64_t time_ns)
{
	if (r->n_epochs < REPLAY_EPOCHS)
		r->n_epochs++;
	r->epochs[r->n_epochs - 1] = (struct epoch){
		.from_ns = r->now_ns,
		.zero_ns = (int64_t)((uint64_t)time_ns - r->now_ns),
	};
}

/* The datapath's clock begins REPLAY_BEGIN_SEC after 0, with whole seconds as in the time of day. */
static void begin_clock(struct replay *r, int64_t time_ns)
{
	int64_t part = time_ns % NS_PER_SEC;

	r->now_ns = (uint64_t)(REPLAY_BEGIN_SEC * NS_PER_SEC + part + (part < 0 ? NS_PER_SEC : 0));
	r->round_ns = r->now_ns;
	r->turn_ns = r->now_ns - r->settings->conf.interval_ms * NS_PER_MS; /* the first is now */
	r->input.first_ns = time_ns;
	begin_epoch(r, time_ns);
}

/*
 * Time never goes back. Packets that several queues captured may be out of order by a little;
 * further back, or years ahead, somebody has set the clock, or put captures one behind the other.
 */
static void set_clock(struct replay *r, int64_t time_ns)
{
	int64_t clock;

	if (!r->input.frames)
		begin_clock(r, time_ns);
	clock = (int64_t)((uint64_t)time_ns - (uint64_t)r->epochs[r->n_epochs - 1].zero_ns -
			  r->now_ns);
	if (clock < -BACK_NS || clock > FORWARD_NS) {
		begin_epoch(r, time_ns);
		r->input.leaps++;
	} else if (clock < 0) {
		r->input.back++;
		return;
	} else {
		r->now_ns += (uint64_t)clock;
	}
	r->input.last_ns = time_ns;
}

static bool is_protected(const struct seine_ports *ports, const struct packet *p)
{
	const __u64 *plane = p->proto == IPPROTO_UDP ? ports->udp : ports->tcp;

	return (plane[p->dport / 64] |
		(p->proto == IPPROTO_TCP ? ports->balanced[p->dport / 64] : 0)) >>
		       p->dport % 64 &
	       1;
}

/* Counts what every packet says, with the datapath's own parser. */
static int count(struct replay *r, const struct link_frame *f)
{
	struct frame buffer = { f->at, f->at + f->len };
	struct packet p = { 0 };

	if (parse_packet(&buffer, (int)r->cfg.decap, &p) != PARSE_OK ||
	    !is_protected(&r->settings->conf.ports, &p))
		return 0;
	return tally_packet(r->tally, p.src_hi, p.src_lo, p.ip_bytes,
			    p.proto == IPPROTO_TCP && (p.flags & (TCP_SYN | TCP_ACK)) == TCP_SYN);
}

static int run_frame(struct replay *r, const struct capture_frame *f)
{
	int n;

	set_clock(r, f->time_ns);
	n = replay_turn(r);
	r->input.frames++;
	r->input.snapped += f->snapped;
	if (n < 0)
		return n;
	if (f->runt) {
		r->input.runts++;
		return 0;
	}
	r->input.cut += f->frame.lost > 0;
	r->input.offloaded += f->offloaded;
	n = datapath_run(r->datapath, f->frame.at, f->frame.len, r->now_ns);
	return n < 0 ? n : count(r, &f->frame);
}

static void show_progress(const struct replay *r, const struct capture *c)
{
	const struct replay_progress p = {
		.frames = r->input.frames,
		.offset = capture_offset(c),
		.size = capture_size(c),
	};

	r->settings->progress(&p, r->settings->arg);
}

static int run_capture(struct replay *r, struct capture *c, char *why)
{
	struct capture_frame f;
	int n;

	for (;;) {
		n = capture_next(c, why, &f);
		if (n <= 0)
			return n;
		n = run_frame(r, &f);
		if (n == 0 && r->input.frames % DRAIN_FRAMES == 0)
			n = drain(r);
		if (n < 0)
			return n;
		if (r->input.frames % PROGRESS_FRAMES == 0 && r->settings->progress)
			show_progress(r, c);
	}
}

int replay_run(struct replay *r, struct capture *c, char *why)
{
	int n, end;

	why[0] = '\0';
	n = run_capture(r, c, why);
	if (n < 0 && n != -EBADMSG)
		return refuse(why, REPLAY_WHY, "%s", strerror(-n)), n;
	end = finish(r);
	if (end < 0)
		return refuse(why, REPLAY_WHY, "%s", strerror(-end)), end;
	return n;
}
