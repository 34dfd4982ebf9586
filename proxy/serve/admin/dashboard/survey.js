// What most needs eyes: backends, members and workers that should work and do not.

import { ASKED_FOR, SERVING, WELL } from "./states.js";

// { ready, total, asked, dead: [names of pools], trouble: [{ state, name, why, since }], worst: "good" | "some" | "dead" }
export function survey(statistics) {
  const backends = statistics.pools.flatMap((pool) => pool.backends);
  const dead = statistics.pools.filter((pool) => pool.backends.every(({ state }) => !SERVING.has(state))).map((pool) => pool.name);
  const trouble = [...backendsInTrouble(statistics), ...workersInTrouble(statistics)];
  return {
    ready: backends.filter(({ state }) => SERVING.has(state)).length,
    total: backends.length,
    asked: backends.filter(({ state }) => ASKED_FOR.has(state)).length,
    dead,
    trouble,
    worst: dead.length ? "dead" : trouble.length ? "some" : "good",
  };
}

function* backendsInTrouble(statistics) {
  for (const pool of statistics.pools)
    for (const { address, state, reason, since, members } of pool.backends) {
      const name = `${pool.name} ${address}`;
      if (!SERVING.has(state) && !ASKED_FOR.has(state)) yield { state, name, why: reason, since };
      for (const member of members)
        if (!WELL.has(member.state))
          yield { state: member.state, name, why: `member ${member.number}${member.pid ? `, pid ${member.pid}` : ""}` };
    }
}

function* workersInTrouble(statistics) {
  for (const { number, pid, state, since } of statistics.workers)
    if (!WELL.has(state)) yield { state, name: `worker ${number}`, why: `pid ${pid}`, since };
}
