// What is on the canvas: places of all visible items and wires, moved smoothly when the layout changes, drawn only where seen.

const TITLE = '600 12px system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';
const SMALL = '10.5px system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

class Scene {
  constructor(canvas, graph) {
    this.canvas = canvas; this.graph = graph; this.ctx = canvas.getContext("2d");
    this.x = 0; this.y = 0; this.zoom = 1; this.items = []; this.paths = []; this.move = null; this.glide = null;
    this.showParams = true; this.mode = "family"; this.backward = false; this.selected = null; this.hover = null; this.path = null; this.matches = null;
    this.widths = new Map(); this.T = theme(false); this.scale = null; this.dash = 0; this.frames = [];
    this.look = { hidden: (i) => !this.showParams && i.kind === "parameter", size: (i) => this.size(i) };
  }

  textWidth(text, font) {
    const key = font + text;
    let w = this.widths.get(key);
    if (w === undefined) { this.ctx.font = font; this.widths.set(key, (w = this.ctx.measureText(text).width)); }
    return w;
  }

  // The two lines on an item.
  lines(i) {
    if (i.group) {
      const title = i.type + (i.repeat > 1 ? " × " + i.repeat : ""), tail = i.up.root ? i.path : i.path.startsWith(i.up.path + ".") ? i.path.slice(i.up.path.length + 1) : i.path;
      return [title, tail + " · " + i.ops.toLocaleString("en") + (i.ops === 1 ? " op" : " ops")];
    }
    if (i.kind === "op") return [i.op, i.shape];
    if (i.kind === "module") return [i.op, i.name];
    const up = i.up.path, name = i.name || i.op;
    return [up && name.startsWith(up + ".") ? name.slice(up.length + 1) : name, i.shape];
  }

  size(i) {
    if (i.w0) return [i.w0, i.h0];
    const [a, b] = this.lines(i), small = this.rulesShown && !i.group ? this.backwardLines(i) : [b];
    const wide = Math.min(250, Math.max(this.textWidth(a, TITLE), ...small.map((t) => this.textWidth(t, SMALL))));
    i.w0 = Math.ceil(wide) + (i.group ? 46 : i.kind === "op" ? 26 : 30);
    i.h0 = (i.group ? 44 : i.kind === "op" || i.kind === "module" ? 40 : 36) + 13.5 * (small.length - 1);
    if (i.group) i.headWidth = this.textWidth(a, TITLE) + Math.min(200, this.textWidth(b, SMALL)) + 70;
    return [i.w0, i.h0];
  }

  // Lay out what changed and set everything in motion towards its new place; `anchor` stays where it is on the screen.
  arrange(anchor, smooth = true) {
    const before = new Map(this.items.map((i) => [i, [i.ax, i.ay, i.aw, i.ah]])), oldPaths = this.paths;
    const hold = anchor && before.get(anchor);
    for (const g of this.graph.groups) if (g.open && !g.headWidth) this.size(g);
    layoutIfNeeded(this.graph.root, this.look);
    this.items = []; this.paths = [];
    const todo = [[this.graph.root, 0, 0]];
    while (todo.length) {
      const [g, x, y] = todo.pop();
      for (const i of g.items) {
        if (this.look.hidden(i)) continue;
        i.ax = x + i.rx; i.ay = y + i.ry; i.aw = i.rw; i.ah = i.rh; this.items.push(i);
        if (i.group && i.open) todo.push([i, i.ax, i.ay]);
      }
      for (const p of g.paths) {
        const q = Float32Array.from(p.points);
        let l = Infinity, r = -Infinity;
        for (let k = 0; k < q.length; k += 2) { q[k] += x; q[k + 1] += y; l = Math.min(l, q[k]); r = Math.max(r, q[k]); }
        this.paths.push({ ...p, q, l, r, t: q[1], b: q[q.length - 1], grad: p.from.requiresGrad });
      }
    }
    this.items.sort((a, b) => (a.group && a.open ? a.level : 99) - (b.group && b.open ? b.level : 99));
    const [w, h] = this.graph.root.size;
    this.bounds = [0, 0, w, h];
    if (hold) { this.x += (hold[0] - anchor.ax) * this.zoom; this.y += (hold[1] - anchor.ay) * this.zoom; }
    const dx = hold ? anchor.ax - hold[0] : 0, dy = hold ? anchor.ay - hold[1] : 0;
    if (!smooth || this.items.length > 12000) { this.move = null; this.draw(); return; }
    const from = new Map();
    for (const i of this.items) {
      const b = before.get(i);
      if (b) { from.set(i, [b[0] + dx, b[1] + dy, b[2], b[3], 1]); continue; }
      let u = i.up;
      while (u && !before.has(u) && !u.root) u = u.up;
      const p = u && before.get(u);
      from.set(i, p ? [p[0] + dx + p[2] / 2 - i.aw * 0.3, p[1] + dy + p[3] / 2 - i.ah * 0.3, i.aw * 0.6, i.ah * 0.6, 0] : [i.ax, i.ay, i.aw, i.ah, 0]);
    }
    for (const p of oldPaths) for (let k = 0; k < p.q.length; k += 2) { p.q[k] += dx; p.q[k + 1] += dy; }
    this.move = { from, oldPaths, start: performance.now(), time: 260 };
    this.ask();
  }

  ask() {
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => { this.asked = 0; this.draw(); });
  }

  fit(item, smooth = true) {
    const W = this.canvas.clientWidth, H = this.canvas.clientHeight, m = 36;
    const [x, y, w, h] = item ? [item.ax, item.ay, item.aw, item.ah] : this.bounds;
    const z = Math.min(item ? Math.max(this.zoom, 0.9) : 1.25, (W - 2 * m) / Math.max(w, 1), (H - 2 * m - 24) / Math.max(h, 1));
    this.glideTo(W / 2 - (x + w / 2) * z, (H - 20) / 2 - (y + h / 2) * z, z, smooth);
  }
  // The whole width, from the end where the outputs are not: for graphs much taller than the window.
  start() {
    const W = this.canvas.clientWidth, H = this.canvas.clientHeight, [, , w, h] = this.bounds, whole = Math.min((W - 72) / w, (H - 96) / h);
    if (whole > 0.42) return this.fit(null, false);
    const z = Math.max(whole, Math.min(0.85, (W - 72) / w));
    this.glideTo(W / 2 - (w / 2) * z, 30, z, false);
  }
  glideTo(x, y, zoom, smooth = true) {
    if (!smooth) { Object.assign(this, { x, y, zoom }); this.glide = null; this.ask(); return; }
    this.glide = { x: this.x, y: this.y, zoom: this.zoom, to: [x, y, zoom], start: performance.now() };
    this.ask();
  }
  zoomAt(px, py, factor) {
    const z = Math.max(0.004, Math.min(4, this.zoom * factor)), k = z / this.zoom;
    this.x = px - (px - this.x) * k; this.y = py - (py - this.y) * k; this.zoom = z; this.glide = null;
    this.ask();
  }

  // The item under a point of the screen: nodes before the modules around them; of an open module only its head counts as a button.
  at(px, py) {
    const x = (px - this.x) / this.zoom, y = (py - this.y) / this.zoom;
    for (let k = this.items.length - 1; k >= 0; k--) {
      const i = this.items[k];
      if (x >= i.ax && x <= i.ax + i.aw && y >= i.ay && y <= i.ay + i.ah) return { item: i, head: i.group && (!i.open || y <= i.ay + HEAD + 2) };
    }
    return null;
  }

  // The item nearest to the middle of the screen, to hold on to when everything moves.
  middle() {
    const x = (this.canvas.clientWidth / 2 - this.x) / this.zoom, y = (this.canvas.clientHeight / 2 - this.y) / this.zoom;
    let best = null, least = Infinity;
    for (const i of this.items) {
      if (i.group && i.open) continue;
      const d = Math.hypot(i.ax + i.aw / 2 - x, i.ay + i.ah / 2 - y);
      if (d < least) { least = d; best = i; }
    }
    return best;
  }

  draw() {
    const began = performance.now(), c = this.ctx, T = this.T, ratio = window.devicePixelRatio || 1;
    const W = this.canvas.clientWidth, H = this.canvas.clientHeight;
    if (this.canvas.width !== Math.round(W * ratio) || this.canvas.height !== Math.round(H * ratio)) { this.canvas.width = Math.round(W * ratio); this.canvas.height = Math.round(H * ratio); }
    let busy = false;
    if (this.glide) {
      const g = this.glide, t = Math.min(1, (began - g.start) / 280), e = 1 - (1 - t) ** 3;
      this.zoom = g.zoom * (g.to[2] / g.zoom) ** e;
      const f = g.to[2] === g.zoom ? e : (this.zoom - g.zoom) / (g.to[2] - g.zoom);
      this.x = g.x + (g.to[0] - g.x) * f; this.y = g.y + (g.to[1] - g.y) * f;
      if (t >= 1) this.glide = null; else busy = true;
    }
    let e = 1;
    if (this.move) {
      const t = Math.min(1, (began - this.move.start) / this.move.time);
      e = 1 - (1 - t) ** 3;
      if (t >= 1) this.move = null; else busy = true;
    }
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.fillStyle = T.paper; c.fillRect(0, 0, W, H);
    c.setTransform(ratio * this.zoom, 0, 0, ratio * this.zoom, ratio * this.x, ratio * this.y);
    const view = [-this.x / this.zoom, -this.y / this.zoom, (W - this.x) / this.zoom, (H - this.y) / this.zoom];
    let k = 0;
    for (; k < this.items.length && this.items[k].group && this.items[k].open; k++) this.drawOpen(this.items[k], view, e);
    if (this.move) { c.globalAlpha = Math.max(0, 1 - e * 2); this.drawPaths(this.move.oldPaths, view); c.globalAlpha = Math.max(0, e * 2 - 1); }
    this.drawPaths(this.paths, view);
    c.globalAlpha = 1;
    for (let o = 0; o < k; o++) this.drawHead(this.items[o], view, e);
    for (; k < this.items.length; k++) this.drawItem(this.items[k], view, e);
    if (this.path && !busy && this.paths.length < 3000 && !matchMedia("(prefers-reduced-motion: reduce)").matches) { this.dash -= 0.6; busy = true; }
    this.frames.push(performance.now() - began);
    if (this.frames.length > 240) this.frames.shift();
    if (busy) this.ask();
  }

  placeOf(i, e) {
    const f = this.move && this.move.from.get(i);
    if (!f || e >= 1) return [i.ax, i.ay, i.aw, i.ah, 1];
    return [f[0] + (i.ax - f[0]) * e, f[1] + (i.ay - f[1]) * e, f[2] + (i.aw - f[2]) * e, f[3] + (i.ah - f[3]) * e, f[4] + (1 - f[4]) * e];
  }

  drawOpen(g, view, e) {
    const [x, y, w, h, alpha] = this.placeOf(g, e), c = this.ctx, T = this.T;
    if (x > view[2] || y > view[3] || x + w < view[0] || y + h < view[1]) return;
    c.globalAlpha = alpha * (this.path && !g.nodes.some((n) => this.path.has(n.index)) ? 0.45 : 1);
    c.beginPath(); c.roundRect(x, y, w, h, 10);
    c.fillStyle = T.levels[Math.min(3, g.level - 1)]; c.fill();
    const chosen = this.selected === g;
    c.strokeStyle = chosen ? T.accent : g.origin ? T.bad : T.box; c.lineWidth = chosen ? 2.2 : 1.1; c.stroke();
    c.globalAlpha = 1;
  }

  // The head of an open module, over the wires that enter it.
  drawHead(g, view, e) {
    const [x, y, w, h, alpha] = this.placeOf(g, e), c = this.ctx, T = this.T;
    if (this.zoom * 12 <= 4.5 || x > view[2] || y > view[3] || x + w < view[0] || y + h < view[1]) return;
    const [a, b] = this.lines(g), title = this.cut(a, TITLE, w - 40), used = this.textWidth(title, TITLE) + 32, room = w - used - 10;
    const small = room > 30 ? this.cut(b, SMALL, room) : "";
    c.globalAlpha = alpha;
    c.fillStyle = T.levels[Math.min(3, g.level - 1)];
    c.fillRect(x + 7, y + 5, used - 10 + (small ? this.textWidth(small, SMALL) + 8 : 0), 20);
    c.textAlign = "left"; c.textBaseline = "middle"; c.font = TITLE;
    c.fillStyle = T.soft; c.fillText("−", x + 10, y + 15);
    c.fillStyle = T.ink; c.fillText(title, x + 24, y + 15);
    if (small) { c.fillStyle = T.soft; c.font = SMALL; c.fillText(small, x + used, y + 15.5); }
    c.globalAlpha = 1;
  }

  cut(text, font, room) {
    if (this.textWidth(text, font) <= room) return text;
    let n = Math.max(1, Math.floor((text.length * room) / this.textWidth(text, font)) - 1);
    while (n > 1 && this.textWidth(text.slice(0, n) + "…", font) > room) n--;
    return text.slice(0, n) + "…";
  }

  onPath(p) { return this.path && this.path.has(p.from.index) && p.readers.some((r) => this.path.has(r)); }

  drawPaths(paths, view) {
    const c = this.ctx, T = this.T, far = this.zoom < 0.16, lit = [], near = this.hover || this.selected;
    const sets = [[], [], []]; // gradient runs here; it does not; faded
    for (const p of paths) {
      if (p.l > view[2] || p.r < view[0] || p.t > view[3] || p.b < view[1]) continue;
      if (this.path) { if (this.onPath(p)) lit.push(p); else sets[2].push(p); continue; }
      if (near && (p.u === near || p.v === near || (!near.group && (p.from === near || p.readers.includes(near.index))))) { lit.push(p); continue; }
      sets[p.grad ? 0 : this.backward ? 2 : 1].push(p);
    }
    const width = Math.min(6, Math.max(1.2, 0.7 / this.zoom));
    const colours = [this.backward ? T.families.loss.edge : T.line, T.line, T.faint];
    sets.forEach((set, s) => {
      if (!set.length) return;
      c.strokeStyle = c.fillStyle = colours[s]; c.lineWidth = width; c.setLineDash(s === 1 && !far ? [4, 3] : []);
      if (s === 0 && this.backward) c.globalAlpha *= 0.75;
      c.beginPath();
      for (const p of set) this.trace(p, far);
      c.stroke(); c.setLineDash([]);
      if (!far) { c.beginPath(); for (const p of set) this.head(p, 1); c.fill(); }
      if (s === 0 && this.backward) c.globalAlpha /= 0.75;
    });
    if (lit.length) {
      c.strokeStyle = c.fillStyle = this.backward && this.path ? T.families.loss.edge : T.accent; c.lineWidth = Math.max(2.2, 1.6 / this.zoom);
      if (this.path) { c.setLineDash([9, 5]); c.lineDashOffset = this.backward ? -this.dash : this.dash; }
      c.beginPath(); for (const p of lit) this.trace(p, far); c.stroke(); c.setLineDash([]);
      c.beginPath(); for (const p of lit) this.head(p, 1.25); c.fill();
    }
  }

  trace(p, far) {
    const c = this.ctx, q = p.q, n = q.length;
    c.moveTo(q[0], q[1]);
    if (far) { for (let k = 4; k < n; k += 4) c.lineTo(q[k], q[k + 1]); c.lineTo(q[n - 2], q[n - 1]); return; }
    for (let k = 2; k < n; k += 2) {
      const x0 = q[k - 2], y0 = q[k - 1], x1 = q[k], y1 = q[k + 1], d = (y1 - y0) * 0.5;
      if (Math.abs(x1 - x0) < 0.5) c.lineTo(x1, y1); else if (d > 0) c.bezierCurveTo(x0, y0 + d, x1, y1 - d, x1, y1); else c.bezierCurveTo(x0, y0 + 40, x1, y1 - 40, x1, y1);
    }
  }
  head(p, size) {
    const c = this.ctx, q = p.q, n = q.length, s = 4.2 * size;
    if (this.backward) { // towards what the value came from
      if (!p.grad || !p.u || (p.u.group && p.u.open)) return;
      const x = q[0], y = q[1]; c.moveTo(x, y); c.lineTo(x - s, y + s * 1.7); c.lineTo(x + s, y + s * 1.7); c.closePath(); return;
    }
    if (!p.arrow) return;
    const x = q[n - 2], y = q[n - 1]; c.moveTo(x, y); c.lineTo(x - s, y - s * 1.7); c.lineTo(x + s, y - s * 1.7); c.closePath();
  }

  drawItem(i, view, e) {
    const [x, y, w, h, shown] = this.placeOf(i, e);
    if (x > view[2] || y > view[3] || x + w < view[0] || y + h < view[1]) return;
    const c = this.ctx, T = this.T, p = paint(i, T, this.mode, this.scale);
    let alpha = shown;
    if (this.path) { if (!(i.group ? i.nodes.some((n) => this.path.has(n.index)) : this.path.has(i.index))) alpha *= 0.22; }
    else if (this.matches) { if (!(i.group ? i.nodes.some((n) => this.matches.has(n.index)) || this.matches.has(i) : this.matches.has(i.index))) alpha *= 0.3; }
    else if (this.backward && !i.requiresGrad) alpha *= 0.4;
    c.globalAlpha = alpha;
    if (this.zoom < 0.11) { c.fillStyle = this.mode === "family" ? p.edge : p.fill; c.fillRect(x, y, w, h); c.globalAlpha = 1; return; }
    c.fillStyle = p.fill; c.strokeStyle = p.edge; c.lineWidth = p.strong ? 2.6 : 1.3;
    if (i.group && i.repeat > 1) for (const d of [6, 3]) { c.beginPath(); c.roundRect(x + d, y + d, w, h, 8); c.fill(); c.stroke(); }
    this.outline(i, x, y, w, h);
    c.fill();
    if (i.kind === "constant") c.setLineDash([4, 3]);
    c.stroke(); c.setLineDash([]);
    if (i.output) { c.beginPath(); c.roundRect(x - 3.5, y - 3.5, w + 7, h + 7, 10); c.stroke(); }
    if (this.selected === i || this.hover === i) {
      c.strokeStyle = T.accent; c.lineWidth = this.selected === i ? 2.6 : 1.6; this.outline(i, x - 1.5, y - 1.5, w + 3, h + 3); c.stroke();
    }
    if (this.zoom * 12 > 4.5) {
      const [a, b] = this.lines(i), all = this.backward && !i.group ? this.backwardLines(i) : [b], small = this.rulesShown ? all : all.slice(0, 1);
      const room = w - (i.group ? 34 : 14), cx = x + w / 2 + (i.group ? 7 : 0), top = y + h / 2 - 7 - 6.75 * (small.length - 1);
      c.textAlign = "center"; c.textBaseline = "middle";
      c.font = TITLE; c.fillStyle = p.ink; c.fillText(this.cut(a, TITLE, room), cx, top);
      c.font = SMALL; c.fillStyle = p.soft;
      small.forEach((t, k) => c.fillText(this.cut(t, SMALL, room), cx, top + 15.5 + 13.5 * k));
      if (i.group) { c.font = TITLE; c.fillStyle = p.soft; c.textAlign = "left"; c.fillText("+", x + 9, y + h / 2); }
      if (i.origin || i.gradOrigin) this.badge(x + w, y, i.mark === "error" ? "error" : i.gradOrigin ? "∂ NaN" : "NaN", this.T.bad);
      else if (MARKS[i.mark]) this.badge(x + w, y, { added: "+", removed: "−", numbers: "≠" }[i.mark], p.edge);
    }
    c.globalAlpha = 1;
  }

  // What stands under a name in the backward view: the rules that ran, or the size of the gradient that arrived.
  backwardLines(i) {
    if (i.kind === "op") {
      const rules = this.graph.infos[i.info] ? this.graph.infos[i.info].rules : [], slots = i.inputs.split(",");
      const mine = rules.filter((r) => { const q = i.parents[slots.indexOf(r[0])]; return q === undefined || (q >= 0 && this.graph.nodes[q].requiresGrad); });
      if (mine.length && i.requiresGrad) return mine.slice(0, 4).map((r) => gradients(r[0]) + " = " + (r[2] || r[1]));
    }
    return [i.grad && i.grad[4] !== null ? "‖∂‖ = " + short(i.grad[4]) : i.requiresGrad ? i.shape : "no gradient"];
  }

  outline(i, x, y, w, h) {
    const c = this.ctx;
    c.beginPath();
    if (i.kind === "input") { const s = 8; c.moveTo(x + s, y); c.lineTo(x + w, y); c.lineTo(x + w - s, y + h); c.lineTo(x, y + h); c.closePath(); }
    else c.roundRect(x, y, w, h, i.kind === "parameter" ? h / 2 : 8);
  }

  badge(x, y, text, colour) {
    const c = this.ctx, w = this.textWidth(text, SMALL) + 12;
    c.beginPath(); c.roundRect(x - w + 8, y - 9, w, 17, 8); c.fillStyle = colour; c.fill();
    c.fillStyle = this.T.dark ? "#16191f" : "#fff"; c.font = SMALL; c.textAlign = "center"; c.fillText(text, x - w / 2 + 8, y);
  }
}

const gradients = (inputs) => inputs.split(", ").map((i) => "∂" + i).join(", ");
const short = (x) => (x === null || x === undefined ? "–" : Math.abs(x) >= 1e5 || (Math.abs(x) < 1e-3 && x !== 0) ? x.toExponential(2) : String(+x.toPrecision(4)));
function bytesText(n) { for (const u of ["B", "kB", "MB", "GB"]) { if (n < 1000 || u === "GB") return (u === "B" ? n : +n.toPrecision(3)) + " " + u; n /= 1000; } }
function timeText(s) { return s === null || s === undefined ? "–" : s >= 1 ? +s.toPrecision(3) + " s" : s >= 1e-3 ? +(s * 1e3).toPrecision(3) + " ms" : +(s * 1e6).toPrecision(3) + " µs"; }
