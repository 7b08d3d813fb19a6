/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contract between the datapath and user space: what the pinned maps hold.
 *
 * Everything here is read by three parties: the XDP program, the agent, and a person with
 * `bpftool map dump`. Hence numbers in host byte order, names instead of magic numbers, addresses
 * as bytes in the order they are written, times in whole seconds since boot (compare with
 * /proc/uptime) wherever a second is precise enough, no unions and no implicit padding.
 *
 * A changed layout is a new SEINE_ABI: maps are pinned under a directory that carries the number,
 * because libbpf does not notice two fields of the same size that changed places.
 */
#ifndef SEINE_H
#define SEINE_H

#include <linux/types.h>

#define SEINE_ABI 3
#define SEINE_MAGIC 0x7365696eu /* "sein" */

#define SEINE_PORT_WORDS (65536 / 64) /* one bit a port */
#define SEINE_BALANCERS 8	      /* prefixes whose PROXY headers are believed */
#define SEINE_BINS 12		      /* of a log2 histogram; the last bin is open */
#define SEINE_REQUEST_SHIFT 6	      /* request bin 0: below 128 bytes */
#define SEINE_RESPONSE_SHIFT 8	      /* response bin 0: below 512 bytes */
#define SEINE_THINK_SHIFT 6	      /* think time bin 0: below 128 ms */
#define SEINE_STREAM_SHIFT 6	      /* bytes an ACK moves on, bin 0: below 128 */
#define SEINE_TRIP_BINS 96  /* of server time: quarter octaves of microseconds, up to 16 s */
#define SEINE_SEGMENT 1472  /* bytes of a ClientHello in one event */
#define SEINE_NOTE 40	    /* text of an entry, NUL-terminated */
#define SEINE_V4_LENGTHS 25 /* prefix lengths /8 to /32 */
#define SEINE_V6_LENGTHS 32 /* different lengths in use at once, bounds the datapath's search */
#define SEINE_BITS_V4 (1u << 24) /* bitmap: one bit per IPv4 /24 ... */
#define SEINE_BITS_V6 (1u << 23) /* ... then this many hashed over IPv6 /48s */
#define SEINE_BITS_WORDS ((SEINE_BITS_V4 + SEINE_BITS_V6) / 64) /* of one generation */
#define SEINE_DOOR_BITS (1u << 26)
#define SEINE_SHARE 10000 /* the share of sources that an entry drops, in ten-thousandths */
#define SEINE_NO_ACTOR 0xffffffffu

/* IPv4 as ::ffff:a.b.c.d. As a source key IPv6 is masked to /64 (setting). */
struct seine_addr {
	__u8 ip[16];
};

/* An entry's key. `len` counts in the address's own family: 24 for 203.0.113.0/24. Bits of `ip`
 * beyond it are zero. */
struct seine_prefix {
	__u8 ip[16];
	__u32 len;
};

/* The allow list is an LPM trie, whose lengths count in 128 bits: 120 for 203.0.113.0/24. */
struct seine_allow_key {
	__u32 len128;
	__u8 ip[16];
};

enum seine_mode {
	SEINE_OBSERVE = 0, /* every drop becomes a counted would-drop */
	SEINE_ENFORCE = 1,
};

/* Zero is harmless, so that an entry written by hand with bpftool only watches. */
enum seine_action {
	SEINE_WATCH = 0,
	SEINE_CANARY = 1, /* drop a share of the sources, picked by a stable hash */
	SEINE_DROP = 2,	  /* all, or with a share all but the rest, which is held out */
	SEINE_LIMIT = 3,  /* drop what exceeds rate_pps */
};

enum seine_origin {
	SEINE_EXTERNAL = 0, /* written by something else than seine */
	SEINE_OPERATOR = 1,
	SEINE_AUTO = 2, /* needs a living agent to drop */
	SEINE_FEED = 3,
	SEINE_FLEET = 4,
};

enum seine_proof {
	SEINE_PROOF_SOCKET = 0, /* the kernel has an established socket for it */
	SEINE_PROOF_ACK = 1,	/* right sequence numbers: routers, replay */
};

/* Where the hidden leg of a split connection would show; see bpf/track.h. */
enum seine_gap {
	SEINE_GAP_UNKNOWN = 0, /* no trustworthy sample */
	SEINE_GAP_NONE = 1,
	SEINE_GAP_SINGLE = 2, /* one of the two gaps is long */
	SEINE_GAP_DUAL = 3,   /* both are long, and agree */
};

/* What kind of TLS handshake a connection had, as far as the client's side of it shows. */
enum seine_tls {
	SEINE_TLS_UNKNOWN = 0,
	SEINE_TLS_PLAIN = 1, /* no TLS */
	SEINE_TLS_12 = 2,    /* TLS 1.2 or older, full */
	SEINE_TLS_12_RESUMED = 3,
	SEINE_TLS_13 = 4,
	SEINE_TLS_13_PSK = 5,	/* a pre-shared key was offered: resumption */
	SEINE_TLS_13_EARLY = 6, /* 0-RTT data came */
	SEINE_TLS_13_RETRY = 7, /* HelloRetryRequest */
};
#define SEINE_TLS_KINDS 8

/* Kinds of TCP option, four bits each in seine_syn.layout, first option in the lowest bits. */
enum seine_option {
	SEINE_OPT_END = 0, /* no further option */
	SEINE_OPT_NOP = 1,
	SEINE_OPT_MSS = 2,
	SEINE_OPT_WSCALE = 3,
	SEINE_OPT_SACK_OK = 4,
	SEINE_OPT_SACK = 5,
	SEINE_OPT_TIMESTAMP = 6,
	SEINE_OPT_EOL = 7,
	SEINE_OPT_OTHER = 8,
};

/* Quirks of a SYN, bits of seine_syn.quirks. Names after p0f's notation, which prints them. */
#define SEINE_Q_V6 0x0001	/* IPv6 */
#define SEINE_Q_DF 0x0002	/* df: don't fragment */
#define SEINE_Q_ID_PLUS 0x0004	/* id+: DF set but IP id not zero */
#define SEINE_Q_ID_MINUS 0x0008 /* id-: DF not set but IP id zero */
#define SEINE_Q_ECN 0x0010	/* ecn: ECN asked for */
#define SEINE_Q_FLOW 0x0020	/* flow: IPv6 flow label not zero */
#define SEINE_Q_SEQ_ZERO 0x0040 /* seq-: sequence number zero */
#define SEINE_Q_ACK_PLUS 0x0080 /* ack+: ACK number set without ACK flag */
#define SEINE_Q_URG 0x0100	/* uptr+ or urgf+ */
#define SEINE_Q_PUSH 0x0200	/* pushf+ */
#define SEINE_Q_TS_ZERO 0x0400	/* ts1-: own timestamp zero */
#define SEINE_Q_TS_PEER 0x0800	/* ts2+: peer timestamp not zero */
#define SEINE_Q_EXCESS 0x1000	/* exws: window scale above 14 */
#define SEINE_Q_BAD 0x2000	/* bad: malformed options */
#define SEINE_Q_IP_OPTIONS 0x4000
#define SEINE_Q_DATA 0x8000 /* payload in the SYN */

/* What a SYN says of the sender's TCP stack. Equal bytes, equal stack. */
struct seine_syn {
	__u64 layout; /* option kinds, four bits each */
	__u16 mss;
	__u16 window;
	__u16 quirks;
	__u8 ttl;    /* initial TTL class: 32, 64, 128 or 255 */
	__u8 wscale; /* 255: option absent */
};
_Static_assert(sizeof(struct seine_syn) == 16, "seine_syn is ABI: bump SEINE_ABI");

/* One drop entry. The agent writes, the datapath reads; counters live in struct seine_hit. */
struct seine_entry {
	__u64 hello_key; /* only connections with this ClientHello; 0: every packet */
	enum seine_action action;
	enum seine_origin origin;
	__u32 added_sec;
	__u32 expires_sec; /* 0: never, which only an operator may ask for */
	__u32 slot;	   /* its row in seine_hits; 0 is shared by entries that found none, and
			    * too shared to limit anything */
	__u32 share;	   /* of SEINE_SHARE, for SEINE_CANARY and SEINE_DROP, where 0 is all */
	__u32 rate_pps;	   /* SEINE_LIMIT */
	__u32 burst;	   /* SEINE_LIMIT: packets that may come at once */
	__u32 campaign;	   /* 0: none */
	__u32 actor;	   /* who: SEINE_OPERATOR a user id, SEINE_FEED and SEINE_FLEET their
			    * number; SEINE_NO_ACTOR: nobody */
	char note[SEINE_NOTE];
};
_Static_assert(sizeof(struct seine_entry) == 88, "seine_entry is ABI: bump SEINE_ABI");

/* Which prefix lengths the entries of one generation use, longest first. */
struct seine_lengths {
	__u8 v4_count;
	__u8 v6_count;
	__u8 v6_wide; /* an IPv6 entry is shorter than /32: the bitmap cannot speak for it */
	__u8 reserved;
	__u8 v4[SEINE_V4_LENGTHS];
	__u8 v6[SEINE_V6_LENGTHS];
	__u8 reserved2[3];
};
_Static_assert(sizeof(struct seine_lengths) == 64, "seine_lengths is ABI: bump SEINE_ABI");

/* One allow list entry. */
struct seine_allow {
	enum seine_origin origin;
	__u32 added_sec;
	__u32 expires_sec; /* 0: never */
	__u32 actor;	   /* the user id of who asked for it; SEINE_NO_ACTOR: nobody */
	char note[SEINE_NOTE];
};
_Static_assert(sizeof(struct seine_allow) == 56, "seine_allow is ABI: bump SEINE_ABI");

/* What an entry has met, per CPU. Counted whether the packet was dropped or would have been. */
struct seine_hit {
	__u64 packets;
	__u64 bytes;
	__u32 syns;
	__u32 last_sec;
};
_Static_assert(sizeof(struct seine_hit) == 24, "seine_hit is ABI: bump SEINE_ABI");

/*
 * A half-open connection: a SYN that has not proven itself, and a ClientHello that came too early
 * for that. Two cache lines; a SYN touches the first alone. Never leaves the datapath.
 */
struct seine_half {
	__u64 tag; /* keyed hash of the connection, 0: empty */
	struct seine_syn syn;
	__u32 seq;	/* of the SYN */
	__u32 next_seq; /* the client byte expected next */
	__u32 ack;	/* the first ACK's number */
	__u32 syn_us;	/* when the SYN came, wrapping */
	__u32 rtt_us;	/* SYN to the first ACK; 0: no ACK yet */
	__u32 tsecr;	/* timestamp that the first ACK echoed; 0: none */
	__u32 flags;	/* SEINE_F_* */
	__u32 first_sec;
	__u64 reserved;
	/* only with SEINE_F_DATA */
	__u64 hello_key; /* with SEINE_F_HELLO */
	__u32 first_us;	 /* when the first byte of the hello came, wrapping */
	__u32 hello_us;	 /* the same for the last one so far */
	__u32 missing;	 /* bytes of the hello that have not come */
	__u32 skip;	 /* as in struct seine_shake */
	__u32 ahead_from, ahead_to;
	struct seine_addr source; /* with SEINE_F_BALANCED */
	__u32 start;		  /* sequence number of the hello's first byte */
	__u32 record_left;	  /* 0-RTT data behind it: as in seine_flow */
	__u32 early_bytes;
	__u32 reserved2;
};
_Static_assert(sizeof(struct seine_half) == 128, "seine_half is two cache lines and ABI");

/* What is known of a connection, bits of `flags` in seine_half, seine_flow, seine_connection. */
#define SEINE_F_NO_HANDSHAKE 0x000001 /* open before we looked, or its SYN was not kept */
#define SEINE_F_SYN_AGAIN 0x000002    /* SYN came more than once: no timing */
#define SEINE_F_TFO 0x000004	      /* data in the SYN: no timing */
#define SEINE_F_NO_PURE_ACK 0x000008  /* the first ACK that came had data: no timing */
#define SEINE_F_HELLO 0x000010	      /* a ClientHello was read */
#define SEINE_F_HELLO_SPLIT 0x000020  /* it needed several segments */
#define SEINE_F_RETRANS 0x000040      /* client data came twice in the handshake: no timing */
#define SEINE_F_REORDERED 0x000080    /* or before what precedes it: no timing */
#define SEINE_F_TURN 0x000100	      /* a request has been seen */
#define SEINE_F_FINISHED 0x000200     /* TLS 1.3: the client's Finished has come */
#define SEINE_F_CLOSED 0x000400	      /* FIN or RST seen, already accounted */
#define SEINE_F_KNOWN 0x000800	      /* its source was proven before */
#define SEINE_F_DATA 0x001000	      /* half-open, and data has come */
#define SEINE_F_PSK 0x002000	      /* the hello offers a pre-shared key */
#define SEINE_F_EARLY 0x004000	      /* application data before anything of the server's */
#define SEINE_F_RETRY 0x008000	      /* a second ClientHello came */
#define SEINE_F_CCS 0x010000	      /* ChangeCipherSpec came before any other record */
#define SEINE_F_TIMESTAMPS 0x020000   /* delta_us is from echoed timestamps */
#define SEINE_F_LATE_HELLO 0x040000   /* the hello is not the first data (CONNECT, STARTTLS) */
#define SEINE_F_BALANCED 0x080000     /* its source stood in a PROXY header: no timing */
#define SEINE_F_UNPROVEN 0x100000 /* kept for its hello only, counts nowhere (cfg.keep_unproven) */
#define SEINE_F_LOST 0x200000	  /* record boundaries lost: sizes are of segments */
#define SEINE_F_SAMPLED 0x400000  /* its hello goes to user space */
#define SEINE_F_QUIC 0x800000	  /* UDP; of events only */

enum seine_phase {
	SEINE_WAIT_HELLO = 0,  /* proven, no data understood yet */
	SEINE_IN_HELLO = 1,    /* part of a ClientHello has come */
	SEINE_WAIT_FLIGHT = 2, /* hello complete, the client's next flight is due */
	SEINE_IN_FLIGHT = 3,   /* TLS 1.2 and 1.3: what precedes the first request */
	SEINE_TURNS = 4,       /* requests and responses */
};

/* A proven connection, what every packet needs: one cache line. */
struct seine_flow {
	__u64 tag;	   /* keyed hash of the connection, 0: empty */
	__u32 mark;	   /* when the present phase began, in us, or turn, in ms; wrapping */
	__u32 next_seq;	   /* the client byte expected next */
	__u32 ack;	   /* highest server byte acknowledged */
	__u32 turn_ack;	   /* the same when the turn began */
	__u32 ack_ms;	   /* when `ack` last moved, wrapping */
	__u32 turn_bytes;  /* of the present request so far */
	__u32 record_left; /* bytes from next_seq to the next TLS record */
	__u32 packets;	   /* not yet folded into the source */
	__u32 bytes;	   /* not yet folded into the source; IP length */
	__u32 rtt_us;	   /* SYN to ACK */
	__u32 rtt_min_us;  /* the shortest round trip seen, also by timestamps; 0: none */
	__u32 flags;	   /* SEINE_F_* */
	__u32 acks;	   /* how often `ack` moved in this turn */
	__u8 phase;	   /* enum seine_phase */
	__u8 gap;	   /* enum seine_gap */
	__u8 tls;	   /* enum seine_tls */
	__u8 reserved;
};
_Static_assert(sizeof(struct seine_flow) == 64, "seine_flow is one cache line and ABI");

/* The rest of a proven connection, at the same index: touched in its handshake, at turns and at its
 * end. Two cache lines. */
struct seine_shake {
	__u64 hello_key;
	struct seine_addr source; /* whole, not masked; of the PROXY header where there is one */
	struct seine_syn syn;
	__u16 sport, dport;
	__u32 first_sec;
	__u32 isn;	/* sequence number of the SYN, or of the byte before the first one seen */
	__u32 syn_us;	/* when the SYN came, wrapping */
	__u32 tsecr;	/* timestamp that the first ACK echoed; 0: none */
	__u32 g1_us;	/* ACK to the first byte of the hello */
	__s32 delta_us; /* hello to next flight, less rtt_us and the server's own time */
	__u32 missing;	/* bytes of the hello that have not come */
	__u32 skip;	/* bytes from next_seq to the next extension of the hello; ~0: given up */
	__u32 ahead_from, ahead_to; /* a segment that came too early, as sequence numbers */
	__u32 requests;
	__u32 request_bytes;
	__u32 response_bytes;
	__u32 trip_us; /* hello to next flight */
	__s32 sent_us; /* when the segment that flight answers went out, after the SYN; -1: unknown */
	__u32 flight_us; /* when that flight came, after the SYN */
	__u32 reserved[4];
};
_Static_assert(sizeof(struct seine_shake) == 128, "seine_shake is ABI: bump SEINE_ABI");

/* ---- events, in the ring ---- */

enum seine_event {
	SEINE_EVENT_HELLO = 1,	    /* struct seine_segment */
	SEINE_EVENT_CONNECTION = 2, /* struct seine_connection */
};

/* A piece of a ClientHello, or a QUIC packet that may hold one (SEINE_F_QUIC). Pieces of one
 * connection may come in any order, and twice. Those that came before the connection was proven are
 * marked SEINE_F_UNPROVEN; a piece without bytes tells that it is proven now. */
struct seine_segment {
	__u32 event; /* SEINE_EVENT_HELLO */
	__u32 flags; /* SEINE_F_* of the connection so far */
	__u64 tag;
	__u64 hello_key; /* 0: QUIC, or the piece came before the first one */
	__u64 time_ns;	 /* the datapath's clock */
	struct seine_addr source;
	__u16 sport, dport;
	__u32 offset; /* of data[0] from the first byte of the hello's record; from that of the
		       * connection where the first piece has not come. QUIC: in the datagram */
	__u32 len;    /* of data */
	__u32 reserved;
	__u8 data[SEINE_SEGMENT];
};
_Static_assert(sizeof(struct seine_segment) == 64 + SEINE_SEGMENT, "seine_segment is ABI");

/* A connection that has ended, or whose row was needed: all that is known of it. */
struct seine_connection {
	__u32 event; /* SEINE_EVENT_CONNECTION */
	__u32 flags; /* SEINE_F_* */
	__u64 tag;
	__u64 hello_key;
	struct seine_addr source;
	struct seine_syn syn; /* all zero: not seen */
	__u16 sport, dport;
	__u32 first_sec;
	__u32 rtt_us, rtt_min_us, g1_us; /* 0: not measured */
	__s32 delta_us;
	__u32 requests, request_bytes, response_bytes;
	__u8 gap; /* enum seine_gap */
	__u8 tls; /* enum seine_tls */
	__u16 reserved;
};
_Static_assert(sizeof(struct seine_connection) == 96, "seine_connection is ABI: bump SEINE_ABI");

/* How long servers take between hello and answer, less the round trip, per kind of handshake: log2
 * of microseconds in quarters. Per CPU; the agent takes the tenth percentile. */
struct seine_trips {
	__u32 hist[SEINE_TRIP_BINS];
};
_Static_assert(sizeof(struct seine_trips) == 384, "seine_trips is ABI: bump SEINE_ABI");

/*
 * One proven source. The datapath adds, the agent takes differences and removes idle rows.
 * Folded in from the connection at turns and at its end.
 */
struct seine_source {
	__u32 first_sec;
	__u32 last_sec;
	__u64 packets;
	__u64 bytes; /* IP length */
	__u64 request_bytes;
	__u64 response_bytes;  /* as acknowledged by the client */
	__u64 request_log;     /* sum of log2(request bytes), in sixteenths */
	__u64 response_log;    /* sum of log2(response bytes), in sixteenths */
	__u64 response_ms;     /* sum of response durations */
	__u64 acks;	       /* how often responses were acknowledged */
	__u64 gap_us;	       /* sum of delta_us over gap_single and gap_dual */
	__u64 last_request_ns; /* CLOCK_MONOTONIC */
	__u64 hello_key;       /* of the last ClientHello */
	__u64 stacks;	       /* one bit per different {SYN, hello} pair, by hash */
	struct seine_syn syn;  /* the last one */
	__u32 connections;
	__u32 handshakes; /* connections seen from their SYN on */
	__u32 resets;
	__u32 hellos;
	__u32 reserved;
	__u32 requests;
	__u32 responses; /* of them answered and accounted */
	__u32 gap_unknown;
	__u32 gap_none;
	__u32 gap_single;
	__u32 gap_dual;
	__u32 rtt_min_us; /* 0: never measured */
	__u32 hello_changes;
	__u32 syn_changes;
	__u32 open; /* connections open now, as far as their end was seen */
	__u32 open_max;
	__u32 request_hist[SEINE_BINS];
	__u32 response_hist[SEINE_BINS];
	__u32 think_hist[SEINE_BINS];
	__u32 stream_hist[SEINE_BINS]; /* responses by bytes an ACK moved on, on average */
};
_Static_assert(sizeof(struct seine_source) == 376, "seine_source is ABI: bump SEINE_ABI");

/* One /24 or /48 with at least one proven source; key ::/0 (all zero) takes what has no row. */
struct seine_net {
	__u32 first_sec;
	__u32 last_sec;
	__u64 syns; /* also spoofed ones */
	__u64 connections;
	__u64 requests;
	__u64 packets;
	__u64 bytes;
	__u32 sources;
	__u32 resets;
};
_Static_assert(sizeof(struct seine_net) == 56, "seine_net is ABI: bump SEINE_ABI");

/* Which of the 65536 ports are what, a bit each: bit port % 64 of word port / 64. */
struct seine_ports {
	__u64 tcp[SEINE_PORT_WORDS];
	__u64 udp[SEINE_PORT_WORDS];
	__u64 balanced[SEINE_PORT_WORDS]; /* TCP whose connections begin with a PROXY header */
};
_Static_assert(sizeof(struct seine_ports) == 24576, "seine_ports is ABI: bump SEINE_ABI");

/* A balancer's addresses: its PROXY headers are believed. Lengths count in 128 bits; 0: no entry. */
struct seine_balancer {
	__u8 ip[16];
	__u32 len128;
};

/* What changes while the program runs. The agent writes. */
struct seine_cfg {
	enum seine_mode mode;
	enum seine_proof proof;
	__u32 decap;	      /* look into IPIP and IP6IP6 */
	__u32 gap_min_us;     /* a gap is long from here on */
	__u32 flows_per_sec;  /* new connections per second and CPU beyond which none is kept */
	__u32 syns_per_sec;   /* half-open rows per second and CPU for sources not proven before */
	__u32 beat_max_sec;   /* automatic entries only watch when the agent is silent this long */
	__u32 hello_one_in;   /* hellos copied of a source whose ClientHello is known: 1 is all */
	__u32 hellos_per_sec; /* copied at most, per second and CPU */
	__u32 connection_one_in; /* connections reported at their end; 0: none */
	__u32 keep_unproven;	 /* replay: also hellos of connections without a handshake */
	__u32 reserved;
	__u32 server_us[SEINE_TLS_KINDS]; /* the server's own share of delta */
	struct seine_balancer balancer[SEINE_BALANCERS];
};
_Static_assert(sizeof(struct seine_cfg) == 240, "seine_cfg is ABI: bump SEINE_ABI");

/* Written once by the loader that created the maps: later programs must use the same seed. */
struct seine_meta {
	__u32 magic;
	__u32 abi;
	__u64 seed0;
	__u64 seed1;
	__u32 source_bits; /* IPv6 source keys are masked to this length */
	__u32 reserved;
};
_Static_assert(sizeof(struct seine_meta) == 32, "seine_meta is ABI: bump SEINE_ABI");

/* One per CPU: how much was admitted in the present second. */
struct seine_guard {
	__u32 second;
	__u32 flows;
	__u32 syns;
	__u32 hellos;
};
_Static_assert(sizeof(struct seine_guard) == 16, "seine_guard is ABI: bump SEINE_ABI");

/*
 * Counters, per CPU; every way out of the program and everything not done has one.
 * X(name, what it counts). The order is ABI.
 */
#define SEINE_COUNTERS(X) \
	X(packets, "packets seen on the interface") \
	X(protected, "packets to a protected port") \
	X(protected_bytes, "their IP bytes") \
	X(syn, "SYNs to a protected port") \
	X(udp, "UDP packets to a protected port") \
	X(not_ip, "passed: neither IPv4 nor IPv6") \
	X(not_l4, "passed: neither TCP nor UDP") \
	X(not_protected, "passed: other ports") \
	X(fragment, "passed: later fragment, has no ports") \
	X(truncated, "passed: header cut short") \
	X(bad_header, "passed: header length or version impossible") \
	X(ext_chain, "passed: too many IPv6 extension headers or VLAN tags") \
	X(switched_off, "passed: kill switch") \
	X(passed, "passed: touches no entry") \
	X(allowed, "passed: listed, but allowed") \
	X(watched, "passed: entry only watches") \
	X(would_drop, "passed: would have been dropped when enforcing") \
	X(agent_silent, "passed: automatic entry without a living agent") \
	X(canary_spared, "passed: source outside the canary's share") \
	X(held_out, "passed: source held out of a drop") \
	X(within_limit, "passed: within an entry's rate") \
	X(expired, "passed: entry has expired") \
	X(hello_differs, "passed: entry is for another ClientHello") \
	X(dropped, "dropped") \
	X(dropped_bytes, "their IP bytes") \
	X(half_new, "half-open connections kept") \
	X(half_refused, "SYNs not kept: too many from sources not proven before") \
	X(flow_new, "connections proven") \
	X(flow_pickup, "of them open before their SYN was seen") \
	X(flow_evicted, "connections forgotten for newer ones") \
	X(flow_refused, "connections not kept: too many new ones") \
	X(proof_deferred, "segments of connections not established yet, or out of order") \
	X(proof_failed, "segments that belong to no connection") \
	X(out_of_window, "segments far from where their connection is") \
	X(hello, "ClientHellos read") \
	X(hello_bad, "first records that are no ClientHello") \
	X(hello_late, "of them not the first data of their connection") \
	X(hello_copied, "pieces of ClientHellos copied to user space") \
	X(hello_lost, "pieces not copied: ring full") \
	X(hello_limited, "hellos not copied: too many") \
	X(quic_initial, "QUIC Initial packets") \
	X(connection_lost, "ended connections not reported: ring full") \
	X(balanced, "connections whose source a PROXY header named") \
	X(balancer_early, "passed: behind a balancer, client not known yet") \
	X(balancer_bad, "connections of a balancer without a valid PROXY header") \
	X(untrusted_syn, "timing not used: SYN came more than once") \
	X(untrusted_tfo, "timing not used: data in the SYN") \
	X(untrusted_ack, "timing not used: the first ACK was lost") \
	X(untrusted_again, "timing not used: handshake data came twice") \
	X(untrusted_order, "timing not used: handshake data out of order") \
	X(untrusted_early, "timing not used: 0-RTT whose end was not seen") \
	X(untrusted_trip, "timing not used: round trips that cannot be, or are below 0.1 ms") \
	X(untrusted_late, "timing not used: hello is not the first data") \
	X(untrusted_balanced, "timing not used: behind a balancer") \
	X(resync, "TLS record boundaries found again") \
	X(requests, "requests") \
	X(src_new, "sources added") \
	X(src_full, "not accounted: source table full") \
	X(net_full, "accounted to the overflow row: prefix table full") \
	X(map_error, "map operations that failed for another reason")

struct seine_stats {
#define X(name, text) __u64 name;
	SEINE_COUNTERS(X)
#undef X
};

#endif
