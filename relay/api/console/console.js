// The status page: reads the same API as everybody, twice in three seconds, and builds its rows from text only.

const PERIOD_MS = 1500;
const ANSWER_MS = 10000; // a relay that hangs must not look alive
const TEXT_MAX = 200;
const STATES = { running: "good", starting: "quiet", waiting: "warn", halted: "bad" };
const LIVES = { acknowledged: "good", received: "quiet", sent: "quiet", timed_out: "warn" };

function element(tag, { text = "", className = "" } = {}, children = []) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.append(text);
  made.append(...children);
  return made;
}

async function read(path) {
  const answer = await fetch(path, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(ANSWER_MS) });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  return answer.json();
}

function ledgerCard(ledger) {
  const title = element("h3", { text: ledger.name }, [
    element("span", { text: ledger.state, className: `tag ${STATES[ledger.state] ?? "quiet"}` }),
  ]);
  const height = ledger.final === null ? "–" : ledger.final.toLocaleString("en");
  const behind = ledger.latest === null || ledger.final === null ? "no final height yet" : `final height, ${Math.max(ledger.latest - ledger.final, 0)} behind latest`;
  const parts = [title, element("div", { text: height, className: "height" }), element("p", { text: behind }),
    element("p", { text: `trust: ${ledger.trust_shown}` })];
  if (ledger.error) parts.push(element("p", { text: ledger.error, className: "bad" }));
  return element("article", { className: "card" }, parts);
}

function trustOf(lane) {
  if (!lane.trust) return "not configured";
  const client = lane.trust.attestors
    ? `${lane.trust.threshold} of ${lane.trust.attestors} attestors`
    : "a light client of its own";
  return `the host: ${client}; the relay: ${lane.trust.ours_shown}`;
}

function wayOf(lane) {
  return lane?.source ? `${lane.source} → ${lane.destination}` : "";
}

function laneRow(lane) {
  const name = element("div", { text: wayOf(lane) || lane.id }, [
    element("div", { text: lane.source ? `${lane.source_client} → ${lane.dest_client}` : "", className: "quiet tag" }),
  ]);
  if (lane.paused) name.append(element("span", { text: "paused", className: "tag warn" }));
  const number = (value, className = "") => element("td", { text: String(value), className: `number ${className}` });
  return element("tr", {}, [
    element("td", { className: "way" }, [name]),
    element("td", { text: trustOf(lane), className: "reason" }),
    number(lane.found),
    number(lane.open),
    number(lane.done),
    number(lane.moot + lane.refuted + lane.abandoned),
    number(lane.quarantined, lane.quarantined ? "bad" : ""),
  ]);
}

function numberOf(name, value, now) {
  if (name === "since" || name.endsWith("_at")) return `${name} ${Math.max(now - value, 0).toFixed(0)} s ago`;
  // Hashes and encoded words are shortened, words are not: they say what is wrong.
  const text = (typeof value === "string" ? value : JSON.stringify(value))
    .replace(/[0-9a-zA-Z]{33,}/g, (long) => `${long.slice(0, 12)}…${long.slice(-4)}`);
  return `${name} ${text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text}`;
}

function waitOf(packet) {
  const now = Date.now() / 1000;
  return packet.deliveries.filter((each) => each.waits_for !== null).map((each) => {
    const numbers = Object.entries(each.numbers).map(([name, value]) => numberOf(name, value, now));
    const again = each.next_try !== null && each.next_try > now ? `again in ${(each.next_try - now).toFixed(0)} s` : "";
    const details = [...numbers, again].filter(Boolean).join(", ");
    return `${each.kind} ${each.state.replaceAll("_", " ")}: ${each.waits_for.replaceAll("_", " ")}${details ? ` (${details})` : ""}`;
  }).join(" · ");
}

function stateOf(packet) {
  const rests = packet.deliveries.some((each) => each.state === "quarantined");
  const state = packet.state.replaceAll("_", " ");
  return element("span", { text: rests ? `${state}, quarantined` : state, className: `tag ${rests ? "bad" : LIVES[packet.state] ?? "quiet"}` });
}

// The sequence is read from the id: as a number it may be larger than a browser counts.
function packetRow(packet, lanes) {
  const seconds = packet.ended_at === null ? "" : (packet.ended_at - packet.seen_at).toFixed(1);
  return element("tr", {}, [
    element("td", { text: `#${packet.id.slice(packet.id.lastIndexOf(":") + 1)}` }),
    element("td", { text: wayOf(lanes.get(packet.lane)) || packet.lane, className: "way" }),
    element("td", {}, [stateOf(packet)]),
    element("td", { text: seconds, className: "number" }),
    element("td", { text: waitOf(packet), className: "reason" }),
  ]);
}

// Where a row becomes a card, each cell says what it is.
function named(row, place) {
  const names = [...place.closest("table").querySelectorAll("th")];
  [...row.cells].forEach((cell, index) => { cell.dataset.name = names[index].textContent; });
  return row;
}

function fill(id, rows, empty, columns) {
  const place = document.getElementById(id);
  if (rows.length) return place.replaceChildren(...(columns ? rows.map((row) => named(row, place)) : rows));
  const cell = element(columns ? "td" : "p", { text: empty, className: "quiet" });
  if (columns) cell.colSpan = columns;
  return place.replaceChildren(columns ? element("tr", {}, [cell]) : cell);
}

async function refresh() {
  const pulse = document.getElementById("pulse");
  try {
    const [ledgers, lanes, packets] = await Promise.all(
      [read("/v1/ledgers"), read("/v1/lanes"), read("/v1/packets?limit=25")]);
    const byId = new Map(lanes.lanes.map((lane) => [lane.id, lane]));
    fill("ledgers", ledgers.ledgers.map(ledgerCard), "no ledger is configured");
    fill("lanes", lanes.lanes.map(laneRow), "no lane is configured", 7);
    fill("packets", packets.packets.map((packet) => packetRow(packet, byId)), "no packet was seen yet", 5);
    pulse.textContent = `live, ${new Date().toLocaleTimeString("en-GB")}`;
    pulse.className = "good";
  } catch (error) {
    pulse.textContent = `the relay does not answer: ${error.message}`;
    pulse.className = "bad";
  }
  setTimeout(refresh, PERIOD_MS);
}

refresh();
