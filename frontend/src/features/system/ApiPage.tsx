import "swagger-ui-dist/swagger-ui.css";
import "./swagger.css";

import { Skeleton } from "@mantine/core";
import { useEffect, useRef, useState } from "react";

import { Page } from "@/components/Page";
import { ErrorState } from "@/components/ProblemCard";

/** The API's own description, drawn by a library that is loaded only here and asks nobody but this studio. */
export function ApiPage() {
  const box = useRef<HTMLDivElement>(null);
  const [error, setError] = useState<unknown>(null);
  const [isHere, setHere] = useState(false);
  useEffect(() => {
    let isGone = false;
    import("swagger-ui-dist/swagger-ui-es-bundle")
      .then(({ default: SwaggerUI }) => {
        if (isGone || !box.current) return;
        SwaggerUI({
          domNode: box.current,
          url: "/api/openapi.json",
          validatorUrl: null,
          docExpansion: "list",
          defaultModelsExpandDepth: 0,
          deepLinking: false,
          onComplete: () => setHere(true),
        });
      })
      .catch(setError);
    return () => {
      isGone = true;
    };
  }, []);
  return (
    <Page
      title="API reference"
      sub={
        <>
          Everything the screens do, over HTTP. The description itself is at{" "}
          <a href="/api/openapi.json">/api/openapi.json</a>.
        </>
      }
    >
      {error !== null && <ErrorState error={error} />}
      {!isHere && error === null && <Skeleton height={320} />}
      <div ref={box} className="api-reference" />
    </Page>
  );
}
