import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Turns } from "./turns";

let frames: FrameRequestCallback[] = [];
let clock = 0;

beforeEach(() => {
  frames = [];
  clock = 0;
  vi.stubGlobal("requestAnimationFrame", (serve: FrameRequestCallback) => frames.push(serve));
  vi.spyOn(performance, "now").mockImplementation(() => clock);
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const nextFrame = () => frames.shift()?.(clock);
/** The frame in which they came, and the one after it. */
const firstTurn = () => {
  nextFrame();
  nextFrame();
};

/** Cards that take so many milliseconds each, and the names of those that were drawn. */
function line(turns: Turns, names: string[], cost: number) {
  const drawn: string[] = [];
  const leave = names.map((name) =>
    turns.join(() => {
      clock += cost;
      drawn.push(name);
    }),
  );
  return { drawn, leave };
}

test("a frame draws what its time allows, in the order of the line", () => {
  const { drawn } = line(new Turns(), ["a", "b", "c", "d"], 1);
  nextFrame();
  expect(drawn).toEqual([]);
  nextFrame();
  expect(drawn).toEqual(["a", "b"]);
  nextFrame();
  expect(drawn).toEqual(["a", "b", "c", "d"]);
  expect(frames).toHaveLength(0);
});

test("a card that takes longer than a frame is drawn all the same", () => {
  const { drawn } = line(new Turns(), ["a", "b"], 40);
  firstTurn();
  expect(drawn).toEqual(["a"]);
  nextFrame();
  expect(drawn).toEqual(["a", "b"]);
});

test("who was scrolled out of sight is not drawn", () => {
  const { drawn, leave } = line(new Turns(), ["a", "b"], 1);
  leave[0]();
  firstTurn();
  expect(drawn).toEqual(["b"]);
});

test("after the line was empty the next one starts a frame of its own", () => {
  const turns = new Turns();
  line(turns, ["a"], 1);
  firstTurn();
  const { drawn } = line(turns, ["b"], 1);
  firstTurn();
  expect(drawn).toEqual(["b"]);
});
