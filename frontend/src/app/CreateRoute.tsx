import { useNavigate, useSearch } from "@tanstack/react-router";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";

import { Only } from "@/components/may/May";
import { CreatePage } from "@/features/generations/CreatePage";
import { Gallery } from "@/features/images/Gallery";
import { GalleryChooser } from "@/features/images/GalleryChooser";

import { takeReuse } from "./reuse";

export function CreateRoute() {
  return (
    <Only rule="create">
      <Create />
    </Only>
  );
}

/** Create with the gallery beside it: two features that know nothing of each other. */
function Create() {
  const search = useSearch({ from: "/create" });
  const navigate = useNavigate();
  const [{ asked, reuse }] = useState(() => ({
    asked: {
      model: search.model,
      finetune: search.finetune,
      prompt: search.prompt,
      version: search.version,
      strength: search.strength,
    },
    reuse: takeReuse(),
  }));
  const show = (id: string | undefined) =>
    void navigate({
      to: "/create",
      search: { image: id },
      replace: search.image !== undefined,
      resetScroll: false,
    });

  useEffect(() => {
    document.title = "Create · fluxtune";
    // What was asked is in the draft now; a refresh must not undo what is typed afterwards.
    if (search.model || search.prompt)
      void navigate({ to: "/create", search: { image: search.image }, replace: true, resetScroll: false });
  }, [navigate, search.image, search.model, search.prompt]);

  return (
    <CreatePage
      asked={asked}
      reuse={reuse}
      onShow={show}
      chooser={(props) => <GalleryChooser {...props} />}
      gallery={({ onReuse, isFramed }) => (
        <Gallery
          shown={search.image}
          onShow={show}
          onReuse={(next) => {
            onReuse(next);
            show(undefined);
          }}
          isFramed={isFramed}
          title={
            <h2>
              Gallery{" "}
              <Link to="/gallery" style={{ fontWeight: 500, fontSize: 13, marginLeft: 6 }}>
                Open large
              </Link>
            </h2>
          }
        />
      )}
    />
  );
}
