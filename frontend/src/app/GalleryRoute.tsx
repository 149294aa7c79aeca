import { Button } from "@mantine/core";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";

import { Page } from "@/components/Page";
import { Gallery } from "@/features/images/Gallery";

import { keepReuse } from "./reuse";

export function GalleryRoute() {
  const { image, model } = useSearch({ from: "/gallery" });
  const navigate = useNavigate();
  return (
    <Page title="Gallery" width="full" sub="Everything made here, with its recipe.">
      <Gallery
        shown={image}
        onShow={(id) =>
          void navigate({
            to: "/gallery",
            search: (old) => ({ ...old, image: id }),
            replace: image !== undefined,
            resetScroll: false,
          })
        }
        onReuse={(reuse) => {
          keepReuse(reuse);
          void navigate({ to: "/create" });
        }}
        initialModel={model}
        title={<h2>All images</h2>}
        size="large"
        emptyAction={
          <Button component={Link} to="/create" variant="primary">
            Make images
          </Button>
        }
      />
    </Page>
  );
}
