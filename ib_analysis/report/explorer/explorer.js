// The explorer: planes, curves and samples of one report, linked to one selected point.
// Without this script the page is complete: the explorer is the only part that it shows.
(function () {
  "use strict";
  const byId = (id) => document.getElementById(id);
  const section = byId("explorer");
  if (!section) return;
  const data = JSON.parse(byId("explorer-data").textContent);
  const SVG = "http://www.w3.org/2000/svg";
  const MANY_PLANES = 4; // of more networks only the chosen one is drawn
  const FAR = 2.2; // a ceiling beyond this multiple of the data is written at the edge, as in the figures
  const SECONDS_A_FRAME = 1;
  const IMAGE_PIXELS = 48; // on the screen, at least, where an image is smaller
  const NARROW = { pixels: 400, image: 40 }; // in a narrow window two images and their draws stand side by side
  const SHAPES = {
    o: "M6,0A6,6 0 1 1 -6,0A6,6 0 1 1 6,0Z", s: "M-5.2,-5.2H5.2V5.2H-5.2Z", "^": "M0,-6.4L6,5H-6Z",
    D: "M0,-7L7,0L0,7L-7,0Z", v: "M0,6.4L6,-5H-6Z", P: "M-2.2,-6.4H2.2V-2.2H6.4V2.2H2.2V6.4H-2.2V2.2H-6.4V-2.2H-2.2Z",
    X: "M-6,-3.4L-3.4,-6L0,-2.6L3.4,-6L6,-3.4L2.6,0L6,3.4L3.4,6L0,2.6L-3.4,6L-6,3.4L-2.6,0Z",
    "<": "M-6.4,0L5,-6V6Z", ">": "M6.4,0L-5,-6V6Z", p: "M0,-6.6L6.3,-2L3.9,5.4H-3.9L-6.3,-2Z",
  };
  const state = { panel: 0, seed: null, tap: 0, epoch: data.epochs.length - 1, every: data.panels.length > 1 };
  let timer = null;

  // ---- what is selected -------------------------------------------------------------------------------------------
  const pointsOf = (panel, seed) => data.points.filter((p) => p.panel === panel && p.seed === seed);
  const find = (panel, seed, tap, epoch) =>
    data.points.find((p) => p.panel === panel && p.seed === seed && p.tap === tap && p.epoch === epoch);
  const selected = () => find(state.panel, state.seed, state.tap, state.epoch);
  const seedOf = (panel) => (data.panels[panel].seeds.includes(state.seed) ? state.seed : data.panels[panel].seeds[0]);
  const tapsOf = (panel) => [...new Set(pointsOf(panel, seedOf(panel)).map((p) => p.tap))];
  const epochsOf = (panel, tap) => pointsOf(panel, seedOf(panel)).filter((p) => p.tap === tap).map((p) => p.epoch);
  const epochsInOrder = () => epochsOf(state.panel, state.tap).sort((a, b) => a - b);
  const seedWords = (seed, panel) =>
    seed !== null ? `seed ${seed}` : `mean over ${data.panels[panel].seeds.length - 1} seeds`;

  // The nearest point that exists to the wish: a network may lack the tap or the epoch.
  function select(panel, tap, epoch) {
    state.panel = panel;
    state.seed = seedOf(panel);
    const taps = tapsOf(panel);
    state.tap = taps.includes(tap) ? tap : taps[taps.length - 1];
    const epochs = epochsOf(panel, state.tap);
    state.epoch = epochs.reduce((best, e) => (Math.abs(e - epoch) < Math.abs(best - epoch) ? e : best), epochs[0]);
    draw();
  }

  // ---- small makers -----------------------------------------------------------------------------------------------
  function make(name, attributes, parent, text) {
    const node = name.startsWith("svg:") ? document.createElementNS(SVG, name.slice(4)) : document.createElement(name);
    for (const key in attributes) node.setAttribute(key, attributes[key]);
    if (text !== undefined) node.textContent = text;
    if (parent) parent.appendChild(node);
    return node;
  }
  function number(bits) {
    const size = Math.abs(bits);
    const text = bits.toFixed(size < 10 ? 2 : size < 1000 ? 1 : 0);
    return Number(text) === 0 ? "0.00" : text;
  }
  function options(select, entries, chosen) {
    select.replaceChildren(...entries.map(([value, text]) => {
      const option = make("option", { value }, null, text);
      option.selected = String(value) === String(chosen);
      return option;
    }));
  }

  // ---- axes -------------------------------------------------------------------------------------------------------
  // Of `values`, the ends of intervals among them, a log axis shows those down to a quarter of the smallest `estimate`.
  function scale(values, estimates, pixels, log, zero) {
    const positive = values.filter((v) => v > 0), least = Math.min(...estimates.filter((v) => v > 0));
    if (log && positive.length) {
      let low = Math.log10(Math.max(Math.min(...positive), least / 4)), high = Math.log10(Math.max(...positive));
      const room = Math.max(0.05, 0.06 * (high - low));
      low -= room; high += room;
      const at = (v) => pixels[0] + ((Math.log10(v) - low) / (high - low)) * (pixels[1] - pixels[0]);
      return { at: (v) => (v > 0 ? at(v) : NaN), end: (v) => at(Math.max(v, 10 ** low)), ticks: logTicks(low, high),
               low: 10 ** low, high: 10 ** high };
    }
    let low = Math.min(...values, ...(zero ? [0] : [])), high = Math.max(...values, ...(zero ? [0] : []));
    if (low === high) { low -= 1; high += 1; }
    const room = 0.06 * (high - low);
    low -= room; high += room;
    const at = (v) => pixels[0] + ((v - low) / (high - low)) * (pixels[1] - pixels[0]);
    return { at, end: at, ticks: ticks(low, high, Math.abs(pixels[1] - pixels[0]) < 220 ? 4 : 6), low, high };
  }
  function ticks(low, high, count) {
    const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw);
    const found = [];
    for (let v = Math.ceil(low / step) * step; v <= high; v += step) found.push(Math.abs(v) < step / 1e6 ? 0 : v);
    return found;
  }
  function logTicks(low, high) {
    const found = [];
    for (let power = Math.floor(low); power <= high; power++)
      for (const m of high - low > 3 ? [1] : [1, 2, 5]) {
        const v = m * 10 ** power;
        if (Math.log10(v) >= low && Math.log10(v) <= high) found.push(v);
      }
    return found.length > 1 ? found : ticks(10 ** low, 10 ** high, 4);
  }
  const tickText = (v) => String(Number(v.toPrecision(4)));
  function frame(svg, box, x, y, xName, yName, xTicks) {
    for (const v of y.ticks) {
      make("svg:line", { class: "grid", x1: box.left, x2: box.right, y1: y.at(v), y2: y.at(v) }, svg);
      make("svg:text", { class: "tick", x: box.left - 6, y: y.at(v) + 4, "text-anchor": "end" }, svg, tickText(v));
    }
    for (const [v, text] of xTicks) {
      make("svg:line", { class: "grid", x1: x.at(v), x2: x.at(v), y1: box.top, y2: box.bottom }, svg);
      make("svg:text", { class: "tick", x: x.at(v), y: box.bottom + 16, "text-anchor": "middle" }, svg, text);
    }
    make("svg:path", { class: "axis", d: `M${box.left},${box.top}V${box.bottom}H${box.right}` }, svg);
    make("svg:text", { class: "name", x: (box.left + box.right) / 2, y: box.bottom + 33, "text-anchor": "middle" }, svg, xName);
    make("svg:text", { class: "name", x: 0, y: 12 }, svg, yName);
  }
  function marker(parent, tap, size, attributes) {
    return make("svg:path", { d: SHAPES[data.markers[tap]], transform: `scale(${size})`, ...attributes }, parent);
  }
  function logOf(q) {
    const chosen = byId(q % 2 ? "explorer-scale-label" : "explorer-scale-image").value;
    return chosen === "log" || (chosen === "auto" && data.log[q]);
  }
  const axisName = (q) => `${data.quantities[q]} [bits per image${logOf(q) ? ", log scale" : ""}]`;
  const zoomed = () => byId("explorer-zoom").checked;
  const inZoom = (p) => !zoomed() || p.tap === state.tap;

  // ---- planes -----------------------------------------------------------------------------------------------------
  const axes = () => (byId("explorer-plane").value === "1" ? [2, 3] : [0, 1]);
  const shownPanels = () => (state.every ? data.panels.map((_, i) => i) : [state.panel]);

  function drawPlanes() {
    const host = byId("explorer-planes"), [qx, qy] = axes(), panels = shownPanels();
    const focused = host.contains(document.activeElement);
    host.className = panels.length > 1 ? "planes several" : "planes";
    const shown = panels.flatMap((panel) => pointsOf(panel, seedOf(panel)));
    host.replaceChildren();
    const columns = panels.length > 1 && host.clientWidth > 560 ? 2 : 1;
    const width = Math.max(240, Math.floor((host.clientWidth - (columns - 1) * 16) / columns));
    const inside = shown.filter(inZoom), extents = [extent(inside, qx, panels), extent(inside, qy, panels)];
    for (const panel of panels) plane(make("div", { class: "plane" }, host), panel, width, extents, qx, qy);
    const hidden = shown.filter((p) => [qx, qy].some((q) => logOf(q) && p.values[q] && p.values[q][0] <= 0)).length;
    byId("explorer-hidden").textContent = (hidden
      ? `${hidden} points at or below 0 bits have no place on a log axis and are not drawn. ` : "")
      + (zoomed() ? `Zoomed to ${data.taps[state.tap]}: other taps may lie outside.` : "");
    const current = host.querySelector('[tabindex="0"]');
    if (focused && current) current.focus();
  }

  function extent(shown, q, panels) {
    const ends = shown.flatMap((p) => [...p.values[q], ...(q < 2 && p.exact[q] !== null ? [p.exact[q]] : [])]);
    const reach = Math.max(...shown.map((p) => p.values[q][0]));
    const names = q % 2 ? ["H(y)"] : ["CE(x)", "H(x)"];
    const limits = panels.flatMap((panel) => names.map((n) => data.panels[panel].ceilings[n]))
      .filter((limit) => limit && !zoomed()).map((limit) => limit[0]);
    const near = limits.filter((v) => q % 2 || logOf(q) || v <= FAR * reach);
    return { values: [...ends, ...near], estimates: shown.map((p) => p.values[q][0]) };
  }

  function plane(host, panel, width, extents, qx, qy) {
    const height = Math.round(Math.min(380, Math.max(270, width * 0.78)));
    const box = { left: 44, right: width - 12, top: 26, bottom: height - 40 };
    const name = data.panels[panel].name, seed = seedOf(panel);
    make("p", { class: "panel-name" }, host, `${name}, ${seedWords(seed, panel)}`);
    const svg = make("svg:svg", {
      viewBox: `0 0 ${width} ${height}`, width, height, role: "group",
      "aria-label": `Plane of ${name}: arrow keys left and right change the epoch, up and down the tap`,
    }, host);
    const x = scale(extents[0].values, extents[0].estimates, [box.left, box.right], logOf(qx), !zoomed());
    const y = scale(extents[1].values, extents[1].estimates, [box.bottom, box.top], logOf(qy), !zoomed());
    const xTicks = x.ticks.map((v) => [v, tickText(v)]);
    frame(svg, box, x, y, axisName(qx), axisName(qy), xTicks);
    const taken = ceilings(svg, box, x, y, data.panels[panel].ceilings);
    const current = [], inside = clipped(svg, box, `clip-plane-${panel}`);
    for (const tap of tapsOf(panel)) {
      const along = pointsOf(panel, seed).filter((p) => p.tap === tap && p.values[qx] && p.values[qy]
        && Number.isFinite(x.at(p.values[qx][0])) && Number.isFinite(y.at(p.values[qy][0])))
        .sort((a, b) => a.epoch - b.epoch);
      const at = (p) => [x.at(p.values[qx][0]), y.at(p.values[qy][0])];
      const way = (part) => (part.length ? "M" + part.map((p) => at(p).join(",")).join("L") : "");
      make("svg:path", { class: "way ahead", d: way(along) }, inside);
      make("svg:path", { class: "way", d: way(along.filter((p) => p.epoch <= state.epoch)) }, inside);
      const last = along.filter((p) => p.epoch <= state.epoch).pop();
      for (const p of along.filter((p) => within(box, at(p)))) point(inside, p, at(p), x, y, qx, qy, p === last);
      if (last && within(box, at(last))) current.push([tap, at(last)]);
      taken.push(...along.map((p) => around(at(p), 7)));
    }
    labels(svg, box, current, taken);
  }

  function point(svg, p, [cx, cy], x, y, qx, qy, last) {
    const mine = p === selected();
    const kind = `point${p.epoch > state.epoch ? " ahead" : ""}${last ? " last" : ""}${mine ? " selected" : ""}`;
    const group = make("svg:g", {
      class: kind, role: "button", tabindex: mine ? 0 : -1, "aria-pressed": mine, transform: `translate(${cx},${cy})`,
      "aria-label": `${data.taps[p.tap]}, epoch ${data.epochs[p.epoch]}: `
        + [qx, qy].map((q) => `${data.quantities[q]} ${number(p.values[q][0])} bits`).join(", "),
      "data-point": address(p),
    }, svg);
    const [, xl, xh] = p.values[qx], [, yl, yh] = p.values[qy];
    make("svg:path", { class: "interval", d: `M${x.end(xl) - cx},0H${x.end(xh) - cx}M0,${y.end(yl) - cy}V${y.end(yh) - cy}` }, group);
    if (mine) make("svg:circle", { class: "ring", r: 12 }, group);
    marker(group, p.tap, last ? 1.1 : 0.72, { class: "mark", fill: data.colours[p.epoch] });
    make("svg:title", {}, group, group.getAttribute("aria-label"));
    if (qx < 2 && p.exact[0] !== null && p.exact[1] !== null)
      make("svg:path", { class: "exact", d: "M-5,-5L5,5M-5,5L5,-5",
                         transform: `translate(${x.at(p.exact[0]) - cx},${y.at(p.exact[1]) - cy})` }, group);
  }

  const within = (box, [cx, cy]) => cx >= box.left && cx <= box.right && cy >= box.top && cy <= box.bottom;
  // What lies in the returned group is cut at the edges of the box, marks on the edge excepted.
  function clipped(svg, box, id) {
    const room = 14, clip = make("svg:clipPath", { id }, make("svg:defs", {}, svg));
    make("svg:rect", { x: box.left - room, y: box.top - room, width: box.right - box.left + 2 * room,
                       height: box.bottom - box.top + 2 * room }, clip);
    return make("svg:g", zoomed() ? { "clip-path": `url(#${id})` } : {}, svg);
  }
  const around = ([cx, cy], r) => ({ left: cx - r, right: cx + r, top: cy - r, bottom: cy + r });
  const meets = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

  // The name of each tap stands beside its current point, where it covers least.
  function labels(svg, box, current, taken) {
    for (const [tap, [cx, cy]] of current) {
      const name = data.taps[tap], w = 7 * name.length + 4;
      const places = [[10, 4], [-10 - w, 4], [-w / 2, -13], [-w / 2, 21], [9, -9], [9, 17], [-9 - w, -9], [-9 - w, 17],
                      [16, 32], [-16 - w, 32], [16, 50], [-16 - w, 50], [16, -26], [-16 - w, -26]];
      const boxes = places.map(([dx, dy]) =>
        ({ left: cx + dx, right: cx + dx + w, top: cy + dy - 11, bottom: cy + dy + 3 }));
      const cost = (b) => taken.filter((t) => meets(t, b)).length
        + (b.left < box.left || b.right > box.right + 8 || b.top < box.top || b.bottom > box.bottom ? 5 : 0);
      const best = boxes.reduce((a, b) => (cost(b) < cost(a) ? b : a));
      taken.push(best);
      if (boxes.indexOf(best) > 7) {
        const end = best.left > cx ? best.left : best.right;
        make("svg:path", { class: "leader", d: `M${cx},${cy}L${end},${best.bottom - 7}` }, svg);
      }
      make("svg:text", { class: "tap", x: best.left + 2, y: best.bottom - 3 }, svg, name);
    }
  }

  function ceilings(svg, box, x, y, limit) {
    const taken = [];
    if (limit["H(y)"] && limit["H(y)"][0] > y.high) {
      make("svg:text", { class: "tick", x: box.right, y: box.top - 14, "text-anchor": "end" }, svg, `${limit["H(y)"][1]} \u2191`);
    } else if (limit["H(y)"] && limit["H(y)"][0] >= y.low) {
      const at = y.at(limit["H(y)"][0]);
      make("svg:path", { class: "ceiling", d: `M${box.left},${at}H${box.right}` }, svg);
      make("svg:text", { class: "tick", x: box.left + 6, y: at - 4 }, svg, limit["H(y)"][1]);
      taken.push({ left: box.left, right: box.left + 120, top: at - 16, bottom: at + 2 });
    }
    for (const name of ["CE(x)", "H(x)"].filter((n) => limit[n])) {
      const [value, text] = limit[name];
      if (value > x.high) {
        if (name === "CE(x)")
          make("svg:text", { class: "tick", x: box.right, y: box.bottom - 6, "text-anchor": "end" }, svg, `${text} \u2192`);
        continue;
      }
      if (value < x.low) continue;
      const at = x.at(value), side = name === "CE(x)" ? -5 : 13;
      make("svg:path", { class: "ceiling", d: `M${at},${box.top}V${box.bottom}` }, svg);
      make("svg:text", { class: "tick", transform: `translate(${at + side},${box.bottom - 6}) rotate(-90)` }, svg, text);
      taken.push({ left: at - 16, right: at + 16, top: box.bottom - 130, bottom: box.bottom });
    }
    return taken;
  }

  // ---- the curve against epochs -----------------------------------------------------------------------------------
  function drawCurve() {
    const host = byId("explorer-curve"), q = Number(byId("explorer-quantity").value);
    host.replaceChildren();
    const width = Math.max(260, host.clientWidth), height = 250;
    const box = { left: 44, right: width - 84, top: 26, bottom: height - 40 };
    const points = pointsOf(state.panel, state.seed).filter((p) => p.values[q] && !(logOf(q) && p.values[q][0] <= 0));
    const name = `${data.quantities[q]} of ${data.panels[state.panel].name}, ${seedWords(state.seed, state.panel)}, against epochs`;
    const own = points.filter((p) => p.tap === state.tap)
      .map((p) => `epoch ${data.epochs[p.epoch]}: ${number(p.values[q][0])} bits`).join("; ");
    const svg = make("svg:svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img",
                                  "aria-label": `${name}. ${data.taps[state.tap]}: ${own}.` }, host);
    if (!points.length) return;
    const epochs = [...new Set(points.map((p) => p.epoch))].sort((a, b) => a - b);
    const step = (box.right - box.left) / Math.max(1, epochs.length);
    const x = { at: (e) => box.left + step * (epochs.indexOf(e) + 0.5) };
    const inside = points.filter(inZoom);
    const y = scale(inside.flatMap((p) => p.values[q]), inside.map((p) => p.values[q][0]), [box.bottom, box.top], logOf(q), !zoomed());
    const skip = Math.ceil(34 / step);
    frame(svg, box, x, y, "epoch (equal steps)", axisName(q),
          epochs.map((e, i) => [e, i % skip === 0 ? String(data.epochs[e]) : ""]));
    if (epochs.includes(state.epoch))
      make("svg:path", { class: "now", d: `M${x.at(state.epoch)},${box.top}V${box.bottom}` }, svg);
    const ends = [], plot = clipped(svg, box, "clip-curve");
    for (const tap of tapsOf(state.panel)) {
      const along = points.filter((p) => p.tap === tap).sort((a, b) => a.epoch - b.epoch);
      if (!along.length) continue;
      const mine = tap === state.tap ? " chosen" : "";
      const way = along.map((p) => `${x.at(p.epoch)},${y.at(p.values[q][0])}`).join("L");
      make("svg:path", { class: `way${mine}`, d: `M${way}` }, plot);
      for (const p of along.filter((p) => within(box, [x.at(p.epoch), y.at(p.values[q][0])]))) {
        const group = make("svg:g", { class: `point${mine}${p === selected() ? " selected" : ""}`, "data-point": address(p),
                                      transform: `translate(${x.at(p.epoch)},${y.at(p.values[q][0])})` }, plot);
        const [v, low, high] = p.values[q];
        make("svg:path", { class: "interval", d: `M0,${y.end(low) - y.at(v)}V${y.end(high) - y.at(v)}` }, group);
        if (p === selected()) make("svg:circle", { class: "ring", r: 12 }, group);
        marker(group, tap, mine ? 1 : 0.72, { class: "mark", fill: data.colours[p.epoch] });
      }
      const last = along[along.length - 1];
      if (within(box, [x.at(last.epoch), y.at(last.values[q][0])])) ends.push([y.at(last.values[q][0]), x.at(last.epoch), data.taps[tap], mine]);
    }
    endNames(svg, box, ends.sort((a, b) => a[0] - b[0]));
  }
  function endNames(svg, box, ends) {
    let free = box.top;
    const places = ends.map(([y]) => (free = Math.max(y + 4, free + 14)));
    for (let i = places.length - 1, room = box.bottom + 4; i >= 0; i--, room -= 14) places[i] = Math.min(places[i], room);
    ends.forEach(([y, x, text, mine], i) => {
      make("svg:path", { class: "leader", d: `M${x + 8},${y}L${box.right + 2},${places[i] - 4}` }, svg);
      make("svg:text", { class: `tap${mine}`, x: box.right + 5, y: places[i] }, svg, text);
    });
  }

  // ---- the selected point -----------------------------------------------------------------------------------------
  const address = (p) => [data.panels[p.panel].name, p.seed === null ? "mean" : p.seed, data.taps[p.tap], data.epochs[p.epoch]].join(" | ");
  function image(parent, index, words, kind) {
    const [w, h] = data.size, wanted = section.clientWidth < NARROW.pixels ? NARROW.image : IMAGE_PIXELS;
    const k = Math.max(1, Math.round(wanted / Math.max(w, h)));
    make("img", { src: `data:image/png;base64,${data.images[index]}`, alt: words, class: kind, width: w * k, height: h * k }, parent);
    return k;
  }
  function drawPoint() {
    const p = selected(), host = byId("explorer-images"), tap = data.taps[p.tap], epoch = data.epochs[p.epoch];
    section.dataset.point = address(p);
    byId("explorer-name").textContent =
      `${tap} at epoch ${epoch} · ${data.panels[p.panel].name}, ${seedWords(p.seed, p.panel)}`;
    byId("explorer-words").replaceChildren(...p.words.map((words) => make("li", {}, null, words)));
    byId("explorer-said").replaceChildren(...p.said.map((words) => make("li", {}, null, words)));
    byId("explorer-said").hidden = !p.said.length;
    host.replaceChildren();
    if (!p.draws || !p.draws.length) {
      byId("explorer-caption").textContent = "No images were drawn at this point.";
      return;
    }
    const network = data.networks[p.of], often = {};
    let k = 1;
    network.originals.forEach((original, i) => {
      const name = network.classes[i];
      often[name] = (often[name] || 0) + 1;
      const what = often[name] > 1 ? `class ${name}, image ${often[name]}` : `class ${name}`;
      const group = make("div", { class: "images", role: "group", "aria-label": what }, host);
      make("span", { class: "class-name" }, group, name);
      const row = make("div", { class: "row" }, group);
      k = image(row, original, `Original of ${what}`, "original");
      p.draws.forEach((draw, j) => image(row, draw[i], `Draw ${j + 1} of ${what} from p(x|${tap}) at epoch ${epoch}`, "draw"));
    });
    const draws = p.draws.length === 1 ? "one image" : `${p.draws.length} images`;
    const fewer = network.originals.length < network.of
      ? ` ${network.originals.length} of ${network.of} originals are in this page, which keeps it small.` : "";
    const whose = p.seed === null ? ` The images are of seed ${network.seed}.` : "";
    byId("explorer-caption").textContent =
      `In each frame: an original of the evaluation part, then ${draws} drawn from p(x|${tap}) with its h at epoch ${epoch}. `
      + "What the draws of one frame share is read from h; what differs between them is not in h, or the decoder "
      + `cannot read it. All points use the same random numbers.${whose} Enlarged ${k} times.${fewer}`;
  }

  // ---- controls ---------------------------------------------------------------------------------------------------
  function drawControls() {
    const panels = data.panels.map((panel, i) => [i, panel.name]);
    options(byId("explorer-network"), [...(panels.length > 1 && panels.length <= MANY_PLANES ? [["all", "every network"]] : []), ...panels],
            state.every ? "all" : state.panel);
    options(byId("explorer-seed"), data.panels[state.panel].seeds.map((s) => [String(s), seedWords(s, state.panel)]), String(state.seed));
    options(byId("explorer-tap"), data.panels.flatMap((_, panel) => (state.every || panel === state.panel ? tapsOf(panel) : [])
      .map((tap) => [`${panel} ${tap}`, state.every ? `${data.taps[tap]}, ${data.panels[panel].name}` : data.taps[tap]])),
            `${state.panel} ${state.tap}`);
    const slider = byId("explorer-epoch"), epochs = epochsInOrder();
    slider.max = epochs.length - 1;
    slider.value = epochs.indexOf(state.epoch);
    slider.setAttribute("aria-valuetext", `epoch ${data.epochs[state.epoch]}`);
    byId("explorer-epoch-value").textContent = data.epochs[state.epoch];
    const coloured = new Set(shownPanels().flatMap((panel) => pointsOf(panel, seedOf(panel)).map((p) => p.epoch)));
    for (const [i, swatch] of [...byId("explorer-colours").children].entries()) {
      swatch.className = i === state.epoch ? "current" : "";
      swatch.hidden = !coloured.has(i);
    }
  }
  function draw() {
    drawControls();
    drawPlanes();
    drawCurve();
    drawPoint();
  }
  function stop() {
    clearInterval(timer);
    timer = null;
    byId("explorer-play").textContent = "Play";
    byId("explorer-name").setAttribute("aria-live", "polite");
  }
  function play() {
    if (timer) return stop();
    byId("explorer-play").textContent = "Pause";
    byId("explorer-name").setAttribute("aria-live", "off");
    const epochs = epochsInOrder();
    let next = state.epoch === epochs[epochs.length - 1] ? 0 : epochs.indexOf(state.epoch) + 1;
    const step = () => {
      select(state.panel, state.tap, epochs[next]);
      next += 1;
      if (next >= epochs.length) stop();
    };
    timer = setInterval(step, SECONDS_A_FRAME * 1000);
    step();
  }
  function move(event) {
    const taps = tapsOf(state.panel), epochs = epochsInOrder();
    const e = epochs.indexOf(state.epoch), t = taps.indexOf(state.tap);
    const to = { ArrowLeft: [t, e - 1], ArrowRight: [t, e + 1], ArrowUp: [t - 1, e], ArrowDown: [t + 1, e],
                 Home: [t, 0], End: [t, epochs.length - 1] }[event.key];
    if (!to) return;
    event.preventDefault();
    stop();
    const tap = taps[Math.min(Math.max(to[0], 0), taps.length - 1)];
    select(state.panel, tap, epochs[Math.min(Math.max(to[1], 0), epochs.length - 1)]);
  }
  function touch(event) {
    const svg = event.target.closest("svg");
    if (!svg) return;
    const near = [...svg.querySelectorAll("g.point")].map((g) => {
      const box = g.querySelector(".mark").getBoundingClientRect();
      return [Math.hypot(box.x + box.width / 2 - event.clientX, box.y + box.height / 2 - event.clientY), g];
    }).sort((a, b) => a[0] - b[0])[0];
    if (!near || near[0] > 30) return;
    const p = data.points.find((one) => address(one) === near[1].dataset.point);
    stop();
    select(p.panel, p.tap, p.epoch);
  }

  function start() {
    [state.panel, state.tap] = data.start;
    state.every = data.panels.length > 1 && data.panels.length <= MANY_PLANES && window.innerWidth > 600;
    options(byId("explorer-quantity"), data.quantities.map((name, i) => [i, name]), 0);
    byId("explorer-colours").replaceChildren(...data.epochs.map((epoch, i) => {
      const item = make("li", {});
      make("span", { class: "swatch" }, item).style.background = data.colours[i];
      item.append(String(epoch));
      return item;
    }));
    byId("explorer-network").addEventListener("change", (event) => {
      state.every = event.target.value === "all";
      select(state.every ? state.panel : Number(event.target.value), state.tap, state.epoch);
    });
    byId("explorer-seed").addEventListener("change", (event) => {
      state.seed = event.target.value === "null" ? null : Number(event.target.value);
      select(state.panel, state.tap, state.epoch);
    });
    byId("explorer-tap").addEventListener("change", (event) => {
      const [panel, tap] = event.target.value.split(" ").map(Number);
      select(panel, tap, state.epoch);
    });
    byId("explorer-epoch").addEventListener("input", (event) => {
      stop();
      select(state.panel, state.tap, epochsInOrder()[Number(event.target.value)]);
    });
    byId("explorer-play").addEventListener("click", play);
    for (const id of ["explorer-plane", "explorer-quantity", "explorer-scale-image", "explorer-scale-label", "explorer-zoom"])
      byId(id).addEventListener("change", draw);
    for (const id of ["explorer-planes", "explorer-curve"]) byId(id).addEventListener("click", touch);
    byId("explorer-planes").addEventListener("keydown", move);
    for (const node of document.querySelectorAll(".with-script")) node.hidden = false;
    select(state.panel, state.tap, state.epoch);
    let width = section.clientWidth;  // the observer also calls at its start, when nothing has changed
    new ResizeObserver(() => {
      if (section.clientWidth !== width) { width = section.clientWidth; draw(); }
    }).observe(section);
  }
  start();
})();
