import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createElement as h, type ReactNode } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, it } from "vitest";

import { sessionQuery } from "@/api/queries";
import { sharingQuery } from "@/api/sharing";

import { Changing, Fields, May, Only, useStanding, WhyNot } from "./May";
import { FREE } from "./standing";

function clientOf(role: string, permissions: string[]) {
  const client = new QueryClient();
  client.setQueryData(sessionQuery.queryKey, { role, permissions, is_team: true } as never);
  return client;
}

const drawn = (client: QueryClient, what: ReactNode) =>
  renderToStaticMarkup(h(QueryClientProvider, { client }, h(MantineProvider, null, what))).replace(
    /<style[\s\S]*?<\/style>/g,
    "",
  );

const viewer = () => clientOf("viewer", ["read"]);
const creator = () => clientOf("creator", ["read", "create"]);

function Dataset() {
  const standing = useStanding("dataset", "d1");
  return h(Changing, {
    by: standing,
    children: [h(WhyNot, { key: 1 }), h(May, { key: 2, children: "remove" })],
  });
}

describe("what is shown to whom", () => {
  it("shows what is under a rule to who holds it", () => {
    expect(drawn(creator(), h(May, { rule: "create", children: "make" }))).toBe("make");
    expect(drawn(viewer(), h(May, { rule: "create", children: "make" }))).toBe("");
  });

  it("shows the reason in place of what changes a thing", () => {
    const client = creator();
    client.setQueryData(sharingQuery("dataset", "d1").queryKey, { owner: "Ada", may_change: false } as never);
    const page = drawn(client, h(Dataset));
    expect(page).toContain("it is Ada’s");
    expect(page).not.toContain("remove");
    client.setQueryData(sharingQuery("dataset", "d1").queryKey, { owner: "Ada", may_change: true } as never);
    expect(drawn(client, h(Dataset))).toBe("remove");
  });

  it("shows fields to all, and lets who may type into them", () => {
    const field = h(Fields, { children: h("input") });
    const closed = h(Changing, { by: { may: false, why: "" }, children: field });
    expect(drawn(viewer(), closed)).toContain("disabled");
    expect(drawn(creator(), h(Changing, { by: FREE, children: field }))).not.toContain("disabled");
  });

  it("says of a whole page what it takes", () => {
    expect(drawn(viewer(), h(Only, { rule: "train", children: "page" }))).toContain("the role of a trainer");
    expect(drawn(clientOf("trainer", ["train"]), h(Only, { rule: "train", children: "page" }))).toBe("page");
  });
});
