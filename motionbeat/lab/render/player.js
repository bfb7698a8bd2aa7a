// Stick figures on a canvas, in step with an audio element: one player for the report and for the demo.
//
// motionbeatPlayer(canvas, audio, dance) draws `dance`, as `motionbeat.lab.render.playable` writes it, at the time of
// `audio`, and returns a function that takes the player away. Drag turns the view. A canvas with the attribute
// data-dance (the dance as JSON) in one parent with its audio element is started when the page has loaded.
"use strict";

function motionbeatPlayer(canvas, audio, dance) {
  const LOOK_DOWN = 0.21, ROOM = 0.16, FOLLOW_S = 0.6, FADE_S = 0.12; // rad, m, s, s
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const raw = new Int16Array(bytes(dance.joints).buffer), stands = bytes(dance.contacts);
  const joints = dance.parents.length, frames = raw.length / (3 * joints);
  const metres = (frame, joint) => [0, 1, 2].map((axis) => raw[3 * (frame * joints + joint) + axis] / 1000);
  const path = centres(), reach = extent(), pen = canvas.getContext("2d");
  let turn = dance.angle, dragged = null, waiting = 0;

  function centres() { // of the dancer over the floor, a mean over some frames, so that steps show
    const half = Math.round(FOLLOW_S * dance.fps), at = [];
    for (let frame = 0; frame < frames; frame++) {
      const first = Math.max(0, frame - half), last = Math.min(frames - 1, frame + half);
      let x = 0, z = 0;
      for (let i = first; i <= last; i++) { x += metres(i, 0)[0]; z += metres(i, 0)[2]; }
      at.push([x / (last - first + 1), z / (last - first + 1)]);
    }
    return at;
  }

  function extent() { // metres: how far the dance goes to a side, from any view, and how high
    let side = 0.5, top = 1.9;
    for (let frame = 0; frame < frames; frame++) for (let joint = 0; joint < joints; joint++) {
      const [x, y, z] = metres(frame, joint);
      side = Math.max(side, Math.hypot(x - path[frame][0], z - path[frame][1]));
      top = Math.max(top, y - dance.floor);
    }
    return { side: side + ROOM, top: top + ROOM };
  }

  function draw() {
    waiting = 0;
    const box = canvas.getBoundingClientRect(), ratio = window.devicePixelRatio || 1;
    const width = Math.max(1, Math.round(box.width * ratio)), height = Math.max(1, Math.round(box.height * ratio));
    if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
    const time = audio.currentTime - dance.start;
    const place = Math.min(Math.max(time * dance.fps, 0), frames - 1), frame = Math.floor(place);
    const next = Math.min(frame + 1, frames - 1), part = place - frame;
    const mixed = (joint) => {
      const a = metres(frame, joint), b = metres(next, joint);
      return a.map((value, axis) => value + part * (b[axis] - value));
    };
    const centre = path[frame].map((value, axis) => value + part * (path[next][axis] - value));
    const unit = Math.min(width / (2 * reach.side), height / (reach.top + 2 * reach.side * Math.sin(LOOK_DOWN)));
    const low = height - unit * reach.side * Math.sin(LOOK_DOWN);
    const see = ([x, y, z]) => {
      const [dx, dz] = [x - centre[0], z - centre[1]];
      const near = -Math.sin(turn) * dx + Math.cos(turn) * dz;
      const across = Math.cos(turn) * dx + Math.sin(turn) * dz;
      const up = Math.cos(LOOK_DOWN) * (y - dance.floor) - Math.sin(LOOK_DOWN) * near;
      return [width / 2 + unit * across, low - unit * up, near];
    };
    const ink = getComputedStyle(canvas).color, colour = (joint) => dance.colours[joint] || ink;
    pen.clearRect(0, 0, width, height);
    pen.lineCap = "round";
    floor(see, centre, ink, ratio);
    const body = Array.from({ length: joints }, (_, joint) => mixed(joint)), seen = body.map(see);
    const below = body.map(([x, y, z]) => see([x, dance.floor, z]));
    line(dance.parents.flatMap((parent, joint) => parent < 0 ? [] : [below[joint], below[parent]]), 0.06 * unit, ink, 0.1);
    dance.feet.forEach((joint, foot) => {
      if (!((stands[frame] >> foot) & 1)) return;
      const [x, y] = see([body[joint][0], dance.floor, body[joint][2]]);
      disc(x, y, 0.08 * unit, 0.08 * unit * Math.sin(LOOK_DOWN), colour(joint), 0.75);
    });
    const bones = dance.parents.map((parent, joint) => [joint, parent]).filter(([joint, parent]) => parent >= 0);
    bones.sort(([a, b], [c, d]) => seen[a][2] + seen[b][2] - seen[c][2] - seen[d][2]);
    for (const [joint, parent] of bones) {
      line([seen[joint], seen[parent]], (dance.colours[joint] ? 0.045 : 0.055) * unit, colour(joint), 1);
      if (joint === dance.head) disc(seen[joint][0], seen[joint][1] - 0.05 * unit, 0.1 * unit, 0.1 * unit, ink, 1);
    }
    beat(time, width, ratio, ink);
    if (!audio.paused && !audio.ended) later();
  }

  function floor(see, centre, ink, ratio) { // a line every half metre
    const round = centre.map((value) => Math.round(value * 2) / 2);
    for (let step = -3; step <= 3; step++) {
      const [x, z] = [round[0] + step / 2, round[1] + step / 2];
      line([[x, dance.floor, round[1] - 1.5], [x, dance.floor, round[1] + 1.5]].map(see), ratio, ink, 0.15);
      line([[round[0] - 1.5, dance.floor, z], [round[0] + 1.5, dance.floor, z]].map(see), ratio, ink, 0.15);
    }
  }

  function beat(time, width, ratio, ink) { // the place in the bar, which lights up and fades
    let last = -1;
    while (last + 1 < dance.beats.length && dance.beats[last + 1] <= time) last++;
    if (last < 0) return;
    const first = dance.positions[last] === 0, light = Math.exp((dance.beats[last] - time) / FADE_S);
    const radius = (13 + (first ? 6 : 3) * light) * ratio, x = width - 24 * ratio, y = 24 * ratio;
    disc(x, y, radius, radius, first ? "#e0a100" : "#3a9fb0", 0.25 + 0.75 * light);
    pen.fillStyle = ink;
    pen.font = `600 ${15 * ratio}px system-ui, sans-serif`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(String(dance.positions[last] + 1), x, y);
  }

  function line(ends, width, colour, alpha) { // from the first to the second, the third to the fourth, and so on
    pen.globalAlpha = alpha;
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.beginPath();
    ends.forEach(([x, y], place) => place % 2 ? pen.lineTo(x, y) : pen.moveTo(x, y));
    pen.stroke();
    pen.globalAlpha = 1;
  }

  function disc(x, y, across, up, colour, alpha) {
    pen.globalAlpha = alpha;
    pen.fillStyle = colour;
    pen.beginPath();
    pen.ellipse(x, y, across, up, 0, 0, 2 * Math.PI);
    pen.fill();
    pen.globalAlpha = 1;
  }

  function later() { if (!waiting) waiting = requestAnimationFrame(draw); }
  const stop = new AbortController(), on = (target, name, act) =>
    target.addEventListener(name, act, { signal: stop.signal });
  for (const name of ["play", "pause", "seeked", "timeupdate"]) on(audio, name, later);
  on(canvas, "pointerdown", (event) => { dragged = event.clientX; canvas.setPointerCapture(event.pointerId); });
  on(canvas, "pointermove", (event) => {
    if (dragged === null) return;
    turn += (event.clientX - dragged) * 0.01;
    dragged = event.clientX;
    later();
  });
  for (const name of ["pointerup", "pointercancel"]) on(canvas, name, () => { dragged = null; });
  on(window, "resize", later);
  on(window, "beforeprint", draw);
  on(matchMedia("(prefers-color-scheme: dark)"), "change", later);
  draw();
  return () => { stop.abort(); cancelAnimationFrame(waiting); };
}

addEventListener("DOMContentLoaded", () => {
  for (const canvas of document.querySelectorAll("canvas[data-dance]")) {
    motionbeatPlayer(canvas, canvas.parentNode.querySelector("audio"), JSON.parse(canvas.dataset.dance));
  }
});
