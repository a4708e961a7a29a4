// The data of the page: nodes, the tree of module calls, and the edges as each level of that tree sees them.

const KIND = ["op", "parameter", "input", "constant", "module"];

function readGraph(raw) {
  const S = raw.strings, count = raw.id.length;
  const groups = raw.modules.map((m, i) => ({
    group: true, key: "g" + i, path: S[m[0]], type: S[m[1]], up: m[2], repeat: m[3], last: S[m[4]],
    items: [], open: false, level: 1, ops: 0, params: 0, bytes: 0, saved: 0, forward: 0, backward: 0,
    gradNorm: null, nan: false, mark: "", first: Infinity, nodes: [], requiresGrad: false,
  }));
  const root = { group: true, key: "root", path: "", type: "", up: null, repeat: 1, items: [], open: true, level: 0, ops: 0, params: 0,
    bytes: 0, saved: 0, forward: 0, backward: 0, gradNorm: null, nan: false, mark: "", first: -Infinity, nodes: [], root: true };
  const nodes = new Array(count);
  for (let i = 0; i < count; i++) {
    nodes[i] = {
      index: i, key: "n" + raw.id[i], id: raw.id[i], op: S[raw.op[i]], kind: KIND[raw.kind[i]], name: S[raw.name[i]], shape: S[raw.shape[i]],
      dtype: S[raw.dtype[i]], parents: raw.parents[i], inputs: S[raw.inputs[i]], params: S[raw.params[i]], family: S[raw.family[i]],
      info: raw.info[i], source: raw.source[i], saved: raw.saved[i] || [], savedBytes: raw.savedBytes[i], bytes: raw.bytes[i],
      forward: raw.forward[i], backward: raw.backward[i], value: raw.value[i], grad: raw.grad[i], flags: raw.flags[i], requiresGrad: !!(raw.flags[i] & 1),
      output: !!(raw.flags[i] & 2), mark: S[raw.mark[i]], note: S[raw.remark[i]], count: raw.count[i], children: [], up: null,
    };
    const g = raw.module[i];
    nodes[i].up = g < 0 ? root : groups[g];
  }
  for (const n of nodes) {
    const seen = new Set();
    for (const p of n.parents) if (p >= 0 && !seen.has(p)) { seen.add(p); nodes[p].children.push(n.index); }
  }
  for (const g of groups) g.up = g.up < 0 ? root : groups[g.up];
  for (const n of nodes) n.up.items.push(n);
  for (const g of groups) { g.level = 1; for (let u = g.up; u !== root; u = u.up) g.level++; }
  for (const n of nodes) for (let g = n.up; g; g = g.up) { g.nodes.push(n); if (n.kind === "op") g.first = Math.min(g.first, n.index); }
  for (const g of groups) { if (g.first === Infinity) g.first = g.nodes.length ? g.nodes[0].index : 0; if (g.nodes.length) g.up.items.push(g); }
  const all = [root, ...groups];
  for (const g of all) splitLong(g, all);
  for (const g of all) g.items.sort((a, b) => place(a) - place(b));
  const graph = { nodes, groups: all.slice(1), root, strings: S, infos: raw.infos, sources: raw.sources, files: raw.files, title: raw.title,
    note: raw.note, heading: raw.heading, families: raw.families, has: raw.has, byKey: new Map() };
  for (const n of nodes) graph.byKey.set(n.key, n);
  for (const g of all) graph.byKey.set(g.key, g);
  findTrouble(graph);
  for (const g of all) summarise(g);
  wireLevels(graph);
  return graph;
}

const place = (item) => (item.group ? item.first : item.index);

// A level with too many items to lay out at once gets folders of neighbouring ops, so that any graph opens folded.
function splitLong(g, all) {
  const LIMIT = 6000;
  if (g.items.length <= LIMIT) return;
  g.items.sort((a, b) => place(a) - place(b));
  const size = Math.max(200, Math.ceil(g.items.length / 200)), items = g.items;
  g.items = [];
  for (let at = 0; at < items.length; at += size) {
    const part = items.slice(at, at + size), path = (g.path ? g.path + " " : "") + "steps " + (at + 1) + "–" + (at + part.length);
    const folder = { group: true, key: "s" + all.length, path, type: "Ops", up: g, repeat: 1, last: "", items: part, open: false, level: g.level + 1,
      ops: 0, params: 0, bytes: 0, saved: 0, forward: 0, backward: 0, gradNorm: null, nan: false, mark: "", first: place(part[0]), nodes: [] };
    for (const item of part) { item.up = folder; folder.nodes.push(...(item.group ? item.nodes : [item])); }
    all.push(folder);
    g.items.push(folder);
  }
  for (const folder of g.items) for (const item of folder.items) if (item.group) raiseLevel(item);
}
function raiseLevel(g) { g.level++; for (const i of g.items) if (i.group) raiseLevel(i); }

const isBad = (s) => !!s && s[6] + s[7] > 0;

// Where NaN or infinity began. Forward is judged where the records are (an infinity may be meant); backward, it is a bad gradient whose
// readers' gradients are good.
function findTrouble(graph) {
  const N = graph.nodes;
  for (const n of N) {
    n.badValue = !!(n.flags & 4); n.origin = !!(n.flags & 8); n.badGrad = isBad(n.grad);
  }
  const forwardBad = N.some((n) => n.badValue);
  for (const n of N) if (n.badGrad && !forwardBad && !n.children.some((c) => isBad(N[c].grad))) n.gradOrigin = true;
}

function summarise(g) {
  const blocks = new Map();
  for (const n of g.nodes) {
    if (n.kind === "op" || n.kind === "module") { g.ops += n.count; g.bytes += n.bytes; g.forward += n.forward || 0; g.backward += n.backward || 0; }
    if (n.kind === "parameter") g.params += n.elements = n.shape === "()" ? 1 : n.shape.split("×").reduce((a, b) => a * +b, 1);
    for (const s of n.saved) if (!s[4].startsWith("p")) blocks.set(s[4], s[3]); // a parameter is in memory anyway
    if (n.grad && n.grad[4] !== null) g.gradNorm = Math.max(g.gradNorm ?? 0, n.grad[4]);
    g.nan = g.nan || n.badValue || n.badGrad; g.origin = g.origin || n.origin || n.gradOrigin; g.mark = g.mark || n.mark; g.requiresGrad = g.requiresGrad || n.requiresGrad;
  }
  for (const b of blocks.values()) g.saved += b;
  g.savedBytes = g.saved;
}

// For every group: wires between its own items, wires that enter it, wires that leave it. One wire carries one value (`from`)
// to all its readers behind one item.
function wireLevels(graph) {
  for (const g of [graph.root, ...graph.groups]) { g.wires = new Map(); g.enter = new Map(); g.leave = new Map(); }
  const lift = (item, level) => { while (item.up.level > level) item = item.up; return item; };
  for (const n of graph.nodes) {
    for (const pi of new Set(n.parents)) {
      if (pi < 0) continue;
      const p = graph.nodes[pi];
      let a = p.up, b = n.up;
      while (a.level > b.level) a = a.up;
      while (b.level > a.level) b = b.up;
      while (a !== b) { a = a.up; b = b.up; }
      const u = lift(p, a.level), v = lift(n, a.level);
      add(a.wires, p.index + ">" + v.key, p, u, v, n);
      for (let item = p; item !== u; item = item.up) add(item.up.leave, p.index, p, item, null, n);
      for (let item = n; item !== v; item = item.up) add(item.up.enter, p.index + ">" + item.key, p, null, item, n);
    }
  }
  function add(map, key, from, a, b, reader) {
    let w = map.get(key);
    if (!w) map.set(key, (w = { from, a, b, readers: [] }));
    w.readers.push(reader.index);
  }
}

// The items on every way from `n` on to the outputs, and from `n` back to what it was made of. With `gradient`, only where a gradient runs.
function pathsToOutput(graph, n, gradient) {
  const N = graph.nodes, down = new Set([n.index]), todo = [n.index];
  while (todo.length) for (const c of N[todo.pop()].children) if (!down.has(c) && (!gradient || N[c].requiresGrad)) { down.add(c); todo.push(c); }
  const ends = [...down].filter((i) => N[i].output), up = new Set(ends.length ? ends : [...down].filter((i) => !N[i].children.length)), back = [...up];
  while (back.length) for (const p of N[back.pop()].parents) if (p >= 0 && down.has(p) && !up.has(p)) { up.add(p); back.push(p); }
  up.add(n.index);
  return up;
}
