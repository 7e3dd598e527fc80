"use strict";
// What the page shows follows from this state. A brush on a plot and a filter in the table are the same thing:
// a text for a column, so each shows what the other does.
const DATA = JSON.parse(document.getElementById("data").textContent);
const WORDS = JSON.parse(document.getElementById("words").textContent);
const ALL = DATA.trials.map((_, place) => place); // a trial's place in the ranking, from 0, names it here
const AXES = DATA.columns;
const COLUMNS = Object.fromEntries([
  { name: "rank", title: WORDS.rank, scale: "linear", values: DATA.ranks || ALL.map((place) => place + 1) },
  { name: "trial", title: WORDS.trial, scale: "linear", values: DATA.trials },
  ...AXES,
  { name: "status", title: WORDS.status, scale: "options", options: ["finished", "diverged"],
    labels: { finished: WORDS.finished, diverged: WORDS.diverged },
    values: DATA.diverged.map((diverged) => (diverged ? "diverged" : "finished")) },
].map((column) => [column.name, column]));
const state = {
  language: navigator.language.startsWith("ja") ? 1 : 0,
  filters: {}, selected: ALL, x: DATA.axes[0], y: DATA.axes[1],
  sort: "rank", descending: false, rows: 100, hovered: null, chosen: ALL.length ? 0 : null,
};

function word(key, values = {}) {
  return WORDS[key][state.language].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function titleOf(column) {
  return column.title[state.language];
}

function grouped(number) {
  return number.toLocaleString("en-US");
}

// A number as people read it: 3 significant digits.
function short(value) {
  if (value === null) return "–";
  if (typeof value !== "number") return value;
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  const rounded = Number(value.toPrecision(3));
  return Math.abs(rounded) < 1e-3 ? rounded.toExponential() : String(rounded);
}

// A value of a column as the page shows it: some options have words in both languages.
function label(column, value) {
  return column.labels?.[value]?.[state.language] ?? short(value);
}

// A filter's text as a test of a value; null if it cannot be read.
function parse(text, column) {
  if (column.scale === "options") {
    const names = text.split(",").map((name) => name.trim().toLowerCase()).filter(Boolean);
    const called = (option, name) =>
      [option, ...(column.labels?.[option] ?? [])].some((text) => text.toLowerCase().startsWith(name));
    return names.length && names.every((name) => column.options.some((option) => called(option, name)))
      ? (value) => value !== null && names.some((name) => called(value, name)) : null;
  }
  const match = text.trim().match(/^(?:(.+?)\.\.(.+)|(>=|<=|>|<|=)?(.+))$/);
  const [low, high] = match ? [match[1] ?? match[4], match[2] ?? match[4]].map(Number) : [NaN];
  if (Number.isNaN(low) || Number.isNaN(high)) return null;
  const tests = { ">=": (v) => v >= low, "<=": (v) => v <= low, ">": (v) => v > low, "<": (v) => v < low };
  const test = match[1] ? (v) => low <= v && v <= high
    : tests[match[3]] || ((v) => v === low || short(v) === short(low));
  return (value) => value !== null && test(value);
}

function setFilter(name, text) {
  if (text.trim()) state.filters[name] = text;
  else delete state.filters[name];
}

function select() {
  const tests = Object.entries(state.filters)
    .map(([name, text]) => [COLUMNS[name].values, parse(text, COLUMNS[name])])
    .filter(([, test]) => test);
  state.selected = ALL.filter((place) => tests.every(([values, test]) => test(values[place])));
}

// The trial that the details are of.
function shown() {
  return state.hovered ?? state.chosen;
}
