// What both plots share: the colours, and canvases that lie on each other, so that hovering and brushing draw
// anew only what they change.
const INK = "#1a1a1a", FAINT = "#dddddd", DIVERGED = "#D55E00"; // Okabe and Ito's palette
const SIDES = ["#D55E00", "#bbbbbb", "#0072B2"]; // only in the old revision, in both, only in the new one
const VIRIDIS = [[68, 1, 84], [65, 68, 135], [42, 120, 142], [34, 168, 132], [122, 209, 81], [253, 231, 37]];

// The colour of a score, on the axis that it has.
function colourOf(score) {
  const place = Math.min(Math.max(share(COLUMNS.val_acc, score) || 0, 0), 1) * (VIRIDIS.length - 1);
  const k = Math.min(Math.floor(place), VIRIDIS.length - 2);
  return VIRIDIS[k].map((from, i) => Math.round(from + (VIRIDIS[k + 1][i] - from) * (place - k)));
}

const COLOURS = ALL.map((place) => {
  if (COLUMNS.side) return SIDES[COLUMNS.side.options.indexOf(COLUMNS.side.values[place])];
  if (DATA.diverged[place]) return DIVERGED;
  return `rgb(${colourOf(COLUMNS.val_acc.values[place])})`;
});

// A colour as it looks on white paper.
function pale(colour, strength) {
  return colour.map((part) => Math.round(255 - strength * (255 - part)));
}

class Plot {
  constructor(id, margin) {
    this.element = document.getElementById(id);
    this.margin = margin;
    [this.ground, this.base, this.over] = Array.from({ length: 3 }, () =>
      this.element.appendChild(document.createElement("canvas")).getContext("2d"));
    new ResizeObserver(() => redraw()).observe(this.element);
    this.listen();
  }

  // Clear a canvas, at the resolution of the screen. Coordinates are those of the page.
  clear(context) {
    const ratio = window.devicePixelRatio, { clientWidth, clientHeight } = this.element;
    [context.canvas.width, context.canvas.height] = [clientWidth * ratio, clientHeight * ratio];
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.font = "12px system-ui, sans-serif";
    this.left = this.margin.left; this.right = clientWidth - this.margin.right;
    this.top = this.margin.top; this.bottom = clientHeight - this.margin.bottom;
  }

  // A press that moves is a brush; one that does not is a click.
  listen() {
    let start = null, moved = false;
    const at = (event) => {
      const box = this.element.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    this.element.addEventListener("pointerdown", (event) => {
      [start, moved] = [at(event), false];
      this.element.setPointerCapture(event.pointerId);
    });
    this.element.addEventListener("pointermove", (event) => {
      const here = at(event);
      if (!start) return hover(this.nearest(...here));
      moved ||= Math.hypot(here[0] - start[0], here[1] - start[1]) > 4;
      if (moved) hover(null);
      if (moved && this.brush(start, here)) refilter();
    });
    this.element.addEventListener("pointerup", (event) => {
      if (start && !moved) this.click(...at(event));
      start = null;
    });
    this.element.addEventListener("pointercancel", () => { start = null; });
    this.element.addEventListener("pointerleave", () => hover(null));
  }

  click(x, y) {
    const place = this.nearest(x, y);
    if (place !== null) choose(place);
    else if (this.unbrush(x, y)) refilter();
  }
}
