// The page: statistics come as server-sent events, one a second, and every view shows its part of each.

import { Actions } from "./actions.js";
import { setText } from "./dom.js";
import { age } from "./format.js";
import { History } from "./history.js";
import { errors } from "./views/errors.js";
import { events } from "./views/events.js";
import { frontends } from "./views/frontends.js";
import { pools } from "./views/pools.js";
import { tiles } from "./views/tiles.js";
import { mark, verdict } from "./views/verdict.js";
import { workers } from "./views/workers.js";

const SILENCE = 5000; // milliseconds without an event until what is shown is called old
const AGAIN = 2000; // milliseconds

const part = (id) => document.getElementById(id);
const history = new History();
const actions = new Actions();
const views = [
  verdict(part("verdict")), tiles(part("tiles"), history), pools(part("pools"), history, actions),
  frontends(part("frontends"), history), workers(part("workers"), history), errors(part("errors"), history),
  events(part("events")),
];
let heard = performance.now();
let version = null;

function show(statistics) {
  heard = performance.now();
  version ??= statistics.version;
  if (version !== statistics.version) return location.reload(); // after an upgrade: the page that belongs to it
  history.add(statistics);
  for (const view of views) view.update(statistics);
  setText(part("about"), about(statistics));
  tell("live");
}

function about({ version, config_file, pid, now, started_at, generation }) {
  const reloads = generation > 1 ? `, reloaded ${generation - 1}×` : "";
  return [version, config_file, `pid ${pid}`, `up ${age(now - started_at)}${reloads}`].filter(Boolean).join(" · ");
}

function tell(state) {
  setText(part("link"), state);
  part("link").className = `pill ${state === "live" ? "live" : "lost"}`;
  document.body.classList.toggle("stale", state !== "live");
}

function lost() {
  tell(`nothing heard for ${age((performance.now() - heard) / 1000)}`);
  mark("lost", 0);
}

part("lock").addEventListener("click", () => actions.toggleLock());
part("reload").addEventListener("click", () => actions.reload());

// A browser tries again by itself when the connection breaks, but not after an answer that is no stream, as a starting
// server may give: then it is opened anew.
function listen() {
  const source = new EventSource("api/events");
  source.onmessage = (event) => show(JSON.parse(event.data));
  source.onerror = () => {
    lost();
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN);
  };
}

listen();
// A connection may also be silent without being broken: the process is stopped, the machine is gone.
setInterval(() => performance.now() - heard > SILENCE && lost(), 1000);
