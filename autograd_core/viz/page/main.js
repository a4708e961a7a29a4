// The page: events, keys, search, and what the buttons do.

function startPage() {
  const t0 = performance.now(), graph = readGraph(JSON.parse(document.getElementById("data").textContent)), t1 = performance.now();
  const canvas = document.getElementById("canvas"), scene = new Scene(canvas, graph), $ = (id) => document.getElementById(id);
  const page = { graph, scene, fonts: [TITLE, SMALL], timings: { read: t1 - t0 }, select, show, toggle, find, setView, setColour, fold, unfold, position, highlight, visible: () => scene.items.length };
  let dark = matchMedia("(prefers-color-scheme: dark)").matches, hitList = [], hitAt = -1, pinned = null;

  $("title").textContent = graph.title || "Graph";
  for (const [value, label] of COLOUR_MODES) {
    if (!graph.has[value] && value !== "family") continue;
    const o = document.createElement("option"); o.value = value; o.textContent = label; $("colour").append(o);
  }
  setTheme(dark);
  openUntil(260);
  if (graph.has.trouble) { setColour("nan"); graph.nodes.filter((n) => n.origin || n.gradOrigin).slice(0, 3).forEach(reveal); }
  const t2 = performance.now();
  scene.arrange(null, false);
  page.timings.layout = performance.now() - t2;
  scene.start();
  const t3 = performance.now();
  scene.draw();
  page.timings.firstDraw = performance.now() - t3;
  page.timings.firstPaint = performance.now();
  showPanel(page, null);
  legend();

  // Unfold from the outside in while it stays easy to survey.
  function openUntil(limit) {
    let shown = graph.root.items.length, level = graph.root.items.filter((i) => i.group);
    while (level.length) {
      const next = [];
      for (const g of level) {
        if (shown + g.items.length > limit) continue;
        g.open = true; shown += g.items.length; next.push(...g.items.filter((i) => i.group));
      }
      level = next;
    }
  }
  function stale(g) { for (let u = g; u; u = u.up) u.stale = true; }
  function toggle(g, smooth = true) {
    const t = performance.now();
    g.open = !g.open; stale(g);
    scene.arrange(g, smooth);
    page.timings.fold = performance.now() - t;
    if (scene.selected === g) showPanel(page, g);
    say((g.open ? "unfolded " : "folded ") + g.path);
  }
  function reveal(item) {
    let changed = false;
    for (let u = item.up; u && !u.root; u = u.up) if (!u.open) { u.open = true; stale(u); changed = true; }
    return changed;
  }
  function setAll(open, limit = 20000) {
    const t = performance.now();
    let shown = graph.root.items.length;
    for (const g of graph.groups) { g.open = open && (shown += g.items.length) < limit; g.stale = true; }
    graph.root.stale = true;
    scene.arrange(null, graph.nodes.length < 3000);
    page.timings.fold = performance.now() - t;
    scene.fit();
    if (open && shown >= limit) say("unfolded the first " + limit + " items");
  }
  function fold() { setAll(false); }
  function unfold() { setAll(true); }

  function select(item) { if (item && item.root) item = null; scene.selected = item; showPanel(page, item); if (item) say(item.group ? item.type + " " + item.path : nodeName(item) + " " + item.shape); scene.ask(); }
  function show(item) {
    if (item.kind === "parameter" && !scene.showParams) toggleParams();
    if (reveal(item)) scene.arrange(null, false);
    select(item); scene.fit(item);
  }
  function say(text) { $("say").textContent = text; }
  function position(key) { const i = graph.byKey.get(key); return i ? [i.ax * scene.zoom + scene.x + (i.aw * scene.zoom) / 2, i.ay * scene.zoom + scene.y + Math.min(i.ah / 2, i.group && i.open ? 13 : 1e9) * scene.zoom] : null; }

  function setView(view) {
    scene.backward = view === "backward";
    for (const b of document.querySelectorAll("#view button")) b.setAttribute("aria-pressed", b.dataset.view === view);
    if (pinned) highlight(pinned);
    legend();
    const roomy = scene.items.length < 3000; // larger graphs keep their places and show one rule a node
    if (scene.rulesShown || (scene.backward && roomy)) {
      scene.rulesShown = scene.backward && roomy;
      for (const n of graph.nodes) n.w0 = 0;
      for (const g of [graph.root, ...graph.groups]) g.stale = true;
      scene.arrange(scene.selected && !scene.selected.root ? visibleFor(scene.selected) : scene.middle());
    }
    scene.ask();
  }
  function visibleFor(item) { let seen = item; for (let u = item.up; u && !u.root; u = u.up) if (!u.open) seen = u; return seen; }
  function setColour(mode) { scene.mode = mode; $("colour").value = mode; scene.scale = scaleFor(graph, mode); legend(); scene.ask(); }
  function setTheme(on) { dark = on; document.documentElement.classList.toggle("dark", dark); scene.T = theme(dark); if (scene.items.length) { legend(); showPanel(page, scene.selected); scene.ask(); } }
  function toggleParams() {
    scene.showParams = !scene.showParams; $("params").setAttribute("aria-pressed", scene.showParams);
    for (const g of [graph.root, ...graph.groups]) g.stale = true;
    scene.arrange(scene.selected);
  }
  function highlight(item) {
    pinned = item;
    scene.path = item && !item.group ? pathsToOutput(graph, item, scene.backward || item.kind === "parameter") : null;
    scene.ask();
  }

  function find(text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    hitList = []; hitAt = -1;
    if (!words.length) { scene.matches = null; $("hits").textContent = ""; scene.ask(); return 0; }
    scene.matches = new Set();
    for (const g of graph.groups) { const hay = (g.path + " " + g.type).toLowerCase(); if (words.every((w) => hay.includes(w))) { scene.matches.add(g); hitList.push(g); } }
    for (const n of graph.nodes) {
      const s = n.source >= 0 ? graph.files[graph.sources[n.source][0]].name + ":" + graph.sources[n.source][1] : "";
      const hay = (n.op + " " + n.name + " " + n.up.path + " %" + n.id + " " + s + " " + n.shape + " " + n.family + " " + n.note).toLowerCase();
      if (words.every((w) => hay.includes(w))) { scene.matches.add(n.index); hitList.push(n); }
    }
    $("hits").textContent = hitList.length ? hitList.length.toLocaleString("en") : "none";
    scene.ask();
    return hitList.length;
  }
  function nextHit(step) {
    if (!hitList.length) return;
    hitAt = (hitAt + step + hitList.length) % hitList.length;
    $("hits").textContent = hitAt + 1 + " / " + hitList.length.toLocaleString("en");
    show(hitList[hitAt]);
  }

  function legend() {
    const box = $("legend"), T = scene.T, out = [];
    const swatch = (c, text, round) => el("span", {}, el("i", { style: { background: c.fill, borderColor: c.edge, borderRadius: round ? "6px" : "3px" } }), text);
    if (scene.mode === "family") {
      for (const f of graph.families) out.push(swatch(T.families[f], f));
    } else if (scene.mode === "nan") out.push(swatch({ fill: T.badFill, edge: T.bad }, "began here"), swatch(paint({ badValue: true }, T, "nan"), "has NaN or infinity"), swatch(T.plain, "finite or not recorded"));
    else {
      const s = scene.scale, stops = (s.mode === "grad" ? FLOW : HEAT)[T.dark ? "dark" : "light"].map(css).join(", ");
      const ends = s.empty ? ["nothing recorded", ""] : s.mode === "grad" ? [short(10 ** (s.middle - 4)) + " vanishing", "exploding " + short(10 ** (s.middle + 4))] : s.mode === "bytes" || s.mode === "saved" ? ["0 B", bytesText(s.top)] : ["0", timeText(s.top)];
      out.push(el("span", {}, ends[0]), el("span", { class: "ramp", style: { background: `linear-gradient(90deg, ${stops})` } }), el("span", {}, ends[1]));
    }
    for (const mark in MARKS) if (graph.nodes.some((n) => n.mark === mark)) out.push(swatch(markPaint(mark, T), MARKS[mark][0]));
    out.push(swatch(T.parameter, "parameter", true), swatch(T.input, "input"), scene.backward ? el("span", {}, "arrows: the gradient’s way") : el("span", {}, "dashed: no gradient"));
    box.replaceChildren(...out);
  }

  // ------------------------------------------------------------------------------------------------- mouse, touch, wheel
  const pointers = new Map();
  let drag = null, pinch = 0;
  const local = (e) => { const r = canvas.getBoundingClientRect(); return [e.clientX - r.left, e.clientY - r.top]; };
  canvas.addEventListener("pointerdown", (e) => {
    canvas.setPointerCapture(e.pointerId); canvas.focus();
    pointers.set(e.pointerId, local(e)); drag = { at: local(e), moved: false }; pinch = 0; $("tip").hidden = true;
  });
  canvas.addEventListener("pointermove", (e) => {
    const p = local(e);
    if (!pointers.has(e.pointerId)) return hoverAt(p);
    const old = pointers.get(e.pointerId); pointers.set(e.pointerId, p);
    if (pointers.size === 2) {
      const [a, b] = [...pointers.values()], d = Math.hypot(a[0] - b[0], a[1] - b[1]);
      if (pinch) scene.zoomAt((a[0] + b[0]) / 2, (a[1] + b[1]) / 2, d / pinch);
      pinch = d; drag.moved = true; return;
    }
    if (!drag.moved && Math.hypot(p[0] - drag.at[0], p[1] - drag.at[1]) < 4) return;
    drag.moved = true; canvas.classList.add("drag");
    scene.x += p[0] - old[0]; scene.y += p[1] - old[1]; scene.glide = null; scene.ask();
  });
  const release = (e) => {
    if (!pointers.delete(e.pointerId)) return;
    canvas.classList.remove("drag");
    if (drag && !drag.moved && e.type === "pointerup") clickAt(local(e));
    if (!pointers.size) drag = null;
  };
  canvas.addEventListener("pointerup", release); canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", () => { $("tip").hidden = true; scene.hover = null; if (scene.path && pinned !== scene.selected) highlight(null); scene.ask(); });
  canvas.addEventListener("wheel", (e) => { e.preventDefault(); const [x, y] = local(e); scene.zoomAt(x, y, Math.exp(-e.deltaY * (e.deltaMode ? 0.06 : e.ctrlKey ? 0.01 : 0.0016))); }, { passive: false });
  canvas.addEventListener("dblclick", (e) => { const hit = scene.at(...local(e)); if (hit && !hit.item.group) scene.fit(hit.item); });

  function clickAt(p) {
    const hit = scene.at(...p);
    if (!hit) { highlight(null); return select(null); }
    if (hit.item.group && hit.head) toggle(hit.item);
    select(hit.item);
  }
  function hoverAt(p) {
    const hit = scene.at(...p), item = hit && (!hit.item.group || hit.head) ? hit.item : null;
    canvas.classList.toggle("over", !!item);
    const tip = $("tip");
    if (item) { tip.style.left = Math.min(p[0] + 14, canvas.clientWidth - 250) + "px"; tip.style.top = Math.min(p[1] + 16, canvas.clientHeight - 90) + "px"; }
    if (item === scene.hover) return;
    scene.hover = item;
    highlight(item && item.kind === "parameter" ? item : null);
    tip.hidden = !item;
    if (item) {
      const rows = item.group ? [item.path, item.ops.toLocaleString("en") + " ops" + (item.params ? ", " + item.params.toLocaleString("en") + " parameters" : "")]
        : [item.dtype + " " + item.shape, item.source >= 0 && item.kind === "op" ? graph.files[graph.sources[item.source][0]].name.split(/[\\/]/).pop() + ":" + graph.sources[item.source][1] : ""];
      if (!item.group && item.grad && item.grad[4] !== null) rows.push("gradient norm " + short(item.grad[4]));
      tip.replaceChildren(el("b", {}, item.group ? item.type : nodeName(item)), ...rows.filter(Boolean).map((r) => el("div", {}, r)));
    }
  }

  // ------------------------------------------------------------------------------------------------- keys and buttons
  const KEYS = [["/", "find; Enter goes to the next, Shift Enter back"], ["f", "fit to the window"], ["+ −", "zoom"], ["↑ ↓ ← →", "walk to an input, a reader, a neighbour"], ["Enter", "fold or unfold the module"],
    ["e c", "unfold all, fold all"], ["b", "forward or backward"], ["g", "pin the gradient’s way of the selected node"], ["p", "parameters"], ["1 – 7", "colours"], ["t", "light or dark"], ["Esc", "let go"]];
  function help() {
    const d = $("keys");
    d.replaceChildren(el("h2", {}, "Keys"), pairs(KEYS.map(([k, v]) => [el("kbd", {}, k), v])), el("p", {}, el("button", { onclick: () => d.close() }, "Close")));
    d.showModal();
  }
  function walk(key) {
    const s = scene.selected, N = graph.nodes;
    if (!s) { const first = graph.nodes.find((n) => n.output) || graph.nodes[0]; return first && show(first); }
    if (key === "ArrowLeft" || key === "ArrowRight") {
      const row = scene.items.filter((i) => Math.abs(i.ay + i.ah / 2 - s.ay - s.ah / 2) < 24 && i !== s && !(i.group && i.open)).filter((i) => (key === "ArrowLeft" ? i.ax < s.ax : i.ax > s.ax));
      row.sort((a, b) => Math.abs(a.ax - s.ax) - Math.abs(b.ax - s.ax));
      return row.length && keep(row[0]);
    }
    const from = s.group ? s.nodes : [s], inside = new Set(from.map((n) => n.index)), next = [];
    for (const n of from) for (const q of key === "ArrowUp" ? n.parents : n.children) if (q >= 0 && !inside.has(q)) next.push(N[q]);
    next.sort((a, b) => (a.kind === "op" ? 0 : 1) - (b.kind === "op" ? 0 : 1));
    if (next.length) keep(next[0]);
  }
  function keep(item) {
    const seen = visibleFor(item);
    select(seen);
    const [x, y] = position(seen.key), W = canvas.clientWidth, H = canvas.clientHeight;
    if (x < 40 || y < 40 || x > W - 40 || y > H - 60) scene.glideTo(scene.x + W / 2 - x, scene.y + H / 2 - y, scene.zoom);
  }
  function onKey(e) {
    if ($("keys").open || e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.target === $("find")) {
      if (e.key === "Enter") nextHit(e.shiftKey ? -1 : 1);
      if (e.key === "Escape") { $("find").value = ""; find(""); canvas.focus(); }
      return;
    }
    if (/^(select|input|textarea)$/i.test(e.target.tagName)) return;
    const W = canvas.clientWidth / 2, H = canvas.clientHeight / 2, modes = [...$("colour").options].map((o) => o.value);
    const act = { "/": () => $("find").focus(), f: () => scene.fit(), "+": () => scene.zoomAt(W, H, 1.25), "=": () => scene.zoomAt(W, H, 1.25), "-": () => scene.zoomAt(W, H, 0.8), e: unfold, c: fold,
      b: () => setView(scene.backward ? "forward" : "backward"), g: () => highlight(pinned && pinned === scene.selected ? null : scene.selected), p: toggleParams, t: () => setTheme(!dark), "?": help,
      Escape: () => { highlight(null); select(null); }, Enter: () => scene.selected && scene.selected.group && e.target === canvas && toggle(scene.selected),
      ArrowUp: () => walk(e.key), ArrowDown: () => walk(e.key), ArrowLeft: () => walk(e.key), ArrowRight: () => walk(e.key) }[e.key];
    if (act) { e.preventDefault(); act(); } else if (modes[+e.key - 1]) setColour(modes[+e.key - 1]);
  }
  document.addEventListener("keydown", onKey);
  $("find").addEventListener("input", () => find($("find").value));
  $("fit").onclick = () => scene.fit(); $("fold").onclick = fold; $("unfold").onclick = unfold; $("params").onclick = toggleParams; $("help").onclick = help;
  $("theme").onclick = () => setTheme(!dark);
  $("colour").onchange = () => setColour($("colour").value);
  for (const b of document.querySelectorAll("#view button")) b.onclick = () => setView(b.dataset.view);
  new ResizeObserver(() => scene.ask()).observe($("stage"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (e) => setTheme(e.matches));
  return page;
}

window.graphPage = startPage();
