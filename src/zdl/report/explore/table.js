// The table of the selected trials. Its heading is made once a language, so that a filter keeps the cursor.
const thead = document.querySelector("thead"), tbody = document.querySelector("tbody");

function drawHead() {
  thead.innerHTML = `<tr>${Object.values(COLUMNS).map((column) =>
    `<th><button data-sort="${column.name}">${escaped(titleOf(column))}<span></span></button></th>`).join("")}</tr><tr>` +
    Object.values(COLUMNS).map((column) =>
      `<th><input data-filter="${column.name}" aria-label="${escaped(titleOf(column))}"></th>`).join("") + "</tr>";
  drawFilters();
}

function drawFilters() {
  for (const input of thead.querySelectorAll("input")) {
    const text = state.filters[input.dataset.filter] || "";
    if (input !== document.activeElement) input.value = text;
    input.setAttribute("aria-invalid", Boolean(text) && !parse(text, COLUMNS[input.dataset.filter]));
  }
  for (const button of thead.querySelectorAll("button")) {
    const sorted = button.dataset.sort === state.sort;
    button.lastChild.textContent = sorted ? (state.descending ? " ▼" : " ▲") : "";
  }
}

// The selected trials in the order of a column, blanks last.
function sorted() {
  const { values, options } = COLUMNS[state.sort], sign = state.descending ? -1 : 1;
  const key = options ? (place) => options.indexOf(values[place]) : (place) => values[place];
  return [...state.selected].sort((a, b) =>
    (values[a] === null) - (values[b] === null) || sign * (key(a) - key(b)) || a - b);
}

function drawTable() {
  drawFilters();
  const columns = Object.values(COLUMNS), rows = sorted().slice(0, state.rows);
  tbody.innerHTML = rows.map((place) => `<tr data-place="${place}" tabindex="0">${columns.map((column) =>
    `<td>${escaped(label(column, column.values[place]))}</td>`).join("")}</tr>`).join("");
  const more = document.getElementById("more");
  more.hidden = rows.length === state.selected.length;
  more.textContent = word("more", { n: grouped(rows.length), all: grouped(state.selected.length) });
  markRows();
}

function markRows() {
  for (const row of tbody.rows) {
    row.classList.toggle("hovered", Number(row.dataset.place) === state.hovered);
    row.classList.toggle("chosen", Number(row.dataset.place) === state.chosen);
  }
}

const placeOf = (event) => { const row = event.target.closest("tr"); return row ? Number(row.dataset.place) : null; };
thead.addEventListener("click", (event) => {
  const name = event.target.closest("button")?.dataset.sort;
  if (!name) return;
  state.descending = name === state.sort && !state.descending;
  state.sort = name;
  drawTable();
});
thead.addEventListener("input", (event) => {
  setFilter(event.target.dataset.filter, event.target.value);
  refilter();
});
tbody.addEventListener("mouseover", (event) => hover(placeOf(event)));
tbody.addEventListener("mouseleave", () => hover(null));
tbody.addEventListener("click", (event) => choose(placeOf(event)));
tbody.addEventListener("focusin", (event) => choose(placeOf(event)));
document.getElementById("more").addEventListener("click", () => { state.rows *= 4; drawTable(); });
