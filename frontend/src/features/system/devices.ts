// In this order: Edge and Opera call themselves Chrome too, and that calls itself Safari.
const BROWSERS: [RegExp, string][] = [
  [/Edg\//, "Edge"],
  [/OPR\//, "Opera"],
  [/Firefox\//, "Firefox"],
  [/Chrom(e|ium)\//, "Chrome"],
  [/Safari\//, "Safari"],
];
const SYSTEMS: [RegExp, string][] = [
  [/iPhone|iPad/, "iOS"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS X/, "macOS"],
  [/Linux/, "Linux"],
];

const first = (known: [RegExp, string][], text: string) => known.find(([pattern]) => pattern.test(text))?.[1];

/** What a browser calls itself, as people would: “Firefox on Linux”. */
export function nameOf(device: string): string {
  const browser = first(BROWSERS, device);
  const system = first(SYSTEMS, device);
  if (browser && system) return `${browser} on ${system}`;
  return browser ?? (device.split(/[\s/]/)[0] || "A browser");
}
