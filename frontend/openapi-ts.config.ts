import { readFileSync } from "node:fs";

import { defineConfig } from "@hey-api/openapi-ts";

type Operation = { operationId?: string };

// The contract is committed beside this folder; the client made from it is not.
const contract = JSON.parse(readFileSync(new URL("../openapi.json", import.meta.url), "utf8")) as {
  paths: Record<string, Record<string, Operation>>;
};

// FastAPI appends path and method to an operation's name: list_datasets_api_datasets_get.
for (const operations of Object.values(contract.paths)) {
  for (const operation of Object.values(operations)) {
    operation.operationId = operation.operationId?.split("_api_")[0];
  }
}

export default defineConfig({
  input: contract,
  output: { path: "src/api/generated" },
  plugins: ["@hey-api/client-fetch", "@hey-api/typescript", "@hey-api/sdk"],
});
