// The scatter: a dot for each trial over two columns, and the contours of the surrogate, if it has them.
const LEVELS = ticks({ ...COLUMNS.val_acc, values: [0.5] }, 20); // twentieths of accuracy

class Dots extends Plot {
  get columns() {
    return [COLUMNS[state.x], COLUMNS[state.y]];
  }

  point(x, y) {
    return [this.left + x * (this.right - this.left), this.bottom - y * (this.bottom - this.top)];
  }

  draw() {
    this.clear(this.base);
    const [x, y] = this.columns, context = this.base;
    this.radius = ALL.length > 2000 ? 1.5 : 4;
    this.drawGround();
    this.drawAxes(x, y);
    context.globalAlpha = 0.9;
    context.strokeStyle = "white";
    context.lineWidth = 0.7;
    for (const place of [...state.selected].reverse()) this.dot(context, place, this.radius, COLOURS[place]); // the best on top
    context.globalAlpha = 1;
    this.hidden = state.selected.filter((place) => Number.isNaN(x.shares[place] + y.shares[place])).length;
  }

  dot(context, place, radius, colour) {
    const [x, y] = this.columns, centre = this.point(x.shares[place], y.shares[place]);
    if (Number.isNaN(centre[0] + centre[1])) return;
    context.fillStyle = colour;
    if (radius < 4) return context.fillRect(centre[0] - radius, centre[1] - radius, 2 * radius, 2 * radius); // quicker
    context.beginPath();
    context.arc(...centre, radius, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  }

  drawAxes(x, y) {
    const context = this.base;
    context.strokeStyle = "#888888";
    context.lineWidth = 0.8;
    context.strokeRect(this.left, this.top, this.right - this.left, this.bottom - this.top);
    context.fillStyle = INK;
    context.textAlign = "center";
    context.fillText(titleOf(x), (this.left + this.right) / 2, this.bottom + 34);
    for (const tick of ticks(x)) context.fillText(label(x, tick), this.point(share(x, tick), 0)[0], this.bottom + 16);
    context.textAlign = "left";
    context.fillText(titleOf(y), 2, 12);
    context.textAlign = "right";
    for (const tick of ticks(y)) context.fillText(label(y, tick), this.left - 6, this.point(0, share(y, tick))[1] + 4);
  }

  // The surface over the two columns, whichever of them is x.
  surface() {
    for (const { names, x, y, expected } of DATA.surfaces) {
      if (names[0] === state.x && names[1] === state.y) return { x, y, at: (i, j) => expected[i][j] };
      if (names[0] === state.y && names[1] === state.x) return { x: y, y: x, at: (i, j) => expected[j][i] };
    }
    return null;
  }

  // What a selection does not change: the surface, and on it every trial in grey.
  drawGround() {
    const key = [state.x, state.y, this.right, this.bottom].join();
    if (key === this.groundOf) return;
    this.groundOf = key;
    this.clear(this.ground);
    const surface = this.surface();
    if (surface) this.drawSurface(surface);
    this.ground.strokeStyle = "white";
    this.ground.globalAlpha = 0.5;
    for (const place of ALL) this.dot(this.ground, place, this.radius, FAINT);
  }

  drawSurface(surface) {
    const [columnX, columnY] = this.columns;
    const xs = surface.x.map((value) => share(columnX, value)), ys = surface.y.map((value) => share(columnY, value));
    const cells = xs.slice(1).flatMap((_, i) => ys.slice(1).map((_, j) => {
      const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]];
      return [corners.map((corner) => surface.at(...corner)), corners.map(([a, b]) => this.point(xs[a], ys[b]))];
    }));
    for (const [scores, points] of cells) this.fillCell(scores, points);
    for (const [scores, points] of cells) this.drawContours(scores, points);
  }

  fillCell(scores, points) {
    const context = this.ground, mean = scores.reduce((sum, score) => sum + score) / 4;
    context.fillStyle = `rgb(${pale(colourOf(mean), 0.4)})`;
    context.fillRect(points[0][0], points[2][1], points[1][0] - points[0][0] + 0.5, points[0][1] - points[2][1] + 0.5);
  }

  // The pieces of contours that cross a cell (marching squares).
  drawContours(scores, points) {
    const context = this.ground;
    for (const level of LEVELS) {
      const ends = scores.flatMap((_, k) => {
        const from = scores[k] - level, to = scores[(k + 1) % 4] - level;
        if (from < 0 === to < 0) return [];
        const part = from / (from - to), [a, b] = [points[k], points[(k + 1) % 4]];
        return [[a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part]];
      });
      context.strokeStyle = `rgb(${colourOf(level)})`;
      context.lineWidth = 1;
      for (let k = 0; k + 1 < ends.length; k += 2) {
        context.beginPath();
        context.moveTo(...ends[k]);
        context.lineTo(...ends[k + 1]);
        context.stroke();
      }
    }
  }

  drawOver() {
    this.clear(this.over);
    const [x, y] = this.columns.map(brushed);
    if (x || y) {
      const [left, bottom] = this.point((x || [0])[0], (y || [0])[0]);
      const [right, top] = this.point((x || [0, 1])[1], (y || [0, 1])[1]);
      this.over.strokeStyle = "#0072B2";
      this.over.strokeRect(left, top, right - left, bottom - top);
    }
    this.over.lineWidth = 2;
    this.over.strokeStyle = INK;
    for (const place of [state.chosen, state.hovered]) {
      if (place !== null) this.dot(this.over, place, this.radius + 3, COLOURS[place]);
    }
  }

  // The selected trial whose dot is nearest to a point.
  nearest(x, y) {
    const [columnX, columnY] = this.columns;
    let found = null, least = 10;
    for (const place of state.selected) {
      const [a, b] = this.point(columnX.shares[place], columnY.shares[place]);
      const apart = Math.hypot(a - x, b - y);
      if (apart < least) [found, least] = [place, apart];
    }
    return found;
  }

  brush(from, to) {
    const ends = [from, to].map(([x, y]) => [
      (x - this.left) / (this.right - this.left), (this.bottom - y) / (this.bottom - this.top),
    ].map((each) => Math.min(Math.max(each, 0), 1)));
    this.columns.forEach((column, k) => setFilter(column.name, rangeFilter(column, ends[0][k], ends[1][k])));
    return true;
  }

  unbrush() {
    this.columns.forEach((column) => setFilter(column.name, ""));
    return true;
  }
}
