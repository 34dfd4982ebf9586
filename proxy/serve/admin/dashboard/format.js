// Numbers for people: three digits at most, one unit for each kind.

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
  if (value < 0.001) return `${digits(value * 1e6)} µs`;
  if (value < 1) return `${digits(value * 1e3)} ms`;
  return `${digits(value)} s`;
}

export function bytes(value) {
  if (value === null || value === undefined) return "–";
  for (const unit of ["B", "KiB", "MiB"]) {
    if (value < 1000) return `${digits(value)} ${unit}`;
    value /= 1024;
  }
  return `${digits(value)} GiB`;
}

export function share(part, whole) {
  if (!whole) return "–";
  const percent = (100 * part) / whole;
  return percent > 0 && percent < 0.1 ? "<0.1 %" : `${digits(percent)} %`;
}

// How long ago, in its largest unit: "8 s", "5 min", "3 h", "12 d".
export function age(value) {
  if (value < 60) return `${Math.max(0, Math.round(value))} s`;
  if (value < 3600) return `${Math.floor(value / 60)} min`;
  if (value < 2 * 86400) return `${Math.floor(value / 3600)} h`;
  return `${Math.floor(value / 86400)} d`;
}

export function clock(at) {
  return new Date(at * 1000).toLocaleTimeString([], { hour12: false });
}

function digits(value) {
  if (value >= 99.5 || value === 0) return String(Math.round(value));
  return value >= 9.95 ? value.toFixed(0) : value.toFixed(value < 0.995 && value < 0.0995 ? 2 : 1);
}
