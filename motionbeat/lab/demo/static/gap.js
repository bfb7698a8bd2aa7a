// A gap of the dance on the stage: proposed, asked for, and shown between its ends.
"use strict";

const BEATS_OUT = 8, LEAD_S = 2; // beats that are proposed to be taken out; what is played before a gap
let filling = 0; // another number is another way from one end to the other

function onStage(from) { // another dance is shown, with no gap
  source = from;
  gap = null;
  filling = 0;
  $("fill").textContent = "Fill the gap";
}

function proposeGap() { // from a downbeat that leaves some dance before it
  const first = page.beats.findIndex((beat, i) => beat >= Math.min(4, page.seconds / 3) && page.positions[i] === 0);
  const begin = Math.max(0, first), last = Math.min(begin + BEATS_OUT, page.beats.length - 1);
  const end = Math.min(page.beats[last], page.beats[begin] + about.gap_s[1], page.seconds - 0.5);
  $("gapbegin").value = page.beats[begin].toFixed(1);
  $("gapend").value = end.toFixed(1);
  $("gapbegin").max = $("gapend").max = page.seconds.toFixed(1);
}

function fillGap(event) {
  event.preventDefault();
  if (!source) { complain(new Error("choose a dance, or make one, before you fill a gap of it")); return; }
  const ends = [$("gapbegin").valueAsNumber, $("gapend").valueAsNumber], [least, most] = about.gap_s;
  if (!(ends[1] - ends[0] >= least && ends[1] - ends[0] <= most)) {
    complain(new Error(`write where the gap begins and ends, ${least} to ${most} s apart`));
    return;
  }
  const query = new URLSearchParams({ ...source, begin_s: ends[0], end_s: ends[1], seed: filling });
  ordered($("fill"), `/api/songs/${page.song}/filling?${query}`, "Fill it another way", () => {
    gap = ends;
    filling += 1;
    audio.currentTime = Math.max(0, ends[0] - LEAD_S);
  });
}

$("gapform").addEventListener("submit", fillGap);
for (const name of ["gapbegin", "gapend"]) $(name).addEventListener("input", () => {
  filling = 0;
  $("fill").textContent = "Fill the gap";
});
