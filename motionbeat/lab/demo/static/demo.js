// The page: send a file, wait for its turn, show what was found, and keep sound, dancer and pictures in step.
"use strict";

const $ = (name) => document.getElementById(name);
const audio = $("audio"), preview = $("preview"), POLL_MS = 500;
let page = null; // what is shown
let chosen = null; // the row whose dance (or music) is on
let circle = null, removePlayer = null, danced = null, shift = 0, seed = 0, about = null, turn = 0;
let source = null, gap = null; // what the dance on the stage is made from, for the server; where it was filled, s

const spoken = (seconds) => {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
};

const figure = (value) => value.toFixed(2).replace("-", "\u2212");

async function asked(address, options) { // JSON, or the server's sentence as an Error
  let answer;
  try { answer = await fetch(address, options); } catch {
    throw new Error("The demo does not answer: is it still running in its terminal?");
  }
  const told = await answer.json().catch(() => ({ error: `The demo answers with status ${answer.status}.` }));
  if (!answer.ok) throw new Error(told.error);
  return told;
}

async function worked(address, options, show) { // the answer of a job, once its turn has come
  let told = await asked(address, options);
  while (told.state === "waiting" || told.state === "working") {
    show(told);
    await new Promise((resume) => setTimeout(resume, POLL_MS));
    told = await asked(`/api/jobs/${told.job}`);
  }
  if (told.state === "failed") throw new Error(told.error);
  return told.answer;
}

function only(part) {
  for (const name of ["start", "status", "result"]) $(name).hidden = name !== part;
  $("again").hidden = part !== "result";
}

function complain(error) {
  const named = /^\S+\.\w+ /.test(error.message); // a sentence that begins with a file's name
  const text = named ? error.message : error.message.charAt(0).toUpperCase() + error.message.slice(1);
  $("error").textContent = /[.?!]$/.test(text) ? text : `${text}.`;
  $("error").hidden = false;
  $("error").scrollIntoView({ block: "nearest" });
}

function progress(told) {
  const waits = told.state === "waiting";
  $("step").textContent = waits ? "In the queue" : `${(told.step || "starting").replace(/^./, (c) => c.toUpperCase())} …`;
  $("ahead").textContent = !waits ? "" : told.ahead ? `${told.ahead} before you, about ${told.seconds} s` : "You are next";
}

async function open(address, options) {
  const mine = ++turn;
  stop();
  $("error").hidden = true;
  $("step").textContent = "Sending …";
  $("ahead").textContent = "";
  only("status");
  try {
    const answer = await worked(address, options, progress);
    if (mine === turn) show(answer);
  } catch (error) {
    if (mine !== turn) return;
    only(page ? "result" : "start");
    complain(error);
  }
}

function send(file) {
  if (!file || !about) return;
  if (file.size > about.megabytes * 2 ** 20) {
    complain(new Error(`${file.name} has more than ${about.megabytes} MB: send a smaller file`));
    return;
  }
  const query = new URLSearchParams({ name: file.name });
  if ($("bpm").value) query.set("bpm", $("bpm").value);
  open(`/api/files?${query}`, { method: "POST", body: file });
}

function stop() {
  audio.pause();
  preview.pause();
}

function show(answer) {
  page = answer;
  chosen = danced = circle = null;
  onStage(null);
  shift = seed = 0;
  only("result");
  const song = page.kind === "song";
  document.title = `${page.title} · MotionBeat`;
  $("title").textContent = page.title;
  const facts = [`${page.bpm} beats a minute`];
  if (song) facts.push(page.downbeats ? `${page.beats_per_bar} beats a bar` : "no downbeats: bars of 4 are counted");
  else if (!page.bpm_given) facts[0] += ", estimated from the steps";
  facts.push(page.whole_s ? `the first ${spoken(page.seconds)} of ${spoken(page.whole_s)}` : spoken(page.seconds));
  $("facts").textContent = facts.join(" · ");
  $("dancing").textContent = song ? "Dances that fit" : "Music that fits";
  $("make").hidden = $("gapform").hidden = !song;
  $("make").textContent = "Make a dance";
  $("barcard").hidden = $("alikecard").hidden = !song;
  $("seek").max = page.seconds;
  $("play").disabled = !song;
  audio.playbackRate = audio.defaultPlaybackRate = 1;
  if (song) audio.src = page.sound; else audio.removeAttribute("src");
  fill($("choices"), song ? page.dances : page.songs, choose, song ? danceNote : songNote);
  $("choicenote").textContent = note(song ? page.dances : page.songs, song ? "dance" : "song");
  wear(null);
  if (song) {
    circle = drawCircle($("circle"), page.bar);
    $("circle").setAttribute("aria-label", described(page.bar));
    $("shift").max = page.bar.plain.length - 1;
    fill($("songs"), page.songs, listen, songNote);
    setShift(0);
    proposeGap();
  } else wear(page.dance);
  const first = $("choices").querySelector("button:not(:disabled)");
  if (first) first.click();
  draw();
  scrollTo(0, 0);
  $("title").focus();
}

function note(rows, kind) {
  if (!rows.length) return `The library has no ${kind}.`;
  return rows.some((row) => row.near) ? "" : `No ${kind} of the library has this tempo: these are fitted to it.`;
}

const danceNote = (row) => `${row.bpm} BPM${Math.abs(row.speed - 1) > 0.02 ? `, danced at ${row.speed.toFixed(2)}×` : ""}`;
const songNote = (row) => `${row.bpm} BPM, from ${spoken(row.fits_s[0])}${
  page.kind === "dance" && Math.abs(row.speed - 1) > 0.02 ? `, played at ${row.speed.toFixed(2)}×` : ""}`;

function fill(list, rows, act, what) {
  list.replaceChildren(...rows.flatMap((row, place) => {
    const item = document.createElement("li"), button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", "false");
    button.disabled = !row.there;
    for (const [kind, text] of [["name", row.title], ["score", figure(row.score)],
      ["what", row.there ? what(row) : "its file is gone"]]) {
      const part = document.createElement("span");
      part.className = kind;
      part.textContent = text;
      button.append(part);
    }
    button.querySelector(".score").title = "mean cosine of the best place, at most 1";
    button.addEventListener("click", () => act(row, button));
    item.append(button);
    if (row.near || !place || !rows[place - 1].near) return [item];
    const heading = document.createElement("li");
    heading.className = "heading";
    heading.textContent = "At another tempo";
    return [heading, item];
  }));
}

function press(list, button) {
  for (const other of list.querySelectorAll("button")) other.setAttribute("aria-pressed", String(other === button));
}

async function choose(row, button) { // a dance for the song, or music for the dance
  const mine = page;
  chosen = row;
  press($("choices"), button);
  if (page.kind === "dance") {
    const played = !audio.paused;
    audio.src = `/api/pieces/${row.piece}/sound`;
    audio.currentTime = row.fits_s[0];
    audio.playbackRate = audio.defaultPlaybackRate = row.speed;
    $("play").disabled = false;
    wear(page.dance);
    if (played) audio.play().catch(complain);
    draw();
    return;
  }
  try {
    const dance = await asked(`/api/pieces/${row.piece}/dance`);
    if (page !== mine || chosen !== row) return;
    onStage({ piece: row.piece });
    wear(dance);
  } catch (error) { complain(error); }
}

async function ordered(button, address, again, act) { // a dance that is made for this page; again: the button's next name
  const mine = page;
  let name = button.textContent;
  button.disabled = true;
  $("error").hidden = true;
  try {
    const made = await worked(address, { method: "POST" }, (told) => {
      if (page === mine) button.textContent = told.state === "waiting" && told.ahead ? `${told.ahead} before you` : "Dancing …";
    });
    if (page !== mine) return;
    name = again;
    chosen = null;
    act();
    wear(made.dance);
    draw();
    if (audio.paused) audio.play().catch(complain);
  } catch (error) { complain(error); } finally {
    button.disabled = false;
    if (page === mine) button.textContent = name;
  }
}

function make() {
  ordered($("make"), `/api/songs/${page.song}/dance?seed=${seed}`, "Make another dance", () => {
    onStage({ made: seed++ });
    press($("choices"), null);
  });
}

function time() { // s in what the page shows
  return page && page.kind === "dance" ? danceTime() : audio.currentTime;
}

function danceTime() { // s in the dance that is drawn
  const round = (value, length) => ((value % length) + length) % length;
  if (!chosen) return page.kind === "dance" ? 0 : audio.currentTime;
  const [q, f] = [chosen.query_s, chosen.fits_s];
  if (page.kind === "dance") return round(q[0] + (audio.currentTime - f[0]) / chosen.speed, page.seconds);
  return f[0] + round(audio.currentTime - q[0], q[1] - q[0]) * chosen.speed; // the stretch that fits, again and again
}

function wear(dance) { // put a dance on the stage; one accent colour: the left limbs
  if (removePlayer) removePlayer();
  removePlayer = null;
  danced = dance;
  $("empty").hidden = dance !== null;
  $("dancer").hidden = dance === null;
  if (dance === null) return;
  const left = dance.colours[4], accent = colours().accent;
  const clock = {
    get currentTime() { return danceTime(); },
    get paused() { return audio.paused; },
    get ended() { return audio.ended; },
    addEventListener: audio.addEventListener.bind(audio),
  };
  const painted = dance.colours.map((colour) => (colour === left ? accent : ""));
  removePlayer = motionbeatPlayer($("dancer"), clock, { ...dance, colours: painted });
}

function listen(row, button) { // a song that is alike, from where it is
  const on = button.getAttribute("aria-pressed") === "true";
  stop();
  press($("songs"), null);
  if (on) return;
  press($("songs"), button);
  preview.src = `/api/pieces/${row.piece}/sound`;
  preview.currentTime = row.fits_s[0];
  preview.play().catch(complain);
}

function setShift(value) {
  const most = page.bar.plain.length - 1, beats = page.bar.measured.length;
  shift = Math.min(Math.max(value, 0), most);
  $("shift").value = shift;
  $("earlier").disabled = shift === 0;
  $("later").disabled = shift === most;
  const name = shift === 1 ? "1 beat later" : `${shift} beats later`;
  $("shiftname").textContent = shift ? name : "Shift by a beat";
  $("shift").setAttribute("aria-valuetext", shift ? name : "not shifted");
  circle.turn(shift);
  const alike = figure(page.bar.plain[shift]), turned = page.bar.turned.length ? figure(page.bar.turned[shift]) : null;
  let text = "Begin the song some beats later, and see what becomes of its bar and of its embedding.";
  if (shift) {
    text = `The bar turns by ${Math.round(360 * shift / beats)}°. The embedding is ${alike} alike`;
    text += turned ? `; turned by as much, ${turned}.` : ".";
  }
  $("shifttext").textContent = text;
  drawCurves($("curves"), page.bar, shift);
  $("curves").setAttribute("aria-label", `Cosine of the embedding with itself some beats later: ${
    page.bar.plain.map((value, i) => `${i}: ${figure(value)}`).join(", ")}`);
}

function described(bar) {
  const sums = bar.measured.map((beat) => beat.reduce((sum, value) => sum + value, 0));
  const whole = sums.reduce((sum, value) => sum + value, 0) || 1;
  return `Accents around the bar: ${sums.map((sum, i) => `beat ${i + 1}, ${Math.round(100 * sum / whole)} %`).join("; ")}`;
}

function draw() {
  if (!page || $("result").hidden) return;
  const now = time(), stretch = chosen ? chosen.query_s : null;
  drawOverview($("overview"), page, now, stretch, gap);
  drawStrip($("strip"), page, now, gap);
  $("dancer").classList.toggle("filled", gap !== null && gap[0] <= now && now < gap[1]);
  $("clock").textContent = `${spoken(now)} / ${spoken(page.seconds)}`;
  if (document.activeElement !== $("seek") || !audio.paused) $("seek").value = now;
  $("seek").setAttribute("aria-valuetext", spoken(now));
  if (circle) circle.point(barPlace(now));
}

function barPlace(now) { // beats since the downbeat, with the shift
  let last = page.beats.findLastIndex((beat) => beat <= now);
  if (last < 0) last = 0;
  const next = page.beats[last + 1] ?? page.beats[last] + 0.5;
  return page.positions[last] + Math.min(1, Math.max(0, (now - page.beats[last]) / (next - page.beats[last]))) - shift;
}

function frame() {
  draw();
  if (!audio.paused) requestAnimationFrame(frame);
}

function seek(seconds) {
  if (page.kind === "song") audio.currentTime = seconds;
  else if (chosen) audio.currentTime = Math.max(0, chosen.fits_s[0] + (seconds - chosen.query_s[0]) * chosen.speed);
  draw();
}

function toggle() {
  preview.pause();
  press($("songs"), null);
  if (audio.paused) audio.play().catch(complain); else audio.pause();
}

for (const name of ["play", "pause", "ended"]) audio.addEventListener(name, () => {
  $("play").setAttribute("aria-label", audio.paused ? "Play" : "Pause");
  frame();
});
for (const name of ["seeked", "loadedmetadata"]) audio.addEventListener(name, draw);
for (const player of [audio, preview]) player.addEventListener("error", () => {
  if (player.hasAttribute("src")) complain(new Error("This browser cannot play that sound."));
});
preview.addEventListener("ended", () => press($("songs"), null));
$("play").addEventListener("click", toggle);
$("make").addEventListener("click", make);
$("seek").addEventListener("input", () => seek(Number($("seek").value)));
$("shift").addEventListener("input", () => setShift(Number($("shift").value)));
$("earlier").addEventListener("click", () => setShift(shift - 1));
$("later").addEventListener("click", () => setShift(shift + 1));
$("file").addEventListener("change", () => { send($("file").files[0]); $("file").value = ""; });
$("again").addEventListener("click", () => {
  stop();
  wear(null);
  page = chosen = circle = null;
  document.title = "MotionBeat";
  only("start");
  $("file").focus();
});
addEventListener("keydown", (event) => {
  if (event.key === " " && page && !event.target.closest("button, input, summary")) { event.preventDefault(); toggle(); }
});
addEventListener("dragover", (event) => { event.preventDefault(); $("drop").classList.add("over"); });
addEventListener("dragleave", () => $("drop").classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  $("drop").classList.remove("over");
  send(event.dataTransfer.files[0]);
});
addEventListener("resize", () => { draw(); if (circle) setShift(shift); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { draw(); wear(danced); });

asked("/api/about").then((told) => {
  about = told;
  $("file").accept = about.endings.join(",");
  $("bounds").textContent = `Songs as mp3, wav, flac, ogg and more; dances as bvh, npz, pkl or npy. At most ${
    about.megabytes} MB; the first ${spoken(about.seconds)} are used.`;
  for (const example of about.examples) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = example.title;
    button.addEventListener("click", () => open(`/api/pieces/${example.piece}/analysis`, { method: "POST" }));
    $("examples").append(button);
  }
  $("examples").hidden = !about.examples.length;
}).catch(complain);
