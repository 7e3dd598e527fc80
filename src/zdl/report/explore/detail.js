// One trial: its learning curves, its numbers, its replicates. It is an SVG, so that its curves can be read.
const WIDTH = 520, HEIGHT = 220, LEFT = 34, BOTTOM = 34;
const VALIDATION = "#0072B2", TRAINING = "#D55E00", PALE = "#56B4E9";

function escaped(text) {
  return String(text).replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

// Where an epoch of so many is on the x axis, and a score on the y axis.
function acrossOf(epoch, epochs) {
  return LEFT + (epoch - 1) * ((WIDTH - LEFT - 8) / Math.max(epochs - 1, 1));
}

function downOf(score) {
  return 8 + (1 - Math.min(Math.max(share(COLUMNS.val_acc, score), 0), 1)) * (HEIGHT - BOTTOM - 8);
}

function polyline(scores, epochs, colour, name, width) {
  const points = scores.map((score, k) => `${acrossOf(k + 1, epochs).toFixed(1)},${downOf(score).toFixed(1)}`);
  return `<polyline class="${name}" points="${points.join(" ")}" fill="none" stroke="${colour}" stroke-width="${width}"/>`;
}

function curves(place) {
  const [val, train] = [DATA.val[place], DATA.train[place]], again = DATA.replicates[DATA.trials[place]] || [];
  if (!val) return `<p class="note">${word("no_curve")}</p>`;
  if (!val.length) return `<p class="note">${word("no_epoch")}</p>`;
  const epochs = Math.max(val.length, ...again.map((each) => each.val.length)), [valSize, trainSize] = DATA.sizes;
  const grid = ticks({ ...COLUMNS.val_acc, values: [0.5] }).map((value) =>
    `<path d="M${LEFT} ${downOf(value)}H${WIDTH - 8}" stroke="${FAINT}"/>` +
    `<text x="${LEFT - 5}" y="${downOf(value) + 4}" text-anchor="end">${value}</text>`);
  const marks = ticks({ scale: "linear", ends: [1, epochs], values: [1] }, 8).map((epoch) =>
    `<text x="${acrossOf(epoch, epochs)}" y="${HEIGHT - 18}" text-anchor="middle">${epoch}</text>`);
  const legend = [["validation", VALIDATION], ["training", TRAINING], ...(again.length ? [["replicates", PALE]] : [])]
    .map(([key, colour]) => `<span style="color:${colour}">━ ${word(key)}</span>`);
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img">${grid.join("")}${marks.join("")}` +
    `<text x="${(WIDTH + LEFT) / 2}" y="${HEIGHT - 3}" text-anchor="middle">${word("epoch")}</text>` +
    again.map((each) => polyline(each.val, epochs, PALE, "replicate", 0.8)).join("") +
    polyline(train.map((count) => count / trainSize), epochs, TRAINING, "train", 1.5) +
    polyline(val.map((count) => count / valSize), epochs, VALIDATION, "val", 2.5) +
    `</svg><p class="note">${legend.join(" ")}</p>`;
}

function ofRows(place, name, counts, size) {
  const value = COLUMNS[name].values[place], count = counts && counts.at(-1);
  if (value === null || !counts || size === 1) return short(value);
  return word("of_rows", { share: short(value), n: grouped(count), all: grouped(size) });
}

function exact(value) {
  return value === null ? "–" : 0 < value && value < 1e-3 ? value.toExponential() : value;
}

function numbers(place) {
  const rows = AXES.map((column) => {
    if (column.name === "val_acc") return [column, ofRows(place, "val_acc", DATA.val[place], DATA.sizes[0])];
    if (column.name === "train_acc") return [column, ofRows(place, "train_acc", DATA.train[place], DATA.sizes[1])];
    return [column, column.labels ? label(column, column.values[place]) : exact(column.values[place])];
  });
  return `<dl>${rows.map(([column, text]) => `<dt>${escaped(titleOf(column))}</dt><dd>${escaped(text)}</dd>`).join("")}</dl>`;
}

function replicates(place) {
  const again = DATA.replicates[DATA.trials[place]];
  if (!again) return "";
  const text = (value) => (Math.abs(value) < 10 ? value.toFixed(3) : short(value));
  const mean = (values) => (values.length ? text(values.reduce((a, b) => a + b) / values.length) : "–");
  const cells = (texts, tag = "td") => texts.map((text) => `<${tag}>${text}</${tag}>`).join("");
  const finished = again.filter((each) => !each.diverged);
  const row = (key, of, average) => `<tr><th>${word(key)}</th><td><b>${average}</b></td>${cells(again.map(of))}</tr>`;
  return `<div class="scroll"><table class="replicates"><tr><th>${word("replicate")}</th>` +
    `<th>${word("mean")}</th>${cells(again.map((_, k) => k + 1), "th")}</tr>` +
    row("validation", (each) => (each.diverged ? word("diverged") : short(each.val.at(-1))), mean(finished.map((each) => each.val.at(-1)))) +
    row("held_out", (each) => (each.held_out === null ? "–" : text(each.held_out)), mean(finished.map((each) => each.held_out))) + "</table></div>";
}

function drawDetail() {
  const place = shown();
  if (place === null) return;
  const which = word(DATA.diverged[place] ? "which_diverged" : "which",
    { n: DATA.trials[place], rank: COLUMNS.rank.values[place] });
  document.getElementById("detail").innerHTML =
    `<h2>${which}</h2>${curves(place)}${numbers(place)}${replicates(place)}`;
}
