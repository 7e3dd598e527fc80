// Parallel coordinates: an axis for each column, a line for each trial.
const MOST_LINES = 2000; // more take too long to draw, and hide each other
const BLANK = -0.1; // where a line passes an axis on which its trial has no value
const NEAR = 8; // pixels

class Lines extends Plot {
  axis(k) {
    return AXES.length > 1 ? this.left + (k * (this.right - this.left)) / (AXES.length - 1) : this.left;
  }

  height(share) {
    return this.bottom - (Number.isNaN(share) ? BLANK : share) * (this.bottom - this.top);
  }

  // At most so many of the trials, evenly spread over the ranking.
  sample(places) {
    const step = Math.max(1, places.length / MOST_LINES);
    return Array.from({ length: Math.min(places.length, MOST_LINES) }, (_, k) => places[Math.floor(k * step)]);
  }

  draw() {
    this.clear(this.base);
    this.drawn = this.sample(state.selected);
    this.drawGround();
    this.base.lineWidth = 0.8;
    this.base.globalAlpha = this.drawn.length > 300 ? 0.5 : 0.8;
    for (const place of [...this.drawn].reverse()) this.stroke(this.base, place, COLOURS[place]); // the best on top
    this.base.globalAlpha = 1;
    AXES.forEach((column, k) => this.drawAxis(column, this.axis(k), k));
  }

  // Every trial in grey, behind the selected ones.
  drawGround() {
    const key = [this.right, this.bottom].join();
    if (key === this.groundOf) return;
    this.groundOf = key;
    this.clear(this.ground);
    this.ground.lineWidth = 0.8;
    this.ground.globalAlpha = 0.6;
    for (const place of this.sample(ALL)) this.stroke(this.ground, place, FAINT);
  }

  stroke(context, place, colour) {
    context.strokeStyle = colour;
    context.beginPath();
    AXES.forEach((column, k) => context.lineTo(this.axis(k), this.height(column.shares[place])));
    context.stroke();
  }

  drawAxis(column, x, k) {
    const context = this.base, last = k === AXES.length - 1 && k > 0;
    context.textAlign = k === 0 ? "left" : last ? "right" : "center";
    context.fillStyle = INK;
    context.fillText(titleOf(column), k === 0 ? x - this.left + 4 : last ? x + this.margin.right - 4 : x, 14);
    context.strokeStyle = "#888888";
    context.strokeRect(x, this.top, 0, this.bottom - this.top);
    const right = last || (k === 0 && column.scale === "options"); // where there is room for names
    context.textAlign = right ? "left" : "right";
    for (const tick of ticks(column)) this.mark(label(column, tick), x, this.height(share(column, tick)), right);
    if (column.shares.some(Number.isNaN)) this.mark("–", x, this.height(NaN), right);
  }

  mark(text, x, y, right) {
    this.base.lineWidth = 3;
    this.base.strokeStyle = "rgba(255, 255, 255, 0.85)";
    this.base.strokeText(text, x + (right ? 6 : -6), y + 4);
    this.base.fillText(text, x + (right ? 6 : -6), y + 4);
    this.base.lineWidth = 0.8;
    this.base.strokeStyle = "#888888";
    this.base.strokeRect(x - 3, y, 6, 0);
  }

  drawOver() {
    this.clear(this.over);
    AXES.forEach((column, k) => {
      const ends = brushed(column);
      if (!ends) return;
      const [low, high] = ends.map((end) => this.height(end));
      this.over.fillStyle = "rgba(0, 114, 178, 0.25)";
      this.over.fillRect(this.axis(k) - 7, high, 14, Math.max(2, low - high));
    });
    this.over.lineWidth = 3;
    for (const place of [state.chosen, state.hovered]) if (place !== null) this.stroke(this.over, place, INK);
  }

  // The trial whose line passes nearest to a point, of those drawn.
  nearest(x, y) {
    const width = this.axis(1) - this.axis(0) || 1;
    const k = Math.min(Math.max(Math.floor((x - this.left) / width), 0), Math.max(AXES.length - 2, 0));
    const part = (x - this.axis(k)) / width, next = AXES[Math.min(k + 1, AXES.length - 1)];
    let found = null, least = NEAR;
    for (const place of this.drawn) {
      const from = this.height(AXES[k].shares[place]), to = this.height(next.shares[place]);
      const apart = Math.abs(from + (to - from) * part - y);
      if (apart < least) [found, least] = [place, apart];
    }
    return found;
  }

  nearestAxis(x) {
    return AXES.find((_, k) => Math.abs(this.axis(k) - x) < 20);
  }

  brush([x, from], [, to]) {
    const column = this.nearestAxis(x);
    if (!column) return false;
    const shares = [from, to].map((y) => (this.bottom - y) / (this.bottom - this.top));
    setFilter(column.name, rangeFilter(column, ...shares.map((each) => Math.min(Math.max(each, 0), 1))));
    return true;
  }

  click(x, y) {
    const column = this.nearestAxis(x);
    if (!column || !state.filters[column.name]) return super.click(x, y);
    setFilter(column.name, "");
    return refilter();
  }

  unbrush() {
    return false;
  }
}
