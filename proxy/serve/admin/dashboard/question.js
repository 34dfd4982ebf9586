// One question at a time, in a dialog of the browser's own.

import { setText } from "./dom.js";

// The text of its field, or true where it has none; null when it was cancelled.
export function ask({ title, text, yes, field = "", value = "", secret = false, number = false }) {
  const dialog = document.getElementById("question");
  const label = document.getElementById("question-field");
  const input = label.querySelector("input");
  setText(document.getElementById("question-title"), title);
  setText(document.getElementById("question-text"), text);
  setText(document.getElementById("question-yes"), yes);
  setText(label.querySelector("span"), field);
  label.hidden = !field;
  Object.assign(input, { type: secret ? "password" : number ? "number" : "text", value, required: secret, min: number ? "1" : "", disabled: !field });
  dialog.returnValue = "";
  dialog.showModal();
  if (field) input.select();
  document.getElementById("question-cancel").onclick = () => dialog.close("cancel");
  return new Promise((resolve) => {
    dialog.onclose = () => {
      const answer = dialog.returnValue === "yes" ? (field ? input.value : true) : null;
      input.value = "";
      resolve(answer);
    };
  });
}
