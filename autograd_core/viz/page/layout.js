// A layered layout (Sugiyama's steps) of one level of the graph, from the inside out: an open module is laid out first and
// then takes part in its parent's layout as one box with ports. Only levels that changed are laid out again.

const GAP_X = 22, GAP_Y = 30, PAD = 16, HEAD = 26, LINE = 9;

function layoutLevel(g, look) {
  const vertices = [], of = new Map();
  const vertex = (data, w, h) => { const v = { data, w, h, rank: -1, x: 0, ins: [], outs: [], pos: 0, order: 0 }; vertices.push(v); return v; };
  for (const item of g.items) {
    if (look.hidden(item)) continue;
    if (item.group && item.open) layoutIfNeeded(item, look);
    const [w, h] = item.group && item.open ? item.size : look.size(item);
    of.set(item, vertex({ item }, w, h));
  }
  const enters = new Map(), leaves = new Map(), wires = [];
  for (const w of g.wires.values()) if (of.has(w.a) && of.has(w.b)) wires.push({ from: w.from, readers: w.readers, u: of.get(w.a), v: of.get(w.b) });
  if (!g.root) {
    for (const w of g.enter.values()) {
      if (!of.has(w.b) || look.hidden(w.from)) continue;
      let port = enters.get(w.from.index);
      if (!port) enters.set(w.from.index, (port = vertex({ port: w.from, enter: true }, LINE, 0)));
      wires.push({ from: w.from, readers: w.readers, u: port, v: of.get(w.b) });
    }
    for (const w of g.leave.values()) {
      if (!of.has(w.a)) continue;
      const port = vertex({ port: w.from, leave: true }, LINE, 0);
      leaves.set(w.from.index, port);
      wires.push({ from: w.from, readers: w.readers, u: of.get(w.a), v: port });
    }
  }
  rankVertices(vertices, wires);
  const { layers, chains } = bundle(vertices, wires);
  orderLayers(layers);
  placeAcross(layers);
  return placeDown(g, layers, chains, enters, leaves, of);
}

function layoutIfNeeded(g, look) {
  if (!g.size || g.stale) { layoutLevel(g, look); g.stale = false; }
}

// Ranks: the longest way from above; what has nothing above it (data, parameters) sits right above its first reader.
function rankVertices(vertices, wires) {
  const ins = new Map(vertices.map((v) => [v, []])), outs = new Map(vertices.map((v) => [v, []]));
  for (const w of wires) if (w.u !== w.v) { ins.get(w.v).push(w.u); outs.get(w.u).push(w.v); }
  const waiting = new Map(vertices.map((v) => [v, ins.get(v).length])), done = new Set();
  let ready = vertices.filter((v) => !waiting.get(v));
  for (const v of ready) v.rank = 0;
  while (done.size < vertices.length) {
    if (!ready.length) { // a ring of modules that call each other: open it at the earliest
      const next = vertices.find((v) => !done.has(v) && v.rank >= 0) || vertices.find((v) => !done.has(v));
      next.rank = Math.max(next.rank, 0); waiting.set(next, 0); ready = [next];
    }
    const v = ready.pop();
    if (done.has(v)) continue;
    done.add(v);
    for (const c of outs.get(v)) {
      if (done.has(c)) continue;
      c.rank = Math.max(c.rank, v.rank + 1);
      waiting.set(c, waiting.get(c) - 1);
      if (waiting.get(c) === 0) ready.push(c);
    }
  }
  const order = [...vertices].sort((a, b) => b.rank - a.rank); // what can wait without longer wires moves down to its readers
  for (const v of order) {
    const after = outs.get(v);
    if (!after.length || v.data.port || new Set(ins.get(v)).size > new Set(after).size) continue;
    const near = Math.min(...after.map((c) => (c.data.leave ? Infinity : c.rank))) - 1;
    if (near > v.rank && near < Infinity) v.rank = near;
  }
  let top = 0, bottom = 0;
  for (const v of vertices) if (!ins.get(v).length && !v.data.enter && outs.get(v).length) v.rank = Math.min(...outs.get(v).map((c) => c.rank)) - 1;
  for (const v of vertices) if (!v.data.port) { top = Math.min(top, v.rank); bottom = Math.max(bottom, v.rank); }
  const lift = vertices.some((v) => v.data.enter) ? 1 - top : -top;
  for (const v of vertices) v.rank = v.data.enter ? 0 : v.data.leave ? bottom + lift + 1 : v.rank + lift;
}

// Long wires pass through bends, one in each layer; all wires of one value share one chain of bends.
function bundle(vertices, wires) {
  const layers = [], far = 60000;
  const put = (v) => { while (layers.length <= v.rank) layers.push([]); layers[v.rank].push(v); };
  for (const v of vertices) put(v);
  const span = wires.reduce((s, w) => s + Math.max(0, w.v.rank - w.u.rank - 1), 0), loose = span > far;
  const byStart = new Map();
  for (const w of wires) {
    if (!byStart.has(w.u)) byStart.set(w.u, new Map());
    const m = byStart.get(w.u);
    if (!m.has(w.from)) m.set(w.from, []);
    m.get(w.from).push(w);
  }
  const chains = [];
  for (const [u, m] of byStart) for (const [from, list] of m) {
    list.sort((a, b) => a.v.rank - b.v.rank);
    const chain = [u];
    let tail = u;
    for (const w of list) {
      const direct = w.v.rank <= u.rank || (loose && w.v.rank - u.rank > 40);
      if (!direct) while (tail.rank < w.v.rank - 1) {
        const bend = { data: { bend: true }, w: LINE, h: 0, rank: tail.rank + 1, x: 0, ins: [], outs: [], pos: 0, order: 0 };
        put(bend); link(tail, bend, from, 6, tail === u); tail = bend; chain.push(bend);
      }
      const start = direct ? u : chain[w.v.rank - 1 - u.rank];
      if (!direct) link(start, w.v, from, start === u ? 1 : 2, start === u);
      chains.push({ w, points: direct ? [u] : chain.slice(0, w.v.rank - u.rank), direct });
    }
  }
  return { layers, chains };
  function link(a, b, from, weight) {
    const edge = { a, b, from, weight: from.kind === "op" || from.kind === "module" ? weight : weight * 0.25 }; // data runs straight, parameters stand aside
    a.outs.push(edge); b.ins.push(edge);
  }
}

// Where on a box a wire starts or ends, from the box's middle: at a port of an open module, else at the middle.
function offset(v, from, down) {
  const item = v.data.item;
  if (item && item.group && item.open) {
    const port = (down ? item.outPorts : item.inPorts).get(from.index);
    if (port !== undefined) return port - v.w / 2;
  }
  return 0;
}

function orderLayers(layers) {
  let total = 0;
  for (const layer of layers) { total += layer.length; layer.forEach((v, i) => (v.pos = i)); }
  const sweeps = total > 8000 ? 4 : total > 2500 ? 8 : 20;
  let best = null, least = Infinity;
  const judge = total <= 2500;
  if (judge) { least = crossings(layers); best = layers.map((l) => l.slice()); }
  for (let s = 0; s < sweeps && least > 0; s++) {
    const downward = s % 2 === 0;
    for (let k = 0; k < layers.length; k++) {
      const layer = layers[downward ? k : layers.length - 1 - k];
      for (const v of layer) {
        const near = downward ? v.ins : v.outs;
        v.key = near.length ? median(near, downward) : -1;
      }
      const movable = layer.filter((v) => v.key >= 0);
      movable.sort((a, b) => a.key - b.key || (s % 4 < 2 ? a.pos - b.pos : b.pos - a.pos));
      let m = 0;
      for (let i = 0; i < layer.length; i++) if (layer[i].key >= 0) layer[i] = movable[m++];
      layer.forEach((v, i) => (v.pos = i));
    }
    if (judge) { const c = crossings(layers); if (c < least) { least = c; best = layers.map((l) => l.slice()); } else if (s > 8 && c > least * 1.5) break; }
  }
  if (best) best.forEach((l, i) => { layers[i] = l; l.forEach((v, j) => (v.pos = j)); });
}

function median(edges, downward) {
  const at = edges.map((e) => (downward ? e.a.pos + frac(e.a, e.from, true) : e.b.pos + frac(e.b, e.from, false))).sort((x, y) => x - y);
  const m = at.length >> 1;
  return at.length % 2 ? at[m] : (at[m - 1] + at[m]) / 2;
}
const frac = (v, from, down) => (v.w > LINE ? (offset(v, from, down) / v.w) * 0.9 : 0);

function crossings(layers) {
  let total = 0;
  for (let r = 1; r < layers.length; r++) {
    const pairs = [];
    for (const v of layers[r]) for (const e of v.ins) pairs.push([e.a.pos + frac(e.a, e.from, true), v.pos + frac(v, e.from, false)]);
    pairs.sort((p, q) => p[0] - q[0] || p[1] - q[1]);
    const width = layers[r].length * 2 + 2, tree = new Int32Array(width + 1); // counts pairs out of order in O(n log n)
    for (let i = pairs.length - 1; i >= 0; i--) {
      const at = Math.max(1, Math.min(width, Math.round(pairs[i][1] * 2) + 2));
      for (let j = at - 1; j > 0; j -= j & -j) total += tree[j];
      for (let j = at; j <= width; j += j & -j) tree[j]++;
    }
  }
  return total;
}

// Across: every layer in turn takes the places that its neighbours wish for, as nearly as the widths allow (weighted least
// squares under a fixed order, which pooling adjacent violators solves exactly).
function placeAcross(layers) {
  let total = 0;
  for (const layer of layers) {
    let x = 0;
    for (const v of layer) { v.x = x + v.w / 2; x += v.w + gap(v); }
    for (const v of layer) v.x -= x / 2;
    total += layer.length;
  }
  const rounds = total > 8000 ? 6 : total > 2000 ? 10 : 24;
  for (let k = 0; k < rounds; k++) {
    const both = k >= rounds - 4;
    for (let r = 0; r < layers.length; r++) settle(layers[k % 2 ? layers.length - 1 - r : r], k % 2 === 0, both);
  }
}
const gap = (v) => (v.data.item ? GAP_X : v.data.bend ? 8 : 10);

function settle(layer, downward, both) {
  const n = layer.length, wish = new Float64Array(n), weights = new Float64Array(n), apart = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const v = layer[i];
    if (i) apart[i] = (layer[i - 1].w + v.w) / 2 + Math.max(gap(layer[i - 1]), gap(v));
    let sum = 0, weight = 0;
    if (downward || both) for (const e of v.ins) { sum += e.weight * (e.a.x + offset(e.a, e.from, true) - offset(v, e.from, false)); weight += e.weight; }
    if (!downward || both) for (const e of v.outs) { sum += e.weight * (e.b.x + offset(e.b, e.from, false) - offset(v, e.from, true)); weight += e.weight; }
    wish[i] = weight ? sum / weight : v.x; weights[i] = weight || 0.1;
  }
  const x = inOrder(wish, weights, apart);
  for (let i = 0; i < n; i++) layer[i].x = x[i];
}

// The places nearest to the wishes (weighted least squares) that keep the order and lie at least `apart[i]` after their forerunner.
function inOrder(wish, weights, apart) {
  const n = wish.length, sums = new Float64Array(n), mass = new Float64Array(n), sizes = new Int32Array(n), x = new Float64Array(n);
  let blocks = 0, shift = 0;
  for (let i = 0; i < n; i++) {
    shift += apart[i]; x[i] = shift;
    sums[blocks] = weights[i] * (wish[i] - shift); mass[blocks] = weights[i]; sizes[blocks] = 1;
    while (blocks > 0 && sums[blocks - 1] / mass[blocks - 1] > sums[blocks] / mass[blocks]) {
      sums[blocks - 1] += sums[blocks]; mass[blocks - 1] += mass[blocks]; sizes[blocks - 1] += sizes[blocks]; blocks--;
    }
    blocks++;
  }
  for (let b = 0, i = 0; b < blocks; b++) { const at = sums[b] / mass[b]; for (let k = 0; k < sizes[b]; k++, i++) x[i] += at; }
  return x;
}

function placeDown(g, layers, chains, enters, leaves, of) {
  let y = g.root ? 0 : HEAD + 8, left = Infinity, right = -Infinity;
  layers.forEach((layer, r) => {
    const h = layer.reduce((m, v) => Math.max(m, v.h), 0);
    let reach = 0;
    for (const v of layer) {
      for (const e of v.ins) reach = Math.max(reach, Math.abs(e.a.x - v.x));
      left = Math.min(left, v.x - v.w / 2); right = Math.max(right, v.x + v.w / 2);
    }
    const ports = r && (layers[r - 1].every((v) => v.data.port) || layer.every((v) => v.data.port));
    if (r) y += (ports ? 6 : GAP_Y) + Math.min(46, reach * 0.07);
    for (const v of layer) { v.top = y; v.layerHeight = h; v.y = v.data.item ? y + (h - v.h) / 2 : y; if (v.data.port) v.y = y; }
    y += h;
  });
  if (left > right) { left = 0; right = 0; }
  const minimum = g.root ? 0 : g.headWidth || 0, extra = Math.max(0, minimum - (right - left + 2 * PAD)) / 2;
  const dx = PAD + extra - left, width = Math.max(minimum, right - left + 2 * PAD), height = y + (g.root ? 0 : 10);
  for (const [item, v] of of) { item.rx = v.x + dx - v.w / 2; item.ry = v.y; item.rw = v.w; item.rh = v.h; }
  g.inPorts = new Map(); g.outPorts = new Map();
  for (const [i, v] of enters) g.inPorts.set(i, v.x + dx);
  for (const [i, v] of leaves) g.outPorts.set(i, v.x + dx);
  const ends = new Map(); // wires that share a side of a plain box are spread along it
  for (const c of chains) {
    if (c.w.u.data.item) note(ends, c.w.u, true, c.w.from, c.points[1] || c.w.v);
    if (c.w.v.data.item) note(ends, c.w.v, false, c.w.from, c.points[c.points.length - 1]);
  }
  for (const side of ends.values()) {
    const list = [...side.marks.values()].sort((a, b) => a.x - b.x), n = list.length, half = side.v.w * (side.v.data.item.kind === "parameter" ? 0.2 : 0.4), step = Math.min(10, (2 * half) / Math.max(1, n - 1));
    const places = inOrder(list.map((m) => Math.max(-half, Math.min(half, m.x - side.v.x))), list.map((m) => (m.main ? 8 : 1)), list.map((_, i) => (i ? step : 0)));
    const over = Math.max(0, places[n - 1] - half) || Math.min(0, places[0] + half);
    list.forEach((m, i) => (m.at = places[i] - over));
  }
  const at = (v, from, down) => {
    const item = v.data.item;
    if (!item || (item.group && item.open)) return offset(v, from, down);
    const side = ends.get(down ? v.sideDown : v.sideUp), mark = side && side.marks.get(from.index);
    return mark ? mark.at : 0;
  };
  g.paths = chains.map(({ w, points, direct }) => {
    const p = [], u = w.u, v = w.v;
    const x0 = u.x + at(u, w.from, true) + dx, x1 = v.x + at(v, w.from, false) + dx;
    const bottom = u.data.item ? u.y + u.h : u.data.enter ? 0 : u.top;
    p.push(x0, bottom, x0, Math.max(bottom, u.top + u.layerHeight));
    for (const b of points.slice(1)) p.push(b.x + dx, b.top, b.x + dx, b.top + b.layerHeight);
    const top = v.data.item ? v.y : v.data.leave ? height : v.top;
    p.push(x1, Math.min(v.top, top), x1, top);
    return { from: w.from, readers: w.readers, points: p, u: u.data.item || null, v: v.data.item || null, direct, arrow: !!(v.data.item && !(v.data.item.group && v.data.item.open)) };
  });
  g.size = [width, height];
}

function note(ends, v, down, from, other) {
  const name = down ? "sideDown" : "sideUp";
  const key = v[name] || (v[name] = { v });
  if (!ends.has(key)) ends.set(key, { v, marks: new Map() });
  const marks = ends.get(key).marks, m = marks.get(from.index);
  const plain = other.data.item && !(other.data.item.group && other.data.item.open);
  const x = plain ? (other.x + v.x) / 2 : other.x + (other.data.item ? offset(other, from, !down) : 0); // two boxes meet half way, so the wire is straight
  if (m) { m.sum += x; m.n++; m.x = m.sum / m.n; } else marks.set(from.index, { x, sum: x, n: 1, at: 0, main: from.kind === "op" || from.kind === "module" });
}
