// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Connections over time. Each has one packet that comes next; writing it tells what comes after it,
 * and when.
 */
#include "tests/sim/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "tests/sim/agenda.h"
#include "tests/sim/rng.h"
#include "tests/sim/segment.h"
#include "tests/sim/software.h"
#include "user/base/cleanup.h"

#define MS 1000000ull
#define US 1000ull

/* The server: its kernel answers a SYN at once, its flight takes a signature. */
#define SYN_ACK_NS (30 * US)
#define FLIGHT_NS (700 * US)
#define FLIGHT_MEAN_NS (300 * US) /* and so much more on average */
#define FLIGHT_BYTES 4200	  /* certificates and all */
#define TICKET_NS (200 * US)	  /* after the client's Finished */
#define TICKET_BYTES 510
#define FIN_NS (100 * US)

/* The client: between two segments of a train, and what its own work takes. */
#define TRAIN_NS (12 * US)
#define WORK_NS (150 * US)
#define WORK_MEAN_NS (350 * US)
#define BUSY_ONE_IN 100 /* clients have something else to do between ACK and hello */
#define BUSY_MEAN_MS 25.0
#define FIRST_BURST 10u	       /* segments (RFC 6928), twice as many with each round trip */
#define ACK_BYTES (16 * 1024u) /* taken at once, and no more ACKs for a response than ... */
#define ACKS_MAX 8u

/*
 * Paths: every packet may be late a little, one in JITTER_ONE_IN by more. A rough path, as of a
 * mobile network, makes all of them wait for the radio, one in ROUGH_ONE_IN for long.
 */
#define JITTER_SHARE 0.004 /* of the round trip */
#define JITTER_ONE_IN 100
#define JITTER_MEAN_MS 25.0
#define ROUGH_MEAN_MS 15.0
#define ROUGH_ONE_IN 50
#define ROUGH_LONG_MS 120.0
#define TROUBLE_ONE_IN 200 /* connections that lose a packet */
#define ROUGH_TROUBLE_ONE_IN 25
#define SYN_TIMEOUT_NS (1000 * MS)
#define RETRANSMIT_NS (200 * MS) /* and a round trip */

enum step {
	STEP_SYN,
	STEP_ACK,
	STEP_HELLO,
	STEP_HELLO_AGAIN,
	STEP_TAKE_FLIGHT, /* a pure ACK for the server's flight */
	STEP_FLIGHT,
	STEP_REQUEST,
	STEP_TAKE,
	STEP_FIN,
	STEP_LAST,
	STEP_DONE
};

enum trouble {
	TROUBLE_NONE,
	TROUBLE_SYN_AGAIN,
	TROUBLE_ACK_LOST,
	TROUBLE_HELLO_LOST,
	TROUBLE_HELLO_AGAIN,
	TROUBLE_FLIGHT_LOST,
	TROUBLE_DATA_AGAIN,
	TROUBLES
};

struct open {
	struct wire_connection plan;
	uint64_t next_ns;
	uint64_t answers_ns; /* when the server sent what the next packet answers */
	uint64_t tickets_ns; /* when they have come to the client and its answer back; 0: they have */
	uint64_t burst_ns;   /* when the present train began */
	uint64_t response_ns; /* when the response began */
	struct rng random;    /* that of its hello, also when it is sent again */
	uint32_t seq, ack, tsval, server_ts;
	uint32_t done;	/* bytes of hello or request sent */
	uint32_t burst; /* segments that are left in the train */
	uint32_t burst_len;
	uint16_t ip_id;
	uint8_t step, trouble, request, acks, taken;
	uint32_t free; /* the next free one and 1, of a free one */
};

struct hello {
	uint8_t *bytes;
	size_t len;
};

struct wire {
	FILE *out;
	struct rng rng;
	struct open *list;
	size_t n, room, open_max;
	uint32_t free;	      /* the first free one and 1 */
	struct agenda agenda; /* whose packet is next, by place in list */
	uint64_t packets, bytes;
	struct hello hellos[SOFTWARE_KINDS];
};

/* ---- capture ---- */

struct pcap_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, digits, snaplen, link;
};

struct pcap_record {
	uint32_t sec, ns, captured, len;
};

static int put(struct wire *w, const void *what, size_t size)
{
	if (fwrite(what, 1, size, w->out) != size)
		return -EIO;
	w->bytes += size;
	return 0;
}

static int put_segment(struct wire *w, const struct segment *s, uint64_t now_ns)
{
	_Alignas(4) uint8_t aligned[2 + SEGMENT_FRAME];
	uint8_t *frame = aligned + 2;
	size_t len = segment_frame(s, frame);
	struct pcap_record record = {
		.sec = (uint32_t)(now_ns / 1000000000u),
		.ns = (uint32_t)(now_ns % 1000000000u),
		.captured = (uint32_t)len,
		.len = (uint32_t)len,
	};
	int r;

	w->packets++;
	r = put(w, &record, sizeof(record));
	return r < 0 ? r : put(w, frame, len);
}

/* ---- life ---- */

void wire_free(struct wire *w)
{
	if (!w)
		return;
	for (unsigned int i = 0; i < SOFTWARE_KINDS; i++)
		free(w->hellos[i].bytes);
	free(w->list);
	agenda_free(&w->agenda);
	free(w);
}

static int make_hellos(struct wire *w)
{
	_cleanup_(freep) struct bytes *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	for (unsigned int i = 0; i < SOFTWARE_KINDS; i++) {
		software_hello(i, b);
		w->hellos[i].bytes = malloc(b->len);
		if (!w->hellos[i].bytes)
			return -ENOMEM;
		memcpy(w->hellos[i].bytes, b->data, b->len);
		w->hellos[i].len = b->len;
	}
	return 0;
}

int wire_new(FILE *out, uint64_t seed, struct wire **ret)
{
	static const struct pcap_header header = { 0xa1b23c4d, 2, 4, 0, 0, 65535, 1 };
	_cleanup_(wire_freep) struct wire *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->out = out;
	w->rng.state = seine_mix64(seed);
	r = make_hellos(w);
	if (r == 0)
		r = put(w, &header, sizeof(header));
	if (r < 0)
		return r;
	*ret = take_ptr(w);
	return 0;
}

static int make_room(struct wire *w)
{
	size_t room = w->room ? 2 * w->room : 1024;
	struct open *list;

	if (w->n < w->room)
		return 0;
	if (w->n >= WIRE_OPEN_MAX)
		return -ENOSPC;
	list = reallocarray(w->list, room, sizeof(*list));
	if (!list)
		return -ENOMEM;
	w->list = list;
	w->room = room;
	return 0;
}

/* Where a new connection goes. */
static int take_place(struct wire *w, uint32_t *ret)
{
	int r = 0;

	if (w->free) {
		*ret = w->free - 1;
		w->free = w->list[*ret].free;
		return 0;
	}
	r = make_room(w);
	if (r == 0)
		*ret = (uint32_t)w->n++;
	return r;
}

static uint8_t some_trouble(struct wire *w, const struct wire_connection *c)
{
	if (rng_below(&w->rng, c->rough ? ROUGH_TROUBLE_ONE_IN : TROUBLE_ONE_IN))
		return TROUBLE_NONE;
	return (uint8_t)(1 + rng_below(&w->rng, TROUBLES - 1));
}

int wire_connect(struct wire *w, const struct wire_connection *c)
{
	uint32_t at;
	int r;

	r = take_place(w, &at);
	if (r < 0)
		return r;
	w->list[at] = (struct open){
		.plan = *c,
		.next_ns = c->start_ns,
		.random = { rng_next(&w->rng) },
		.seq = (uint32_t)rng_next(&w->rng),
		.ack = (uint32_t)rng_next(&w->rng),
		.tsval = (uint32_t)rng_next(&w->rng),
		.server_ts = (uint32_t)rng_next(&w->rng),
		.ip_id = (uint16_t)rng_next(&w->rng),
		.trouble = some_trouble(w, c),
	};
	r = agenda_add(&w->agenda, c->start_ns, at);
	if (w->agenda.n > w->open_max)
		w->open_max = w->agenda.n;
	return r;
}

/* ---- one packet ---- */

static size_t part(size_t total, size_t done)
{
	return total - done < SEGMENT_PAYLOAD ? total - done : SEGMENT_PAYLOAD;
}

static size_t fill_hello(const struct wire *w, const struct open *o, uint8_t *ret)
{
	const struct hello *h = &w->hellos[o->plan.software % SOFTWARE_KINDS];
	size_t len = part(h->len, o->done);
	struct rng random = o->random;

	memcpy(ret, h->bytes + o->done, len);
	for (int i = 0; !o->done && i < 32; i++)
		ret[SOFTWARE_RANDOM + i] = (uint8_t)rng_next(&random);
	return len;
}

static const struct wire_request *request_of(const struct open *o)
{
	return &o->plan.request[o->request];
}

static uint32_t request_bytes(const struct open *o)
{
	return software_request_bytes(request_of(o)->bytes);
}

static size_t fill(const struct wire *w, const struct open *o, uint8_t *ret)
{
	size_t len;

	switch (o->step) {
	case STEP_HELLO:
	case STEP_HELLO_AGAIN: return fill_hello(w, o, ret);
	case STEP_FLIGHT: return software_flight(ret);
	case STEP_REQUEST:
		len = part(request_bytes(o), o->done);
		software_request(request_bytes(o), o->done, len, ret);
		return len;
	case STEP_FIN: return software_goodbye(ret);
	default: return 0;
	}
}

static int write_packet(struct wire *w, struct open *o)
{
	uint8_t payload[SEGMENT_PAYLOAD];
	struct segment s = {
		.sport = o->plan.sport,
		.ip_id = o->ip_id++,
		.stack = o->plan.stack,
		.hops = o->plan.hops,
		.seq = o->seq,
		.ack = o->step == STEP_SYN ? 0 : o->ack,
		.tsval = o->tsval + (uint32_t)(o->next_ns / MS),
		.tsecr = o->server_ts + (uint32_t)(o->answers_ns / MS),
		.payload = payload,
		.len = fill(w, o, payload),
	};

	memcpy(s.source, o->plan.source, sizeof(s.source));
	s.flags = o->step == STEP_SYN ? SEGMENT_SYN : SEGMENT_ACK;
	if (s.len)
		s.flags |= SEGMENT_PUSH;
	if (o->step == STEP_FIN)
		s.flags |= SEGMENT_FIN;
	o->seq += (uint32_t)s.len;
	o->done += (uint32_t)s.len;
	return put_segment(w, &s, o->next_ns);
}

/* ---- what comes next ---- */

static void next(struct open *o, enum step step, uint64_t ns)
{
	o->step = (uint8_t)step;
	o->next_ns = ns > o->next_ns ? ns : o->next_ns + 1;
}

static uint64_t jitter(struct wire *w, const struct open *o)
{
	struct rng *d = &w->rng;
	double ms = rng_exponential_of(d, JITTER_SHARE * o->plan.rtt_us / 1000);

	if (o->plan.rough) {
		ms += rng_exponential_of(d, ROUGH_MEAN_MS);
		if (!rng_below(d, ROUGH_ONE_IN))
			ms += rng_exponential_of(d, ROUGH_LONG_MS);
	} else if (!rng_below(d, JITTER_ONE_IN)) {
		ms += rng_exponential_of(d, JITTER_MEAN_MS);
	}
	return (uint64_t)(ms * MS);
}

static uint64_t work(struct wire *w)
{
	return WORK_NS + (uint64_t)rng_exponential_of(&w->rng, WORK_MEAN_NS);
}

static uint64_t rtt(const struct open *o)
{
	return o->plan.rtt_us * US;
}

static void after_syn(struct wire *w, struct open *o)
{
	if (o->trouble == TROUBLE_SYN_AGAIN) {
		o->trouble = TROUBLE_NONE;
		next(o, STEP_SYN, o->next_ns + SYN_TIMEOUT_NS);
		return;
	}
	o->seq++;
	o->ack++;
	o->answers_ns = o->next_ns + SYN_ACK_NS;
	next(o, STEP_ACK, o->answers_ns + rtt(o) + jitter(w, o));
}

/* The hello: at once, or when the hidden client has heard of the connection. */
static void after_ack(struct wire *w, struct open *o)
{
	uint64_t leg = o->plan.leg_us * US, wait = work(w);

	if (o->plan.optimistic)
		leg = leg > rtt(o) ? leg - rtt(o) : 0;
	if (o->plan.leg_us)
		wait += leg + jitter(w, o);
	else if (!rng_below(&w->rng, BUSY_ONE_IN))
		wait += (uint64_t)(rng_exponential_of(&w->rng, BUSY_MEAN_MS) * MS);
	if (o->trouble == TROUBLE_HELLO_LOST)
		wait += RETRANSMIT_NS + rtt(o);
	o->done = 0;
	next(o, STEP_HELLO, o->next_ns + wait);
}

static void after_hello(struct wire *w, struct open *o)
{
	size_t len = w->hellos[o->plan.software % SOFTWARE_KINDS].len;

	if (o->done < len) {
		next(o, STEP_HELLO, o->next_ns + TRAIN_NS);
		return;
	}
	if (o->trouble == TROUBLE_HELLO_AGAIN) {
		o->trouble = TROUBLE_NONE;
		o->done = (uint32_t)((len - 1) / SEGMENT_PAYLOAD * SEGMENT_PAYLOAD);
		o->seq -= (uint32_t)len - o->done;
		next(o, STEP_HELLO_AGAIN, o->next_ns + TRAIN_NS);
		return;
	}
	o->answers_ns =
		o->next_ns + FLIGHT_NS + (uint64_t)rng_exponential_of(&w->rng, FLIGHT_MEAN_NS);
	if (o->trouble == TROUBLE_FLIGHT_LOST)
		o->answers_ns += RETRANSMIT_NS + rtt(o);
	o->ack += FLIGHT_BYTES;
	next(o, STEP_TAKE_FLIGHT, o->answers_ns + rtt(o) + jitter(w, o));
}

static void after_take_flight(struct wire *w, struct open *o)
{
	uint64_t wait = work(w);

	if (o->plan.leg_us)
		wait += o->plan.leg_us * US + jitter(w, o);
	next(o, STEP_FLIGHT, o->next_ns + wait);
}

static void begin_request(struct open *o, uint64_t wait_ns)
{
	o->done = 0;
	o->burst = o->burst_len = FIRST_BURST;
	next(o, STEP_REQUEST, o->next_ns + wait_ns + request_of(o)->pause_ms * MS);
	o->burst_ns = o->next_ns;
}

static void after_flight(struct wire *w, struct open *o)
{
	o->tickets_ns = o->next_ns + TICKET_NS + rtt(o);
	if (o->plan.n)
		begin_request(o, work(w));
	else
		next(o, STEP_FIN, o->next_ns + work(w));
}

static uint32_t acks_of(uint32_t bytes)
{
	uint32_t n = (bytes + ACK_BYTES - 1) / ACK_BYTES;

	return n < 1 ? 1 : n > ACKS_MAX ? ACKS_MAX : n;
}

static uint64_t take_ns(const struct open *o)
{
	const struct wire_request *q = request_of(o);

	return o->response_ns + q->stream_ms * MS * o->taken / (o->acks > 1 ? o->acks - 1u : 1u);
}

static void after_segment(struct wire *w, struct open *o)
{
	uint32_t total = request_bytes(o);

	if (o->trouble == TROUBLE_DATA_AGAIN) {
		o->trouble = TROUBLE_NONE;
		o->seq -= (uint32_t)part(total, 0);
		o->done = 0;
		next(o, STEP_REQUEST, o->next_ns + TRAIN_NS);
		return;
	}
	if (o->done < total && --o->burst) {
		next(o, STEP_REQUEST, o->next_ns + TRAIN_NS);
		return;
	}
	if (o->done < total) {
		o->burst = o->burst_len *= 2;
		o->burst_ns = o->burst_ns + rtt(o) + jitter(w, o);
		next(o, STEP_REQUEST, o->burst_ns);
		return;
	}
	o->acks = (uint8_t)acks_of(request_of(o)->response_bytes);
	o->taken = 0;
	o->response_ns = o->next_ns + request_of(o)->wait_ms * MS;
	next(o, STEP_TAKE, take_ns(o) + rtt(o) + jitter(w, o));
}

/* The bytes of the response that the ACK at hand is for, and the next packet. */
static void after_take(struct wire *w, struct open *o)
{
	o->taken++;
	if (o->taken < o->acks) {
		next(o, STEP_TAKE, take_ns(o) + rtt(o) + jitter(w, o));
		return;
	}
	if (++o->request < o->plan.n)
		begin_request(o, work(w));
	else
		next(o, STEP_FIN, o->next_ns + work(w));
}

static void after_fin(struct wire *w, struct open *o)
{
	o->seq++;
	o->ack++;
	o->answers_ns = o->next_ns + FIN_NS;
	next(o, STEP_LAST, o->answers_ns + rtt(o) + jitter(w, o));
}

/* Bytes of the response that have come with the first `n` ACKs for it. */
static uint32_t taken_bytes(const struct open *o, uint32_t n)
{
	return (uint32_t)((uint64_t)request_of(o)->response_bytes * n / o->acks);
}

/* What has come from the server by now shows in this packet's ACK. */
static void receive(struct open *o)
{
	if (o->tickets_ns && o->next_ns >= o->tickets_ns) {
		o->ack += TICKET_BYTES;
		o->answers_ns = o->tickets_ns - rtt(o);
		o->tickets_ns = 0;
	}
	if (o->step == STEP_TAKE) {
		o->ack += taken_bytes(o, o->taken + 1u) - taken_bytes(o, o->taken);
		o->answers_ns = take_ns(o);
	}
}

static void advance(struct wire *w, struct open *o)
{
	switch (o->step) {
	case STEP_SYN: after_syn(w, o); break;
	case STEP_ACK: after_ack(w, o); break;
	case STEP_HELLO:
	case STEP_HELLO_AGAIN: after_hello(w, o); break;
	case STEP_TAKE_FLIGHT: after_take_flight(w, o); break;
	case STEP_FLIGHT: after_flight(w, o); break;
	case STEP_REQUEST: after_segment(w, o); break;
	case STEP_TAKE: after_take(w, o); break;
	case STEP_FIN: after_fin(w, o); break;
	default: o->step = STEP_DONE;
	}
}

/* The next packet of a connection. */
static int go_on(struct wire *w, struct open *o)
{
	bool lost = o->step == STEP_ACK && o->trouble == TROUBLE_ACK_LOST;
	int r;

	receive(o);
	r = lost ? 0 : write_packet(w, o);
	if (r == 0)
		advance(w, o);
	return r;
}

int wire_until(struct wire *w, uint64_t ns)
{
	while (w->agenda.n && w->agenda.list[0].ns < ns) {
		uint32_t at = w->agenda.list[0].what;
		struct open *o = &w->list[at];
		int r;

		r = go_on(w, o);
		if (r < 0)
			return r;
		if (o->step != STEP_DONE) {
			agenda_put_off(&w->agenda, o->next_ns);
			continue;
		}
		agenda_drop(&w->agenda);
		o->free = w->free;
		w->free = at + 1;
	}
	return 0;
}

uint64_t wire_packets(const struct wire *w)
{
	return w->packets;
}

uint64_t wire_bytes(const struct wire *w)
{
	return w->bytes;
}

size_t wire_open_max(const struct wire *w)
{
	return w->open_max;
}
