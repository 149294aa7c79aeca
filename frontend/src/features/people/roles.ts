/** What each role may, as people read it. Each may what those before may. */
export const ROLES = [
  { value: "viewer", label: "Viewer", text: "sees what is shared" },
  { value: "creator", label: "Creator", text: "makes datasets and images" },
  { value: "trainer", label: "Trainer", text: "starts finetunes and changes models" },
  {
    value: "administrator",
    label: "Administrator",
    text: "people, keys, settings, and everything anybody made",
  },
] as const;

export type RoleName = (typeof ROLES)[number]["value"];
