// Where a column's values lie on an axis, as a share of its length from the low end; NaN for a blank.
function share(column, value) {
  if (value === null) return NaN;
  if (column.scale === "options") return (column.options.indexOf(value) + 0.5) / column.options.length;
  const [low, high] = column.ends;
  if (low === high) return 0.5;
  if (column.scale === "log") return Math.log(value / low) / Math.log(high / low);
  return (value - low) / (high - low);
}

function valueAt(column, share) {
  const [low, high] = column.ends;
  return column.scale === "log" ? low * (high / low) ** share : low + share * (high - low);
}

for (const column of AXES) {
  column.shares = column.values.map((value) => Math.min(Math.max(share(column, value), 0), 1)); // NaN stays
}

// The filter that selects what lies between two shares of an axis.
function rangeFilter(column, from, to) {
  const [a, b] = [Math.min(from, to), Math.max(from, to)];
  if (column.scale !== "options") return [a, b].map((end) => short(valueAt(column, end))).join("..");
  const within = column.options.filter((option) => a <= share(column, option) && share(column, option) <= b);
  return within.map((option) => label(column, option)).join(", ");
}

// The shares between which a filter on an axis selects, to draw it as a brush; null if it is none.
function brushed(column) {
  const text = state.filters[column.name];
  if (!text || !parse(text, column)) return null;
  if (column.scale === "options") {
    const places = column.options.filter(parse(text, column)).map((option) => share(column, option));
    const half = 0.5 / column.options.length;
    return [Math.min(...places) - half, Math.max(...places) + half];
  }
  const [, low, high, sign, one] = text.trim().match(/^(?:(.+?)\.\.(.+)|(>=|<=|>|<|=)?(.+))$/);
  const ends = low ? [low, high] : { ">": [one, Infinity], ">=": [one, Infinity], "<": [-Infinity, one],
    "<=": [-Infinity, one] }[sign] || [one, one];
  const inside = (end) => Math.min(Math.max(Number(end), column.ends[0]), column.ends[1]);
  return ends.map((end) => share(column, inside(end)));
}

function ticks(column, most = 6) {
  if (column.scale === "options") return column.options;
  const [low, high] = column.ends;
  if (low === high) return [low];
  if (column.scale === "log") {
    const first = Math.ceil(Math.log10(low) - 1e-9), last = Math.floor(Math.log10(high) + 1e-9);
    const step = Math.ceil((last - first + 1) / most);
    const powers = [];
    for (let power = first; power <= last; power += step) powers.push(Number(`1e${power}`));
    return powers.length > 1 ? powers : [low, high];
  }
  const rough = (high - low) / most, unit = 10 ** Math.floor(Math.log10(rough));
  let step = [1, 2, 5, 10].map((n) => n * unit).find((n) => n >= rough);
  if (column.values.every((value) => value === null || Number.isInteger(value))) step = Math.max(step, 1);
  const places = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) places.push(Number((k * step).toPrecision(12)));
  return places;
}
