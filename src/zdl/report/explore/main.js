// Events change the state; one frame later the page is drawn of it, however many events there were.
const lines = new Lines("lines", { left: 64, right: 64, top: 30, bottom: 34 });
const dots = new Dots("dots", { left: 64, right: 20, top: 22, bottom: 42 });
lines.element.style.minWidth = `${110 * AXES.length}px`; // so that titles do not overlap
let frame = null, everything = false;

function redraw(all = true) {
  everything ||= all;
  frame ??= requestAnimationFrame(() => {
    const whole = everything;
    [frame, everything] = [null, false];
    if (whole) drawSelection();
    lines.drawOver();
    dots.drawOver();
    drawDetail();
    markRows();
  });
}

function drawSelection() {
  lines.draw();
  dots.draw();
  drawTable();
  const [all, n] = [ALL.length, state.selected.length];
  document.getElementById("count").textContent = word("count", { all: grouped(all), n: grouped(n) });
  const notes = [];
  if (lines.drawn.length < n) notes.push(word("sampled", { n: grouped(lines.drawn.length) }));
  if (DATA.partial) notes.push(word("best_only"));
  document.getElementById("sampled").textContent = notes.join(" ");
  const under = [];
  if (dots.surface()) under.push(word("ground", { n: grouped(DATA.modelled), score: DATA.score[state.language], step: short(LEVELS[1] - LEVELS[0]) }));
  if (dots.hidden) under.push(word("hidden", { n: grouped(dots.hidden) }));
  document.getElementById("ground").textContent = under.join(" ");
}

function refilter() {
  select();
  redraw();
}

function hover(place) {
  if (place === state.hovered) return;
  state.hovered = place;
  redraw(false);
}

function choose(place) {
  state.chosen = place;
  redraw(false);
}

function translate() {
  document.documentElement.lang = ["en", "ja"][state.language];
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = word(element.dataset.word);
  if (COLUMNS.side) document.querySelector("h1").textContent = word("review_heading");
  document.title = document.querySelector("h1").textContent;
  document.getElementById("language").textContent = word("other_language");
  for (const id of ["x", "y"]) {
    document.getElementById(id).innerHTML = AXES.map((column) =>
      `<option value="${column.name}"${column.name === state[id] ? " selected" : ""}>${escaped(titleOf(column))}</option>`).join("");
  }
  const colours = VIRIDIS.map((colour) => `rgb(${colour})`).join(",");
  document.getElementById("legend").innerHTML = COLUMNS.side
    ? COLUMNS.side.options.map((side, k) => `<i class="side" style="background:${SIDES[k]}"></i>${escaped(label(COLUMNS.side, side))}`).join(" ")
    : `${titleOf(COLUMNS.val_acc)} ${short(COLUMNS.val_acc.ends[0])}<i style="background:linear-gradient(90deg,${colours})"></i>${short(COLUMNS.val_acc.ends[1])}` +
      (DATA.diverged.some(Boolean) ? ` <span style="color:${DIVERGED}">● ${word("diverged")}</span>` : "");
  drawHead();
  redraw();
}

for (const id of ["x", "y"]) {
  document.getElementById(id).addEventListener("change", (event) => { state[id] = event.target.value; redraw(); });
}
document.getElementById("language").addEventListener("click", () => { state.language = 1 - state.language; translate(); });
document.getElementById("reset").addEventListener("click", () => { state.filters = {}; refilter(); });
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") { state.filters = {}; refilter(); }
});
translate();
