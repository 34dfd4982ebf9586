// Numbers for people: three digits at most, one unit for each kind. A line is never broken before a unit.

const NO_BREAK = "\u00a0";

export function count(value) {
  if (value === null || value === undefined) return "–";
  if (value >= 1e6) return `${digits(value / 1e6)}M`;
  if (value >= 1e4) return `${digits(value / 1e3)}k`;
  return Number.isInteger(value) ? String(value) : digits(value);
}

export function rate(value) {
  if (value === null || value === undefined) return "–";
  return value > 0 && value < 0.1 ? "<0.1" : count(value);
}

export function seconds(value) {
  if (value === null || value === undefined) return "–";
  if (value < 0.001) return `${digits(value * 1e6)}${NO_BREAK}µs`;
  if (value < 1) return `${digits(value * 1e3)}${NO_BREAK}ms`;
  return `${digits(value)}${NO_BREAK}s`;
}

export function bytes(value) {
  if (value === null || value === undefined) return "–";
  for (const unit of ["B", "KiB", "MiB"]) {
    if (value < 1000) return `${digits(value)}${NO_BREAK}${unit}`;
    value /= 1024;
  }
  return `${digits(value)}${NO_BREAK}GiB`;
}

export function share(part, whole) {
  if (!whole) return "–";
  const percent = (100 * part) / whole;
  return percent > 0 && percent < 0.1 ? `<0.1${NO_BREAK}%` : `${digits(percent)}${NO_BREAK}%`;
}

// How long ago, in its largest unit: "8 s", "5 min", "3 h", "12 d".
export function age(value) {
  if (value < 60) return `${Math.max(0, Math.round(value))}${NO_BREAK}s`;
  if (value < 3600) return `${Math.floor(value / 60)}${NO_BREAK}min`;
  if (value < 2 * 86400) return `${Math.floor(value / 3600)}${NO_BREAK}h`;
  return `${Math.floor(value / 86400)}${NO_BREAK}d`;
}

export function clock(at) {
  return new Date(at * 1000).toLocaleTimeString([], { hour12: false });
}

function digits(value) {
  if (value >= 9.95 || value === 0) return String(Math.round(value));
  return value.toFixed(value < 0.0995 ? 2 : 1);
}
