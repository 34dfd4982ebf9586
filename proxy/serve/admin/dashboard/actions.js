// What an operator may change, with a token that this tab keeps until it is closed.

import { ask } from "./question.js";
import { notice } from "./notice.js";

const KEPT_AS = "rproxy-token";

export class Actions {
  constructor() {
    this.#show();
  }

  get isUnlocked() {
    return sessionStorage.getItem(KEPT_AS) !== null;
  }

  async toggleLock() {
    if (this.isUnlocked) return this.#forget();
    const token = await ask({ title: "Unlock", text: "The token of [admin] in the configuration. This tab keeps it until it is closed.", field: "Token", secret: true, yes: "Unlock" });
    if (token) sessionStorage.setItem(KEPT_AS, token);
    this.#show();
  }

  async drain(pool, backend, isLast) {
    if (isLast && !(await this.#sure("Drain", backend, pool))) return;
    await this.#send("backends/drain", { pool, backend }, `${backend}: drains`);
  }

  async disable(pool, backend, isLast) {
    if (isLast && !(await this.#sure("Disable", backend, pool))) return;
    await this.#send("backends/disable", { pool, backend }, `${backend}: disabled`);
  }

  async enable(pool, backend) {
    await this.#send("backends/enable", { pool, backend }, `${backend}: enabled`);
  }

  async weight(pool, backend, weight) {
    const text = `${pool} ${backend}. It counts from the next request on, until rproxy is started again.`;
    const field = "Weight, or nothing for the configured one";
    const answer = await ask({ title: "Weight", text, field, value: String(weight), number: true, yes: "Set" });
    if (answer === null) return;
    const body = { pool, backend, weight: answer === "" ? null : Number(answer) };
    await this.#send("backends/weight", body, `${backend}: weight ${answer || "as configured"}`);
  }

  async reload() {
    if (!(await ask({ title: "Reload", text: "Read the configuration again, and apply what has changed.", yes: "Reload" }))) return;
    const told = await this.#send("reload", {});
    if (!told) return;
    const warnings = told.problems.map(({ line, message }) => `warning, line ${line}: ${message}`);
    notice(["Reloaded", ...(told.plan.length ? told.plan : ["nothing has changed"]), ...warnings].join("\n"));
  }

  #sure(what, backend, pool) {
    return ask({ title: `${what} the last one?`, text: `${backend} is the only ready backend of ${pool}. Nothing would serve it.`, yes: what });
  }

  // What was answered; null when it was refused, which is told. done: what is told when it was not.
  async #send(path, body, done = "") {
    const headers = { "Content-Type": "application/json", Authorization: `Bearer ${sessionStorage.getItem(KEPT_AS)}` };
    try {
      const answer = await fetch(`api/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
      const told = await answer.json().catch(() => ({}));
      if (answer.status === 401 || answer.status === 403) this.#forget();
      if (!answer.ok) notice(told.error ?? `The server answered ${answer.status}`, true);
      else if (done) notice(done);
      return answer.ok ? told : null;
    } catch (error) {
      notice(`Not sent: ${error.message}`, true);
      return null;
    }
  }

  #forget() {
    sessionStorage.removeItem(KEPT_AS);
    this.#show();
  }

  #show() {
    document.body.classList.toggle("unlocked", this.isUnlocked);
    document.getElementById("lock").textContent = this.isUnlocked ? "Lock" : "Unlock";
  }
}
