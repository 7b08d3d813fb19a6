# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What tests of the agent on an interface share: two namespaces joined by a veth, whose ends are both
# eth0; and on one of them a TLS server and an agent, which are asked with `seine`.

# pair_up NAME HERE THERE: makes the namespaces HERE (198.51.100.1) and THERE (198.51.100.2). Sets
# root, dir, pins, and BUILD where it is not set.
pair_up() {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	export root=$BATS_TEST_DIRNAME/../..
	export BUILD=${BUILD:-$root/.build}
	export dir=$BATS_FILE_TMPDIR pins=/sys/fs/bpf/seine-$1-$$
	"$root/scripts/bpffs"

	ip netns add "$2"
	ip netns add "$3"
	nsenter --net=/run/netns/"$2" ip link add eth0 type veth peer name eth0 netns "$3"
	nsenter --net=/run/netns/"$2" ip address add 198.51.100.1/24 dev eth0
	nsenter --net=/run/netns/"$3" ip address add 198.51.100.2/24 dev eth0
	nsenter --net=/run/netns/"$2" ip link set lo up
	nsenter --net=/run/netns/"$2" ip link set eth0 up
	nsenter --net=/run/netns/"$3" ip link set eth0 up
	mkdir -p "$dir/allow.d"
}

# host_up NAME [SETTING]: the pair as $server and $client, a TLS server on port 443, and an agent;
# SETTING is one more line of [datapath], and $connections rows are for connections. Addresses of
# the client's are added with client_address.
host_up() {
	export server=seine-$1-s-$$ client=seine-$1-c-$$
	pair_up "$1" "$server" "$client"

	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-subj /CN=test -keyout "$dir/key" -out "$dir/cert" 2>/dev/null
	serve >"$dir/server.log" 2>&1 3>&- &
	echo $! >"$dir/server.pid"

	cat >"$dir/seine.conf" <<-END
		[interface]
		name = eth0
		[service]
		port = 443
		[agent]
		interval = 500ms
		pin_dir = $pins
		socket = $dir/sock
		allow_dir = $dir/allow.d
		hello_names = $dir/lib/hello.names
		history = $dir/history.db
		state = $dir/state.db
		heartbeat = 5s
		[datapath]
		sources = 1024
		prefixes = 1024
		connections = ${connections:-1024}
		half_open = ${connections:-1024}
		hit_slots = 256
		${2:-}
		[judge]
		entries_max = 100
		[guard]
		special_use = no
	END
	start_agent
}

# The TLS server, one client at a time; a file of tests may define another one.
serve() {
	in_server openssl s_server -quiet -www -accept 443 -key "$dir/key" -cert "$dir/cert"
}

host_down() {
	[ -n "${dir:-}" ] || return 0
	stop_agent -TERM
	kill "$(cat "$dir/server.pid")" 2>/dev/null || true
	nsenter --net="/run/netns/$server" ip link set dev eth0 xdp off 2>/dev/null || true
	ip netns del "$client"
	ip netns del "$server"
	rm -rf "$pins"
}

client_address() {
	nsenter --net="/run/netns/$client" ip address add "$1/24" dev eth0
}

# `ip netns exec` would hide the bpf file system, and `ip -n` needs a root that is a mount point.
in_server() {
	exec nsenter --net="/run/netns/$server" "$@"
}

start_agent() {
	(in_server "$BUILD/seined" --config "$dir/seine.conf") >>"$dir/seined.log" 2>&1 3>&- &
	echo $! >"$dir/seined.pid"
	disown
	wait_until seine status
}

# stop_agent SIGNAL
stop_agent() {
	local pid
	pid=$(cat "$dir/seined.pid")
	kill "$1" "$pid" 2>/dev/null || return 0
	while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
}

seine() {
	"$BUILD/seine" --config "$dir/seine.conf" "$@"
}

# json EXPRESSION COMMAND...: a python expression over the answer `a`.
json() {
	local expression=$1
	shift
	seine "$@" --json | python3 -c 'import json, sys
a = json.load(sys.stdin)
sys.exit(0 if eval(sys.argv[1]) else "%s: %s" % (sys.argv[1], a))' "$expression"
}

# wait_until COMMAND...: up to 15 seconds, or $patience.
wait_until() {
	local deadline=$((SECONDS + ${patience:-15}))
	while [ "$SECONDS" -lt "$deadline" ]; do
		if "$@" >"$dir/wait.log" 2>&1; then
			return 0
		fi
		sleep 0.05
	done
	echo "never: $*"
	cat "$dir/wait.log" "$dir/seined.log"
	return 1
}
