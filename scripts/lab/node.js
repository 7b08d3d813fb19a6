// SPDX-License-Identifier: GPL-2.0-or-later
//
// Honest clients with the network stack of node.js: those of one group of the plan (see plan.py).
// Usage: node.js PLAN GROUP RESULTS. Writes one line of JSON a request to RESULTS, like engine.py.

"use strict";
const fs = require("fs");
const https = require("https");

const [planPath, group, resultsPath] = process.argv.slice(2);
const plan = JSON.parse(fs.readFileSync(planPath));
const ca = fs.readFileSync(plan.files.ca);
const TIMEOUT_MS = 6000;

function normal() {
	return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}

function lognormal(median, sigma) {
	return median * Math.exp(sigma * normal());
}

function record(client, started, error) {
	fs.appendFileSync(resultsPath, JSON.stringify({
		t: started / 1000, client: client.id, source: client.source, class: client.class,
		stack: client.stack, ok: !error, ms: Date.now() - started, error: error || null,
	}) + "\n");
}

function body(client) {
	const draw = (median, sigma, limit) => Math.min(limit, Math.ceil(lognormal(median, sigma)));
	const prompt = draw(client.prompt_tokens, client.prompt_sigma, plan.limits.prompt);
	const answer = draw(client.answer_tokens, client.answer_sigma, plan.limits.answer);

	return JSON.stringify({ model: "lab", stream: true, max_tokens: answer,
		messages: [{ role: "user", content: "word ".repeat(prompt * 0.8) }] });
}

function ask(client, done) {
	const started = Date.now();
	const payload = body(client);
	let finished = false;
	const finish = (error) => {
		if (finished)
			return;
		finished = true;
		record(client, started, error);
		done();
	};
	const request = https.request({
		host: client.bind.includes(":") ? plan.server.ipv6 : plan.server.ipv4,
		port: plan.server.port, servername: plan.server.name, ca,
		agent: client.agent, localAddress: client.bind, timeout: TIMEOUT_MS,
		method: "POST", path: "/v1/messages", headers: {
			"host": plan.server.name, "content-type": "application/json",
			"content-length": Buffer.byteLength(payload),
		},
	}, (response) => {
		let tail = "";

		response.on("data", (chunk) => { tail = (tail + chunk).slice(-200); });
		response.on("end", () => {
			const whole = response.statusCode === 200 && tail.includes("message_stop");

			finish(whole ? null : "status " + response.statusCode);
		});
		response.on("error", (error) => finish(error.code || error.message));
	});

	request.on("timeout", () => request.destroy(new Error("timeout")));
	request.on("error", (error) => finish(error.code || error.message));
	request.end(payload);
}

function live(client) {
	ask(client, () => {
		setTimeout(live, 1000 * lognormal(client.think_sec, client.think_sigma), client);
	});
}

for (const client of plan.clients) {
	if (client.group !== group || client.stack !== "node")
		continue;
	client.agent = new https.Agent({ keepAlive: client.keep_alive, timeout: TIMEOUT_MS });
	setTimeout(live, 1000 * Math.min(client.think_sec, plan.limits.first_sec) * Math.random(), client);
}
