import { describe, expect, it } from "vitest";

import {
  add,
  asLayer,
  brushOf,
  coverage,
  coverageText,
  drawStroke,
  NO_HISTORY,
  redo,
  undo,
  within,
  type Stroke,
} from "./strokes";

const stroke: Stroke = { kind: "stroke", isEraser: false, radius: 5, points: [{ x: 10, y: 20 }] };

describe("what was done", () => {
  it("is taken back and done again, one by one", () => {
    const two = add(add(NO_HISTORY, stroke), { kind: "invert" });
    const one = undo(two);
    expect(one.done).toEqual([stroke]);
    expect(redo(one)).toEqual(two);
    expect(undo(undo(undo(two))).done).toEqual([]);
    expect(redo(undo(undo(two))).done).toEqual([stroke]);
  });
  it("can't be done again after something else was done", () => {
    const other = add(undo(add(NO_HISTORY, stroke)), { kind: "clear" });
    expect(redo(other)).toEqual(other);
  });
});

describe("the brush", () => {
  it("is as thick as the image needs", () => {
    const large = brushOf({ width: 4000, height: 3000 });
    expect(large.least).toBeLessThan(large.usual);
    expect(large.usual).toBeLessThan(large.most);
    const tiny = brushOf({ width: 16, height: 16 });
    expect(tiny.least).toBeGreaterThanOrEqual(1);
    expect(tiny.usual).toBeLessThanOrEqual(tiny.most);
  });
  it("stays within the image", () => {
    expect(within({ x: -4, y: 90 }, { width: 80, height: 60 })).toEqual({ x: 0, y: 60 });
  });
  it("draws a dot for one point, scaled, and only what is new of a line", () => {
    const calls: [string, number, number][] = [];
    const pen = {
      globalCompositeOperation: "source-over" as GlobalCompositeOperation,
      lineWidth: 1,
      lineCap: "butt" as CanvasLineCap,
      lineJoin: "miter" as CanvasLineJoin,
      strokeStyle: "",
      beginPath: () => undefined,
      stroke: () => undefined,
      moveTo: (x: number, y: number) => calls.push(["move", x, y]),
      lineTo: (x: number, y: number) => calls.push(["line", x, y]),
    };
    drawStroke(pen, stroke, 0.5);
    expect(pen.lineWidth).toBe(5);
    expect(calls).toEqual([
      ["move", 5, 10],
      ["line", 5, 10],
      ["line", 5.01, 10], // without any length a browser draws nothing
    ]);
    calls.length = 0;
    const longer = { ...stroke, isEraser: true, points: [...stroke.points, { x: 30, y: 20 }] };
    drawStroke(pen, longer, 0.5, 1);
    expect(pen.globalCompositeOperation).toBe("destination-out");
    expect(calls).toEqual([
      ["move", 5, 10],
      ["line", 15, 10],
    ]);
  });
});

describe("a layer", () => {
  it("is clear where a mask is black or clear", () => {
    const pixels = new Uint8ClampedArray([255, 255, 255, 255, 0, 0, 0, 255, 255, 255, 255, 0]);
    asLayer(pixels);
    expect([pixels[3], pixels[7], pixels[11]]).toEqual([255, 0, 0]);
    expect(coverage(pixels)).toBeCloseTo(1 / 3);
  });
  it("says how much is painted", () => {
    expect(coverageText(0)).toContain("Nothing");
    expect(coverageText(0.004)).toContain("Less than 1 %");
    expect(coverageText(0.25)).toBe("25 % is painted.");
  });
});
