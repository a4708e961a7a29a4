// The panel at the side: all that is known of one node, one module call or the whole graph. Text from the user's program is only
// ever set as text, never as markup.

function el(tag, attributes, ...inside) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes || {})) if (k === "class") e.className = v; else if (k === "style") Object.assign(e.style, v); else if (k.startsWith("on")) e.addEventListener(k.slice(2), v); else e.setAttribute(k, v);
  for (const i of inside.flat(Infinity)) if (i !== null && i !== undefined && i !== "") e.append(i);
  return e;
}

function showPanel(page, item) {
  const box = document.getElementById("detail");
  box.replaceChildren(...(!item ? overview(page) : item.group ? groupDetail(page, item) : nodeDetail(page, item)).filter(Boolean));
  document.getElementById("panel").scrollTop = 0;
}

const pairs = (rows) => el("dl", {}, rows.filter((r) => r && r[1] !== "" && r[1] !== null && r[1] !== undefined).map(([k, v]) => [el("dt", {}, k), el("dd", {}, v)]));
const head = (text) => el("h3", {}, text);
const go = (page, item, text) => el("a", { class: "go", tabindex: "0", onclick: () => page.show(item), onkeydown: (e) => { if (e.key === "Enter") page.show(item); } }, text);
const nodeName = (n) => (n.kind === "op" ? n.op + " %" + n.id : n.name || n.op);

function nodeDetail(page, n) {
  const G = page.graph, N = G.nodes, info = G.infos[n.info] || { formula: "", scalar: "", rules: [] }, p = paint(n, page.scene.T, "family", null);
  const out = [el("h2", {}, n.kind === "module" ? n.op + " " + n.name : n.label || nodeName(n))];
  if (n.up && !n.up.root) out.push(el("div", { class: "sub" }, "in ", go(page, n.up, n.up.path), " · ", n.up.type));
  out.push(el("div", {}, el("span", { class: "chip", style: { background: p.fill, borderColor: p.edge } }, n.kind === "op" ? n.family : n.kind),
    n.output ? el("span", { class: "chip" }, "output") : null, n.requiresGrad ? el("span", { class: "chip" }, "requires grad") : null));
  if (n.note) out.push(el("div", { class: "warn" }, n.note));
  if (n.origin && !n.note) out.push(el("div", { class: "warn" }, "The first NaN or infinity came from here: all its inputs were finite."));
  if (n.gradOrigin) out.push(el("div", { class: "warn" }, "The first NaN or infinity of the gradient arrived here."));
  if (info.formula) out.push(head("Formula"), el("div", { class: "formula" }, info.formula));
  out.push(pairs([["shape", n.shape], ["dtype", n.dtype], ["value", n.bytes ? bytesText(n.bytes) : ""], ["arguments", n.params], ["forward", n.forward === null ? "" : timeText(n.forward)], ["backward", n.backward === null ? "" : timeText(n.backward)]]));
  if (n.source >= 0) out.push(head("Line"), ...sourceLines(G, n.source));
  const inputs = n.inputs.split(",");
  if (n.parents.some((q) => q >= 0)) out.push(head("Made from"), el("table", {}, n.parents.map((q, k) => (q < 0 ? null : el("tr", {}, el("td", {}, inputs[k] || ""), el("td", { class: "name" }, go(page, N[q], nodeName(N[q]))), el("td", {}, N[q].shape))))));
  if (n.children.length) out.push(head("Read by"), el("table", {}, n.children.slice(0, 12).map((q) => el("tr", {}, el("td", { class: "name" }, go(page, N[q], nodeName(N[q]))), el("td", {}, N[q].shape))), n.children.length > 12 ? el("tr", {}, el("td", { class: "name" }, "and " + (n.children.length - 12) + " more")) : null));
  if (info.rules.length) {
    out.push(head("Gradient rules"));
    for (const [input, code, formula] of info.rules) out.push(el("div", { class: "rule" }, el("div", { class: "formula" }, gradients(input) + " = " + (formula || "none")), code ? el("code", {}, code) : null));
  }
  if (n.saved.length) {
    out.push(head("Kept for backward · " + bytesText(n.savedBytes)));
    out.push(el("table", {}, n.saved.map((s) => el("tr", {}, el("td", { class: "name" }, s[0] + (s[4].startsWith("p") ? " (the parameter itself)" : "")), el("td", {}, s[1] + " " + s[2]), el("td", {}, bytesText(s[3]))))));
  }
  out.push(...statistics("Value", n.value), ...statistics("Gradient", n.grad));
  return out;
}

function sourceLines(G, index) {
  const [file, line, name] = G.sources[index], f = G.files[file], out = [el("div", { class: "sub" }, f.name + ":" + line + (name ? " in " + name : ""))];
  const rows = [];
  for (let k = line - 3; k <= line + 3; k++) if (f.lines[k] !== undefined) rows.push(el("div", k === line ? { class: "here" } : {}, el("i", {}, String(k)), f.lines[k] || " "));
  if (rows.length) out.push(el("pre", { class: "source" }, rows));
  return out;
}

function statistics(title, s) {
  if (!s) return [];
  const [min, max, mean, std, norm, zeros, nan, inf, low, high, counts, size] = s, out = [head(title)];
  if (nan || inf) out.push(el("div", { class: "warn" }, [nan ? nan.toLocaleString("en") + " NaN" : "", inf ? inf.toLocaleString("en") + " infinite" : ""].filter(Boolean).join(", ") + " of " + size.toLocaleString("en")));
  if (counts.length > 1) out.push(histogram(counts), el("div", { class: "ends" }, el("span", {}, short(low)), el("span", {}, short(high))));
  out.push(pairs([["mean ± std", short(mean) + " ± " + short(std)], ["range", short(min) + " to " + short(max)], ["norm", short(norm)], ["zeros", +(zeros * 100).toPrecision(3) + " %"]]));
  return out;
}

function histogram(counts) {
  const NS = "http://www.w3.org/2000/svg", svg = document.createElementNS(NS, "svg"), top = Math.max(...counts), w = 240 / counts.length;
  svg.setAttribute("class", "hist"); svg.setAttribute("viewBox", "0 0 240 60"); svg.setAttribute("preserveAspectRatio", "none"); svg.setAttribute("role", "img"); svg.setAttribute("aria-label", "histogram");
  counts.forEach((n, i) => {
    const r = document.createElementNS(NS, "rect"), h = n ? Math.max(1, (n / top) * 58) : 0;
    for (const [k, v] of [["x", i * w + 0.4], ["y", 60 - h], ["width", w - 0.8], ["height", h]]) r.setAttribute(k, v);
    svg.append(r);
  });
  return svg;
}

function ranking(page, nodes, get, text, count = 8) {
  const best = nodes.filter((n) => get(n) > 0).sort((a, b) => get(b) - get(a)).slice(0, count), top = best.length ? get(best[0]) : 1;
  return el("table", {}, best.map((n) => el("tr", {}, el("td", { class: "name" }, go(page, n, nodeName(n)), el("div", { class: "bar", style: { width: (100 * get(n)) / top + "%" } })), el("td", {}, text(get(n))))));
}

function heaviest(page, nodes) {
  const ops = nodes.filter((n) => n.kind === "op" || n.kind === "module"), out = [];
  if (ops.some((n) => n.forward > 0)) out.push(head("Longest"), ranking(page, ops, (n) => (n.forward || 0) + (n.backward || 0), timeText));
  if (ops.some((n) => n.savedBytes > 0)) out.push(head("Keeps most for backward"), ranking(page, ops, (n) => n.savedBytes, bytesText));
  return out;
}

function groupDetail(page, g) {
  const out = [el("h2", {}, g.type + (g.repeat > 1 ? " × " + g.repeat : "")), el("div", { class: "sub" }, g.repeat > 1 ? g.path + " … " + g.last : g.path)];
  if (!g.up.root) out.push(el("div", { class: "sub" }, "in ", go(page, g.up, g.up.path)));
  out.push(el("p", {}, el("button", { onclick: () => page.toggle(g) }, g.open ? "Fold" : "Unfold")));
  out.push(pairs([["ops", g.ops.toLocaleString("en")], ["parameters", g.params ? g.params.toLocaleString("en") : ""], ["values", g.bytes ? bytesText(g.bytes) : ""], ["kept for backward", g.saved ? bytesText(g.saved) : ""], ["forward", g.forward ? timeText(g.forward) : ""], ["backward", g.backward ? timeText(g.backward) : ""]]));
  return [...out, ...heaviest(page, g.nodes)];
}

function overview(page) {
  const G = page.graph, outputs = G.nodes.filter((n) => n.output), bad = G.nodes.filter((n) => n.origin || n.gradOrigin);
  const out = [el("h2", {}, G.title || "Graph"), el("div", { class: "sub" }, G.heading)];
  if (G.note) out.push(el("div", { class: "warn" }, G.note));
  if (bad.length) out.push(head("Trouble began at"), el("table", {}, bad.slice(0, 8).map((n) => el("tr", {}, el("td", { class: "name" }, go(page, n, nodeName(n))), el("td", {}, n.up.path)))));
  if (outputs.length) out.push(head(outputs.length === 1 ? "Output" : "Outputs"), el("table", {}, outputs.slice(0, 8).map((n) => el("tr", {}, el("td", { class: "name" }, go(page, n, nodeName(n))), el("td", {}, n.value && n.shape === "()" ? short(n.value[2]) : n.shape)))));
  out.push(...heaviest(page, G.nodes));
  out.push(head("Hints"), el("div", { class: "sub" }, "Click a node for its rule, line and numbers. Click a module to fold or unfold it. Rest on a parameter to see the way of its gradient from the output. Press ? for the keys."));
  return out;
}
