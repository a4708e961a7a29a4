// What colours mean. Families have a hue each; times, bytes and gradient norms have a ramp; NaN has red.

const HUES = { matmul: [217, 62], conv: [199, 70], activation: [16, 70], norm: [266, 45], elementwise: [217, 12], reduce: [162, 55], shape: [42, 16],
  index: [96, 48], loss: [342, 62], random: [43, 78], other: [0, 0] };
const COLOUR_MODES = [["family", "op family"], ["forward", "forward time"], ["backward", "backward time"], ["bytes", "bytes of the value"],
  ["saved", "bytes kept for backward"], ["grad", "gradient norm"], ["nan", "NaN and infinity"]];

function theme(dark) {
  const families = {};
  for (const [name, [h, s]] of Object.entries(HUES)) {
    families[name] = dark ? { fill: `hsl(${h} ${s * 0.55}% 23%)`, edge: `hsl(${h} ${Math.min(80, s + 8)}% 63%)` } : { fill: `hsl(${h} ${Math.min(90, s + 22)}% 94%)`, edge: `hsl(${h} ${s}% 46%)` };
  }
  return dark
    ? { dark, families, ink: "#e7ebf3", soft: "#a3adbf", line: "#65718a", faint: "#3b4558", paper: "#12151c", accent: "#6ea1ff", bad: "#ff7b72", badFill: "#4d1f22",
        levels: ["#171c26", "#1c222e", "#222937", "#283041"], box: "#364259", parameter: { fill: "#3a3217", edge: "#d9ae3c" }, input: { fill: "#1c3524", edge: "#5fbf73" },
        constant: { fill: "#1a1f29", edge: "#76819a" }, module: { fill: "#27303f", edge: "#8494b0" }, plain: { fill: "#242a36", edge: "#4a5468" } }
    : { dark, families, ink: "#1b2333", soft: "#5d687c", line: "#97a2b5", faint: "#d4dae4", paper: "#f7f8fb", accent: "#2f6fed", bad: "#cf222e", badFill: "#ffdcdc",
        levels: ["#ffffff", "#f6f8fc", "#eef2f8", "#e7ecf5"], box: "#c3ccdb", parameter: { fill: "#fff5d6", edge: "#c3941a" }, input: { fill: "#e2f6e5", edge: "#3a9748" },
        constant: { fill: "#ffffff", edge: "#9aa4b5" }, module: { fill: "#e9eef6", edge: "#61718c" }, plain: { fill: "#f1f3f7", edge: "#b9c2d0" } };
}

function mix(a, b, t) { return a.map((x, i) => Math.round(x + (b[i] - x) * t)); }
function ramp(stops, t) {
  const x = Math.max(0, Math.min(1, t)) * (stops.length - 1), i = Math.min(stops.length - 2, Math.floor(x));
  return mix(stops[i], stops[i + 1], x - i);
}
const HEAT = { light: [[255, 251, 235], [254, 217, 118], [244, 120, 50], [165, 15, 40]], dark: [[38, 38, 44], [92, 62, 30], [190, 92, 28], [255, 190, 92]] };
const FLOW = { light: [[32, 76, 190], [148, 190, 240], [242, 243, 246], [250, 178, 130], [190, 20, 40]], dark: [[92, 140, 255], [44, 72, 130], [40, 44, 54], [140, 66, 36], [255, 112, 92]] };
const css = (c) => `rgb(${c[0]} ${c[1]} ${c[2]})`;

// The scale of a colour mode over the whole graph: from a node's number to 0..1.
function scaleFor(graph, mode) {
  if (mode === "family" || mode === "nan") return null;
  const get = { forward: (n) => n.forward, backward: (n) => n.backward, bytes: (n) => n.bytes, saved: (n) => n.savedBytes,
    grad: (n) => (n.gradNorm !== undefined ? n.gradNorm : n.grad ? n.grad[4] : null) }[mode];
  const values = graph.nodes.map(get).filter((x) => x !== null && x > 0).sort((a, b) => a - b);
  if (!values.length) return { mode, get, empty: true, of: () => null };
  if (mode === "grad") { // decades away from the median norm; four decades reach the end of the ramp
    const middle = Math.log10(values[values.length >> 1]);
    return { mode, get, middle, of: (n) => { const x = get(n); return x === null || x === undefined ? null : x === 0 ? 0 : 0.5 + (Math.log10(x) - middle) / 8; } };
  }
  const top = Math.max(values[values.length - 1], ...graph.groups.filter((g) => !g.open).map(get).map((x) => x || 0).filter((x) => x < Infinity && graph.groups.length < 20000));
  return { mode, get, top, of: (n) => { const x = get(n); return x === null || x === undefined ? null : Math.sqrt(x / top); } };
}

// What a comparison of two graphs found of a node.
const MARKS = { added: ["only in the second", [140, 60]], removed: ["only in the first", [28, 90]], numbers: ["differs", [271, 70]] };
function markPaint(mark, T) {
  const [h, s] = MARKS[mark][1];
  return T.dark ? { fill: `hsl(${h} ${s * 0.6}% 20%)`, edge: `hsl(${h} ${s}% 62%)`, ink: T.ink, soft: T.soft, strong: true } : { fill: `hsl(${h} ${s}% 92%)`, edge: `hsl(${h} ${s}% 36%)`, ink: T.ink, soft: T.soft, strong: true };
}

function paint(item, T, mode, scale) {
  const own = item.group ? T.module : item.kind === "op" ? T.families[item.family] || T.families.other : T[item.kind] || T.module;
  if (item.origin || item.gradOrigin) return { fill: T.badFill, edge: T.bad, ink: T.ink, soft: T.soft, strong: true };
  if (MARKS[item.mark]) return markPaint(item.mark, T);
  if (mode === "family") return { fill: own.fill, edge: own.edge, ink: T.ink, soft: T.soft };
  if (mode === "nan") {
    const bad = item.group ? item.nan : item.badValue || item.badGrad;
    return bad ? { fill: T.dark ? "#4a3517" : "#ffe8c7", edge: T.dark ? "#e0a040" : "#c77700", ink: T.ink, soft: T.soft } : { ...T.plain, ink: T.ink, soft: T.soft };
  }
  const t = scale.of(item);
  if (t === null) return { ...T.plain, ink: T.soft, soft: T.soft };
  const c = ramp((mode === "grad" ? FLOW : HEAT)[T.dark ? "dark" : "light"], t), light = (c[0] * 299 + c[1] * 587 + c[2] * 114) / 1000 > 140;
  const edge = css(mix(c, T.dark ? [255, 255, 255] : [20, 20, 40], 0.4));
  return { fill: css(c), edge, ink: light ? "#161c28" : "#ffffff", soft: light ? "#3b4456" : "#e8ecf4" };
}
