// The page's pictures: waveform and running strip on canvases, the bar circle and the curve of shifts as SVG.
"use strict";

const SECOND = 80, BEFORE = 0.3; // pixels of a second in the running strip at least; the part that is past

function colours() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(["accent", "ink", "soft", "line", "faint", "glow"].map((name) =>
    [name, style.getPropertyValue(`--${name}`).trim()]));
}

function fitted(canvas) { // a pen in CSS pixels, on a cleared canvas
  const ratio = window.devicePixelRatio || 1, box = canvas.getBoundingClientRect(), pen = canvas.getContext("2d");
  const width = Math.max(1, Math.round(box.width * ratio)), height = Math.max(1, Math.round(box.height * ratio));
  if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, box.width, box.height);
  return [pen, box.width, box.height];
}

function drawGap(pen, paint, at, gap, top, height) { // where a dance was filled: shaded, with a line at both ends
  const [begin, end] = gap.map(at);
  pen.fillStyle = paint.glow;
  pen.fillRect(begin, top, end - begin, height - top);
  pen.fillStyle = paint.accent;
  for (const x of [begin, end]) {
    pen.fillRect(x - 1, top, 2, height - top);
    pen.beginPath();
    pen.arc(x, top + 4, 4, 0, 2 * Math.PI);
    pen.fill();
  }
}

function drawOverview(canvas, page, time, stretch, gap) { // the whole wave, its bars, the stretch that fits, a gap
  const [pen, width, height] = fitted(canvas), paint = colours(), at = (seconds) => width * seconds / page.seconds;
  if (stretch) {
    pen.fillStyle = paint.glow;
    pen.beginPath();
    pen.roundRect(at(stretch[0]), 0, Math.max(4, at(stretch[1]) - at(stretch[0])), height, 6);
    pen.fill();
  }
  pen.fillStyle = paint.line;
  page.beats.forEach((beat, i) => { if (page.positions[i] === 0) pen.fillRect(at(beat), 0, 1, height); });
  const step = 3, columns = Math.floor(width / step);
  for (let i = 0; i < columns; i++) {
    const part = page.wave.slice(Math.floor(i * page.wave.length / columns),
      Math.max(Math.floor(i * page.wave.length / columns) + 1, Math.floor((i + 1) * page.wave.length / columns)));
    const size = Math.max(2, Math.max(...part) / 100 * (height - 12));
    pen.fillStyle = i * step < at(time) ? paint.accent : paint.soft;
    pen.globalAlpha = i * step < at(time) ? 1 : 0.5;
    pen.fillRect(i * step, (height - size) / 2, step - 1, size);
  }
  pen.globalAlpha = 1;
  if (gap) drawGap(pen, paint, at, gap, 0, height);
  pen.fillStyle = paint.ink;
  pen.fillRect(Math.min(at(time), width - 2), 0, 2, height);
}

function drawStrip(canvas, page, time, gap) { // some seconds that run past a line: onsets and numbered beats
  const [pen, width, height] = fitted(canvas), paint = colours(), shown = Math.min(6, Math.max(3, width / SECOND));
  const begin = time - BEFORE * shown;
  const at = (seconds) => (seconds - begin) * width / shown, low = height - 2, top = 24;
  const curve = page.onsets || page.wave, rate = curve.length / page.seconds;
  pen.fillStyle = paint.soft;
  pen.globalAlpha = 0.35;
  pen.beginPath();
  pen.moveTo(0, low);
  const first = Math.max(0, Math.floor(begin * rate)), last = Math.min(curve.length - 1, (begin + shown) * rate);
  if (first <= last) pen.lineTo(at(first / rate), low);
  for (let i = first; i <= last; i++) pen.lineTo(at(i / rate), low - (low - top) * curve[i] / 100);
  pen.lineTo(at(Math.max(first, Math.floor(last)) / rate), low);
  pen.fill();
  pen.globalAlpha = 1;
  pen.textAlign = "center";
  page.beats.forEach((beat, i) => {
    const x = at(beat), downbeat = page.downbeats && page.positions[i] === 0;
    if (x < -10 || x > width + 10) return;
    const near = Math.exp(-Math.max(0, time - beat) / 0.15) * (time >= beat ? 1 : 0);
    pen.fillStyle = downbeat ? paint.accent : paint.soft;
    pen.globalAlpha = downbeat ? 1 : 0.6;
    pen.fillRect(x - (downbeat ? 1 : 0.5), top - 4, downbeat ? 2 : 1, height - top + 4);
    pen.globalAlpha = 1;
    if (near > 0.05) {
      pen.fillStyle = paint.accent;
      pen.globalAlpha = near;
      pen.beginPath();
      pen.arc(x, 10, 10, 0, 2 * Math.PI);
      pen.fill();
      pen.globalAlpha = 1;
    }
    pen.fillStyle = downbeat ? paint.accent : paint.soft;
    if (near > 0.3) pen.fillStyle = paint.ink;
    pen.font = `${downbeat ? 700 : 500} 12px system-ui, sans-serif`;
    if (page.downbeats) pen.fillText(String(page.positions[i] + 1), x, 14);
  });
  if (gap) drawGap(pen, paint, at, gap, top, height);
  pen.fillStyle = paint.ink;
  pen.fillRect(width * BEFORE - 1, 20, 2, height - 20);
}

function element(name, values, parent) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(values)) made.setAttribute(key, value);
  parent.append(made);
  return made;
}

function drawCircle(svg, bar) { // accents around the bar, clockwise from the downbeat at the top; returns two functions
  svg.replaceChildren();
  const beats = bar.measured.length, parts = bar.measured[0].length, count = beats * parts, inner = 40, room = 62;
  const point = (turn, radius) => [radius * Math.sin(2 * Math.PI * turn), -radius * Math.cos(2 * Math.PI * turn)];
  const wedge = (from, to, low, high) => {
    const [a, b, c, d] = [point(from, low), point(from, high), point(to, high), point(to, low)].map((xy) =>
      xy.map((value) => value.toFixed(2)).join(" "));
    return `M${a}L${b}A${high} ${high} 0 0 1 ${c}L${d}A${low} ${low} 0 0 0 ${a}Z`;
  };
  const turning = element("g", { class: "turning" }, svg);
  const outline = [];
  for (let i = 0; i < count; i++) {
    const [from, to] = [(i - 0.42) / count, (i + 0.42) / count];
    const measured = bar.measured[Math.floor(i / parts)][i % parts];
    const expected = bar.expected[Math.floor(i / parts)][i % parts];
    element("path", { class: "rest", d: wedge(from, to, inner, inner + room) }, turning);
    element("path", { class: "wedge", d: wedge(from, to, inner, inner + Math.max(1, room * measured)) }, turning);
    outline.push(point(i / count, inner + room * expected).map((value) => value.toFixed(2)).join(" "));
  }
  element("path", { class: "expected", d: `M${outline.join("L")}Z` }, turning);
  element("path", { class: "mark", d: `M0 ${-inner - room - 1}l5 -8h-10Z` }, turning);
  for (let beat = 0; beat < beats; beat++) {
    const [x, y] = point(beat / beats, inner + room + 18);
    element("text", { x, y, class: beat ? "" : "first" }, svg).textContent = String(beat + 1);
  }
  const hand = element("circle", { class: "hand", r: 5, cx: 0, cy: -inner + 12 }, svg);
  return {
    turn: (shift) => { turning.style.transform = `rotate(${-360 * shift / beats}deg)`; },
    point: (place) => {
      const [x, y] = point(place / beats, inner - 12);
      hand.setAttribute("cx", x);
      hand.setAttribute("cy", y);
    },
  };
}

function drawCurves(svg, bar, chosen) { // cosine at each shift: columns as it is, dots turned
  const box = svg.getBoundingClientRect(), width = Math.max(200, box.width), height = 132, low = height - 22;
  const beats = bar.measured.length, count = bar.plain.length, gap = width / count;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren();
  const y = (value) => low - Math.max(0, value) * (low - 8);
  element("line", { x1: 0, x2: width, y1: low + 0.5, y2: low + 0.5 }, svg);
  bar.plain.forEach((value, shift) => {
    const x = gap * (shift + 0.5), size = Math.min(26, gap * 0.62);
    const kind = shift === chosen ? "column chosen" : "column";
    element("rect", { class: kind, x: x - size / 2, width: size, y: y(value), height: low - y(value), rx: 3 }, svg);
    if (bar.turned.length) element("circle", { class: "dot", cx: x, cy: y(bar.turned[shift]), r: 4.5 }, svg);
    if (shift % beats === 0 || gap > 26) element("text", { x, y: height - 4 }, svg).textContent = String(shift);
  });
}
